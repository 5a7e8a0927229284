"""Problems that people have judged: what the checks of problems are held against.

``labelled_problems.jsonl`` comes with the package. Those of origin "made" and "made later" are twice 50
problems for school that qwen2.5-coder-1.5b made, each judged by a careful reader before any check had seen
it; rules of ``answers`` were thought out on the first 50, and none on the later ones. Those of origin
"planted" are 40 invented pairs, one side sound, the other with one error such as language models make: a
condition is lost, statements contradict each other, the text tells its answer, or a wrong answer comes with
it. Each answer was worked out by hand and by a program, which also showed that the contradictions have no
solution, and that what lost a condition has several.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from personahub.errors import UserError

__all__ = ["FAULTS", "WRONG_ANSWER", "LabelledProblem", "read_labelled"]

WRONG_ANSWER = "wrong_answer"
FAULTS: Mapping[str, str] = {
    "missing": "something that is needed is not stated",
    "contradiction": "statements cannot all be true",
    "ambiguous": "it can be read in several ways, with several answers",
    "garbled": "it is no sensible text",
    "answer_inside": "the text says what it asks for",
    "no_problem": "nothing can be worked out",
    WRONG_ANSWER: "the problem is sound, but the answer that came with it is not its own",
}
"""What can be wrong with a problem, by name."""


@dataclass(frozen=True)
class LabelledProblem:
    """A problem, and what a reader found wrong with it.

    Attributes:
        id: names it; two sides of a pair are ``NAME-sound`` and ``NAME-planted``.
        problem: its text.
        fault: one of :data:`FAULTS`; empty for a sound one.
        language: ISO 639-1 code.
        origin: where it comes from.
        answer: the right one, where it is known; no check sees it.
        given: an answer that comes with the problem, right or wrong, which checks see.
    """

    id: str
    problem: str
    fault: str
    language: str = ""
    origin: str = "given"
    answer: str = ""
    given: str = ""

    @property
    def pair(self) -> str:
        """The same for both sides of a pair; of any other problem its id."""
        return self.id.removesuffix("-sound").removesuffix("-planted")


def read_labelled(path: Path | None = None) -> list[LabelledProblem]:
    """The problems of a JSON Lines file, in its order; None: those that come with the package.

    A row has ``problem`` and ``fault`` (empty, or one of :data:`FAULTS`), and may have the other fields of
    :class:`LabelledProblem`; what else it has is not read.

    Raises:
        UserError: the file cannot be read, or a row is none; the message names the line.
    """
    named = str(path or "labelled_problems.jsonl")
    try:
        text = (
            path.read_text("utf-8")
            if path
            else (files("personahub.evaluation") / "labelled_problems.jsonl").read_text("utf-8")
        )
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"--problems {named}: cannot be read ({getattr(error, 'strerror', '') or error})"
        ) from error
    found = list(_problems(text, named))
    if not found:
        raise UserError(f"--problems {named}: holds no problem; give rows with problem and fault")
    if len({each.id for each in found}) < len(found):
        raise UserError(f"--problems {named}: an id is there twice; each problem needs its own")
    return found


def _problems(text: str, named: str) -> Iterator[LabelledProblem]:
    # Not splitlines(), which also parts a text at the separators that JSON leaves as they are.
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise UserError(f"--problems {named}, line {number}: is no JSON") from error
        yield _problem(row, number, f"--problems {named}, line {number}")


def _problem(row: Any, number: int, where: str) -> LabelledProblem:
    if not isinstance(row, dict):
        raise UserError(f"{where}: is no object; give rows with problem and fault")
    given = {
        name: "" if row.get(name) is None else str(row[name])
        for name in LabelledProblem.__dataclass_fields__
        if name in row
    }
    if not given.get("problem", "").strip():
        raise UserError(f"{where}: has no problem")
    if "fault" not in given:
        raise UserError(
            f'{where}: has no fault; give "" for a sound problem, else one of {", ".join(FAULTS)}'
        )
    if given["fault"] and given["fault"] not in FAULTS:
        raise UserError(f"{where}: fault {given['fault'][:40]!r} is none of {', '.join(FAULTS)}")
    return LabelledProblem(**{"id": str(number), **given})
