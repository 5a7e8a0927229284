"""WARC, WET and ARC: records in a row, each with its length before it.

The framing is our own: FastWARC stops at the first broken header, knows no ARC and does not tell where in the
file a record is whose file we decompress. Here a broken record costs itself and no other: the next one is
looked for by its first words.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from personahub.corpus.compression import Damage, Piece
from personahub.corpus.texts import MAX_TEXT_BYTES, Unread, decoded

__all__ = ["Record", "read_arc", "read_warc"]


class Record(NamedTuple):
    """One record of an archive."""

    row: int
    """Which one it is, from 1."""
    offset: int
    """The byte of the file at which it begins, or at which the compressed member begins that holds it."""
    headers: Mapping[str, str]
    """WARC's, their names in lower case; of an ARC record warc-target-uri, warc-date and content-type."""
    content: bytes


class _Head(NamedTuple):
    size: int
    """Bytes of the header."""
    headers: dict[str, str]
    length: int
    """Bytes of the content that the header announces."""


class _Framing(NamedTuple):
    start: re.Pattern[bytes]
    """Matches the line break before a record's header."""
    head: Callable[[bytes, int], _Head | str]
    """The header at a place; what is wrong where there is none."""
    end: bytes
    """What follows a record's content."""


_MAX_HEAD = 2**16
_AHEAD = 2**18
"""Bytes read beyond what is wanted, so that the small pieces of small members are joined many at a time."""
_NO_END = "a header without end"
_BREAKS = re.compile(rb"[\r\n]*")
_HEAD_END = re.compile(rb"\r?\n\r?\n")
_ARC_LINE = re.compile(
    rb"([a-z][a-z0-9+.-]{0,20}:[^\n]{0,4000}?) [0-9a-fA-F.:-]{1,45} ([0-9]{14}) ([^ \n]{1,200})"
    rb"(?: [^\n]{0,4000})? ([0-9]{1,12})\r?\n"
)


def _warc_head(buffer: bytes, at: int) -> _Head | str:
    if not buffer.startswith((b"WARC/1.", b"WARC/0."), at):
        return "no WARC record begins here"
    end = _HEAD_END.search(buffer, at, at + _MAX_HEAD)
    if not end:
        return _NO_END
    headers: dict[str, str] = {}
    for line in decoded(buffer[at : end.start()]).split("\n")[1:]:
        name, colon, value = line.partition(":")
        if colon:
            headers[name.strip().lower()] = value.strip()
    length = headers.get("content-length", "")
    if not (length.isascii() and length.isdigit() and len(length) < 16):
        return f"no length of a record: {length[:40]!r}"
    return _Head(end.end() - at, headers, int(length))


def _arc_head(buffer: bytes, at: int) -> _Head | str:
    line = _ARC_LINE.match(buffer, at)
    if not line:
        return "no ARC record begins here"
    url, date, kind = (decoded(part) for part in line.group(1, 2, 3))
    when = f"{date[:4]}-{date[4:6]}-{date[6:8]}T{date[8:10]}:{date[10:12]}:{date[12:]}Z"
    headers = {"warc-target-uri": url, "warc-date": when, "content-type": kind}
    return _Head(line.end() - at, headers, int(line[4]))


_WARC = _Framing(re.compile(rb"\n(?=WARC/[01]\.)"), _warc_head, b"\r\n\r\n")
_ARC = _Framing(re.compile(rb"\n(?=" + _ARC_LINE.pattern + rb")"), _arc_head, b"\n")


def read_warc(pieces: Iterable[Piece | Damage]) -> Iterator[Record | Unread]:
    """The records of a WARC or WET file; what is broken as unread, with its place."""
    return _records(_Feed(iter(pieces)), _WARC)


def read_arc(pieces: Iterable[Piece | Damage]) -> Iterator[Record | Unread]:
    """The records of an ARC file; what is broken as unread, with its place."""
    return _records(_Feed(iter(pieces)), _ARC)


def _records(feed: "_Feed", framing: _Framing) -> Iterator[Record | Unread]:
    row = 0
    passing = False
    """Whether it was told what is being passed over."""
    while True:
        feed.skip(_BREAKS)
        if not feed.want(1):
            if feed.damage is None:
                return
            # After a bomb nothing is read, which is told even while something broken is passed over.
            if not passing or feed.damage.reason == "decompression_bomb":
                yield Unread(row + 1, *feed.damage)
            feed.damage, passing = None, True
            continue
        feed.want(_MAX_HEAD)
        offset = feed.offset
        head = framing.head(feed.buffer, feed.at)
        if isinstance(head, _Head) and head.length > MAX_TEXT_BYTES:
            row += 1
            yield Unread(row, offset, "too_long", f"a record of {head.length:,} bytes")
            head = "passed over"
            passing = True
        if isinstance(head, str):
            if not passing:
                if head is _NO_END and feed.ends:
                    yield Unread(row + 1, *(feed.damage or (offset, "truncated", head)))
                else:
                    yield Unread(row + 1, offset, "broken_archive", head)
            passing = True
            feed.find(framing.start)
            continue
        row, passing = row + 1, False
        feed.at += head.size
        content, wrong = _content(feed, framing, head.length)
        if content or not wrong:
            yield Record(row, offset, head.headers, content)
        if wrong == "truncated" and feed.damage:
            yield Unread(row, *feed.damage)
            # What is left before the damage belongs to the same record.
            feed.at, feed.damage, passing = len(feed.buffer), None, True
        elif wrong:
            yield Unread(row, offset, wrong, f"its {head.length:,} bytes do not end where they should")


def _content(feed: "_Feed", framing: _Framing, length: int) -> tuple[bytes, str]:
    """A record's content, and what is wrong with its length: "wrong_length", "truncated" or nothing."""
    whole = feed.want(length)
    feed.want(length + _MAX_HEAD)
    end = feed.at + length
    if whole:
        after = _BREAKS.match(feed.buffer, end).end()  # type: ignore[union-attr]
        if (
            feed.buffer.startswith(framing.end, end)
            or (after == len(feed.buffer) and feed.ends)
            or isinstance(framing.head(feed.buffer, after), _Head)
        ):
            content = feed.buffer[feed.at : end]
            feed.at = end
            return content, ""
    feed.want(MAX_TEXT_BYTES)
    following = framing.start.search(feed.buffer, feed.at)
    stop = following.end() if following else min(feed.at + length, len(feed.buffer))
    content = feed.buffer[feed.at : stop].rstrip(b"\r\n")
    feed.at = stop
    # Where nothing follows but damage, it is the damage that is to blame.
    return content, "wrong_length" if following or (whole and not feed.damage) else "truncated"


class _Feed:
    """The content as it is needed, and the places in the file from which it came."""

    def __init__(self, pieces: Iterator[Piece | Damage]) -> None:
        self._pieces = pieces
        self.buffer = b""
        self.at = 0
        """What of the buffer is used."""
        self._origins: list[tuple[int, int, bool]] = []
        """Of each piece in the buffer: its place there, its offset, and whether it is plain."""
        self.damage: Damage | None = None
        """What is broken behind the buffer."""
        self._ended = False

    @property
    def ends(self) -> bool:
        """Whether nothing comes after the buffer, or nothing that runs on."""
        return self._ended or self.damage is not None

    @property
    def offset(self) -> int:
        """Where in the file the next byte is."""
        found = 0
        for place, offset, plain in self._origins:
            if place > self.at:
                break
            found = offset + self.at - place if plain else offset
        return found

    def want(self, size: int) -> bool:
        """Have so many unused bytes in the buffer; False where damage or the end comes before."""
        there = len(self.buffer) - self.at
        if there >= size or self.ends:
            return there >= size
        kept = [self.buffer[self.at :]]
        last = max((place for place, _, _ in self._origins if place <= self.at), default=0)
        self._origins = [
            (place - self.at, offset, plain) for place, offset, plain in self._origins if place >= last
        ]
        while there < size + _AHEAD and not self.ends:
            piece = next(self._pieces, None)
            if piece is None:
                self._ended = True
            elif isinstance(piece, Damage):
                self.damage = piece
            else:
                self._origins.append((there, piece.offset, piece.plain))
                kept.append(piece.content)
                there += len(piece.content)
        self.buffer, self.at = b"".join(kept), 0
        return there >= size

    def skip(self, pattern: re.Pattern[bytes]) -> None:
        """Pass over what the pattern, which matches anywhere, matches here."""
        while self.want(1):
            self.at = pattern.match(self.buffer, self.at).end()  # type: ignore[union-attr]
            if self.at < len(self.buffer):
                return

    def find(self, start: re.Pattern[bytes]) -> None:
        """Go on to the next place where a record may begin, or to the end, or to damage."""
        self.at += 1
        while self.want(1):
            self.want(2**20)
            if found := start.search(self.buffer, self.at):
                self.at = found.end()
                return
            # A start may lie across the end of what is there.
            self.at = len(self.buffer) if self.ends else max(self.at, len(self.buffer) - _MAX_HEAD // 8)
            if not self.ends:
                self.want(len(self.buffer) - self.at + 1)
