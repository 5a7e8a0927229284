"""Loops that look rows of an index up among new rows, which are held in memory by their keys.

A new row is entered under the sums of its parts and under each of these without a word
(:mod:`personahub.dedup.signatures`); a row of the index is looked up by its own. An entry tells the row and a
sketch of it, so that most candidates are dropped where they are met; the words of the others are compared at
once. A key that many new rows have says little: in its place they have keys of it together with one of the
rarest words of their other parts. Two similar sets of sizes a and b lack at most a - ceil(ta) and
b - ceil(tb) words of each other, so that the rarest word which their other parts share is among one more than
these of the rarest of either; or they share none there, for which there is a key too.

A row of one part is asked for by four sums, each of three quarters of its words, before its words are read:
one word less or more leaves one of them as it was.
"""

from fractions import Fraction
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from personahub.compiled import compiled
from personahub.dedup.numbered import LONG, PARTS, Bytes, NumberedSets, Numbers, Units, hash_of
from personahub.dedup.signatures import bands_for, dropped_sizes, least_overlaps, part_of, sum_parts
from personahub.kernels.bits import count_bits
from personahub.kernels.filters import Filter, held, holds, new_filter, put_all
from personahub.kernels.hashing import mix

__all__ = ["MOST_ROWS", "Looked", "Shapes", "Table", "choose_rows", "count_keys", "enter_rows", "look_up", "shapes_for"]

MOST_ROWS = 2**22
"""Rows that a table may have."""

_Longs = NDArray[np.int64]
_Hashes = NDArray[np.uint64]
_Flags = NDArray[np.bool_]

_AT_A_TIME = 512
_CROWD = 32
"""A bucket of more entries is parted by rare words."""
_LACKING = 15
"""Rows that may lack more words of a similar one are not: they would have that many keys for each."""
_WITHOUT = np.uint64(0x5851F42D4C957F2D)
"""Parts keys without a word from whole ones."""
_NONE = np.uint64(0x14057B7EF767814F)
_STEP = np.uint64(0x9E3779B97F4A7C15)
_LOW = np.uint64(0xFFFFFFFF)
_SKETCH, _SKETCH_AT, _TAG_AT = np.uint64(26), np.uint64(22), np.uint64(48)
_TAGS, _ROWS = np.uint64(0xFFFF), np.uint64(MOST_ROWS - 1)
_ROW_AT, _BAND_AT = np.uint64(40), np.uint64(32)


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


class Table(NamedTuple):
    """New rows by their keys.

    Attributes:
        rows: their numbers.
        starts: where each one's words begin, like the words.
        words: likewise, ascending in a row.
        shift: of a key, which gives its bucket.
        begins: where each bucket's entries begin.
        entries: 16 lower bits of the key, a sketch of 26 bits, the place among the rows.
        crowded: for each bucket whether rows in it were parted.
        whole: a filter of sums of parts.
        without: of sums without a word.
        parted: of keys with a rare word.
        quarters: of sums of three quarters of rows of one part.
    """

    rows: _Longs
    starts: _Longs
    words: Numbers
    shift: np.uint64
    begins: _Longs
    entries: _Hashes
    crowded: _Flags
    whole: Filter
    without: Filter
    parted: Filter
    quarters: Filter


class Looked(NamedTuple):
    """Similar pairs: a row of the index, a row of the table, shared words, words of both; and tries."""

    rows: _Longs
    new: _Longs
    overlap: _Longs
    union: _Longs
    candidates: int


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
    )


def count_keys(shapes: Shapes, sizes: _Longs) -> _Longs:
    """How many keys sets of these sizes have."""
    before = np.concatenate([[0], np.cumsum(shapes.parts)])
    first, end = shapes.first[sizes], np.maximum(shapes.end, shapes.first)[sizes]
    return np.asarray(before[end] - before[first] + (end - first) * sizes)


@compiled
def _keys(
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
            whose = (np.uint64(row) << _ROW_AT) | (np.uint64(band) << _BAND_AT)
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
def _part_crowd(key: np.uint64, own: _Hashes, parts: int, part: int, lacking: int, keys: _Hashes) -> int:
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
def _sketch(own: _Hashes) -> np.uint64:
    sketch = np.uint64(0)
    for word in own:
        sketch ^= np.uint64(1) << (((word & _LOW) * _SKETCH) >> np.uint64(32))
    return sketch << _SKETCH_AT


@compiled
def _count_buckets(
    starts: _Longs, words: Numbers, first: _Longs, last: _Longs, parts: _Longs, shift: np.uint64,
    counts: _Longs, whole_filter: Filter, without_filter: Filter,
) -> None:  # fmt: skip
    """Count the keys of each bucket, one further on, and put them into the filters."""
    for begin in range(0, len(starts) - 1, _AT_A_TIME):
        end = min(begin + _AT_A_TIME, len(starts) - 1)
        whole, _, without, _, _ = _keys(starts, words, begin, end, first, last, parts)
        without ^= _WITHOUT
        for key in whole:
            counts[np.int64(key >> shift) + 1] += 1
        for key in without:
            counts[np.int64(key >> shift) + 1] += 1
        put_all(whole_filter, whole)
        put_all(without_filter, without)


@compiled
def _place(
    starts: _Longs, words: Numbers, first: _Longs, last: _Longs, parts: _Longs, lacking: _Longs, split: int,
    shift: np.uint64, crowded: _Flags, counts: _Longs, entries: _Hashes, parted: Filter,
) -> int:  # fmt: skip
    """Count the entries of each bucket, one further on, or where there is room for them, write them.

    Returns:
        How many keys have a rare word.
    """
    more = 0
    keys = np.empty(_LACKING + 2, np.uint64)
    for begin in range(0, len(starts) - 1, _AT_A_TIME):
        end = min(begin + _AT_A_TIME, len(starts) - 1)
        whole, whole_of, without, without_of, hashes = _keys(
            starts, words, begin, end, first, last, parts
        )
        for at in range(len(whole) + len(without)):
            if at < len(whole):
                key, whose = whole[at], whole_of[at]
            else:
                key, whose = without[at - len(whole)] ^ _WITHOUT, without_of[at - len(whole)]
            row = np.int64(whose >> _ROW_AT)
            band, part = np.int64((whose >> _BAND_AT) & np.uint64(255)), np.int64(whose & _LOW)
            own = hashes[starts[row] - starts[begin] : starts[row + 1] - starts[begin]]
            keys[0], count = key, 1
            if crowded[np.int64(key >> shift)] and band and len(own) <= split:
                count = _part_crowd(key, own, parts[band], part, lacking[len(own)], keys)
                more += count
                if len(entries):
                    put_all(parted, keys[:count])
            for place in range(count):
                bucket = np.int64(keys[place] >> shift)
                if len(entries):
                    entries[counts[bucket]] = (
                        ((keys[place] & _TAGS) << _TAG_AT) | _sketch(own) | np.uint64(row)
                    )
                    counts[bucket] += 1
                else:
                    counts[bucket + 1] += 1
    return more


@compiled
def _put_quarters(
    starts: _Longs, words: Numbers, first: _Longs, quarters: Filter
) -> None:  # fmt: skip
    sums, keys = np.empty(PARTS, np.uint64), np.empty(PARTS, np.uint64)
    for row in range(len(starts) - 1):
        if first[starts[row + 1] - starts[row]] == 0:
            sums[:] = 0
            for word in words[starts[row] : starts[row + 1]]:
                hashed = hash_of(word)
                sums[np.int64(hashed >> np.uint64(62))] += hashed
            total = sums.sum()
            for part in range(PARTS):
                keys[part] = _quarter_key(total - sums[part], part)
            put_all(quarters, keys)


@compiled
def _quarter_key(total: np.uint64, part: int) -> np.uint64:
    key = (((total & _LOW) << np.uint64(2)) | np.uint64(part)) * _STEP
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
    wholes = total - int(((np.maximum(last, first) - first)[sizes] * sizes).sum())
    buckets = max(total - 1, 1).bit_length()
    shift = np.uint64(64 - buckets)
    whole, without = new_filter(wholes), new_filter(total - wholes)
    counts = np.zeros(2**buckets + 1, np.int64)
    _count_buckets(*sets, first, last, parts, shift, counts, whole, without)
    crowded = counts[1:] > _CROWD
    given = (*sets, first, last, parts, shapes.lacking, shapes.split, shift, crowded)
    more = 0
    if crowded.any():
        counts[:] = 0
        more = _place(*given, counts, np.empty(0, np.uint64), new_filter(0))
    begins = np.cumsum(counts)
    entries, parted = np.empty(int(begins[-1]), np.uint64), new_filter(more)
    _place(*given, begins[:-1].copy(), entries, parted)
    quarters = new_filter(PARTS * int((shapes.first[sizes] == 0).sum()))
    _put_quarters(*sets, first, quarters)
    return Table(
        rows, *sets, shift, begins, entries, crowded, whole, without, parted, quarters
    )


@compiled
def _choose(
    sizes: Bytes, parts: NDArray[np.uint32], dealt: int, quarters: Filter
) -> _Flags:
    """The rows whose words have to be read: those that are long, or have three quarters in common."""
    wanted = np.zeros(len(sizes), np.bool_)
    for row in range(len(sizes)):
        total = np.uint64(0)
        for part in range(PARTS):
            total += np.uint64(parts[row, part])
        found = False
        for part in range(PARTS):
            found |= holds(quarters, _quarter_key(total - np.uint64(parts[row, part]), part))
        # A row has at least as many units as words.
        wanted[row] = found | (sizes[row] >= min(dealt, LONG))
    return wanted


@compiled
def _shared(words: Numbers, x: int, x_end: int, others: Numbers, y: int, y_end: int, least: int) -> int:
    """How many words two ascending stretches share; less than ``least`` as soon as it cannot be reached."""
    count = 0
    while x < x_end and y < y_end:
        if count + min(x_end - x, y_end - y) < least:
            break
        one, other = words[x], others[y]
        count += one == other
        x += one <= other
        y += other <= one
    return count


@compiled
def _grown(array: _Longs) -> _Longs:
    longer = np.empty((2 * len(array), 4), np.int64)
    longer[: len(array)] = array
    return longer


@compiled
def _look_up(
    starts: _Longs, words: Numbers, first_row: int, since: int, limit: int,
    first: _Longs, last: _Longs, parts: _Longs, lacking: _Longs, apart: _Longs, overlaps: _Longs,
    split_near: int,
    new_rows: _Longs, new_starts: _Longs, new_words: Numbers, shift: np.uint64, begins: _Longs,
    entries: _Hashes, crowded: _Flags, whole_filter: Filter, without_filter: Filter, parted: Filter,
) -> tuple[_Longs, int]:  # fmt: skip
    """Similar pairs of rows and those of a table: row, new row, shared words, words of both; and tries."""
    found, count, tried = np.empty((64, 4), np.int64), 0, 0
    keys = np.empty(int(lacking.max()) + 2, np.uint64)
    for begin in range(0, len(starts) - 1, _AT_A_TIME):
        end = min(begin + _AT_A_TIME, len(starts) - 1)
        whole, whole_of, without, without_of, hashes = _keys(
            starts, words, begin, end, first, last, parts
        )
        altered = whole ^ _WITHOUT
        met = held(whole_filter, whole)
        met_without = held(without_filter, altered)
        met_whole = held(whole_filter, without)
        for hit in range(len(met) + len(met_without) + len(met_whole)):
            if hit < len(met):
                key, whose = whole[met[hit]], whole_of[met[hit]]
            elif hit < len(met) + len(met_without):
                at = met_without[hit - len(met)]
                key, whose = altered[at], whole_of[at]
            else:
                at = met_whole[hit - len(met) - len(met_without)]
                key, whose = without[at], without_of[at]
            row = np.int64(whose >> _ROW_AT)
            band = np.int64((whose >> _BAND_AT) & np.uint64(255))
            own = hashes[starts[row] - starts[begin] : starts[row + 1] - starts[begin]]
            size = len(own)
            keys[0], lookups = key, 1
            if crowded[np.int64(key >> shift)] and band and size <= split_near:
                part = np.int64(whose & _LOW)
                lookups += _part_crowd(key, own, parts[band], part, lacking[size], keys[1:])
            sketch = _sketch(own)
            for lookup in range(lookups):
                if lookup and not holds(parted, keys[lookup]):
                    continue
                bucket = np.int64(keys[lookup] >> shift)
                tag = (keys[lookup] & _TAGS) << _TAG_AT
                for at in range(begins[bucket], begins[bucket + 1]):
                    # What differs of tag and sketch; the tags are equal where it has no high bits.
                    differs = ((entries[at] ^ (tag | sketch)) | _ROWS) ^ _ROWS
                    if differs >> _TAG_AT:
                        continue
                    tried += 1
                    if np.int64(count_bits(differs)) > apart[size]:
                        continue
                    new = np.int64(entries[at] & _ROWS)
                    both = size + new_starts[new + 1] - new_starts[new]
                    least = overlaps[both]
                    if least > min(size, both - size):
                        continue
                    # Of two new rows each meets the other.
                    if first_row + row >= since and new_rows[new] <= first_row + row:
                        if new_rows[new] >= since:
                            continue
                    shared = _shared(
                        words, starts[row], starts[row + 1],
                        new_words, new_starts[new], new_starts[new + 1], least,
                    )  # fmt: skip
                    if shared < least or new_rows[new] == first_row + row:
                        continue
                    if count == len(found):
                        found = _grown(found)
                    found[count] = first_row + row, new_rows[new], shared, both - shared
                    count += 1
        if count > limit:
            break
    return found[:count].copy(), tried


def look_up(
    table: Table, shapes: Shapes, sets: NumberedSets, first_row: int, since: int, limit: int
) -> Looked:
    """Find the rows of a table that are similar to some rows.

    Args:
        table: of new rows.
        shapes: what the threshold says of sizes.
        sets: the rows' words; a row without words has no similar one.
        first_row: the first one's number.
        since: of two rows from this number on only the pair that begins with the smaller number is given.
        limit: of pairs, from which on no more are looked for.
    """
    found, candidates = _look_up(
        *sets, first_row, since, limit,
        shapes.first, shapes.end, shapes.parts, shapes.lacking, shapes.apart, shapes.overlaps,
        shapes.split_near, *table[:-1],
    )  # fmt: skip
    return Looked(*(np.ascontiguousarray(column) for column in found.T), candidates)


def choose_rows(table: Table, shapes: Shapes, sizes: Bytes, parts: NDArray[np.uint32]) -> _Flags:
    """Which rows may have a similar one in the table, by what is kept beside their words."""
    return _choose(sizes, parts, shapes.dealt, table.quarters)
