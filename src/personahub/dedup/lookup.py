"""Rows of an index looked up among new rows (:mod:`personahub.dedup.newrows`) by their own keys.

The words of what keys and sketches propose are compared at once.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from personahub.compiled import compiled
from personahub.dedup.newrows import (
    AT_A_TIME,
    BAND_AT,
    LOW,
    ROW_AT,
    ROWS,
    TAG_AT,
    TAGS,
    WITHOUT,
    Shapes,
    Table,
    keys_of,
    longer,
    part_crowd,
    sketch_of,
    sum_key,
)
from personahub.dedup.numbered import LONG, PARTS, Bytes, NumberedSets, Numbers
from personahub.kernels.bits import count_bits
from personahub.kernels.filters import Filter, held, holds

__all__ = ["Looked", "choose_rows", "look_up"]

_Longs = NDArray[np.int64]
_Hashes = NDArray[np.uint64]
_Flags = NDArray[np.bool_]


class Looked(NamedTuple):
    """Similar pairs: a row of the index, a row of the table, shared words, words of both; and tries."""

    rows: _Longs
    new: _Longs
    overlap: _Longs
    union: _Longs
    candidates: int


@compiled
def _choose(
    sizes: Bytes, parts: NDArray[np.uint32], dealt: int, paired: int, halves: Filter, quarters: Filter,
    pairs: Filter,
) -> _Flags:  # fmt: skip
    """The rows whose words have to be read: those that are long, or have parts in common."""
    wanted = np.zeros(len(sizes), np.bool_)
    some, count = np.empty(len(sizes), np.int64), 0
    for row in range(len(sizes)):
        one = np.uint64(parts[row, 0]) + np.uint64(parts[row, 1])
        other = np.uint64(parts[row, 2]) + np.uint64(parts[row, 3])
        # A row has at least as many units as words.
        wanted[row] = sizes[row] >= min(max(dealt, paired), LONG)
        some[count] = row
        met = holds(halves, sum_key(one, 0)) | holds(halves, sum_key(other, 5)) | (sizes[row] >= dealt)
        count += int(met & (sizes[row] > 0) & (not wanted[row]))
    for row in some[:count]:
        if sizes[row] >= dealt:
            at = 0
            for part in range(PARTS):
                for near in range(part):
                    both = np.uint64(parts[row, part]) + np.uint64(parts[row, near])
                    wanted[row] |= holds(pairs, sum_key(both, at))
                    at += 1
            continue
        total = np.uint64(0)
        for part in range(PARTS):
            total += np.uint64(parts[row, part])
        for part in range(PARTS):
            wanted[row] |= holds(quarters, sum_key(total - np.uint64(parts[row, part]), part))
    return wanted


@compiled
def _shared(words: Numbers, x: int, x_end: int, others: Numbers, y: int, y_end: int, least: int) -> int:
    """How many words two ascending stretches share; less than ``least`` as soon as it cannot be reached."""
    count = 0
    while x < x_end and y < y_end:
        if count + min(x_end - x, y_end - y) < least:
            break
        one, other = words[x], others[y]
        count += int(one == other)
        x += int(one <= other)
        y += int(other <= one)
    return count


@compiled
def _grown(array: _Longs) -> _Longs:
    longer = np.empty((2 * len(array), 4), np.int64)
    longer[: len(array)] = array
    return longer


@compiled
def _hits(
    starts: _Longs, words: Numbers, begin: int, end: int, first: _Longs, last: _Longs, parts: _Longs,
    lacking: _Longs, split_near: int, shift: np.uint64, begins: Numbers, whole_filter: Filter,
    without_filter: Filter, parted: Filter,
) -> tuple[_Hashes, _Longs, int, _Hashes]:  # fmt: skip
    """Keys of some rows that a table may have, and whose; from some place on with a rare word; and hashes.

    Step by step for all, so that many accesses to memory are under way at a time.
    """
    whole, whole_of, without, without_of, hashes = keys_of(starts, words, begin, end, first, last, parts)
    altered = whole ^ WITHOUT
    met, met_without = held(whole_filter, whole), held(without_filter, altered)
    met_whole = held(whole_filter, without)
    count = len(met) + len(met_without) + len(met_whole)
    keys = np.concatenate((whole[met], altered[met_without], without[met_whole]))
    whose = np.concatenate((whole_of[met], whole_of[met_without], without_of[met_whole]))
    crowded = np.empty(count, np.int64)
    crowds = 0
    for hit in range(count):
        crowded[crowds] = hit
        crowds += int(begins[np.int64(keys[hit] >> shift)] & np.uint32(1))
    more, more_of, rest = np.empty(1024, np.uint64), np.empty(1024, np.uint64), 0
    for hit in crowded[:crowds]:
        row = np.int64(whose[hit] >> ROW_AT)
        band = np.int64((whose[hit] >> BAND_AT) & np.uint64(255))
        own = hashes[starts[row] - starts[begin] : starts[row + 1] - starts[begin]]
        if band and len(own) <= split_near:
            if rest + len(own) + 1 > len(more):
                more, more_of = longer(more), longer(more_of)
            part = np.int64(whose[hit] & LOW)
            added = part_crowd(keys[hit], own, parts[band], part, lacking[len(own)], more[rest:])
            more_of[rest : rest + added] = whose[hit]
            rest += added
    met = held(parted, more[:rest])
    rows = np.concatenate((whose, more_of[met]))
    return np.concatenate((keys, more[met])), (rows >> ROW_AT).astype(np.int64), count, hashes


@compiled
def _look_up(  # noqa: PLR0912 - a call for each candidate would cost more than it
    starts: _Longs, words: Numbers, first_row: int, since: int, limit: int,
    first: _Longs, last: _Longs, parts: _Longs, lacking: _Longs, apart: _Longs, overlaps: _Longs,
    split_near: int, new_rows: _Longs, new_starts: _Longs, new_words: Numbers, without_filter: Filter,
    shift: np.uint64, begins: Numbers, entries: _Hashes, whole_filter: Filter,
    parted_shift: np.uint64, parted_begins: Numbers, parted_entries: _Hashes, parted: Filter,
) -> tuple[_Longs, int]:  # fmt: skip
    """Similar pairs of rows and those of a table: row, new row, shared words, words of both; and tries."""
    found, count, tried = np.empty((64, 4), np.int64), 0, 0
    for begin in range(0, len(starts) - 1, AT_A_TIME):
        end = min(begin + AT_A_TIME, len(starts) - 1)
        keys, rows, wholes, hashes = _hits(
            starts, words, begin, end, first, last, parts, lacking, split_near, shift, begins,
            whole_filter, without_filter, parted,
        )  # fmt: skip
        spans, fetched = np.empty((len(keys), 2), np.int64), np.uint64(0)
        for hit in range(len(keys)):
            if hit < wholes:
                bucket = np.int64(keys[hit] >> shift)
                spans[hit, 0], spans[hit, 1] = begins[bucket] >> 1, begins[bucket + 1] >> 1
            else:
                bucket = np.int64(keys[hit] >> parted_shift)
                spans[hit, 0], spans[hit, 1] = parted_begins[bucket] >> 1, parted_begins[bucket + 1] >> 1
        for hit in range(len(keys)):
            own_entries = entries if hit < wholes else parted_entries
            if spans[hit, 0] < len(own_entries):
                fetched |= own_entries[spans[hit, 0]]
        # What was fetched has to matter, or the compiler would leave the loop above out.
        tried += int(fetched == np.uint64(1))
        for hit in range(len(keys)):
            own_entries = entries if hit < wholes else parted_entries
            row = rows[hit]
            own = hashes[starts[row] - starts[begin] : starts[row + 1] - starts[begin]]
            size = len(own)
            mark = ((keys[hit] & TAGS) << TAG_AT) | sketch_of(own)
            for at in range(spans[hit, 0], spans[hit, 1]):
                differs = (own_entries[at] ^ mark) & ~ROWS
                if differs >> TAG_AT:
                    continue
                tried += 1
                if np.int64(count_bits(differs)) > apart[size]:
                    continue
                new = np.int64(own_entries[at] & ROWS)
                both = size + new_starts[new + 1] - new_starts[new]
                least = overlaps[both]
                if least > min(size, both - size):
                    continue
                # Of two new rows each meets the other, and of one row it meets itself.
                if new_rows[new] == first_row + row or (since <= new_rows[new] < first_row + row):
                    continue
                shared = _shared(
                    words, starts[row], starts[row + 1],
                    new_words, new_starts[new], new_starts[new + 1], least,
                )  # fmt: skip
                if shared < least:
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
    whole, parted = table.buckets, table.parted
    found, candidates = _look_up(
        sets.starts, sets.words, first_row, since, limit,
        shapes.first, shapes.end, shapes.parts, shapes.lacking, shapes.apart, shapes.overlaps,
        shapes.split_near, table.rows, table.sets.starts, table.sets.words, table.without,
        whole.shift, whole.begins, whole.entries, whole.keys,
        parted.shift, parted.begins, parted.entries, parted.keys,
    )  # fmt: skip
    rows, new, overlap, union = (np.ascontiguousarray(column) for column in found.T)
    return Looked(rows, new, overlap, union, candidates)


def choose_rows(table: Table, shapes: Shapes, sizes: Bytes, parts: NDArray[np.uint32]) -> _Flags:
    """Which rows may have a similar one in the table, by what is kept beside their words."""
    return _choose(sizes, parts, shapes.dealt, shapes.paired, table.halves, table.quarters, table.pairs)
