"""Words of texts as numbers: a text's different words, each by the number that it has in all texts.

What :func:`~personahub.kernels.words.find_words` does in Python, Numba does here on the bytes of Arrow
buffers: decoding, folding by a table of code points, cutting into words, and a hash table of words that
compares them code point by code point, so that no two words share a number. It knows the Latin and Cyrillic
letters, Han characters and their punctuation; a text that holds anything else goes through ``find_words``,
and its words through the same hash table.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from personahub.compiled import compiled
from personahub.kernels.texts import Texts, encoded
from personahub.kernels.words import find_words, fold, is_plain

__all__ = ["NumberedWords", "number_words"]

_Bytes = NDArray[np.uint8]
_Ints = NDArray[np.int32]
_Longs = NDArray[np.int64]
_Hashes = NDArray[np.uint64]

_BREAK, _LETTER, _SINGLE, _APOSTROPHE, _SEVERAL, _UNKNOWN = range(6)
"""What a code point is to a word. SEVERAL: it is folded into several; UNKNOWN: a matter for Python."""
_BLOCK = 2**16
"""Bytes of texts between two looks at how much room the table has left."""
_EXPANDED = 4
"""Most code points that one is folded into."""
_TICK = ord("'")
_OTHER = 0xFFFF
"""Stands for all code points above it; it is none of a text itself, and UNKNOWN."""


class NumberedWords(NamedTuple):
    """The different words of each text.

    Attributes:
        starts: where each text's words begin, and at the end how many there are.
        words: their numbers, from 0 on, in the order in which they were first met.
        vocabulary: how many different words there are in all.
    """

    starts: _Longs
    words: _Ints
    vocabulary: int


def number_words(texts: Texts) -> NumberedWords:
    """Number the words of texts; each text has each of its words once.

    Args:
        texts: as :data:`~personahub.kernels.texts.Texts` says; a null has no words.

    Raises:
        UserError: they are of another type.
    """
    table = _WordTable()
    found: list[_Ints] = []
    counts: list[_Longs] = []
    for array in encoded(texts):
        for words, lengths in table.number(array):
            found.append(words)
            counts.append(lengths)
    starts = np.zeros(sum(map(len, counts)) + 1, np.int64)
    if counts:
        np.cumsum(np.concatenate(counts), out=starts[1:])
    words = np.concatenate(found) if found else np.empty(0, np.int32)
    return NumberedWords(starts, words, table.size)


class _WordTable:
    """All words met so far, by open addressing; it doubles when it is half full."""

    def __init__(self) -> None:
        """Begin with none."""
        self._slots = np.full(2**18, -1, np.int32)
        self._hashes = np.empty(2**17, np.uint64)
        self._begins = np.zeros(2**17 + 1, np.int64)
        self._stamps = np.full(2**17, -1, np.int64)
        self._letters = np.empty(2**20, np.int32)
        self._row = 0
        self.size = 0
        """How many different words there are."""

    def number(self, array: pa.Array) -> Iterator[tuple[_Ints, _Longs]]:
        """The words of some texts, and how many each text has, a block after another."""
        offsets, data = _buffers(array)
        codes = _character_table()
        first = 0
        while first < len(array):
            last = max(int(np.searchsorted(offsets, offsets[first] + _BLOCK, "right")) - 1, first + 1)
            last = min(last, len(array))
            # A code point of three bytes may be folded into four.
            most = 2 * int(offsets[last] - offsets[first])
            self._make_room(most, most)
            found = np.empty(most, np.int32)
            lengths = np.zeros(last - first, np.int64)
            scratch = np.empty(most + 1, np.int32)
            self.size, done, used = _number_block(
                data, offsets, first, last, *codes, self._slots, self._hashes, self._begins, self._letters,
                self._stamps, self.size, self._row, scratch, found, lengths,
            )  # fmt: skip
            self._row += done
            # Copies, so that what was not used is given back.
            yield found[:used].copy(), lengths[:done]
            first += done
            if first < last:
                # The kernel stopped at a text that is not its own.
                yield self._number_one(array[first].as_py())
                first += 1

    def _number_one(self, text: str) -> tuple[_Ints, _Longs]:
        words = list(dict.fromkeys(find_words(text)))
        letters = np.frombuffer("".join(words).encode("utf-32-le"), np.int32)
        ends = np.cumsum([len(word) for word in words], dtype=np.int64)
        self._make_room(len(words), len(letters))
        found = np.empty(len(words), np.int32)
        self.size = _number_given(
            letters, ends, self._slots, self._hashes, self._begins, self._letters, self.size, found
        )
        self._row += 1
        return found, np.array([len(words)], np.int64)

    def _make_room(self, words: int, letters: int) -> None:
        """See that so many more words and letters find a place."""
        while 2 * (self.size + words) > len(self._slots):
            self._slots = np.full(2 * len(self._slots), -1, np.int32)
            _fill(self._slots, self._hashes, self.size)
        if self.size + words > len(self._hashes):
            more = max(len(self._hashes), words)
            self._hashes = np.concatenate([self._hashes, np.empty(more, np.uint64)])
            self._begins = np.concatenate([self._begins, np.empty(more, np.int64)])
            self._stamps = np.concatenate([self._stamps, np.full(more, -1, np.int64)])
        if self._begins[self.size] + letters > len(self._letters):
            self._letters = np.concatenate(
                [self._letters, np.empty(max(len(self._letters), letters), np.int32)]
            )


def _buffers(array: pa.Array) -> tuple[_Longs, _Bytes]:
    """Offsets and bytes of an array of large strings without nulls."""
    _, offsets, data = array.buffers()
    ends = np.frombuffer(offsets, np.int64)[array.offset : array.offset + len(array) + 1]
    return ends, np.frombuffer(data, np.uint8) if data and data.size else np.empty(0, np.uint8)


@lru_cache(1)
def _character_table() -> tuple[_Bytes, _Ints, _Ints]:
    """What each code point below 2**16 is to a word, what it is folded into, and where that is several.

    Returns:
        Its kind; its folded form, or for one of several the row of the third; and the rows: how many, then
        the code points.
    """
    kinds = np.full(2**16, _UNKNOWN, np.uint8)
    folded = np.arange(2**16, dtype=np.int32)
    several: list[list[int]] = []
    for code in range(2**16):
        form = fold(chr(code)) if not 0xD800 <= code < 0xE000 else ""
        if not form or len(form) > _EXPANDED or not is_plain(form):
            continue
        if len(form) == 1:
            kinds[code], folded[code] = _kind(form), ord(form)
        elif all(_kind(each) == _BREAK for each in form):
            kinds[code], folded[code] = _BREAK, ord(" ")
        else:
            kinds[code], folded[code] = _SEVERAL, len(several)
            several.append([len(form), *map(ord, form), *[0] * (_EXPANDED - len(form))])
    return kinds, folded, np.array(several, np.int32).reshape(-1, _EXPANDED + 1)


def _kind(letter: str) -> int:
    if letter == "'":
        return _APOSTROPHE
    if not find_words(letter):
        return _BREAK
    return _SINGLE if "一" <= letter <= "\u9fff" else _LETTER


@compiled
def _mixed(mixed: np.uint64) -> np.uint64:
    mixed = (mixed ^ (mixed >> np.uint64(32))) * np.uint64(0xD6E8FEB86659FD93)
    return mixed ^ (mixed >> np.uint64(32))


@compiled
def _fill(slots: _Ints, hashes: _Hashes, size: int) -> None:
    """Put all words into a larger table."""
    for word in range(size):
        slot = np.int64(hashes[word] & np.uint64(len(slots) - 1))
        while slots[slot] >= 0:
            slot = (slot + 1) & (len(slots) - 1)
        slots[slot] = word


@compiled
def _number(
    scratch: _Ints, begin: int, end: int, mixed: np.uint64,
    slots: _Ints, hashes: _Hashes, begins: _Longs, letters: _Ints, size: int,
) -> int:  # fmt: skip
    """The number of a word; the next free one, ``size``, where it is new and has now been put there."""
    slot = np.int64(mixed & np.uint64(len(slots) - 1))
    while True:
        word = slots[slot]
        if word < 0:
            break
        if hashes[word] == mixed and begins[word + 1] - begins[word] == end - begin:
            at = begins[word]
            same = True
            for place in range(begin, end):
                if letters[at + place - begin] != scratch[place]:
                    same = False
                    break
            if same:
                return int(word)
        slot = (slot + 1) & (len(slots) - 1)
    slots[slot] = size
    hashes[size] = mixed
    at = begins[size]
    for place in range(begin, end):
        letters[at + place - begin] = scratch[place]
    begins[size + 1] = at + end - begin
    return size


_PRIME = np.uint64(0x9E3779B97F4A7C15)


@compiled
def _number_given(
    given: _Ints, ends: _Longs,
    slots: _Ints, hashes: _Hashes, begins: _Longs, letters: _Ints, size: int, found: _Ints,
) -> int:  # fmt: skip
    """Number words that were cut already; gives how many there are now."""
    begin = 0
    for at in range(len(ends)):
        mixed = np.uint64(0)
        for place in range(begin, ends[at]):
            mixed = (mixed ^ np.uint64(given[place])) * _PRIME
        word = _number(given, begin, ends[at], _mixed(mixed), slots, hashes, begins, letters, size)
        size = max(size, word + 1)
        found[at] = word
        begin = ends[at]
    return size


@compiled
def _code_point(data: _Bytes, at: int) -> tuple[int, int]:
    """The code point that begins at this byte, and where the next one does."""
    byte = int(data[at])
    if byte < 0x80:
        return byte, at + 1
    if byte < 0xE0:
        return ((byte & 0x1F) << 6) | int(data[at + 1] & 0x3F), at + 2
    if byte < 0xF0:
        middle = int(data[at + 1] & 0x3F) << 6
        return ((byte & 0x0F) << 12) | middle | int(data[at + 2] & 0x3F), at + 3
    return _OTHER, at + 4


@compiled
def _meet(
    scratch: _Ints, length: int, mixed: np.uint64,
    slots: _Ints, hashes: _Hashes, begins: _Longs, letters: _Ints, stamps: _Longs, size: int,
    row: int, found: _Ints, used: int,
) -> tuple[int, int]:  # fmt: skip
    """Take a word of a text: how many words there are now in all, and how many were found."""
    word = _number(scratch, 0, length, _mixed(mixed), slots, hashes, begins, letters, size)
    if stamps[word] != row:
        stamps[word] = row
        found[used] = word
        used += 1
    return max(size, word + 1), used


@compiled
def _number_block(  # noqa: PLR0912 - a call for each letter would cost more than the letter
    data: _Bytes, offsets: _Longs, first: int, last: int,
    kinds: _Bytes, folded: _Ints, several: _Ints,
    slots: _Ints, hashes: _Hashes, begins: _Longs, letters: _Ints, stamps: _Longs, size: int, row: int,
    scratch: _Ints, found: _Ints, lengths: _Longs,
) -> tuple[int, int, int]:  # fmt: skip
    """Number the words of the texts from ``first`` on, up to ``last`` or to one that Python has to read.

    ``row`` is the number of the first text among all, and ``stamps`` has for each word the last text with it.

    Returns:
        How many words there are now in all, how many texts were read, how many words were found.
    """
    used = 0
    for text in range(first, last):
        before, this_row = used, row + text - first
        at, end = offsets[text], offsets[text + 1]
        # The word so far, and whether an apostrophe came behind it.
        length, is_open, mixed = 0, False, np.uint64(0)
        is_over = False
        while not is_over:
            # A space behind the text ends its last word.
            is_over = at >= end
            code = 32
            if not is_over:
                code, at = _code_point(data, at)
            kind, form, count = kinds[code], folded[code], 1
            if kind == _UNKNOWN:
                return size, text - first, before
            parts = form
            if kind == _SEVERAL:
                count = several[parts, 0]
            for part in range(count):
                if count > 1:
                    form = several[parts, part + 1]
                    kind = kinds[form]
                if kind == _LETTER:
                    if is_open:
                        scratch[length] = _TICK
                        length += 1
                        mixed = (mixed ^ np.uint64(_TICK)) * _PRIME
                        is_open = False
                    scratch[length] = form
                    length += 1
                    mixed = (mixed ^ np.uint64(form)) * _PRIME
                elif kind == _APOSTROPHE and length and not is_open:
                    is_open = True
                else:
                    if length:
                        size, used = _meet(
                            scratch, length, mixed, slots, hashes, begins, letters, stamps, size,
                            this_row, found, used,
                        )  # fmt: skip
                        length, is_open, mixed = 0, False, np.uint64(0)
                    if kind == _SINGLE:
                        scratch[0] = form
                        size, used = _meet(
                            scratch, 1, np.uint64(form) * _PRIME, slots, hashes, begins, letters, stamps,
                            size, this_row, found, used,
                        )  # fmt: skip
        lengths[text - first] = used - before
    return size, last - first, used
