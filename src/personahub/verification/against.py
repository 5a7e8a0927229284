"""Items against texts that they must not hold: benchmarks, their own sources, a corpus."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from threading import Lock
from typing import Any

from personahub.models import Request, Sampling
from personahub.verification.contamination import Benchmark
from personahub.verification.copying import Corpus, longest_common_run
from personahub.verification.findings import Checking, Finding, Item, Question
from personahub.verification.neighbours import Neighbour, Neighbours, NotCompared
from personahub.verification.wording import load_prompt

__all__ = ["Contamination", "Copying", "Paraphrase"]

COPIED_RUN = 13
"""Words in a row from which a text copies: as many as make it contaminated."""


@dataclass
class Contamination:
    """Whether a text holds an item of a benchmark word for word.

    Attributes:
        benchmark: the items.
    """

    benchmark: Benchmark
    name: str = field(default="contamination", init=False)

    def judge(self, items: Sequence[Item]) -> list[Finding]:
        """What is found of each item."""
        return [
            Finding("failed", "shares_words", None, asdict(overlap)) if overlap else Finding("passed", "")
            for overlap in self.benchmark.overlaps([item.text for item in items])
        ]


@dataclass
class Paraphrase:
    """Whether a text is an item of a benchmark in other words, or in another language.

    A judge reads the nearest item in meaning beside the text, since problems that are near may have other
    numbers. What is near to none is not asked about.

    Attributes:
        neighbours: finds the nearest items.
        model: identity of the judge.
        seed: of what is asked.
    """

    neighbours: Neighbours
    model: str
    seed: int = 0
    name: str = field(default="paraphrase", init=False)
    _one_at_a_time: Lock = field(default_factory=Lock, init=False)

    @property
    def version(self) -> Mapping[str, Any]:
        """What decides a finding, for what identifies a run."""
        return {"prompt": load_prompt("paraphrase").version}

    def check(self, item: Item) -> Checking:
        """Look for the nearest item, and have it compared."""
        with self._one_at_a_time:
            (found,) = self.neighbours.find([item.text], [item.language])
        if isinstance(found, NotCompared):
            return Finding("undecided", "not_compared", None, {"language": item.language})
        # Items in languages that the embedding model does not know.
        unknown = self.neighbours.not_compared.total()
        left_out = {"items_not_compared": unknown} if unknown else {}
        if found is None and not self.neighbours.items:
            return Finding("undecided", "not_compared", None, left_out)
        if found is None:
            return Finding("passed", "", None, left_out)
        (completion,) = yield [self._ask(item, found)]
        evidence = asdict(found) | left_out
        if completion.failure:
            return Finding("undecided", "calls_failed", None, evidence)
        evidence["judge"] = completion.value
        same = completion.value["same"] == "yes"
        return Finding("failed" if same else "passed", "rewords" if same else "near", None, evidence)

    def _ask(self, item: Item, near: Neighbour) -> Question:
        prompt = load_prompt("paraphrase")
        request = Request(
            model=self.model,
            messages=prompt.messages(text=item.text, item=near.text),
            sampling=Sampling(temperature=0.0, top_p=1.0, max_tokens=prompt.max_tokens, seed=self.seed),
            schema=prompt.schema,
        )
        return Question(request)


@dataclass
class Copying:
    """Whether a text takes over a long run of words of its own source, or of a corpus.

    Attributes:
        corpus: texts that must not be copied; None for the item's own source alone.
        most: words in a row from which it is a copy.
    """

    corpus: Corpus | None
    most: int = COPIED_RUN
    name: str = field(default="copying", init=False)

    def judge(self, items: Sequence[Item]) -> list[Finding]:
        """What is found of each item; without a source and a corpus it is undecided."""
        runs = self.corpus.longest_runs([item.text for item in items]) if self.corpus else [None] * len(items)
        findings = []
        for item, run in zip(items, runs, strict=True):
            own = longest_common_run(item.text, item.source) if item.source else None
            longest = max((each for each in (own, run) if each), key=lambda each: each.words, default=None)
            if longest and longest.words >= self.most:
                reason = "copies_source" if longest is own else "copies_corpus"
                findings.append(Finding("failed", reason, None, asdict(longest)))
            elif not item.source and not self.corpus:
                findings.append(Finding("undecided", "no_source"))
            else:
                findings.append(Finding("passed", "", None, {"longest": longest.words if longest else 0}))
        return findings
