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

Hashes = NDArray[np.uint64]


class Windows(NamedTuple):
    """The different windows of some sequences, and where they stand.

    Attributes:
        least: what a window weighs at least.
        weights: int32, for each word number.
        marks: uint64, for each word number a number drawn for it.
        bits: uint64, a bit for each of the first bits of a hash: whether a window has them.
        slots: int32, the hash table: a window, or -1.
        hashes: uint64, of each window.
        firsts: int32, where each window stands first.
        sizes: int32, the words of each window.
        parts: int64, each window's part of ``places``, and the end of the last.
        places: int32, where windows stand, those of one window ascending.
    """

    least: int
    weights: Numbers
    marks: Hashes
    bits: Hashes
    slots: Numbers
    hashes: Hashes
    firsts: Numbers
    sizes: Numbers
    parts: NDArray[np.int64]
    places: Numbers


def word_marks(count: int) -> Hashes:
    """Numbers for the words' hashes: SplitMix64 (Steele et al. 2014), the same in each process."""
    marks = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    marks = (marks ^ marks >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    marks = (marks ^ marks >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    return marks ^ marks >> np.uint64(31)


@compiled
def _roll(numbers: Numbers, weights: Numbers, marks: Hashes, least: int) -> tuple[Numbers, Hashes]:
    """For each place how many words the window from there on has, 0 where there is none, and its hash.

    The rolling hash of Karp and Rabin (1987) over the words' marks, modulo 2**64, and mixed.
    """
    base = np.uint64(0x9E3779B97F4A7C15)
    powers = np.ones(least + 1, np.uint64)
    for exponent in range(1, len(powers)):
        powers[exponent] = powers[exponent - 1] * base
    sizes = np.zeros(len(numbers), np.int32)
    hashes = np.zeros(len(numbers), np.uint64)
    end = weight = 0
    rolling = np.uint64(0)
    for at in range(len(numbers)):
        if numbers[at] < 0:
            end = at + 1
            continue
        while weight < least and numbers[end] >= 0:
            rolling = rolling * base + marks[numbers[end]]
            weight += weights[numbers[end]]
            end += 1
        if weight >= least:
            sizes[at] = end - at
            hashes[at] = (rolling ^ (rolling >> np.uint64(32))) * np.uint64(0xD6E8FEB86659FD93)
        rolling -= marks[numbers[at]] * powers[end - at - 1]
        weight -= weights[numbers[at]]
    return sizes, hashes


@compiled
def _slot(
    mixed: np.uint64,
    numbers: Numbers,
    at: int,
    size: int,
    slots: Numbers,
    hashes: Hashes,
    indexed: Numbers,
    firsts: Numbers,
    sizes: Numbers,
) -> int:
    """The slot of a window, or the empty one where it belongs."""
    last = len(slots) - 1
    slot = np.int64(mixed >> np.uint64(20)) & last
    while slots[slot] >= 0:
        window = slots[slot]
        if hashes[window] == mixed and sizes[window] == size:
            there, same = firsts[window], 0
            while same < size and numbers[at + same] == indexed[there + same]:
                same += 1
            if same == size:
                break
        slot = (slot + 1) & last
    return int(slot)


@compiled
def _bit(mixed: np.uint64, bits: Hashes) -> tuple[int, np.uint64]:
    """The word of ``bits``, of which there are a power of two, and in it the bit."""
    return int((mixed >> np.uint64(6)) & np.uint64(len(bits) - 1)), np.uint64(1) << (mixed & np.uint64(63))


@compiled
def _places(starts: NDArray[np.int64], sizes: Numbers, stride: int) -> Numbers:
    """Where a window stands at every ``stride``-th word of each sequence."""
    found = np.empty(len(sizes) // stride + len(starts), np.int32)
    count = 0
    for row in range(len(starts) - 1):
        for at in range(starts[row], starts[row + 1] - 1, stride):
            if sizes[at]:
                found[count] = at
                count += 1
    return found[:count].copy()


@compiled
def _fill(
    numbers: Numbers,
    at_places: Numbers,
    place_sizes: Numbers,
    place_hashes: Hashes,
    bits: Hashes,
    slots: Numbers,
    windows: Numbers,
    hashes: Hashes,
    firsts: Numbers,
    sizes: Numbers,
) -> int:
    """Number the windows at some places; how many different ones there are."""
    different = 0
    for entry in range(len(at_places)):
        at, size, mixed = at_places[entry], place_sizes[entry], place_hashes[entry]
        slot = _slot(mixed, numbers, at, size, slots, hashes, numbers, firsts, sizes)
        if slots[slot] < 0:
            slots[slot] = different
            hashes[different] = mixed
            firsts[different] = at
            sizes[different] = size
            word, bit = _bit(mixed, bits)
            bits[word] |= bit
            different += 1
        windows[entry] = slots[slot]
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
    sizes, hashes = _roll(numbers, weights, marks, least)
    places = _places(starts, sizes, stride)
    count = len(places)
    # Eight bits or more for each window.
    bits = np.zeros(1 << (count // 8).bit_length(), np.uint64)
    slots = np.full(1 << max(2 * count, 2).bit_length(), -1, np.int32)
    windows, firsts, own_sizes = (np.empty(count, np.int32) for _ in range(3))
    own_hashes = np.empty(count, np.uint64)
    different = _fill(
        numbers, places, sizes[places], hashes[places], bits, slots, windows, own_hashes, firsts, own_sizes
    )
    parts = np.zeros(different + 1, np.int64)
    np.cumsum(np.bincount(windows, minlength=different), out=parts[1:])
    return Windows(
        least, weights, marks, bits, slots, own_hashes[:different].copy(), firsts[:different].copy(),
        own_sizes[:different].copy(), parts, places[np.argsort(windows, kind="stable")],
    )  # fmt: skip


@compiled
def look_up(texts: Numbers, indexed: Numbers, windows: Windows) -> Numbers:
    """For each place of some texts the window that stands there, -1 where none that is indexed does.

    Args:
        texts: word numbers.
        indexed: those of what ``windows`` indexes.
        windows: the index.
    """
    least, weights, marks, bits, slots, hashes, firsts, sizes, _, _ = windows
    found = np.full(len(texts), -1, np.int32)
    text_sizes, text_hashes = _roll(texts, weights, marks, least)
    for at in range(len(texts)):
        if text_sizes[at]:
            # Most windows of most texts end here, at a byte or two for each window of the index.
            word, bit = _bit(text_hashes[at], bits)
            if bits[word] & bit:
                slot = _slot(
                    text_hashes[at], texts, at, text_sizes[at], slots, hashes, indexed, firsts, sizes
                )
                found[at] = slots[slot]
    return found
