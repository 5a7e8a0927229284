"""What a run will come to, from a few of its calls.

The calls are real, paid and journaled, so the run asks none of them again. Units (documents, records) are
drawn from all parts of the run; the ranges are 95 % confidence intervals of the sum over all units.
"""

import math
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from personahub.completion import Completion
from personahub.errors import UserError

__all__ = ["SAMPLED", "Estimate", "Estimator", "Range", "spread"]

SAMPLED = 5
"""Units that are asked."""
# Student's t, two-sided 95 %, by degrees of freedom.
_T = {1: 12.71, 2: 4.30, 3: 3.18, 4: 2.78, 5: 2.57, 6: 2.45, 7: 2.36, 8: 2.31, 9: 2.26}


@dataclass(frozen=True, slots=True)
class Range:
    """From a low to a high value."""

    low: float
    high: float

    def times(self, low: float, high: float) -> "Range":
        """The range scaled, its low end by one factor and its high end by another."""
        return Range(self.low * low, self.high * high)


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a run will come to in all, what was asked already included.

    Attributes:
        unit: what is counted, "documents" or "records".
        units: how many of them; where nobody knows, 1,000.
        known: whether the number of units is known.
        sampled: units that were asked for the estimate.
        failed: calls for them that were given up; what they might have used is not in the estimate.
        calls: calls.
        prompt_tokens: tokens of prompts.
        completion_tokens: tokens of replies.
        cost: US dollars; None where the price is not known.
        seconds: wall time; its low end if the endpoints keep their speed at the full concurrency, its high
            end if they are no faster than they were for the sample.
    """

    unit: str
    units: int
    known: bool
    sampled: int
    failed: int
    calls: Range
    prompt_tokens: Range
    completion_tokens: Range
    cost: Range | None
    seconds: Range


@dataclass
class Estimator:
    """Gathers the completions of the units that are asked.

    Args:
        unit: what is counted.
        units: how many of them the run has; None where nobody knows.
        concurrency: requests at a time, at all endpoints together.
    """

    unit: str
    units: int | None
    concurrency: int
    _calls: dict[str, list[Completion]] = field(default_factory=dict)

    def add(self, unit: str, completion: Completion) -> None:
        """Count a completion of the unit with this id."""
        self._calls.setdefault(unit, []).append(completion)

    def estimate(self, *, repeated: float, needed: Range | None = None) -> Estimate | None:
        """The estimate; None where nothing was asked.

        Args:
            repeated: calls for one that is answered, those after faults included.
            needed: units that have to be asked for one that is kept.

        Raises:
            UserError: none of the calls was answered.
        """
        sampled = list(self._calls.values())
        if not sampled:
            return None
        answered = [completion for unit in sampled for completion in unit if not completion.failure]
        failures = [completion.failure for unit in sampled for completion in unit if completion.failure]
        if not answered:
            reason, count = Counter(failure.reason for failure in failures).most_common(1)[0]
            detail = next(failure.detail for failure in failures if failure.reason == reason)
            raise UserError(
                f"none of the {len(failures)} calls made for the estimate was answered"
                f" ({reason} {count}: {detail}), so there is nothing to estimate from"
            )
        count = self.units if self.units is not None else 1000
        factor = needed or Range(1.0, 1.0)

        def total(values: Sequence[float]) -> Range:
            return _total(values, count).times(factor.low, factor.high)

        again = max(repeated, 1.0)
        costs = [completion.cost for completion in answered]
        seconds = total([sum(completion.seconds for completion in unit) for unit in sampled])
        parallel = min(self.concurrency, sum(map(len, sampled)))
        return Estimate(
            unit=self.unit,
            units=count,
            known=self.units is not None,
            sampled=len(sampled),
            failed=len(failures),
            calls=total([float(len(unit)) for unit in sampled]).times(1.0, again),
            prompt_tokens=total([_sum(unit, "prompt_tokens") for unit in sampled]).times(1.0, again),
            completion_tokens=total([_sum(unit, "completion_tokens") for unit in sampled]).times(1.0, again),
            cost=None if None in costs else total([_cost(unit) for unit in sampled]).times(1.0, again),
            seconds=Range(seconds.low / self.concurrency, seconds.high / parallel),
        )


def _cost(unit: Sequence[Completion]) -> float:
    return sum(completion.cost or 0.0 for completion in unit)


def _sum(unit: Sequence[Completion], name: str) -> float:
    return float(sum(getattr(completion.usage, name) or 0 for completion in unit))


def _total(values: Sequence[float], count: int) -> Range:
    """Confidence interval of the sum over ``count`` units from those in hand, which are among them."""
    size = len(values)
    mean = sum(values) / size
    if size >= count:
        return Range(mean * count, mean * count)
    if size == 1:
        return Range(mean * count / 2, mean * count * 2)
    variance = sum((value - mean) ** 2 for value in values) / (size - 1)
    error = _T.get(size - 1, 2.0) * math.sqrt(variance / size * (1 - size / count))
    return Range(max(mean - error, min(values), 0.0) * count, (mean + error) * count)


def spread(count: int | None, wanted: int = SAMPLED) -> set[int]:
    """The places of the units to ask: one drawn from each fifth, or the first where nobody knows how many.

    Drawn and not at even distances, since sources repeat themselves; always the same ones of so many.
    """
    if count is None or count <= wanted:
        return set(range(wanted))
    chance = random.Random(count)
    return {int((place + chance.random()) * count / wanted) for place in range(wanted)}
