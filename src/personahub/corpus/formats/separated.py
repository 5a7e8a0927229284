"""CSV: records of fields parted by commas, semicolons or tabs, the first of them the fields' names."""

import csv
import io
import re
from collections.abc import Iterable, Iterator
from itertools import chain

from personahub.corpus.compression import Damage, Piece
from personahub.corpus.texts import MAX_TEXT_BYTES, Unread

__all__ = ["read_csv_rows"]

_DELIMITERS = ",;\t"
_NONE = "\x1f"
"""For a file of one column, whose texts may hold commas without quotes around them."""
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_STRAY_BYTE = re.compile("[\udc80-\udcff]")
"""A byte that is no UTF-8, as Python's "surrogateescape" gives it."""


def read_csv_rows(pieces: Iterable[Piece | Damage]) -> Iterator[tuple[int, dict[str, str]] | Unread]:
    """The records of a CSV file by their fields' names, numbered from 1 after the header; bad ones as told.

    Fields in quotes may hold line ends. The delimiter is the one that parts the header into most fields. Read
    are UTF-8 with or without a byte order mark, and UTF-16 with one; a record in anything else is a bad one.

    Args:
        pieces: the file's content.
    """
    content = _Content(pieces)
    # What is broken in UTF-16 is one sign too few or too many, which only its replacement can tell.
    is_utf16 = content.start in _UTF16
    encoding, errors = ("utf-16", "replace") if is_utf16 else ("utf-8-sig", "surrogateescape")
    broken = re.compile("\ufffd") if is_utf16 else _STRAY_BYTE
    lines = io.TextIOWrapper(io.BufferedReader(content), encoding, errors, newline="")
    csv.field_size_limit(MAX_TEXT_BYTES)
    first = next((line for line in lines if line.strip()), "")
    records = csv.reader(chain([first], lines), delimiter=_delimiter_of(first))
    header: list[str] = []
    row = 0
    while True:
        try:
            record = next(records, None)
        except csv.Error as error:
            yield Unread(row := row + 1, 0, "not_csv", str(error))
            continue
        if record is None:
            break
        if not record:
            continue
        if not header:
            header = [name.strip() for name in record]
            continue
        row += 1
        whole = "".join(record)
        if not whole.isascii() and (found := broken.search(whole)):
            stray = (
                "a character is no UTF-16" if is_utf16 else f"byte 0x{ord(found[0]) & 0xFF:02x} is no UTF-8"
            )
            yield Unread(row, 0, "not_utf8", stray)
        elif len(record) > len(header):
            detail = f"{len(record)} fields where the header has {len(header)}"
            yield Unread(row, 0, "not_csv", detail)
        else:
            yield row, dict(zip(header, record, strict=False))
    if content.damage:
        yield Unread(row + 1, *content.damage)


class _Content(io.RawIOBase):
    """The pieces as one file, which ends where something of it is missing: a quote may be open there."""

    def __init__(self, pieces: Iterable[Piece | Damage]) -> None:
        self._pieces = iter(pieces)
        self.damage: Damage | None = None
        self._rest = b""
        self._fill()
        self.start = self._rest[:2]

    def _fill(self) -> None:
        while not self._rest and self.damage is None:
            piece = next(self._pieces, None)
            if piece is None:
                return
            if isinstance(piece, Damage):
                self.damage = piece
            else:
                self._rest = piece.content

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview[int]") -> int:  # type: ignore[override]
        self._fill()
        given = self._rest[: len(buffer)]
        buffer[: len(given)] = given
        self._rest = self._rest[len(given) :]
        return len(given)


def _delimiter_of(header: str) -> str:
    counts = {sign: len(next(csv.reader([header], delimiter=sign), [])) for sign in _DELIMITERS}
    best = max(_DELIMITERS, key=lambda sign: counts[sign])
    return best if counts[best] > 1 else _NONE
