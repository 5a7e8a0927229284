"""New rows in memory, to be found by their keys.

A row is entered under the sums of its parts and under each of these without a word
(:mod:`personahub.dedup.signatures`). An entry tells the row and a sketch of it, so that most candidates are
dropped where they are met. A key that many rows have says little: in its place they have keys of it together
with one of the rarest words of their other parts. Two similar sets of sizes a and b lack at most a - ceil(ta)
and b - ceil(tb) words of each other, so that the rarest word which their other parts share is among one more
than these of the rarest of either; or they share none there, for which there is a key too.

Four parts are kept of each row besides, whatever the threshold: one word less or more leaves three of them as
they were, and two words leave two. By sums of these most short rows are passed over before words are read.

What is written beside a key, whose it is, tells the row (24 bits), the band (8) and the part (32).
"""

from fractions import Fraction
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from personahub.compiled import compiled
from personahub.dedup.numbered import PARTS, NumberedSets, Numbers, hash_of
from personahub.dedup.signatures import bands_for, dropped_sizes, least_overlaps, part_of, sum_parts
from personahub.kernels.filters import Filter, new_filter, put_all
from personahub.kernels.hashing import mix

__all__ = [
    "AT_A_TIME",
    "BAND_AT",
    "LOW",
    "MOST_ROWS",
    "ROWS",
    "ROW_AT",
    "TAGS",
    "TAG_AT",
    "WITHOUT",
    "Buckets",
    "Shapes",
    "Table",
    "count_keys",
    "enter_rows",
    "keys_of",
    "longer",
    "part_crowd",
    "shapes_for",
    "sketch_of",
    "sum_key",
]

MOST_ROWS = 2**22
"""Rows that a table may have."""

_Longs = NDArray[np.int64]
_Hashes = NDArray[np.uint64]
_Flags = NDArray[np.bool_]

AT_A_TIME = 512
"""Rows whose keys are made together: they stay in the cache."""
_FIRST_BITS = 8
_CROWD = 48
"""A bucket of more entries is parted by rare words."""
_LACKING = 15
"""Rows that may lack more words of a similar one are not: they would have that many keys for each."""
WITHOUT = np.uint64(0x5851F42D4C957F2D)
"""Parts keys without a word from whole ones."""
_NONE = np.uint64(0x14057B7EF767814F)
_STEP = np.uint64(0x9E3779B97F4A7C15)
LOW = np.uint64(0xFFFFFFFF)
"""The lower half of a number."""
_SKETCH, _SKETCH_AT, TAG_AT = np.uint64(26), np.uint64(22), np.uint64(48)
TAGS, ROWS = np.uint64(0xFFFF), np.uint64(MOST_ROWS - 1)
"""The bits of a key that an entry has, at `TAG_AT`, and those of its row, at 0."""
ROW_AT, BAND_AT = np.uint64(40), np.uint64(32)
"""Where row and band are in what tells whose a key is."""


class Shapes(NamedTuple):
    """What a threshold says of each size, up to the largest.

    Attributes:
        first: the first band whose keys a set has; 0 is the band of those that are not dealt out.
        end: and the first one after it whose keys it has not.
        parts: of each band.
        lacking: how many of its words a similar set may lack.
        apart: how many words may be in one alone of it and a similar set.
        overlaps: how many words two similar sets share, by the sum of their sizes.
        dealt: from this size on sets are dealt out into parts.
        split: up to this size rows are parted where they crowd.
        split_near: and so are no larger ones that are similar to such.
        paired: below this size sets differ by two words at most from a similar one.
        paired_near: the largest that is similar to one of them.
    """

    first: _Longs
    end: _Longs
    parts: _Longs
    lacking: _Longs
    apart: _Longs
    overlaps: _Longs
    dealt: int
    split: int
    split_near: int
    paired: int
    paired_near: int


class Buckets(NamedTuple):
    """Entries by their keys.

    Attributes:
        shift: of a key, which gives its bucket.
        begins: uint32, where each bucket's entries begin, times 2; and 1 where some of them were parted.
        entries: 16 lower bits of the key, a sketch of 26 bits, the place among the rows.
        keys: a filter of all keys.
    """

    shift: np.uint64
    begins: Numbers
    entries: _Hashes
    keys: Filter


class Table(NamedTuple):
    """New rows by their keys.

    Attributes:
        rows: their numbers.
        sets: their words.
        buckets: by sums of parts, whole ones and ones without a word; the filter has the whole ones.
        without: a filter of sums without a word.
        parted: by keys with a rare word.
        halves: a filter of two sums of two of the four parts that are kept, of rows of one part.
        quarters: of sums of three of the four.
        pairs: of all six sums of two of them, of rows similar to such as differ by two words at most.
    """

    rows: _Longs
    sets: NumberedSets
    buckets: Buckets
    without: Filter
    parted: Buckets
    halves: Filter
    quarters: Filter
    pairs: Filter


def shapes_for(threshold: Fraction, largest: int) -> Shapes:
    """What a threshold from 0.75 up, and below 1, says of sizes up to this one."""
    bands = bands_for(threshold, largest)
    sizes = np.arange(len(bands.first))
    least, end = dropped_sizes(threshold)
    # A set one word smaller than the least that may have one more has a similar set too.
    alone = (sizes >= least - 1) & (sizes < end)
    parts = bands.parts.copy()
    parts[0] = 1
    dealt = np.flatnonzero(bands.end > bands.first)
    p, q = threshold.numerator, threshold.denominator
    lacking = sizes - -(-p * sizes // q)
    paired = -(-3 * p // (q - p))
    split = int(_LACKING * q // (q - p))
    return Shapes(
        np.where(alone, 0, bands.first),
        bands.end,
        parts,
        lacking,
        sizes * (q - p) // p,
        least_overlaps(threshold, 2 * len(sizes)),
        int(min([*dealt, len(sizes)])),
        split,
        int(split * q // p) + 1,
        paired,
        paired * q // p + 1,
    )


def count_keys(shapes: Shapes, sizes: _Longs) -> _Longs:
    """How many keys sets of these sizes have."""
    before = np.concatenate([[0], np.cumsum(shapes.parts)])
    first, end = shapes.first[sizes], np.maximum(shapes.end, shapes.first)[sizes]
    return np.asarray(before[end] - before[first] + (end - first) * sizes)


@compiled
def keys_of(
    starts: _Longs, words: Numbers, begin: int, end: int, first: _Longs, last: _Longs, parts: _Longs
) -> tuple[_Hashes, _Hashes, _Hashes, _Hashes, _Hashes]:
    """The keys of some rows: sums of parts and whose they are, those without a word and whose, and hashes.

    Whose: the row, the band and the part.
    """
    wholes = withouts = 0
    for row in range(begin, end):
        size = starts[row + 1] - starts[row]
        for band in range(first[size], last[size]):
            wholes += parts[band]
            withouts += size
    whole, whole_of = np.empty(wholes, np.uint64), np.empty(wholes, np.uint64)
    without, without_of = np.empty(withouts, np.uint64), np.empty(withouts, np.uint64)
    hashes = np.empty(starts[end] - starts[begin], np.uint64)
    for at in range(len(hashes)):
        hashes[at] = hash_of(words[starts[begin] + at])
    at = near = 0
    for row in range(begin, end):
        own = hashes[starts[row] - starts[begin] : starts[row + 1] - starts[begin]]
        for band in range(first[len(own)], last[len(own)]):
            whose = (np.uint64(row) << ROW_AT) | (np.uint64(band) << BAND_AT)
            sum_parts(own, parts[band], whole[at : at + parts[band]])
            for part in range(parts[band]):
                whole_of[at + part] = whose | np.uint64(part)
            for word in own:
                part = part_of(word, parts[band])
                without[near] = whole[at + part] - word
                without_of[near] = whose | np.uint64(part)
                near += 1
            at += parts[band]
    return whole, whole_of, without, without_of, hashes


@compiled
def part_crowd(key: np.uint64, own: _Hashes, parts: int, part: np.int64, lacking: int, keys: _Hashes) -> int:
    """Write the keys that a row has in a crowd; how many."""
    count = 0
    for at in range(len(own) - 1, -1, -1):
        if part_of(own[at], parts) != part:
            keys[count] = mix(key ^ own[at])
            count += 1
            if count > lacking:
                return count
    keys[count] = mix(key ^ _NONE)
    return count + 1


@compiled
def sketch_of(own: _Hashes) -> np.uint64:
    """26 bits, each turned by the words that fall on it, at their place in an entry."""
    sketch = np.uint64(0)
    for word in own:
        sketch ^= np.uint64(1) << (((word & LOW) * _SKETCH) >> np.uint64(32))
    return sketch << _SKETCH_AT


@compiled
def _enter(
    starts: _Longs, words: Numbers, first: _Longs, last: _Longs, parts: _Longs,
    keys: _Hashes, whose: _Hashes, sketches: _Hashes, whole_filter: Filter, without_filter: Filter,
) -> None:  # fmt: skip
    """Write all rows' keys, whose they are, and rows' sketches, and put the keys into the filters."""
    at = 0
    for begin in range(0, len(starts) - 1, AT_A_TIME):
        end = min(begin + AT_A_TIME, len(starts) - 1)
        whole, whole_of, without, without_of, hashes = keys_of(starts, words, begin, end, first, last, parts)
        without ^= WITHOUT
        put_all(whole_filter, whole)
        put_all(without_filter, without)
        for more, of in ((whole, whole_of), (without, without_of)):
            keys[at : at + len(more)] = more
            whose[at : at + len(more)] = of
            at += len(more)
        for row in range(begin, end):
            sketches[row] = sketch_of(hashes[starts[row] - starts[begin] : starts[row + 1] - starts[begin]])


@compiled
def _scatter(keys: _Hashes, whose: _Hashes) -> tuple[_Hashes, _Hashes, _Longs]:
    """Keys and whose they are by the keys' first bits, so that what follows stays in the cache."""
    ends = np.zeros(2**_FIRST_BITS + 1, np.int64)
    shift = np.uint64(64 - _FIRST_BITS)
    for key in keys:
        ends[np.int64(key >> shift) + 1] += 1
    for part in range(2**_FIRST_BITS):
        ends[part + 1] += ends[part]
    free = ends[:-1].copy()
    to_keys, to_whose = np.empty_like(keys), np.empty_like(whose)
    for at in range(len(keys)):
        place = free[np.int64(keys[at] >> shift)]
        free[np.int64(keys[at] >> shift)] += 1
        to_keys[place], to_whose[place] = keys[at], whose[at]
    return to_keys, to_whose, ends


@compiled
def _fill(
    keys: _Hashes, whose: _Hashes, ends: _Longs, bits: int, starts: _Longs, sketches: _Hashes, crowd: int,
    split: int,
) -> tuple[Numbers, _Hashes, _Longs]:  # fmt: skip
    """Bucket scattered keys: where each bucket begins, the entries, and which keys are to be parted."""
    begins = np.zeros(2**bits + 1, np.uint32)
    entries = np.empty(len(keys), np.uint64)
    rest = np.empty(len(keys), np.int64)
    shift, apart, at = np.uint64(64 - bits), 0, 0
    local = 2 ** (bits - _FIRST_BITS)
    for group in range(len(ends) - 1):
        first = group * local
        counts, placed = np.zeros(local, np.int64), np.zeros(local, np.int64)
        for item in range(ends[group], ends[group + 1]):
            counts[np.int64(keys[item] >> shift) - first] += 1
        for item in range(ends[group], ends[group + 1]):
            bucket = np.int64(keys[item] >> shift) - first
            row = np.int64(whose[item] >> ROW_AT)
            band = (whose[item] >> BAND_AT) & np.uint64(255)
            if counts[bucket] > crowd and band and starts[row + 1] - starts[row] <= split:
                rest[apart] = item
                apart += 1
            else:
                placed[bucket] += 1
        for bucket in range(local):
            begins[first + bucket] = 2 * at + (counts[bucket] > crowd)
            at, placed[bucket] = at + placed[bucket], at
        done = apart
        while done and rest[done - 1] >= ends[group]:
            done -= 1
        for item in range(ends[group], ends[group + 1]):
            if done < apart and rest[done] == item:
                done += 1
                continue
            bucket = np.int64(keys[item] >> shift) - first
            row = np.int64(whose[item] >> ROW_AT)
            entries[placed[bucket]] = ((keys[item] & TAGS) << TAG_AT) | sketches[row] | np.uint64(row)
            placed[bucket] += 1
    begins[-1] = 2 * at
    return begins, entries[:at].copy(), rest[:apart].copy()


@compiled
def _part_all(
    keys: _Hashes, whose: _Hashes, rest: _Longs, starts: _Longs, words: Numbers, parts: _Longs,
    lacking: _Longs,
) -> tuple[_Hashes, _Hashes]:  # fmt: skip
    """For keys that many have those with a rare word, and whose they are."""
    most = _LACKING + 2
    found, found_of, count = np.empty(1024, np.uint64), np.empty(1024, np.uint64), 0
    own = np.empty(1, np.uint64)
    for item in rest:
        row = np.int64(whose[item] >> ROW_AT)
        band, part = np.int64((whose[item] >> BAND_AT) & np.uint64(255)), np.int64(whose[item] & LOW)
        size = starts[row + 1] - starts[row]
        if len(own) < size:
            own = np.empty(size, np.uint64)
        for at in range(size):
            own[at] = hash_of(words[starts[row] + at])
        if count + most > len(found):
            found, found_of = longer(found), longer(found_of)
        more = part_crowd(keys[item], own[:size], parts[band], part, lacking[size], found[count:])
        found_of[count : count + more] = np.uint64(row) << ROW_AT
        count += more
    return found[:count].copy(), found_of[:count].copy()


@compiled
def longer(array: _Hashes) -> _Hashes:
    """The array, and as much room behind it."""
    more = np.empty(2 * len(array), np.uint64)
    more[: len(array)] = array
    return more


@compiled
def _put_sums(
    starts: _Longs, words: Numbers, first: _Longs, paired: int, halves: Filter, quarters: Filter,
    pairs: Filter,
) -> None:  # fmt: skip
    """Put sums of two and of three of a row's four parts into filters."""
    sums = np.empty(PARTS, np.uint64)
    two, three = np.empty(6, np.uint64), np.empty(PARTS, np.uint64)
    for row in range(len(starts) - 1):
        size = starts[row + 1] - starts[row]
        if first[size] and size > paired:
            continue
        sums[:] = 0
        for word in words[starts[row] : starts[row + 1]]:
            hashed = hash_of(word)
            sums[np.int64(hashed >> np.uint64(62))] += hashed
        at = 0
        for part in range(PARTS):
            three[part] = sum_key(sums.sum() - sums[part], part)
            for other in range(part):
                two[at] = sum_key(sums[part] + sums[other], at)
                at += 1
        if first[size] == 0:
            # Of the first and second part, and of the third and fourth.
            put_all(halves, two[:1])
            put_all(halves, two[5:])
            put_all(quarters, three)
        if size <= paired:
            put_all(pairs, two)


@compiled
def sum_key(total: np.uint64, part: int) -> np.uint64:
    """A filter's key of the lower half of a sum of parts, which they are by a number up to 7."""
    key = (((total & LOW) << np.uint64(3)) | np.uint64(part)) * _STEP
    return key ^ (key >> np.uint64(32))


def enter_rows(rows: _Longs, sets: NumberedSets, shapes: Shapes) -> Table:
    """A table of these rows.

    Args:
        rows: their numbers, at most `MOST_ROWS`.
        sets: their words.
        shapes: what the threshold says of their sizes.
    """
    sizes = np.diff(sets.starts)
    first, last, parts = shapes.first, shapes.end, shapes.parts
    total = int(count_keys(shapes, sizes).sum())
    withouts = int(((np.maximum(last, first) - first)[sizes] * sizes).sum())
    whole, without = new_filter(total - withouts), new_filter(withouts // 2)
    keys, whose = np.empty(total, np.uint64), np.empty(total, np.uint64)
    sketches = np.empty(len(rows), np.uint64)
    _enter(*sets, first, last, parts, keys, whose, sketches, whole, without)
    keys, whose, ends = _scatter(keys, whose)
    bits = _bits(total)
    begins, entries, rest = _fill(keys, whose, ends, bits, sets.starts, sketches, _CROWD, shapes.split)
    buckets = Buckets(np.uint64(64 - bits), begins, entries, whole)
    keys, whose = _part_all(keys, whose, rest, *sets, parts, shapes.lacking)
    parted = new_filter(len(keys))
    put_all(parted, keys)
    keys, whose, ends = _scatter(keys, whose)
    bits = _bits(len(keys))
    begins, entries, _ = _fill(keys, whose, ends, bits, sets.starts, sketches, len(keys), 0)
    alone = int((first[sizes] == 0).sum())
    halves, quarters = new_filter(2 * alone), new_filter(PARTS * alone)
    pairs = new_filter(6 * int((sizes <= shapes.paired_near).sum()))
    _put_sums(*sets, first, shapes.paired_near, halves, quarters, pairs)
    parted_buckets = Buckets(np.uint64(64 - bits), begins, entries, parted)
    return Table(rows, sets, buckets, without, parted_buckets, halves, quarters, pairs)


def _bits(keys: int) -> int:
    """Of keys by which so many go into buckets of some four."""
    return max((keys // 4).bit_length(), _FIRST_BITS)
