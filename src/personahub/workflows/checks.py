"""Which checks there are, and what each needs: what ``verify`` and ``synthesize --checks`` offer."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import numpy as np

from personahub.dedup.pages import PageFilter
from personahub.errors import UserError
from personahub.kernels.words import find_words
from personahub.models import EmbeddingModel
from personahub.synthesis import Task
from personahub.verification import AskingCheck, Finding, Item, LocalCheck
from personahub.verification.contamination import BenchmarkItem
from personahub.verification.copying import CorpusDocument
from personahub.verification.well_posed import WellPosed
from personahub.workflows.checking import Checker
from personahub.workflows.files import digest_of
from personahub.workflows.items import read_items
from personahub.workflows.measured import measured_of
from personahub.workflows.repetition import SURFACE, Meanings

__all__ = ["ASKING", "CHECKS", "Checks", "RepetitionCheck", "checker_for", "identity_of", "parse_checks"]

CHECKS: Mapping[str, str] = {
    "schema": "the fields fit their schema; a tool's interface is one that function calling takes",
    "language": "the text is in its language",
    "repetition": "no text before it says the same, in words or meaning",
    "fidelity": "the text is nearer to its persona than to others",
    "contamination": "the text holds no item of the benchmarks that --against names, word for word",
    "copying": "the text copies no long run of its source, nor of the texts that --corpus names",
    "tool": "the code passes the tests that came with it, in the sandbox",
    "answers": "the problem is solved several times, and at least two solutions agree",
    "well-posed": "a judge reads whether what is given leads to one answer",
    "paraphrase": "the text is no item of the benchmarks in other words, as a judge reads it",
}
"""By name, what passes."""
ASKING = ("answers", "well-posed", "paraphrase")
"""Those that ask a language model."""


@dataclass(frozen=True)
class Checks:
    """Which checks are made, and how.

    Attributes:
        names: of the checks, in the order of :data:`CHECKS`; None for those that the records' tasks want.
        samples: solutions of a problem by the model.
        program: have each problem solved by a program as well.
        agree: how many solutions of a problem must have one answer, 2 or more.
        readings: how often the judge is asked for its word.
        threshold: the chance of a yes from which a problem passes the judge; None for what ``evaluate
            checks`` has found for the model, else an even one.
        schema: a file with the JSON schema of the rows; None for that of the records' task.
        against: files of benchmarks, whose items must not be among what is checked.
        corpus: files of texts that must not be copied.
        seed: of all that is sampled.
    """

    names: tuple[str, ...] | None = None
    samples: int = 3
    program: bool = True
    agree: int = 2
    readings: int = 1
    threshold: float | None = None
    schema: Path | None = None
    against: tuple[str, ...] = ()
    corpus: tuple[str, ...] = ()
    seed: int = 0


def parse_checks(text: str) -> tuple[str, ...]:
    """The checks that a list with commas names, in their order.

    Raises:
        UserError: one of them is none, or there is none at all.
    """
    given = [name.strip() for name in text.split(",") if name.strip()]
    if unknown := [name for name in given if name not in CHECKS]:
        raise UserError(f"--checks {unknown[0]}: is no check; there are {', '.join(CHECKS)}")
    if not given:
        raise UserError(f"--checks: names none; there are {', '.join(CHECKS)}")
    return tuple(name for name in CHECKS if name in given)


def checker_for(
    names: Sequence[str],
    how: Checks,
    held: ExitStack,
    *,
    model: str,
    encoder: Callable[[], EmbeddingModel],
    second: str = "",
) -> Checker:
    """What runs the checks of these names, once it is given the engines that ask.

    Args:
        names: of the checks.
        how: how they are made.
        held: closes what they open.
        model: identity of the model that is asked.
        encoder: opens what compares meanings.
        second: identity of the second model; empty for none.

    Raises:
        UserError: what a check needs is not there; the message says how to get it.
    """
    from personahub.corpus import detect_language
    from personahub.verification.against import Contamination, Copying, Paraphrase
    from personahub.verification.answers import Answers
    from personahub.verification.contamination import Benchmark
    from personahub.verification.copying import Corpus
    from personahub.verification.fidelity import Fidelity
    from personahub.verification.forms import LanguageCheck, SchemaCheck
    from personahub.verification.formulas import FormulaJudge
    from personahub.verification.neighbours import Neighbours
    from personahub.verification.sandbox import Sandbox
    from personahub.verification.tools import ToolCheck

    if not how.against and (lacking := [name for name in ("contamination", "paraphrase") if name in names]):
        raise UserError(
            f"--checks {lacking[0]}: needs --against FILE, the benchmark that must not be among it"
        )
    if "answers" in names and how.agree < 2:
        raise UserError(f"--agree {how.agree}: at least two solutions have to agree")
    solutions = how.samples + how.program + bool(second)
    if "answers" in names and solutions < how.agree:
        raise UserError(
            f"--checks answers: {how.agree} solutions have to agree, and {solutions} asked for; give more"
            " --samples, --program or --second-model"
        )
    sandbox = None
    if "tool" in names or ("answers" in names and how.program):
        sandbox = Sandbox()
        sandbox.check()
    notices: list[str] = []

    def noticed(benchmark: Benchmark) -> Benchmark:
        if benchmark.wordless:
            notices.append(
                f"--against: items without a word, of which nothing is found: {benchmark.wordless:,}"
            )
        return benchmark

    local: dict[str, Callable[[], LocalCheck]] = {
        "schema": lambda: SchemaCheck(_schemas_of(how.schema)),
        "language": lambda: LanguageCheck(detect_language),
        "repetition": lambda: held.enter_context(RepetitionCheck(encoder)),
        "fidelity": lambda: Fidelity(encoder),
        "tool": lambda: ToolCheck(sandbox),  # type: ignore[arg-type]
        "contamination": lambda: Contamination(noticed(Benchmark.index(_benchmark(how.against)))),
        "copying": lambda: Copying(Corpus.index(_corpus(how.corpus)) if how.corpus else None),
    }
    asking: dict[str, Callable[[], AskingCheck]] = {
        "answers": lambda: Answers(
            model,
            sandbox if how.program else None,
            held.enter_context(FormulaJudge()),
            how.samples,
            second,
            how.seed,
            how.agree,
        ),
        "well-posed": lambda: _judge(WellPosed(model, how.readings, how.seed), how.threshold),
        "paraphrase": lambda: Paraphrase(Neighbours(_benchmark(how.against), encoder()), model, how.seed),
    }
    return Checker(
        [make() for name, make in local.items() if name in names],
        [make() for name, make in asking.items() if name in names],
        notices=notices,
    )


def _judge(judge: WellPosed, threshold: float | None) -> WellPosed:
    """The judge with the threshold that was given, or that was measured for its model."""
    if threshold is None:
        known = measured_of(judge, judge.model)
        threshold = known.threshold if known else None
    return judge if threshold is None else replace(judge, threshold=threshold)


def _schemas_of(file: Path | None) -> Callable[[Item], Mapping[str, Any] | None]:
    """What gives the schema of an item: that of the file, or of the record's task with its options.

    Raises:
        UserError: the file holds none.
    """
    if file is not None:
        try:
            given = json.loads(file.read_text("utf-8"))
            jsonschema_rs.meta.validate(given)
        except (OSError, TypeError, ValueError) as error:
            told = " ".join(str(getattr(error, "message", error)).split())[:200]
            raise UserError(f"--schema {file}: is no JSON schema ({told})") from error
        if not isinstance(given, dict):
            raise UserError(f"--schema {file}: is no JSON schema of rows, which is an object")
        return lambda _: given

    @cache
    def of_task(name: str, options: str, language: str) -> Mapping[str, Any] | None:
        try:
            task = Task.load(name)
            known = {key: value for key, value in json.loads(options).items() if key in task.options}
            given = {key: value for key, value in known.items() if task.options[key].type not in _FILES}
            settings = {key: task.default(key) for key in task.options} | given
            schemas = [task.schema(settings, step) for step in ("", *task.steps(settings, language))]
        except UserError:
            return None
        # Derived fields stand beside those that the model wrote.
        properties = {key: value for schema in schemas for key, value in schema["properties"].items()}
        required = sorted({key for schema in schemas for key in schema["required"]})
        return {"type": "object", "properties": properties, "required": required}

    return lambda item: of_task(item.task, item.options, item.language) if item.task else None


_FILES = ("file", "items")
_HINT = "give the field with the text one of these names"


def _benchmark(files: Sequence[str]) -> Iterator[BenchmarkItem]:
    for named in files:
        for place, item in enumerate(read_items(named, None, None, "--against", longest=None, hint=_HINT), 1):
            origin = item.origin
            row = int(origin.get("row", place))
            yield BenchmarkItem(str(origin.get("source", named)), row, item.text, item.language)


def _corpus(files: Sequence[str]) -> Iterator[CorpusDocument]:
    for named in files:
        for place, item in enumerate(read_items(named, None, None, "--corpus", longest=None, hint=_HINT), 1):
            origin = item.origin
            yield CorpusDocument(str(origin.get("source", named)), int(origin.get("row", place)), item.text)


def identity_of(how: Checks, names: Sequence[str], checker: Checker) -> dict[str, Any]:
    """All that decides what checks find, for what identifies a run: also what files hold, and wordings."""
    files = (*how.against, *how.corpus, *([str(how.schema)] if how.schema else []))
    return {
        "checks": {**asdict(how), "names": names, "schema": str(how.schema or "")},
        "read": [digest_of(named) for named in files],
        "wording": {check.name: check.version for check in checker.asking},
    }


@dataclass
class RepetitionCheck:
    """Whether a text says again what one before it says: by words, then by meaning.

    Attributes:
        encoder: compares meanings; texts in languages that it does not know are compared by words alone.
    """

    encoder: Callable[[], EmbeddingModel]
    name: str = field(default="repetition", init=False)
    _words: PageFilter = field(default_factory=lambda: PageFilter(SURFACE), init=False)
    _worded: list[str] = field(default_factory=list, init=False)
    _meanings: Meanings = field(default_factory=Meanings, init=False)

    def __enter__(self) -> "RepetitionCheck":
        """Nothing to do."""
        return self

    def __exit__(self, *_: object) -> None:
        """Free the file of words."""
        self._words.close()

    def judge(self, items: Sequence[Item]) -> list[Finding]:
        """What is found of each item; those that repeat nothing are what later ones are compared with."""
        encoder = self.encoder()
        known = [item.language in encoder.languages for item in items]
        texts = [item.text for item, is_known in zip(items, known, strict=True) if is_known]
        vectors = iter(encoder.embed(texts) if texts else ())
        return [
            self._judge(item, next(vectors) if is_known else None)
            for item, is_known in zip(items, known, strict=True)
        ]

    def _judge(self, item: Item, vector: Any) -> Finding:
        if match := self._words.add(find_words(item.text)):
            told = {"of": self._worded[match.place], "similarity": round(match.similarity, 3), "by": "words"}
            return Finding("failed", "repeats_words", None, told)
        self._worded.append(item.name)
        if vector is None:
            return Finding("passed", "words_alone")
        if (near := self._meanings.nearest(vector[np.newaxis])[0]) is not None:
            told = {"of": near[0], "similarity": round(near[1], 3), "by": "meaning"}
            return Finding("failed", "repeats_meaning", None, told)
        self._meanings.keep(item.name, vector)
        return Finding("passed", "")
