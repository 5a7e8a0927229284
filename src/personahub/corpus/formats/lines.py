"""JSON Lines: a text in a field of each row, the row's other fields beside it."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from personahub.config import read_json
from personahub.corpus.compression import Damage, Piece
from personahub.corpus.formats.fields import TEXT_FIELDS, metadata_of
from personahub.corpus.texts import MAX_TEXT_BYTES, Text, Unread, clean

__all__ = ["object_of", "read_jsonl", "read_lines"]

_BOM = b"\xef\xbb\xbf"


def read_jsonl(
    pieces: Iterable[Piece | Damage],
    text_field: str | None,
    signals: Iterator[Mapping[str, Any]] | None = None,
) -> Iterator[Text | Unread]:
    """The texts of a JSON Lines file; bad rows as what they are.

    Args:
        pieces: the file's content.
        text_field: the field that holds the text; None looks for the usual ones.
        signals: more metadata for each row, in the order of the rows, as RedPajama-v2 keeps them in files of
            their own.
    """
    names = (text_field,) if text_field else TEXT_FIELDS
    for line in read_lines(pieces):
        if isinstance(line, Unread):
            yield line
            continue
        row, offset, content = line
        more = next(signals, {}) if signals else {}
        if not content.strip():
            continue
        fields = object_of(row, offset, content)
        if isinstance(fields, Unread):
            yield fields
            continue
        name = next((name for name in names if isinstance(fields.get(name), str)), None)
        if name is None:
            there = clean(", ".join(map(str, fields))) or "none at all"
            wanted = " or ".join(names)
            yield Unread(row, offset, "no_text_field", f"no text in {wanted}; the fields there: {there}")
            continue
        text = fields.pop(name)
        yield Text(row, offset, clean(text), metadata_of(fields, more))


def object_of(row: int, offset: int, line: bytes) -> dict[str, Any] | Unread:
    """The JSON object of a line; bytes in it that are no UTF-8 become U+FFFD."""
    try:
        fields = read_json(line)
    except UnicodeDecodeError:
        try:
            fields = json.loads(line.decode("utf-8", "replace"))
        except (ValueError, RecursionError) as error:
            return Unread(row, offset, "not_json", f"not JSON ({error})")
    except (ValueError, RecursionError) as error:
        return Unread(row, offset, "not_json", f"not JSON ({error})")
    return fields if isinstance(fields, dict) else Unread(row, offset, "not_json", "not a JSON object")


def read_lines(pieces: Iterable[Piece | Damage]) -> Iterator[tuple[int, int, bytes] | Unread]:
    """Each line with its number from 1 and its place in the content, in bytes; too long ones as unread."""
    row, place = 0, 0
    rest = bytearray()
    """What came of the line that is not at its end."""
    skipping = False
    """What comes up to the next line's end belongs to a line that is told as unread already."""
    for piece in pieces:
        if isinstance(piece, Damage):
            # The line that it cuts off, and the rest of a line with which the next member may begin.
            yield Unread(row + 1, piece.offset, piece.reason, piece.detail)
            row, place, skipping = row + bool(rest), place + len(rest), bool(rest)
            rest.clear()
            continue
        content = piece.content
        if not place and not rest:
            content = content.removeprefix(_BOM)
            place = len(piece.content) - len(content)
        lines = content.split(b"\n")
        if skipping:
            if len(lines) == 1:
                place += len(content)
                continue
            place += len(lines[0]) + 1
            del lines[0]
            skipping = False
        last = lines.pop()
        if lines:
            lines[0] = bytes(rest) + lines[0]
            rest.clear()
        rest += last
        for line in lines:
            row += 1
            if len(line) > MAX_TEXT_BYTES:
                yield _too_long(row, place)
            else:
                yield row, place, line
            place += len(line) + 1
        if len(rest) > MAX_TEXT_BYTES:
            row += 1
            yield _too_long(row, place)
            place, skipping = place + len(rest), True
            rest.clear()
    if rest:
        yield row + 1, place, bytes(rest)


def _too_long(row: int, place: int) -> Unread:
    return Unread(row, place, "too_long", f"a line of more than {MAX_TEXT_BYTES >> 20} MB")
