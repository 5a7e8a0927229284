"""A table of a report, before it is printed or written."""

from collections.abc import Sequence
from typing import NamedTuple

__all__ = ["Section"]


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
