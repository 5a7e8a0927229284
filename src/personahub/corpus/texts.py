"""What a format gives: whole texts as their file holds them, and what could not be read."""

import re
import unicodedata
from collections.abc import Mapping
from typing import Any, NamedTuple

__all__ = ["MAX_TEXT_BYTES", "Text", "Unread", "clean", "decoded"]

MAX_TEXT_BYTES = 2**24
"""Most bytes of a line, a record or a page; longer ones are refused, since they are no text to read."""

_NOTHING_SAID: Mapping[str, Any] = {}


class Text(NamedTuple):
    """One whole text."""

    row: int
    """Which one of its file it is, from 1."""
    offset: int
    """Where it begins: :attr:`personahub.records.Document.offset`."""
    text: str
    metadata: Mapping[str, Any] = _NOTHING_SAID
    """What the file says of it besides: the fields of its row, the title and the address of its page, …."""


class Unread(NamedTuple):
    """What gave no text, and why."""

    row: int
    offset: int
    reason: str
    """A short name, the same for every such case."""
    detail: str
    broken: bool = True
    """Whether it cannot be read; else it is whole and no text, such as an image or a redirect."""


def clean(text: str) -> str:
    """NFC, plain line ends, no NULs, BOM or outer whitespace: what a text's hash should not depend on."""
    if "\r" in text or "\0" in text:  # Ten times as fast as a pattern.
        text = re.sub(r"\r\n?", "\n", text.replace("\0", ""))
    if not text.isascii():
        text = text.removeprefix("\ufeff")
        if not unicodedata.is_normalized("NFC", text):
            text = unicodedata.normalize("NFC", text)
        try:
            text.encode()
        except UnicodeEncodeError:
            text = text.encode(errors="replace").decode()
    return text.strip()


def decoded(content: bytes) -> str:
    """The text of bytes that should be UTF-8, with U+FFFD for what is not."""
    return content.decode("utf-8", "replace")
