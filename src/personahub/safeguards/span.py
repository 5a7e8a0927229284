"""One find in a text."""

from typing import NamedTuple

__all__ = ["Span"]


class Span(NamedTuple):
    """A piece of a text, in characters, and which kind of personal data it holds."""

    start: int
    end: int
    kind: str
