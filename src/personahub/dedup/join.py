"""Pairs of similar sets: an exact join on flat arrays, compiled by Numba.

Sets are rows of two arrays: ``words[starts[row]:starts[row + 1]]`` are the numbers of a row's different
words, ascending, where a rarer word has a smaller number.

The join is AllPairs (Bayardo, Ma and Srikant 2007, "Scaling up all pairs similarity search") with the length
and position filters of PPJoin (Xiao, Wang, Lin and Yu 2008, "Efficient similarity joins for near duplicate
detection"). Two sets of sizes a >= b with Jaccard similarity of at least t = p/q share at least
ceil(p(a + b)/(p + q)) words, so they share one among the a - ceil(ta) + 1 rarest of the larger set and
the b - ceil(2pb/(p + q)) + 1 rarest of the smaller: only these are indexed and looked up, and common
words stay out. A pair is looked at when its rarest shared word is met; what is left of both sets, and a
sketch of 64 bits of each, bound how many words they can share, and what passes is counted by merging. Of a
million personas, at 0.8, a text has 141 candidates, and one in a thousand of these is merged.

All arithmetic is in integers, by tables made with Python's own; no array has a size that pairs could outgrow.
"""

from fractions import Fraction
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from personahub.compiled import compiled

__all__ = ["Links", "first_of_equals", "keep_leaders", "least_overlaps", "link_similar", "sort_rows"]

_Ints = NDArray[np.int32]
_Longs = NDArray[np.int64]

# Rows between two looks at Ctrl-C and at the limit.
_BLOCK = 20_000


class Links(NamedTuple):
    """Pairs of rows with different but similar sets.

    Attributes:
        a: row numbers, each smaller than its ``b``; the pairs are sorted.
        b: row numbers.
        overlap: how many words the two share.
        candidates: how many pairs the index gave, before any filter.
        merged: how many of these had to be merged.
    """

    a: _Longs
    b: _Longs
    overlap: _Longs
    candidates: int
    merged: int


@compiled
def sort_rows(starts: _Longs, words: _Ints) -> None:
    """Sort each row in place."""
    for row in range(len(starts) - 1):
        words[starts[row] : starts[row + 1]].sort()


@compiled
def first_of_equals(starts: _Longs, words: _Ints) -> _Longs:
    """For each row the first row with the same words; -1 for a row without words."""
    rows = len(starts) - 1
    size = 16
    while size < 2 * rows:
        size *= 2
    table = np.full(size, -1, np.int64)
    first = np.empty(rows, np.int64)
    for row in range(rows):
        begin, end = starts[row], starts[row + 1]
        if begin == end:
            first[row] = -1
            continue
        mixed = np.uint64(end - begin)
        for at in range(begin, end):
            mixed = (mixed ^ np.uint64(words[at])) * np.uint64(0x9E3779B97F4A7C15)
            mixed ^= mixed >> np.uint64(29)
        slot = np.int64(mixed & np.uint64(size - 1))
        while True:
            other = table[slot]
            if other < 0:
                table[slot] = row
                first[row] = row
                break
            if np.array_equal(words[begin:end], words[starts[other] : starts[other + 1]]):
                first[row] = other
                break
            slot = (slot + 1) & (size - 1)
    return first


@compiled
def keep_leaders(a: _Longs, b: _Longs, kept: NDArray[np.bool_]) -> None:
    """Set aside each ``b`` whose ``a`` is kept; pairs are sorted, so that an ``a`` is settled when met."""
    for pair in range(len(a)):
        if kept[a[pair]]:
            kept[b[pair]] = False


@compiled
def _gather(starts: _Longs, words: _Ints, rows: _Longs) -> tuple[_Longs, _Ints, NDArray[np.uint64]]:
    """These rows one after the other, and a sketch of each: 64 bits, one set by each word."""
    new_starts = np.zeros(len(rows) + 1, np.int64)
    for at in range(len(rows)):
        new_starts[at + 1] = new_starts[at] + starts[rows[at] + 1] - starts[rows[at]]
    new_words = np.empty(new_starts[-1], np.int32)
    sketches = np.zeros(len(rows), np.uint64)
    for at in range(len(rows)):
        begin = starts[rows[at]]
        for place in range(new_starts[at + 1] - new_starts[at]):
            word = words[begin + place]
            new_words[new_starts[at] + place] = word
            bit = (np.uint64(word) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(58)
            sketches[at] |= np.uint64(1) << bit
    return new_starts, new_words, sketches


@compiled
def _index(
    starts: _Longs, words: _Ints, lengths: _Longs, listed: NDArray[np.bool_], vocabulary: int
) -> tuple[_Longs, _Ints, _Ints]:
    """Where the first words of the listed rows stand: each word's part of the lists, rows, places in rows."""
    parts = np.zeros(vocabulary + 1, np.int64)
    for row in range(len(starts) - 1):
        if listed[row]:
            for place in range(lengths[row]):
                parts[words[starts[row] + place] + 1] += 1
    for word in range(vocabulary):
        parts[word + 1] += parts[word]
    rows = np.empty(parts[-1], np.int32)
    places = np.empty(parts[-1], np.int32)
    ends = parts[:-1].copy()
    for row in range(len(starts) - 1):
        if listed[row]:
            for place in range(lengths[row]):
                word = words[starts[row] + place]
                rows[ends[word]] = row
                places[ends[word]] = place
                ends[word] += 1
    return parts, rows, places


@compiled
def _count_bits(bits: np.uint64) -> int:
    bits -= (bits >> np.uint64(1)) & np.uint64(0x5555555555555555)
    bits = (bits & np.uint64(0x3333333333333333)) + ((bits >> np.uint64(2)) & np.uint64(0x3333333333333333))
    bits = (bits + (bits >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return int(np.int64((bits * np.uint64(0x0101010101010101)) >> np.uint64(56)))


@compiled
def _shared(words: _Ints, x: int, x_end: int, y: int, y_end: int, least: int) -> int:
    """How many words two sorted stretches share; less than ``least`` as soon as it cannot be reached."""
    count = 0
    while x < x_end and y < y_end:
        if count + min(x_end - x, y_end - y) < least:
            break
        if words[x] == words[y]:
            count += 1
            x += 1
            y += 1
        elif words[x] < words[y]:
            x += 1
        else:
            y += 1
    return count


@compiled
def _grown(array: _Longs) -> _Longs:
    longer = np.empty(2 * len(array), array.dtype)
    longer[: len(array)] = array
    return longer


@compiled
def _link_block(
    first: int,
    last: int,
    starts: _Longs,
    words: _Ints,
    sketches: NDArray[np.uint64],
    looked_up: _Longs,
    least_size: _Longs,
    least_overlap: _Longs,
    parts: _Longs,
    listed_rows: _Ints,
    listed_places: _Ints,
    heads: _Longs,
    seen: _Ints,
    wanted: NDArray[np.bool_],
    limit: int,
) -> tuple[_Longs, _Longs, int, int]:
    """Similar pairs of the wanted rows from ``first`` on with earlier ones of the index.

    Rows ascend in size. ``heads`` is for each word the first of its list that is still long enough; ``seen``
    is for each row the last one it was compared with. Both are carried from block to block. Stops soon after
    ``limit`` pairs. A pair is the larger row's number times 2**32, and the smaller's.
    """
    pairs = np.empty(1024, np.int64)
    overlaps = np.empty(1024, np.int64)
    found = candidates = merged = 0
    for x in range(first, last):
        if not wanted[x]:
            continue
        x_start, x_end = starts[x], starts[x + 1]
        size = x_end - x_start
        for x_at in range(x_start, x_start + looked_up[x]):
            word = words[x_at]
            end = parts[word + 1]
            head = heads[word]
            while head < end and starts[listed_rows[head] + 1] - starts[listed_rows[head]] < least_size[x]:
                head += 1
            heads[word] = head
            for entry in range(head, end):
                y = listed_rows[entry]
                if y >= x:
                    break
                if seen[y] == x:
                    continue
                seen[y] = x
                candidates += 1
                y_end = starts[y + 1]
                y_size = y_end - starts[y]
                least = least_overlap[size + y_size]
                y_at = starts[y] + listed_places[entry]
                if 1 + min(x_end - x_at - 1, y_end - y_at - 1) < least:
                    continue
                if _count_bits(sketches[x] ^ sketches[y]) > size + y_size - 2 * least:
                    continue
                merged += 1
                overlap = 1 + _shared(words, x_at + 1, x_end, y_at + 1, y_end, least - 1)
                if overlap >= least:
                    if found == len(pairs):
                        pairs, overlaps = _grown(pairs), _grown(overlaps)
                    pairs[found] = (x << 32) | y
                    overlaps[found] = overlap
                    found += 1
        if found > limit:
            break
    return pairs[:found].copy(), overlaps[:found].copy(), candidates, merged


def least_overlaps(threshold: Fraction, largest: int) -> _Longs:
    """How many words two sets must share to be similar, by the sum of their sizes, up to the largest sum."""
    p, q = threshold.numerator, threshold.denominator
    return np.array([-(-p * both // (p + q)) for both in range(largest + 1)], np.int64)


def link_similar(
    starts: _Longs,
    words: _Ints,
    rows: _Longs,
    active: NDArray[np.bool_],
    threshold: Fraction,
    *,
    vocabulary: int,
    limit: int,
) -> Links | None:
    """The pairs among some rows, at least one of them active, whose similarity is at least the threshold.

    Args:
        starts: as in this module's first lines.
        words: likewise.
        rows: which rows to compare, ascending, with different sets of at least one word each.
        active: for each of ``rows``.
        threshold: above 0, at most 1.
        vocabulary: more than the largest number of a word.
        limit: the most pairs.

    Returns:
        None where there are more pairs than the limit.
    """
    sizes = np.diff(starts)[rows]
    order = np.argsort(sizes, kind="stable")
    rows, active, sizes = rows[order], active[order], sizes[order]
    p, q = threshold.numerator, threshold.denominator
    largest = int(sizes[-1]) if len(sizes) else 0
    least_size = np.array([-(-p * size // q) for size in range(largest + 1)], np.int64)
    least_overlap = least_overlaps(threshold, 2 * largest)
    looked_up = sizes - least_size[sizes] + 1
    lengths = sizes - least_overlap[2 * sizes] + 1
    starts, words, sketches = _gather(starts, words, rows)

    # An active row meets all rows before it in size, another one only those that are active.
    passes = [(active, np.ones(len(rows), np.bool_))]
    if not active.all():
        passes.append((~active, active))
    found: list[tuple[_Longs, _Longs]] = []
    total = candidates = merged = 0
    for wanted, listed in passes:
        parts, listed_rows, places = _index(starts, words, lengths, listed, vocabulary)
        heads, seen = parts[:-1].copy(), np.full(len(rows), -1, np.int32)
        for first in range(0, len(rows), _BLOCK):
            pairs, overlaps, *tried = _link_block(
                first, min(first + _BLOCK, len(rows)), starts, words, sketches, looked_up, least_size[sizes],
                least_overlap, parts, listed_rows, places, heads, seen, wanted, limit - total,
            )  # fmt: skip
            found.append((pairs, overlaps))
            total, candidates, merged = total + len(pairs), candidates + tried[0], merged + tried[1]
            if total > limit:
                return None
    pairs, overlaps = (np.concatenate([block[i] for block in found] or [rows[:0]]) for i in (0, 1))
    one, other = rows[pairs >> 32], rows[pairs & 0xFFFFFFFF]
    a, b = np.minimum(one, other), np.maximum(one, other)
    by_rows = np.lexsort((b, a))
    return Links(a[by_rows], b[by_rows], overlaps[by_rows], candidates, merged)
