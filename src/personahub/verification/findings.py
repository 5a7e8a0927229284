"""What is checked, and what a check finds."""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, Protocol

from personahub.completion import Completion
from personahub.models import Request

__all__ = ["AskingCheck", "Checking", "Finding", "Item", "LocalCheck", "Outcome", "Question"]

Outcome = Literal["passed", "failed", "undecided"]


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to check: a record of a data set, or a row of somebody's file."""

    name: str
    """What it is known by: a record's id, or its file and row."""
    text: str
    language: str
    """ISO 639-1 code, or "und" where it is not known."""
    fields: Mapping[str, Any] = field(default_factory=dict)
    """What else it holds: the fields of a record, the other columns of a row."""
    persona: str = ""
    source: str = ""
    """The text at the root of its lineage, where that is at hand."""
    answer: str = ""
    """The answer that comes with it, where one does."""
    task: str = ""
    """Of a record: its task."""
    options: str = "{}"
    """Of a record: the task's options, as JSON."""
    language_is_told: bool = True
    """Whether somebody said what language it is in; else the text was looked at."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check says of one item."""

    outcome: Outcome
    """"undecided" where the check cannot tell: it does not apply, or what it needs did not come."""
    reason: str
    """A short name, the same for every case of its kind; empty for what passed plainly."""
    score: float | None = None
    """From 0 to 1, higher is better; None where the check knows only yes and no."""
    evidence: Mapping[str, Any] = field(default_factory=dict)
    """What it rests on, to be read by a person and kept as JSON."""


class Question(NamedTuple):
    """A request, and which model it goes to: the first, or the second that was given beside it."""

    request: Request
    second: bool = False


Checking = Generator[Sequence[Question], Sequence[Completion], Finding]
"""The check of one item: yields questions, is sent their completions in their order, returns the finding."""


class LocalCheck(Protocol):
    """A check that needs no language model."""

    name: str

    def judge(self, items: Sequence[Item]) -> Sequence[Finding]:
        """What is found of each item."""
        ...


class AskingCheck(Protocol):
    """A check that asks a language model."""

    name: str

    @property
    def version(self) -> Mapping[str, Any]:
        """What decides a finding beside the model, for what identifies a run."""
        ...

    def check(self, item: Item) -> Checking:
        """The check of one item, a round of questions after another."""
        ...
