"""What the entries of a journal cost: sums that are kept as entries come."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Self

from personahub.completion.journal.entry import Entry, EntryKind

__all__ = ["Spent", "SpentBy", "merge_spent", "spent_from_json", "spent_to_json"]


@dataclass(slots=True)
class Spent:
    """Sums over entries."""

    replies: int = 0
    """Those whose texts were taken out since among them."""
    wasted: int = 0
    failures: int = 0
    prompt_tokens: int = 0
    """The sum of what was told; so are the next two."""
    cached_tokens: int = 0
    completion_tokens: int = 0
    untold: int = 0
    """Replies and wasted attempts whose prompt or completion tokens were not told."""
    cost: float = 0.0
    """US dollars, the sum of what is known."""
    unpriced: int = 0
    """Replies and wasted attempts whose cost is not known."""
    seconds: float = 0.0
    most_tokens: int = 0
    """What may have been used beside, at most, by attempts whose tokens were not told."""
    most_cost: float = 0.0
    failures_by_reason: dict[str, int] = field(default_factory=dict)

    def add(self, entry: Entry) -> None:
        """Count one entry."""
        if entry.kind is EntryKind.FAILURE:
            self.failures += 1
            self.failures_by_reason[entry.reason] = self.failures_by_reason.get(entry.reason, 0) + 1
        else:
            if entry.kind in {EntryKind.REPLY, EntryKind.FORGOTTEN}:
                self.replies += 1
            else:
                self.wasted += 1
            self.untold += entry.prompt_tokens is None or entry.completion_tokens is None
            self.unpriced += entry.cost is None
        self.prompt_tokens += entry.prompt_tokens or 0
        self.cached_tokens += entry.cached_tokens or 0
        self.completion_tokens += entry.completion_tokens or 0
        self.cost += entry.cost or 0.0
        self.seconds += entry.seconds
        self.most_tokens += entry.most_tokens
        self.most_cost += entry.most_cost

    def __iadd__(self, other: "Spent") -> Self:
        """Count what the other counted."""
        for name in self.__slots__:
            if name != "failures_by_reason":
                setattr(self, name, getattr(self, name) + getattr(other, name))
        for reason, count in other.failures_by_reason.items():
            self.failures_by_reason[reason] = self.failures_by_reason.get(reason, 0) + count
        return self


SpentBy = dict[tuple[int, str], Spent]
"""Sums by run and model."""


def merge_spent(into: SpentBy, other: Mapping[tuple[int, str], Spent]) -> None:
    """Add the sums of ``other``, which shares nothing with ``into`` afterwards."""
    for who, spent in other.items():
        into.setdefault(who, Spent()).__iadd__(spent)


def spent_to_json(spent: Mapping[tuple[int, str], Spent]) -> str:
    """The sums as JSON in ASCII."""
    return json.dumps([[run, model, asdict(sums)] for (run, model), sums in spent.items()])


def spent_from_json(text: str | bytes) -> SpentBy:
    """The sums that :func:`spent_to_json` wrote."""
    return {(run, model): Spent(**sums) for run, model, sums in json.loads(text)}
