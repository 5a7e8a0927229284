"""Files as pieces of their content: decompressed by what they hold, damage passed over and told.

A gzip, Zstandard, LZ4 or bzip2 file is a row of members (frames), each of which can be read on its own.
Where one is broken, the next one is looked for by its first bytes, so that everything readable is read. The
standard library's readers stop there, and ``zstandard``'s takes a file that was cut short for whole.
"""

import bz2
import zlib
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, NamedTuple

import lz4.frame
import zstandard

__all__ = ["COMPRESSIONS", "Damage", "Piece", "read_pieces"]

COMPRESSIONS = (".gz", ".zst", ".lz4", ".bz2")
"""Endings of names that may follow a format's."""

_PLAIN_BYTES = 2**20
_BOMB_BYTES, _BOMB_RATIO = 2**26, 250
"""A file is refused beyond so many bytes at more than so many times its size; text packs 3 to 20 times."""
_MAX_WINDOW = 2**31
"""The most that ``zstd --long`` writes; memory is taken as the window fills."""


_STEP = 64
_SKIPPED = b"\x2a\x4d\x18"
"""Of Zstandard and LZ4, after a first byte of 0x50 to 0x5f: a frame with no content."""


class Piece(NamedTuple):
    """The next bytes of the content, at most some 64 MB, mostly far fewer."""

    content: bytes
    offset: int
    """The byte of the file at which their member begins; of a plain file, at which they begin themselves."""
    plain: bool
    """Whether the file is not compressed."""


class Damage(NamedTuple):
    """Here something of the content is missing."""

    offset: int
    """The byte of the file at which what is broken begins."""
    reason: str
    """"truncated", "broken_archive" or "decompression_bomb"."""
    detail: str


class _Format(NamedTuple):
    magic: bytes
    member: Callable[[], Any]
    """Makes a decompressor of one member; those of all four libraries have the same methods."""
    input_bytes: int
    """Most bytes to decompress at once, such that no input makes more than some 64 MB of them."""


_FORMATS = (
    _Format(b"\x1f\x8b\x08", lambda: zlib.decompressobj(wbits=31), 2**15),
    _Format(
        b"\x28\xb5\x2f\xfd",
        lambda: zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW).decompressobj(),
        2**11,
    ),
    _Format(b"\x04\x22\x4d\x18", lz4.frame.LZ4FrameDecompressor, 2**17),
    _Format(b"BZh", bz2.BZ2Decompressor, 2**11),
)
_ERRORS = (zlib.error, zstandard.ZstdError, OSError, EOFError, ValueError, RuntimeError, MemoryError)
"""What those decompressors raise at broken input."""


def read_pieces(file: BinaryIO, *, compressed: bool) -> Iterator[Piece | Damage]:
    """The content of a file from its start, in order; what is broken is told and passed over.

    Args:
        file: the file, of which only ``read`` is used.
        compressed: whether its name says so; what it holds decides, unless that is neither.

    Raises:
        OSError: the file cannot be read.
    """
    source = _Source(file)
    source.fill(_PLAIN_BYTES)
    found = [form for form in _FORMATS if source.buffer.startswith(form.magic)]
    if found or (compressed and not _looks_like_text(source.buffer)):
        yield from _members(source, found[0] if found else _FORMATS[0])
        return
    while source.buffer:
        yield Piece(source.buffer, source.offset, plain=True)
        source.drop(len(source.buffer))
        source.fill(_PLAIN_BYTES)


def _looks_like_text(start: bytes) -> bool:
    """Some servers hand a file out decompressed, under its old name."""
    head = start[:1000]
    return head.isascii() and not any(byte < 9 for byte in head)


class _Source:
    """The file's bytes that are not used yet."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.buffer = b""
        self.offset = 0
        """Of the buffer in the file."""
        self.made = 0
        """Bytes of content made of what was used."""

    def fill(self, size: int) -> None:
        while len(self.buffer) < size and (more := self._file.read(size)):
            self.buffer = self.buffer + more if self.buffer else more

    def drop(self, size: int) -> None:
        self.buffer = self.buffer[size:]
        self.offset += size

    def find(self, magic: bytes) -> bool:
        """Go on to the next place where a member may begin."""
        while True:
            self.fill(2**16)
            if (place := self.buffer.find(magic)) >= 0:
                self.drop(place)
                return True
            if len(self.buffer) < len(magic):
                return False
            self.drop(len(self.buffer) - len(magic) + 1)


def _members(source: _Source, form: _Format) -> Iterator[Piece | Damage]:
    lost = False
    """Whether the damage was told that is being passed over."""
    while _skip_padding(source, form):
        start = source.offset
        damage: Damage | None = None
        if source.buffer.startswith(form.magic):
            for item in _member(source, form):
                if isinstance(item, Damage):
                    damage = item
                else:
                    lost = False
                    yield item
        else:
            damage = Damage(start, "broken_archive", "no archive member begins here")
        if damage:
            if not lost:
                yield damage
            lost = True
            # The member's start is passed already where something of it could be read.
            if source.offset == start:
                source.drop(1)
            if damage.reason == "decompression_bomb" or not source.find(form.magic):
                return


def _skip_padding(source: _Source, form: _Format) -> bool:
    """Pass over zeros, which fill up a tape's last block, and frames to skip; False at the file's end."""
    while True:
        source.fill(form.input_bytes)
        start = source.buffer[:8]
        if not source.buffer.strip(b"\0"):
            if not source.buffer:
                return False
            source.drop(len(source.buffer))
        elif start[1:4] == _SKIPPED and 0x50 <= start[0] <= 0x5F and len(start) == 8:
            size = 8 + int.from_bytes(start[4:], "little")
            while size and source.buffer:
                passed = min(size, len(source.buffer))
                source.drop(passed)
                size -= passed
                source.fill(1)
        else:
            return True


def _member(source: _Source, form: _Format) -> Iterator[Piece | Damage]:
    start, member = source.offset, form.member()
    while not member.eof:
        source.fill(form.input_bytes)
        given = source.buffer[: form.input_bytes]
        if not given:
            yield Damage(start, "truncated", "the file ends within an archive member")
            return
        try:
            content = member.decompress(given)
        except _ERRORS as error:
            if source.offset == start and (content := _before_damage(form, given)):
                yield Piece(content, start, plain=False)
            yield Damage(start, "broken_archive", str(error))
            return
        source.drop(len(given) - len(member.unused_data or b"") if member.eof else len(given))
        source.made += len(content)
        if source.made > _BOMB_BYTES and source.made > _BOMB_RATIO * source.offset:
            times = source.made // source.offset
            yield Damage(start, "decompression_bomb", f"its content is {times} times its size")
            return
        if content:
            yield Piece(content, start, plain=False)


def _before_damage(form: _Format, given: bytes) -> bytes:
    """What a member's first bytes hold before they break, which no decompressor gives with its error."""
    member, content = form.member(), []
    try:
        for start in range(0, len(given), _STEP):
            content.append(member.decompress(given[start : start + _STEP]))
    except _ERRORS:
        pass
    return b"".join(content)
