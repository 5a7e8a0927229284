"""Windows of words and where they stand: loops on flat arrays, compiled by Numba.

A window is the shortest stretch from a word on that weighs so much (in tenths of a word, see
:mod:`personahub.kernels.words`): where words have spaces, an n-gram. As it depends on nothing but the words
from there on, two texts share a stretch of that weight exactly where they share a window. Windows lie in a
hash table; what is looked up is compared word by word, so equal hashes decide nothing.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from personahub.compiled import compiled
from personahub.verification.sequences import Numbers, Sequences

__all__ = ["Windows", "index_windows", "look_up", "word_marks"]

_Longs = NDArray[np.int64]
_Hashes = NDArray[np.uint64]


class Windows(NamedTuple):
    """The different windows of some sequences, and where they stand.

    Attributes:
        least: what a window weighs at least.
        weights: int32, for each word number.
        marks: uint64, for each word number a number drawn for it.
        slots: int32, the hash table: a window, or -1.
        hashes: uint64, of each window.
        firsts: int32, where each window stands first.
        sizes: int32, the words of each window.
        parts: int64, each window's part of ``places``, and the end of the last.
        places: int32, where windows stand, those of one window ascending.
    """

    least: int
    weights: Numbers
    marks: _Hashes
    slots: Numbers
    hashes: _Hashes
    firsts: Numbers
    sizes: Numbers
    parts: _Longs
    places: Numbers


def word_marks(count: int) -> _Hashes:
    """Numbers for the words' hashes: SplitMix64 (Steele et al. 2014), the same in each process."""
    with np.errstate(over="ignore"):
        marks = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        marks = (marks ^ marks >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
        marks = (marks ^ marks >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
        return marks ^ marks >> np.uint64(31)


@compiled
def _window(numbers: Numbers, at: int, least: int, weights: Numbers) -> int:
    """How many words a window takes; where none fits, minus the words from there on that start none."""
    weight = 0
    size = 0
    while weight < least:
        number = numbers[at + size]
        if number < 0:
            return -size - 1
        weight += weights[number]
        size += 1
    return size


@compiled
def _hash(numbers: Numbers, at: int, size: int, marks: _Hashes) -> np.uint64:
    mixed = np.uint64(size)
    for place in range(at, at + size):
        mixed = mixed * np.uint64(0x9E3779B97F4A7C15) + marks[numbers[place]]
    return (mixed ^ (mixed >> np.uint64(32))) * np.uint64(0xD6E8FEB86659FD93)


@compiled
def _equal(one: Numbers, at: int, other: Numbers, there: int, size: int) -> bool:
    same = 0
    while same < size and one[at + same] == other[there + same]:
        same += 1
    return same == size


@compiled
def _slot(
    mixed: np.uint64,
    numbers: Numbers,
    at: int,
    size: int,
    slots: Numbers,
    hashes: _Hashes,
    indexed: Numbers,
    firsts: Numbers,
    sizes: Numbers,
) -> int:
    """The slot of a window, or the empty one where it belongs."""
    last = len(slots) - 1
    slot = np.int64(mixed >> np.uint64(20)) & last
    while True:
        window = slots[slot]
        if window < 0:
            return int(slot)
        if (
            hashes[window] == mixed
            and sizes[window] == size
            and _equal(numbers, at, indexed, firsts[window], size)
        ):
            return int(slot)
        slot = (slot + 1) & last


@compiled
def _count_windows(numbers: Numbers, starts: _Longs, weights: Numbers, least: int, stride: int) -> int:
    count = 0
    for row in range(len(starts) - 1):
        for at in range(starts[row], starts[row + 1] - 1, stride):
            count += _window(numbers, at, least, weights) > 0
    return count


@compiled
def _fill(
    numbers: Numbers,
    starts: _Longs,
    weights: Numbers,
    marks: _Hashes,
    least: int,
    stride: int,
    slots: Numbers,
    windows: Numbers,
    at_places: Numbers,
    hashes: _Hashes,
    firsts: Numbers,
    sizes: Numbers,
) -> int:
    """Number the windows at every ``stride``-th word of each sequence; how many different ones there are."""
    different = 0
    entry = 0
    for row in range(len(starts) - 1):
        for at in range(starts[row], starts[row + 1] - 1, stride):
            size = _window(numbers, at, least, weights)
            if size <= 0:
                continue
            mixed = _hash(numbers, at, size, marks)
            slot = _slot(mixed, numbers, at, size, slots, hashes, numbers, firsts, sizes)
            if slots[slot] < 0:
                slots[slot] = different
                hashes[different] = mixed
                firsts[different] = at
                sizes[different] = size
                different += 1
            windows[entry] = slots[slot]
            at_places[entry] = at
            entry += 1
    return different


def index_windows(sequences: Sequences, weights: Numbers, least: int, stride: int) -> Windows:
    """Index the windows that start at every ``stride``-th word of each sequence.

    Args:
        sequences: fewer than 2**31 words in all.
        weights: for each word number.
        least: what a window weighs at least, above 0.
        stride: in words; a shared run is found where it holds a window that is indexed.
    """
    numbers, starts = sequences
    marks = word_marks(len(weights))
    count = _count_windows(numbers, starts, weights, least, stride)
    slots = np.full(1 << max(2 * count, 2).bit_length(), -1, np.int32)
    windows, places = np.empty(count, np.int32), np.empty(count, np.int32)
    hashes, firsts, sizes = np.empty(count, np.uint64), np.empty(count, np.int32), np.empty(count, np.int32)
    different = _fill(
        numbers, starts, weights, marks, least, stride, slots, windows, places, hashes, firsts, sizes
    )
    parts = np.zeros(different + 1, np.int64)
    np.cumsum(np.bincount(windows, minlength=different), out=parts[1:])
    places = places[np.argsort(windows, kind="stable")]
    return Windows(
        least, weights, marks, slots, hashes[:different].copy(), firsts[:different].copy(),
        sizes[:different].copy(), parts, places,
    )  # fmt: skip


@compiled
def look_up(texts: Numbers, at: int, indexed: Numbers, windows: Windows) -> int:
    """The window that stands there in a text; below 0 where none does: how far to go on, negative."""
    least, weights, marks, slots, hashes, firsts, sizes, _, _ = windows
    size = _window(texts, at, least, weights)
    if size < 0:
        return size
    mixed = _hash(texts, at, size, marks)
    return int(slots[_slot(mixed, texts, at, size, slots, hashes, indexed, firsts, sizes)])
