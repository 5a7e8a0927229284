"""Sets of words as they are written to files: each word a number, two bytes for the first 32,768 words.

Words are numbered in the order in which they first come, so that common ones have small numbers, and one
that has a large number is rare. A row's numbers ascend.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from personahub.compiled import compiled
from personahub.kernels.bits import eight_bytes
from personahub.kernels.hashing import mix

__all__ = [
    "LONG",
    "PARTS",
    "NumberedSets",
    "Vocabulary",
    "are_alike",
    "check_bytes",
    "decode_rows",
    "encode_rows",
    "hash_of",
    "number_words",
    "sum_rows",
]

PARTS = 4
"""Into so many parts a row's words are dealt out, of which the sums are kept."""
LONG = 255
"""The size of rows that are longer: their first two units tell it."""

_Longs = NDArray[np.int64]
_Hashes = NDArray[np.uint64]
Numbers = NDArray[np.uint32]
Units = NDArray[np.uint16]
Bytes = NDArray[np.uint8]

_SHORT = 0x8000
_STEP = np.uint64(0x9E3779B97F4A7C15)
_PART = np.uint64(62)


class NumberedSets(NamedTuple):
    """The words of some rows: those of row i are at starts[i] up to starts[i + 1], ascending."""

    starts: _Longs
    words: Numbers


class Vocabulary:
    """The numbers of words.

    Args:
        known: the hashes of the words that have one, in the order of their numbers.
    """

    def __init__(self, known: _Hashes) -> None:
        """Make the table of them."""
        self._known, self._size = np.empty(0, np.uint64), 0
        self._slots = np.empty(0, np.int32)
        self._make_room(len(known))
        self.number(known)

    def __len__(self) -> int:
        """How many words have a number."""
        return self._size

    def number(self, hashes: _Hashes) -> Numbers:
        """The numbers of words, of which new ones get the next."""
        numbers, at = np.empty(len(hashes), np.uint32), 0
        while True:
            self._size, at = number_words(hashes, self._slots, self._known, self._size, numbers, at)
            if at == len(hashes):
                return numbers
            self._make_room(2 * self._size)

    def hashes(self, begin: int) -> _Hashes:
        """The hashes of the words from a number on."""
        return self._known[begin : self._size]

    def _make_room(self, words: int) -> None:
        slots = 2**16
        while slots <= 2 * words:
            slots *= 2
        known = self.hashes(0)
        self._slots, self._size = np.full(slots, -1, np.int32), 0
        self._known = np.empty(slots // 2, np.uint64)
        self._size, _ = number_words(known, self._slots, self._known, 0, np.empty(len(known), np.uint32), 0)


@compiled
def hash_of(word: int) -> np.uint64:
    """64 bits by which a word's number goes into sums."""
    return mix((np.uint64(word) + np.uint64(1)) * _STEP)


@compiled
def number_words(
    hashes: _Hashes, slots: NDArray[np.int32], known: _Hashes, size: int, numbers: Numbers, begin: int
) -> tuple[int, int]:
    """Number words from ``begin`` on, until the table of known ones is half full.

    Args:
        hashes: of the words.
        slots: the table, a power of two long: the numbers of known words by their hashes' lower bits; -1.
        known: the known words' hashes, by their numbers.
        size: how many are known.
        numbers: where the words' numbers are written.
        begin: the first that has none yet.

    Returns:
        How many are known then, and the first that has no number yet.
    """
    mask = len(slots) - 1
    for at in range(begin, len(hashes)):
        if 2 * size >= len(slots):
            return size, at
        slot = np.int64(hashes[at]) & mask
        while slots[slot] >= 0 and known[slots[slot]] != hashes[at]:
            slot = (slot + 1) & mask
        if slots[slot] < 0:
            slots[slot] = size
            known[size] = hashes[at]
            size += 1
        numbers[at] = slots[slot]
    return size, len(hashes)


@compiled
def sum_rows(starts: _Longs, words: Numbers, sums: _Hashes) -> None:
    """Sort each row's words, and write their sum."""
    for row in range(len(starts) - 1):
        begin, end = starts[row], starts[row + 1]
        if end - begin > 32:
            words[begin:end].sort()
        total = np.uint64(0)
        for at in range(begin, end):
            word = words[at]
            total += hash_of(word)
            if end - begin <= 32:
                place = at
                while place > begin and words[place - 1] > word:
                    words[place] = words[place - 1]
                    place -= 1
                words[place] = word
        sums[row] = total


@compiled
def are_alike(
    starts: _Longs, words: Numbers, one: _Longs, others: _Longs, other_words: Numbers, other: _Longs
) -> NDArray[np.bool_]:
    """For each two rows whether they have the same words.

    Args:
        starts: of the first rows' words, like the words.
        words: likewise.
        one: a row of these.
        others: where the other rows' words begin, like these words.
        other_words: likewise.
        other: a row of those.
    """
    alike = np.zeros(len(one), np.bool_)
    for pair in range(len(one)):
        x, y = starts[one[pair]], others[other[pair]]
        size = starts[one[pair] + 1] - x
        alike[pair] = size == others[other[pair] + 1] - y
        for at in range(size if alike[pair] else 0):
            if words[x + at] != other_words[y + at]:
                alike[pair] = False
                break
    return alike


@compiled
def encode_rows(
    starts: _Longs, words: Numbers, kept: NDArray[np.bool_], sizes: Bytes, parts: NDArray[np.uint32],
    units: Units, ends: _Longs,
) -> None:  # fmt: skip
    """Write rows as units; those that are not kept have none.

    Args:
        starts: of the rows, like their words.
        words: likewise, ascending in a row.
        kept: for each row.
        sizes: where each row's number of units is written, `LONG` for a long row.
        parts: where the lower halves of the sums of its `PARTS` parts are, shape (rows, PARTS).
        units: where units are written; two for a word and two for a row suffice.
        ends: where it is written how many units there are up to each row's end.
    """
    at = 0
    parts[:] = 0
    for row in range(len(starts) - 1):
        sizes[row], ends[row] = 0, at
        if not kept[row] or starts[row] == starts[row + 1]:
            continue
        count = 0
        for word in words[starts[row] : starts[row + 1]]:
            count += 1 if word < _SHORT else 2
        sizes[row] = min(count, LONG)
        if count >= LONG:
            units[at], units[at + 1] = count & 0xFFFF, count >> 16
            at += 2
        for word in words[starts[row] : starts[row + 1]]:
            hashed = hash_of(word)
            parts[row, np.int64(hashed >> _PART)] += np.uint32(hashed & np.uint64(0xFFFFFFFF))
            if word >= _SHORT:
                units[at] = _SHORT | (word >> 16)
                at += 1
            units[at] = word & 0xFFFF
            at += 1
        ends[row] = at


@compiled
def decode_rows(units: Units, sizes: Bytes, wanted: NDArray[np.bool_]) -> tuple[_Longs, Numbers]:
    """The words of the rows that are wanted; others have none."""
    starts = np.zeros(len(sizes) + 1, np.int64)
    words = np.empty(len(units), np.uint32)
    at = found = 0
    for row in range(len(sizes)):
        count = np.int64(sizes[row])
        if count == LONG:
            count = np.int64(units[at]) | (np.int64(units[at + 1]) << 16)
            at += 2
        end = at + int(count)
        if not wanted[row]:
            at = end
        while at < end:
            unit = np.uint32(units[at])
            at += 1
            if unit >= _SHORT:
                unit = np.uint32((unit & np.uint32(_SHORT - 1)) << np.uint32(16)) | np.uint32(units[at])
                at += 1
            words[found] = unit
            found += 1
        starts[row + 1] = found
    return starts, words[:found]


@compiled
def check_bytes(data: Bytes) -> np.uint64:
    """A number that tells whether some bytes are what they were."""
    check, weight = np.uint64(len(data)), _STEP
    whole = len(data) // 8
    for at in range(whole):
        check += eight_bytes(data, 8 * at) * weight
        weight += np.uint64(2)
    for at in range(8 * whole, len(data)):
        check += np.uint64(data[at]) * weight
        weight += np.uint64(2)
    return mix(check)
