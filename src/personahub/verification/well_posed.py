"""Whether a problem can be worked out from what it says, as a model reads it.

The judge is first asked for one word, whether the problem can be printed, and what counts is how likely its
"yes" is. Asked for a reading with a verdict at its end, a 1.5B model finds no fault in anything; how nearly
it says no tells faulty problems from sound ones (benchmarks/RESULTS.md). From which chance a problem passes
differs between models, so it is set by problems that readers have judged: ``personahub evaluate checks``.
What does not pass is read once more, and the judge has to name what is wrong.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from personahub.models import Request, Sampling
from personahub.verification.findings import Checking, Finding, Item, Question
from personahub.verification.wording import Prompt, load_prompt

__all__ = ["EVEN", "WellPosed"]

EVEN = 0.5
"""The chance of a yes from which a problem passes, where nobody has measured the model."""
_YES = "yes"
_REASONS = {
    "missing": "missing_data",
    "contradiction": "contradiction",
    "unclear": "ambiguous",
    "answer_inside": "answer_inside",
    "no_problem": "not_a_problem",
}


@dataclass
class WellPosed:
    """Has a problem read by a judge.

    A judge is no proof: docs/verification.md says how far the default model agrees with people.

    Attributes:
        model: identity of the judge.
        readings: how often it is asked for its word; the chance of a yes is the mean. Once is enough where
            the server tells probabilities.
        seed: of the readings.
        threshold: the chance of a yes from which a problem passes.
    """

    model: str
    readings: int = 1
    seed: int = 0
    threshold: float = EVEN
    name: str = field(default="well-posed", init=False)

    @property
    def version(self) -> Mapping[str, Any]:
        """What decides a finding, for what identifies a run."""
        prompts = [load_prompt(name).version for name in ("well_posed", "what_is_wrong")]
        return {"prompts": prompts, "readings": self.readings, "threshold": self.threshold}

    def check(self, item: Item) -> Checking:
        """Ask for a word, and where it is no, for what is wrong."""
        said = yield [self._ask(load_prompt("well_posed"), item, number) for number in range(self.readings)]
        chances = [float(each.value[_YES]) for each in said if not each.failure]
        if not chances:
            return Finding("undecided", "calls_failed")
        score = sum(chances) / len(chances)
        evidence: dict[str, Any] = {"threshold": self.threshold, "chances": chances}
        if score >= self.threshold:
            return Finding("passed", "", score, evidence)
        (read,) = yield [self._ask(load_prompt("what_is_wrong"), item, 0)]
        if read.failure:
            return Finding("failed", "not_said", score, evidence)
        return Finding("failed", _REASONS[read.value["fault"]], score, {**evidence, "reading": read.value})

    def _ask(self, prompt: Prompt, item: Item, number: int) -> Question:
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
