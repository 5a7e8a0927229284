"""Whether a problem can be worked out from what it says, as a model reads it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from personahub.models import Request, Sampling
from personahub.verification.findings import Checking, Finding, Item, Question
from personahub.verification.wording import load_prompt

__all__ = ["WellPosed"]

_REASONS = {
    "missing": "missing_data",
    "contradiction": "contradiction",
    "answer_inside": "answer_inside",
    "no_problem": "not_a_problem",
}


@dataclass
class WellPosed:
    """Has a problem read by a judge, several times where that is asked for; most readings decide.

    A judge is no proof: :mod:`docs/verification.md` says how often the default model agrees with people.

    Attributes:
        model: identity of the judge.
        readings: how many; the first without randomness.
        seed: of the readings.
    """

    model: str
    readings: int = 1
    seed: int = 0
    name: str = field(default="well-posed", init=False)

    @property
    def version(self) -> Mapping[str, Any]:
        """What decides a finding, for what identifies a run."""
        return {"prompt": load_prompt("well_posed").version, "readings": self.readings}

    def check(self, item: Item) -> Checking:
        """Read one problem."""
        completions = yield [self._ask(item, number) for number in range(self.readings)]
        readings = [completion.value for completion in completions if not completion.failure]
        if not readings:
            return Finding("undecided", "calls_failed")
        found = [_REASONS.get(reading["fault"], "") for reading in readings]
        # Of equal votes the first reading's, which is the least random.
        fault = max(found, key=lambda each: (found.count(each), -found.index(each)))
        score = found.count("") / len(found)
        return Finding("failed" if fault else "passed", fault, score, {"readings": readings})

    def _ask(self, item: Item, number: int) -> Question:
        prompt = load_prompt("well_posed")
        request = Request(
            model=self.model,
            messages=prompt.messages(problem=item.text),
            sampling=Sampling(
                temperature=0.7 if number else 0.0,
                top_p=0.9,
                max_tokens=prompt.max_tokens,
                seed=self.seed + number,
            ),
            schema=prompt.schema,
            sample=number,
            group=f"well-posed {item.text[:200]}",
        )
        return Question(request)
