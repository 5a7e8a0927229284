"""Pairs of similar sets: an exact join on flat arrays, compiled by Numba.

Sets are rows of two arrays: ``words[starts[row]:starts[row + 1]]`` are a row's different words. Rarer words
get smaller numbers, by which each row is sorted.

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

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from personahub.compiled import compiled
from personahub.dedup.signatures import least_overlaps

__all__ = ["Links", "count_shared", "keep_leaders", "link_similar", "sort_links"]

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
        union: how many words at least one of them has.
    """

    a: _Longs
    b: _Longs
    overlap: _Longs
    union: _Longs

    @classmethod
    def none(cls) -> "Links":
        """No pair."""
        return cls(*(np.empty(0, np.int64) for _ in range(4)))


def sort_links(parts: Sequence[Links]) -> Links:
    """All of them, each once."""
    pairs = np.concatenate([part.a << 32 | part.b for part in parts])
    _, first = np.unique(pairs, return_index=True)
    return Links(*(np.concatenate(columns)[first] for columns in zip(*parts, strict=True)))


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
def count_shared(words: NDArray[Any], x: int, x_end: int, y: int, y_end: int, least: int) -> int:
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
) -> tuple[_Longs, _Longs, int]:
    """Similar pairs of the wanted rows from ``first`` on with earlier ones of the index.

    Rows ascend in size. ``heads`` is for each word the first of its list that is still long enough; ``seen``
    is for each row the last one it was compared with. Both are carried from block to block. Stops soon after
    ``limit`` pairs. A pair is the larger row's number times 2**32, and the smaller's.
    """
    pairs = np.empty(1024, np.int64)
    overlaps = np.empty(1024, np.int64)
    found = candidates = 0
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
                overlap = 1 + count_shared(words, x_at + 1, x_end, y_at + 1, y_end, least - 1)
                if overlap >= least:
                    if found == len(pairs):
                        pairs, overlaps = _grown(pairs), _grown(overlaps)
                    pairs[found] = (x << 32) | y
                    overlaps[found] = overlap
                    found += 1
        if found > limit:
            break
    return pairs[:found].copy(), overlaps[:found].copy(), candidates


@compiled
def _number_words(words: NDArray[np.uint64]) -> tuple[_Ints, _Longs]:
    """A number for each different word, from 0 on, and how often it is there."""
    slots = np.full(2**12, -1, np.int32)
    known, counts = np.empty(2**11, np.uint64), np.zeros(2**11, np.int64)
    numbers = np.empty(len(words), np.int32)
    size = 0
    for at in range(len(words)):
        slot = np.int64(words[at] & np.uint64(len(slots) - 1))
        while slots[slot] >= 0 and known[slots[slot]] != words[at]:
            slot = (slot + 1) & (len(slots) - 1)
        if slots[slot] < 0:
            slots[slot] = size
            known[size] = words[at]
            size += 1
        numbers[at] = slots[slot]
        counts[slots[slot]] += 1
        if 2 * size == len(slots):
            slots = np.full(2 * len(slots), -1, np.int32)
            more = np.empty(len(slots) // 2, np.uint64)
            more[:size] = known
            known = more
            longer = np.zeros(len(slots) // 2, np.int64)
            longer[:size] = counts
            counts = longer
            for word in range(size):
                slot = np.int64(known[word] & np.uint64(len(slots) - 1))
                while slots[slot] >= 0:
                    slot = (slot + 1) & (len(slots) - 1)
                slots[slot] = word
    return numbers, counts[:size].copy()


@compiled
def _sort_rows(starts: _Longs, words: _Ints) -> None:
    for row in range(len(starts) - 1):
        words[starts[row] : starts[row + 1]].sort()


def link_similar(
    starts: _Longs, hashes: NDArray[np.uint64], active: NDArray[np.bool_], threshold: Fraction, *, limit: int
) -> tuple[Links, int] | None:
    """The pairs of rows, at least one of them active, whose similarity is at least the threshold.

    Args:
        starts: where each row's words begin, and at the end how many there are.
        hashes: of each word. Each row has one, and no two rows have the same; a row that is there several
            times, for several crowds, has other hashes each time.
        active: for each row.
        threshold: above 0, at most 1.
        limit: the most pairs.

    Returns:
        Them, and how many pairs the index gave before any filter; None where there are more than the limit.
    """
    sizes = np.diff(starts)
    rows = np.argsort(sizes, kind="stable")
    active, sizes = active[rows], sizes[rows]
    p, q = threshold.numerator, threshold.denominator
    largest = int(sizes[-1]) if len(sizes) else 0
    least_size = np.array([-(-p * size // q) for size in range(largest + 1)], np.int64)
    least_overlap = least_overlaps(threshold, 2 * largest)
    looked_up = sizes - least_size[sizes] + 1
    lengths = sizes - least_overlap[2 * sizes] + 1
    words, counts = _number_words(hashes)
    vocabulary = len(counts)
    ranks = np.empty(vocabulary, np.int32)
    ranks[np.argsort(counts, kind="stable")] = np.arange(vocabulary, dtype=np.int32)
    words = ranks[words]
    _sort_rows(starts, words)
    starts, words, sketches = _gather(starts, words, rows)

    # An active row meets all rows before it in size, another one only those that are active.
    passes = [(active, np.ones(len(rows), np.bool_))]
    if not active.all():
        passes.append((~active, active))
    found: list[tuple[_Longs, _Longs]] = []
    total = candidates = 0
    for wanted, listed in passes:
        parts, listed_rows, places = _index(starts, words, lengths, listed, vocabulary)
        heads, seen = parts[:-1].copy(), np.full(len(rows), -1, np.int32)
        for first in range(0, len(rows), _BLOCK):
            pairs, overlaps, tried = _link_block(
                first, min(first + _BLOCK, len(rows)), starts, words, sketches, looked_up, least_size[sizes],
                least_overlap, parts, listed_rows, places, heads, seen, wanted, limit - total,
            )  # fmt: skip
            found.append((pairs, overlaps))
            total, candidates = total + len(pairs), candidates + tried
            if total > limit:
                return None
    pairs, overlap = (np.concatenate([block[i] for block in found] or [rows[:0]]) for i in (0, 1))
    one, other = pairs >> 32, pairs & 0xFFFFFFFF
    union = sizes[one] + sizes[other] - overlap
    one, other = rows[one], rows[other]
    return sort_links([Links(np.minimum(one, other), np.maximum(one, other), overlap, union)]), candidates
