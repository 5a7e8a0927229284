"""The words of many texts at once, as the numbers of words that are known: a loop compiled by Numba.

Cuts texts as :func:`personahub.kernels.words.find_words` does, but makes no string of a word: its characters
are compared with those of the known words.
"""

from collections.abc import Iterable
from functools import lru_cache
from itertools import accumulate
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from personahub.compiled import compiled
from personahub.kernels.words import LETTER, RUN, SINGLE, SOUND, fold

__all__ = ["BETWEEN", "UNKNOWN", "KnownWords"]

UNKNOWN = -1
"""The number of a word that is not known."""
BETWEEN = -2
"""Stands before and after the numbers of each text."""

_OTHER, _APOSTROPHE, _LETTER, _SINGLE, _SOUND = range(5)

_Points = npt.NDArray[np.uint32]
_Longs = npt.NDArray[np.int64]
_Ints = npt.NDArray[np.int32]


class _Table(NamedTuple):
    """Known words: their characters one after the other, where each word ends, and a hash table of them."""

    points: _Points
    ends: _Longs
    hashes: npt.NDArray[np.uint64]
    slots: _Ints


class KnownWords:
    """Words that are known by a number.

    Args:
        words: different ones, as `find_words` gives them, in the order of their numbers.
    """

    def __init__(self, words: Iterable[str]) -> None:
        """Make a hash table of them."""
        points, ends = _points(words)
        slots = np.full(1 << (2 * len(ends) + 1).bit_length(), -1, np.int32)
        self._table = _Table(points, ends, np.empty(len(ends), np.uint64), slots)
        _fill(self._table)

    def number(self, texts: Iterable[str | None]) -> tuple[_Ints, _Longs]:
        """The numbers of the texts' words, one text after the other, and where each text starts.

        Of ``n`` texts there are ``n + 1`` starts, the last of which is where one more would start. Before
        each start and at the end stands `BETWEEN`; a word that is not known is `UNKNOWN`.
        """
        points, ends = _points(fold(text or "") for text in texts)
        return _cut(points, ends, _kinds(), self._table)


def _points(texts: Iterable[str]) -> tuple[_Points, _Longs]:
    """The code points of all texts, and where each ends."""
    held = list(texts)
    content = "".join(held).encode("utf-32-le", "surrogatepass")
    return np.frombuffer(content, np.uint32), np.fromiter(accumulate(map(len, held)), np.int64, len(held))


@lru_cache(1)
def _kinds() -> npt.NDArray[np.uint8]:
    """What each code point is, in 1.1 MB."""
    import regex

    kinds = np.full(0x110000, _OTHER, np.uint8)
    kinds[ord("'")] = _APOSTROPHE
    every = "".join(map(chr, range(len(kinds))))
    for kind, pattern in ((_LETTER, LETTER), (_SINGLE, SINGLE), (_SOUND, SOUND)):
        for match in regex.finditer(f"{pattern}+", every, regex.V1):
            kinds[match.start() : match.end()] = kind
    return kinds


@compiled
def _hash(points: _Points, start: int, stop: int) -> np.uint64:
    """FNV-1a by code points (Fowler, Noll and Vo), with its high bits brought down."""
    mixed = np.uint64(0xCBF29CE484222325)
    for at in range(start, stop):
        mixed = (mixed ^ np.uint64(points[at])) * np.uint64(0x100000001B3)
    return mixed ^ (mixed >> np.uint64(32))


@compiled
def _slot(
    mixed: np.uint64,
    points: _Points,
    start: int,
    stop: int,
    known: _Points,
    ends: _Longs,
    hashes: npt.NDArray[np.uint64],
    slots: _Ints,
) -> int:
    """The slot of a word, or the empty one where it belongs."""
    last = len(slots) - 1
    slot = np.int64(mixed) & last
    while slots[slot] >= 0:
        word = slots[slot]
        begin = ends[word - 1] if word else 0
        if hashes[word] == mixed and ends[word] - begin == stop - start:
            same = 0
            while start + same < stop and points[start + same] == known[begin + same]:
                same += 1
            if start + same == stop:
                break
        slot = (slot + 1) & last
    return int(slot)


@compiled
def _fill(table: _Table) -> None:
    points, ends, hashes, slots = table
    start = 0
    for word in range(len(ends)):
        hashes[word] = _hash(points, start, ends[word])
        slots[_slot(hashes[word], points, start, ends[word], points, ends, hashes, slots)] = word
        start = ends[word]


@compiled
def _end_of_word(points: _Points, at: int, end: int, kinds: npt.NDArray[np.uint8]) -> int:
    """Where the letters and digits end that start there, apostrophes between them included."""
    stop = at + 1
    while stop < end:
        kind = kinds[points[stop]]
        inner = kind == _APOSTROPHE and stop + 1 < end and kinds[points[stop + 1]] == _LETTER
        if kind != _LETTER and not inner:
            break
        stop += 1
    return stop


@compiled
def _cut(points: _Points, ends: _Longs, kinds: npt.NDArray[np.uint8], table: _Table) -> tuple[_Ints, _Longs]:
    known, known_ends, hashes, slots = table
    numbers = np.empty(len(points) + len(ends) + 1, np.int32)
    starts = np.ones(len(ends) + 1, np.int64)
    numbers[0] = BETWEEN
    count = 1
    at = 0
    for row in range(len(ends)):
        end = ends[row]
        while at < end:
            kind = kinds[points[at]]
            stop = at + 1
            step = 1
            if kind == _LETTER:
                stop = _end_of_word(points, at, end, kinds)
                step = stop - at
            elif kind == _SOUND:
                while stop < end and stop < at + RUN and kinds[points[stop]] == _SOUND:
                    stop += 1
                # The last run of a stretch is followed by nothing of it, be it shorter or not.
                if stop == end or kinds[points[stop]] != _SOUND:
                    step = stop - at
            elif kind != _SINGLE:
                at += 1
                continue
            mixed = _hash(points, at, stop)
            numbers[count] = slots[_slot(mixed, points, at, stop, known, known_ends, hashes, slots)]
            count += 1
            at += step
        numbers[count] = BETWEEN
        count += 1
        starts[row + 1] = count
    return numbers[:count].copy(), starts
