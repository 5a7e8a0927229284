"""Words of texts as 64-bit hashes: what many texts are compared by, in a loop compiled by Numba.

What :func:`~personahub.kernels.words.find_words` does in Python, Numba does here on the bytes of Arrow
buffers: decoding, folding by a table of code points, cutting into words, hashing them, and taking each word
of a text once. A text that holds what the table does not know goes through ``find_words``, and its words
through the same hash. A word of up to eight ASCII characters has a hash of its own; of two others one pair in
2**64 shares one, and of the words of two texts no more is ever compared than these hashes.
"""

import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from personahub.compiled import compiled
from personahub.kernels.bits import eight_bytes, leading_zeros
from personahub.kernels.words import LETTER, SINGLE, find_words, fold

__all__ = ["HashedWords", "hash_word", "hash_words", "mix"]

_Bytes = NDArray[np.uint8]
_Ints = NDArray[np.int32]
_Longs = NDArray[np.int64]
_Hashes = NDArray[np.uint64]

_BREAK, _APOSTROPHE, _LETTER, _SINGLE, _SEVERAL, _UNKNOWN = range(6)
"""What a code point is to a word. SEVERAL: it is folded into several; UNKNOWN: a matter for Python."""
_BLOCK = 2**18
"""Bytes of texts read at a time: their words and the table of them stay in the second cache."""
_EXPANDED = 4
"""Most code points that one is folded into."""
_TICK = ord("'")
_ASCII = 0x80
_TWO_BYTES = 0x800
_OTHER = 0xFFFF
"""Stands for all code points above it."""
_SEED = np.uint64(0x9E3779B97F4A7C15)
_ONE = np.uint64(0xBF58476D1CE4E5B9)
_TWO = np.uint64(0x94D049BB133111EB)
_EACH = np.uint64(0x0101010101010101)
"""Times a byte: that byte eight times."""


class HashedWords(NamedTuple):
    """The words of some texts that follow one another.

    Attributes:
        starts: int64, where each text's words begin, and at the end how many there are in all.
        hashes: uint64, a hash of each word, in the order in which they come; in a text each once, unless
            every one was asked for.
    """

    starts: _Longs
    hashes: _Hashes


def hash_words(
    array: pa.Array, wanted: NDArray[np.bool_] | None = None, *, every: bool = False
) -> Iterator[HashedWords]:
    """The words of texts, some thousand texts at a time; their room is used again for the next.

    Args:
        array: of large strings, without nulls, as :func:`~personahub.kernels.texts.encoded` gives them.
        wanted: for each text whether it is read; others have no words then. None for all.
        every: words that come again in a text are given again.
    """
    offsets, data = _buffers(array)
    wanted = np.ones(len(array), np.bool_) if wanted is None else wanted
    scratch = _Scratch(np.empty(0, np.uint64), np.empty(0, np.uint64), np.empty(0, np.int32))
    first = 0
    while first < len(array):
        last = int(np.searchsorted(offsets, offsets[first] + _BLOCK, "right")) - 1
        last = min(max(last, first + 1), len(array))
        scratch = scratch.for_texts(offsets[first : last + 1])
        yield _hash_some(array, data, offsets, wanted, first, last, scratch, every)
        first = last


class _Scratch(NamedTuple):
    """Room for the words of some texts, and for a table of those of one."""

    hashes: _Hashes
    table: _Hashes
    stamps: _Ints

    def for_texts(self, offsets: _Longs) -> "_Scratch":
        """Room that suffices for texts with these offsets, cleared as far as it must be."""
        # A code point of three bytes may be folded into four, each a word.
        most = 2 * int(offsets[-1] - offsets[0])
        slots = _table_size(int(np.diff(offsets).max()))
        hashes = self.hashes if len(self.hashes) >= most else np.empty(most, np.uint64)
        table = self.table if len(self.table) >= slots else np.empty(slots, np.uint64)
        return _Scratch(hashes, table, np.zeros(len(table), np.int32))


def _hash_some(
    array: pa.Array,
    data: _Bytes,
    offsets: _Longs,
    wanted: NDArray[np.bool_],
    first: int,
    last: int,
    scratch: _Scratch,
    every: bool,
) -> HashedWords:
    starts = np.zeros(last - first + 1, np.int64)
    codes = _character_table()
    hashes, table, stamps = scratch
    at = first
    while True:
        at = _hash_block(
            data, offsets, wanted, first, at, last, every, *codes, table, stamps, hashes, starts,
        )  # fmt: skip
        if at == last:
            break
        # The kernel stopped at a text that is not its own.
        words = find_words(array[at].as_py())
        words = words if every else list(dict.fromkeys(words))
        letters = np.frombuffer("".join(words).encode("utf-32-le"), np.int32)
        ends = np.cumsum([len(word) for word in words], dtype=np.int64)
        begin = starts[at - first]
        _hash_given(letters, ends, hashes[begin : begin + len(words)])
        starts[at - first + 1] = begin + len(words)
        at += 1
    return HashedWords(starts, hashes[: starts[-1]])


def hash_word(word: str) -> int:
    """The hash of a word, as `find_words` gives it."""
    letters = np.frombuffer(word.encode("utf-32-le"), np.int32)
    hashes = np.empty(1, np.uint64)
    _hash_given(letters, np.array([len(word)], np.int64), hashes)
    return int(hashes[0])


def _buffers(array: pa.Array) -> tuple[_Longs, _Bytes]:
    """Offsets and bytes of an array of large strings without nulls."""
    _, offsets, data = array.buffers()
    ends = np.frombuffer(offsets, np.int64)[array.offset : array.offset + len(array) + 1]
    return ends, np.frombuffer(data, np.uint8) if data and data.size else np.empty(0, np.uint8)


@lru_cache(1)
def _character_table() -> tuple[_Bytes, NDArray[np.uint16], _Bytes, _Ints, _Ints]:
    """What each character is to a word, and what it is folded into.

    Returns:
        Of each byte of ASCII, and of all others: the lower case of a letter or digit, or its kind where it
        is none; of each code point of two bytes that is a letter its folded form, where this is of two bytes
        too, else 0; of each code point below 2**16 its kind; its folded form, or for one of several the row
        of the last; and these rows: how many, then the code points.
    """
    import regex

    letter, single = (regex.compile(pattern, regex.V1) for pattern in (LETTER, SINGLE))

    def kind_of(form: str) -> int:
        if form == "'":
            return _APOSTROPHE
        if single.fullmatch(form):
            return _SINGLE
        return _LETTER if letter.fullmatch(form) else _BREAK if not find_words(form) else _UNKNOWN

    kinds = np.full(2**16, _UNKNOWN, np.uint8)
    folded = np.arange(2**16, dtype=np.int32)
    several: list[list[int]] = []
    joining = _joining()
    for code in range(2**16):
        form = fold(chr(code)) if not 0xD800 <= code < 0xE000 else ""
        if not form or len(form) > _EXPANDED or code in joining or joining & set(map(ord, form)):
            continue
        parts = [kind_of(each) for each in form]
        if max(map(ord, form)) >= 2**16 or _UNKNOWN in parts:
            continue
        if len(form) == 1:
            kinds[code], folded[code] = parts[0], ord(form)
        elif all(part == _BREAK for part in parts):
            kinds[code], folded[code] = _BREAK, ord(" ")
        else:
            kinds[code], folded[code] = _SEVERAL, len(several)
            several.append([len(form), *map(ord, form), *[0] * (_EXPANDED - len(form))])
    # What stands for the code points above.
    kinds[_OTHER] = _UNKNOWN
    ascii_ = np.full(256, _UNKNOWN, np.uint8)
    for code in range(_ASCII):
        ascii_[code] = folded[code] if kinds[code] == _LETTER else kinds[code]
    short = np.where(
        (kinds[:_TWO_BYTES] == _LETTER) & (folded[:_TWO_BYTES] >= _ASCII), folded[:_TWO_BYTES], 0
    )
    two = np.where(short < _TWO_BYTES, short, 0).astype(np.uint16)
    return ascii_, two, kinds, folded, np.array(several, np.int32).reshape(-1, _EXPANDED + 1)


def _joining() -> set[int]:
    """Code points that normalisation may join with, or move about, those before them.

    They have a combining class, or are the second of a composition, or the later parts of a Hangul syllable.
    """
    joined = {code for code in range(2**16) if unicodedata.combining(chr(code))}
    joined.update(range(0x1161, 0x1176), range(0x11A8, 0x11C3))
    for code in range(2**16):
        parts = unicodedata.decomposition(chr(code)).split()
        if parts and not parts[0].startswith("<"):
            joined.update(int(part, 16) for part in parts[1:])
    return joined


@compiled
def _table_size(size: int) -> int:
    """Slots for the words of a text of so many bytes, of which each may be two words."""
    slots = 16
    while slots < 4 * size:
        slots *= 2
    return slots


@compiled
def mix(value: np.uint64) -> np.uint64:
    """A number with all its bits changed by each of them: SplitMix64's last step (Steele et al. 2014)."""
    value = (value ^ (value >> np.uint64(30))) * _ONE
    value = (value ^ (value >> np.uint64(27))) * _TWO
    return value ^ (value >> np.uint64(31))


@compiled
def _push(state: np.uint64, lane: np.uint64, code: int) -> tuple[np.uint64, np.uint64]:
    """Take one more character of a word: 8 bits of ASCII, 16 of those up to U+07FF, 24 of others.

    The first bits of these tell them apart, as in UTF-8. The characters wait in a lane of 64 bits; where one
    finds no more room, the lane is mixed into the state. None begins with eight zeros, so a lane says by
    itself how many there are.
    """
    if code < _ASCII:
        if lane >> np.uint64(56):
            state = mix(state ^ lane)
            lane = np.uint64(0)
        return state, (lane << np.uint64(8)) | np.uint64(code)
    if code < _TWO_BYTES:
        if lane >> np.uint64(48):
            state = mix(state ^ lane)
            lane = np.uint64(0)
        return state, (lane << np.uint64(16)) | np.uint64(0x8000 | code)
    if lane >> np.uint64(40):
        state = mix(state ^ lane)
        lane = np.uint64(0)
    return state, (lane << np.uint64(24)) | np.uint64(0xC00000 | code)


@compiled
def _hash_given(given: _Ints, ends: _Longs, hashes: _Hashes) -> None:
    """Hash words that were cut already."""
    begin = 0
    for at in range(len(ends)):
        state, lane = _SEED, np.uint64(0)
        for place in range(begin, ends[at]):
            state, lane = _push(state, lane, given[place])
        hashes[at] = mix(state ^ lane)
        begin = ends[at]


@compiled
def _take(
    value: np.uint64, table: _Hashes, stamps: _Ints, mask: int, stamp: int, hashes: _Hashes, used: int
) -> int:
    """Take a word of a text, unless it came before; how many there are then. A mask of -1 takes every one."""
    if mask < 0:
        hashes[used] = value
        return used + 1
    slot = np.int64(value) & mask
    while stamps[slot] == stamp:
        if table[slot] == value:
            return used
        slot = (slot + 1) & mask
    stamps[slot] = stamp
    table[slot] = value
    hashes[used] = value
    return used + 1


@compiled
def _code_point(data: _Bytes, at: int) -> tuple[int, int]:
    """The code point that begins at this byte, which is none of ASCII, and where the next one does."""
    byte = int(data[at])
    if byte < 0xE0:
        return ((byte & 0x1F) << 6) | int(data[at + 1] & 0x3F), at + 2
    if byte < 0xF0:
        middle = int(data[at + 1] & 0x3F) << 6
        return ((byte & 0x0F) << 12) | middle | int(data[at + 2] & 0x3F), at + 3
    return _OTHER, at + 4


@compiled
def _letters_at(data: _Bytes, at: int, end: int) -> tuple[np.uint64, np.int64]:
    """Eight bytes, and how many of the first of them are ASCII letters, made small, and digits.

    Eight comparisons at a time: a sum carries into the highest bit of a byte where it is large enough.
    """
    eight = eight_bytes(data, at)
    low = eight & _EACH * np.uint64(0x7F)
    small = low | _EACH * np.uint64(0x20)
    letters = (small + _EACH * np.uint64(0x80 - 0x61)) & ~(small + _EACH * np.uint64(0x80 - 0x7B))
    digits = (low + _EACH * np.uint64(0x80 - 0x30)) & ~(low + _EACH * np.uint64(0x80 - 0x3A))
    others = ~((letters | digits) & ~eight) & _EACH * np.uint64(0x80)
    here = np.int64(leading_zeros(others)) >> 3
    return small, min(here, np.int64(end - at))


@compiled
def _hash_block(  # noqa: PLR0912, PLR0915 - a call for each letter would cost more than the letter
    data: _Bytes, offsets: _Longs, wanted: NDArray[np.bool_], origin: int, first: int, last: int,
    every: bool, ascii_: _Bytes, two: NDArray[np.uint16], kinds: _Bytes, folded: _Ints, several: _Ints,
    table: _Hashes, stamps: _Ints, hashes: _Hashes, starts: _Longs,
) -> int:  # fmt: skip
    """Hash the words of the texts from ``first`` on, up to ``last`` or to one that Python has to read.

    The text of ``origin`` is the first of ``starts``.

    Returns:
        The text after the last that was read.
    """
    for text in range(first, last):
        used, stamp = starts[text - origin], text - origin + 1
        starts[text - origin + 1] = used
        if not wanted[text]:
            continue
        at, end = offsets[text], offsets[text + 1]
        mask = -1 if every else _table_size(end - at) - 1
        # The word so far, and whether an apostrophe came behind it.
        state, lane = _SEED, np.uint64(0)
        is_open = False
        while at <= end:
            if not lane and at < end and data[at] < _ASCII and at + 8 <= len(data):
                lower, size = _letters_at(data, at, end)
                if size:
                    lane = lower >> np.uint64(64 - 8 * size)
                    at += size
                    # More letters come behind eight.
                    while size == 8 and at + 8 <= len(data):
                        lower, size = _letters_at(data, at, end)
                        if size:
                            state = mix(state ^ lane)
                            lane = lower >> np.uint64(64 - 8 * size)
                            at += size
            # A space behind the text ends its last word.
            code = int(ascii_[data[at]]) if at < end else _BREAK
            at += 1
            if code > _UNKNOWN:
                if is_open:
                    state, lane = _push(state, lane, _TICK)
                    is_open = False
                state, lane = _push(state, lane, code)
                continue
            if code == _BREAK:
                if lane:
                    used = _take(mix(state ^ lane), table, stamps, mask, stamp, hashes, used)
                    state, lane = _SEED, np.uint64(0)
                    is_open = False
                continue
            if code == _APOSTROPHE and lane and not is_open:
                is_open = True
                continue
            kind, form, count = _BREAK, 0, 1
            if code == _UNKNOWN:
                if data[at - 1] < _ASCII:
                    return text
                at -= 1
                while at < end and 0xC0 <= data[at] < 0xE0:
                    form = int(two[((data[at] & 0x1F) << 6) | (data[at + 1] & 0x3F)])
                    if form == 0:
                        break
                    if is_open:
                        state, lane = _push(state, lane, _TICK)
                        is_open = False
                    if lane >> np.uint64(48):
                        state = mix(state ^ lane)
                        lane = np.uint64(0)
                    lane = (lane << np.uint64(16)) | np.uint64(0x8000 | form)
                    at += 2
                if at == end or data[at] < _ASCII:
                    continue
                point, at = _code_point(data, at)
                kind, form = int(kinds[point]), int(folded[point])
                if kind == _LETTER:
                    if is_open:
                        state, lane = _push(state, lane, _TICK)
                        is_open = False
                    state, lane = _push(state, lane, form)
                    continue
                if kind == _UNKNOWN:
                    return text
            parts = form
            if kind == _SEVERAL:
                count = several[parts, 0]
            for part in range(count):
                if count > 1:
                    form = several[parts, part + 1]
                    kind = int(kinds[form])
                if kind == _LETTER:
                    if is_open:
                        state, lane = _push(state, lane, _TICK)
                        is_open = False
                    state, lane = _push(state, lane, form)
                elif kind == _APOSTROPHE and lane and not is_open:
                    is_open = True
                else:
                    if lane:
                        used = _take(mix(state ^ lane), table, stamps, mask, stamp, hashes, used)
                        state, lane = _SEED, np.uint64(0)
                        is_open = False
                    if kind == _SINGLE:
                        one, only = _push(_SEED, np.uint64(0), form)
                        used = _take(mix(one ^ only), table, stamps, mask, stamp, hashes, used)
        starts[text - origin + 1] = used
    return last
