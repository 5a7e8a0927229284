"""Text and Markdown files: each one text, or where it is too long for memory, several in a row."""

import re
from collections.abc import Iterable, Iterator

from personahub.corpus.compression import Damage, Piece
from personahub.corpus.texts import Text, Unread, clean

__all__ = ["read_plain"]

_BLOCK_BYTES = 2**22
"""A file that is longer is given in blocks of about so many bytes, which end at the end of a line."""
_HEADING = re.compile(r"\s*#{1,6}[ \t]+(.+?)(?:[ \t]+#+)?[ \t]*$", re.MULTILINE)


def read_plain(pieces: Iterable[Piece | Damage]) -> Iterator[Text | Unread]:
    """The file's text; of a broken one, what is there before the damage.

    A file in another encoding than UTF-8 is refused: what it says can only be guessed.
    """
    rest, place, row = bytearray(), 0, 1
    for piece in pieces:
        if isinstance(piece, Damage):
            # Its last character may be cut, too.
            yield from _text(row, place, rest, whole=False)
            yield Unread(row, piece.offset, piece.reason, piece.detail)
            return
        rest += piece.content
        while len(rest) >= 2 * _BLOCK_BYTES:
            size = rest.rfind(b"\n", _BLOCK_BYTES // 2, _BLOCK_BYTES) + 1 or _BLOCK_BYTES
            while size > _BLOCK_BYTES - 4 and rest[size] & 0xC0 == 0x80:
                size -= 1
            yield from _text(row, place, rest[:size], whole=True)
            place, row = place + size, row + 1
            del rest[:size]
    if rest or row == 1:
        yield from _text(row, place, rest, whole=True)


def _text(row: int, place: int, content: bytes | bytearray, *, whole: bool) -> Iterator[Text | Unread]:
    try:
        text = content.decode("utf-8-sig" if not place else "utf-8")
    except UnicodeDecodeError as error:
        if whole or error.end < len(content):
            yield Unread(row, place + error.start, "not_utf8", f"byte {place + error.start} is no UTF-8")
            return
        text = content[: error.start].decode("utf-8-sig")
    text = clean(text)
    if text or whole:
        heading = _HEADING.match(text)
        yield Text(row, place, text, {"title": heading[1]} if heading else {})
