"""A table of a report, before it is printed or written."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

__all__ = ["Section", "markdown_sections"]


class Section(NamedTuple):
    """One table.

    Attributes:
        title: above it.
        headings: of its columns.
        rows: of text.
        right: columns of numbers, which are set to the right.
    """

    title: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    right: frozenset[int]


def markdown_sections(sections: Iterable[Section]) -> Iterator[str]:
    """The tables in Markdown, each with its title above it."""
    for section in sections:
        yield f"\n## {section.title}\n"
        yield _line(section.headings)
        columns = range(len(section.headings))
        yield "|" + "|".join("--:" if column in section.right else "---" for column in columns) + "|"
        yield from map(_line, section.rows)


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(each.replace("|", "\\|") for each in cells) + " |"
