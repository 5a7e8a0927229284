"""What the rules look at, and the words in it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from personahub.personas.template import Example, Granularity

__all__ = ["DENSE", "WORD", "Case", "Finding", "head_of", "words"]

DENSE = {"zh", "ja", "th"}
"""Languages without spaces: a character counts as half a word, as segmenters find it to be for Chinese."""
WORD = re.compile(r"[^\W\d_]+(?:[-'’][^\W\d_]+)*")


@dataclass(frozen=True, slots=True)
class Finding:
    """Why a description does not pass: the rule's name, and what it saw."""

    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Case:
    """A description and all that it is judged by."""

    description: str
    source: str
    """What the description was made from: a document's text, or the description of another persona."""
    examples: Sequence[Example]
    relation: str
    language: str
    granularity: Granularity
    asked: str = ""
    """What the prompt asked for in words of its own, which a description may well repeat."""


def words(listed: str) -> set[str]:
    """The words of a list that is written as a text."""
    return set(listed.split())


# The head of "A recipe blog that …" is what stands before the first word that begins a clause.
_CLAUSES = words(
    "that which who whose whom with for of from in to about on at by as under into where when a an the this "
    "his her its their который которая которое для о об из с в на по"
)


def head_of(case: Case) -> tuple[str, str]:
    """The noun that says what the description describes, lower case, and the word after it; empty: none."""
    # A comma in Russian ends what the head is in: «Инженер, налаживающий проект, который …».
    described = case.description.partition(",")[0] if case.language == "ru" else case.description
    found = [word.lower() for word in WORD.findall(described)]
    if found and found[0] in {"a", "an", "the", "this"}:
        found = found[1:]
    end = next((place for place, word in enumerate(found) if word in _CLAUSES), len(found))
    return found[end - 1] if end else "", found[end] if end < len(found) else ""
