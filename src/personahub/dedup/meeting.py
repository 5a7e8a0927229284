"""Loops of the exact join: sums of sets and of their parts into filters, those met again, and who has them.

What belongs to a sum of a part is one number: the row (32 bits), the set's size up to 255 (8), whether the
sum is without a word (1), and a sketch of the set: 23 bits, each turned by the words that fall on it, so that
two sketches differ in no more bits than the sets in words.
"""

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from personahub.compiled import compiled
from personahub.dedup.signatures import least_overlaps, part_of, sum_parts
from personahub.kernels.filters import Filter, held, holds, put, put_all

__all__ = [
    "CLIPPED",
    "allowed_differences",
    "are_without",
    "describe",
    "find_dropped",
    "find_parts",
    "pair_runs",
    "pair_sums",
    "parts_met",
    "put_parts",
    "sum_words",
    "sums_met",
]

CLIPPED = 255
"""The largest size that is told; longer sets have it too."""

_Longs = NDArray[np.int64]
_Hashes = NDArray[np.uint64]
_Small = NDArray[np.uint8]

_SKETCH = np.uint64(23)
_WITHOUT = np.uint64(1 << 23)
_SKETCHES = np.uint64((1 << 23) - 1)
_LOW = np.uint64(0xFFFFFFFF)


def allowed_differences(threshold: Fraction) -> NDArray[np.int64]:
    """For two sizes up to 255 how many words may be in one of the two alone; -1 where none are similar.

    A size of 255 may be any larger one.
    """
    sizes = np.arange(CLIPPED + 1)
    both = sizes[:, None] + sizes[None, :]
    overlaps = least_overlaps(threshold, int(both[-1, -1]))[both]
    allowed = np.where(overlaps <= np.minimum(sizes[:, None], sizes[None, :]), both - 2 * overlaps, -1)
    allowed[CLIPPED, :] = allowed[:, CLIPPED] = np.iinfo(np.int64).max
    return allowed


@compiled
def sum_words(
    starts: _Longs, hashes: _Hashes, sums: _Hashes, sizes: _Small, seen: Filter, twice: Filter
) -> None:
    """Write each text's sum and size; sums that were met before go to ``twice``."""
    keys, count = np.empty(len(sums), np.uint64), 0
    for text in range(len(starts) - 1):
        size = starts[text + 1] - starts[text]
        sizes[text] = min(size, CLIPPED)
        if size:
            total = np.uint64(0)
            for at in range(starts[text], starts[text + 1]):
                total += hashes[at]
            sums[text] = total
            keys[count] = total
            count += 1
    for again in put_all(seen, keys[:count]):
        put(twice, keys[again])


@compiled
def _count_parts(starts: _Longs, first: _Longs, end: _Longs, parts: _Longs) -> tuple[int, int]:
    """How many parts some texts have, and in how many bands their words are."""
    count = words = 0
    for text in range(len(starts) - 1):
        size = starts[text + 1] - starts[text]
        for band in range(first[size], end[size]):
            count += parts[band]
            words += size
    return count, words


@compiled
def _all_parts(
    starts: _Longs, hashes: _Hashes, first: _Longs, end: _Longs, parts: _Longs
) -> tuple[_Hashes, _Longs]:
    """The sums of all texts' parts, and whose they are."""
    count, _ = _count_parts(starts, first, end, parts)
    sums, owners = np.empty(count, np.uint64), np.empty(count, np.int64)
    at = 0
    for text in range(len(starts) - 1):
        size = starts[text + 1] - starts[text]
        for band in range(first[size], end[size]):
            sum_parts(hashes[starts[text] : starts[text + 1]], parts[band], sums[at : at + parts[band]])
            owners[at : at + parts[band]] = text
            at += parts[band]
    return sums, owners


@compiled
def put_parts(
    starts: _Longs, hashes: _Hashes, first: _Longs, end: _Longs, parts: _Longs, seen: Filter, twice: Filter
) -> None:
    """Put the sums of all texts' parts into the filters: in ``twice`` those that were met before."""
    sums, _ = _all_parts(starts, hashes, first, end, parts)
    for again in put_all(seen, sums):
        put(twice, sums[again])


@compiled
def describe(row: int, hashes: _Hashes) -> np.uint64:
    """What belongs to a sum of a set's part."""
    sketch = np.uint64(0)
    for at in range(len(hashes)):
        sketch ^= np.uint64(1) << (((hashes[at] & _LOW) * _SKETCH) >> np.uint64(32))
    return (
        (np.uint64(row) << np.uint64(32)) | (np.uint64(min(len(hashes), CLIPPED)) << np.uint64(24)) | sketch
    )


def are_without(described: _Hashes) -> NDArray[np.bool_]:
    """Which sums, by what belongs to them, are without a word."""
    return (described & _WITHOUT) > 0


@compiled
def find_parts(
    starts: _Longs, hashes: _Hashes, row: int, first: _Longs, end: _Longs, parts: _Longs,
    seen: Filter, twice: Filter, wanted: Filter,
) -> _Hashes:  # fmt: skip
    """The sums of parts that were met twice, those without one word that were met, and whose they are.

    Args:
        starts: of the texts, like their hashes.
        hashes: likewise.
        row: of the first text.
        first: as in `Bands`, like the next two.
        end: likewise.
        parts: likewise.
        seen: what `put_parts` put in, like the next.
        twice: likewise.
        wanted: sums without one word that were met are put in.
    """
    sums, owners = _all_parts(starts, hashes, first, end, parts)
    _, count = _count_parts(starts, first, end, parts)
    without, without_owners = np.empty(count, np.uint64), np.empty(count, np.int64)
    at = part = 0
    for text in range(len(starts) - 1):
        size = starts[text + 1] - starts[text]
        for band in range(first[size], end[size]):
            for word in hashes[starts[text] : starts[text + 1]]:
                without[at] = sums[part + part_of(word, parts[band])] - word
                without_owners[at] = text
                at += 1
            part += parts[band]
    whole, dropped = held(twice, sums), held(seen, without)
    found = np.empty((len(whole) + len(dropped), 2), np.uint64)
    for at in range(len(whole)):
        text = owners[whole[at]]
        found[at, 0] = sums[whole[at]]
        found[at, 1] = describe(row + text, hashes[starts[text] : starts[text + 1]])
    for at in range(len(dropped)):
        text = without_owners[dropped[at]]
        key = without[dropped[at]]
        put(wanted, key)
        found[len(whole) + at, 0] = key
        found[len(whole) + at, 1] = _WITHOUT | describe(row + text, hashes[starts[text] : starts[text + 1]])
    return found


@compiled
def parts_met(
    starts: _Longs, hashes: _Hashes, row: int, first: _Longs, end: _Longs, parts: _Longs,
    twice: Filter, wanted: Filter,
) -> _Hashes:  # fmt: skip
    """The sums of parts that are wanted, and whose they are; without those that were met twice."""
    sums, owners = _all_parts(starts, hashes, first, end, parts)
    met = held(wanted, sums)
    found, count = np.empty((len(met), 2), np.uint64), 0
    for part in met:
        if not holds(twice, sums[part]):
            text = owners[part]
            found[count, 0] = sums[part]
            found[count, 1] = describe(row + text, hashes[starts[text] : starts[text + 1]])
            count += 1
    return found[:count]


@compiled
def find_dropped(
    starts: _Longs, hashes: _Hashes, row: int, sums: _Hashes, least: int, end: int,
    seen: Filter, wanted: Filter,
) -> _Hashes:  # fmt: skip
    """Sums without one word that were seen, which are put in ``wanted``, and whose they are: its row.

    Args:
        starts: of the texts, like their hashes.
        hashes: likewise.
        row: of the first text.
        sums: of the texts.
        least: only of texts of this size or more.
        end: and of less than this.
        seen: all texts' sums.
        wanted: what is found is put in.
    """
    keys, owners = np.empty(len(hashes), np.uint64), np.empty(len(hashes), np.int64)
    count = 0
    for text in range(len(starts) - 1):
        size = starts[text + 1] - starts[text]
        if least <= size < end:
            for at in range(starts[text], starts[text + 1]):
                keys[count] = sums[text] - hashes[at]
                owners[count] = row + text
                count += 1
    met = held(seen, keys[:count])
    found = np.empty((len(met), 2), np.uint64)
    for at in range(len(met)):
        put(wanted, keys[met[at]])
        found[at, 0] = keys[met[at]]
        found[at, 1] = np.uint64(owners[met[at]])
    return found


@compiled
def sums_met(sums: _Hashes, state: _Small, first: int, wanted: Filter) -> _Hashes:
    """The sums that are among the wanted keys, and whose they are: its row."""
    met = held(wanted, sums)
    found, count = np.empty((len(met), 2), np.uint64), 0
    for at in met:
        if state[at] != 0:
            found[count, 0] = sums[at]
            found[count, 1] = np.uint64(first + at)
            count += 1
    return found[:count]


@compiled
def _grown(array: _Hashes) -> _Hashes:
    longer = np.empty(2 * len(array), np.uint64)
    longer[: len(array)] = array
    return longer


@compiled
def _pair(one: np.int64, other: np.int64) -> np.uint64:
    return (np.uint64(min(one, other)) << np.uint64(32)) | np.uint64(max(one, other))


@compiled
def pair_sums(keys: _Hashes, rows: _Hashes, sums: _Hashes, owners: _Hashes, state: _Small) -> _Hashes:
    """Rows with a sum without a word, beside the rows with that sum; one of the two in state 2.

    Both lists are sorted by their numbers. A pair is the smaller row's number times 2**32, and the larger's.
    """
    pairs, count = np.empty(1024, np.uint64), 0
    begin = 0
    for at in range(len(keys)):
        while begin < len(sums) and sums[begin] < keys[at]:
            begin += 1
        owner = begin
        while owner < len(sums) and sums[owner] == keys[at]:
            one, other = np.int64(rows[at]), np.int64(owners[owner])
            if state[one] == 2 or state[other] == 2:
                if count == len(pairs):
                    pairs = _grown(pairs)
                pairs[count] = _pair(one, other)
                count += 1
            owner += 1
    return pairs[:count].copy()


@compiled
def _count_bits(bits: np.uint64) -> int:
    count = 0
    while bits:
        bits &= bits - np.uint64(1)
        count += 1
    return count


@compiled
def pair_runs(
    keys: _Hashes, described: _Hashes, state: _Small, allowed: _Longs, crowd: int
) -> tuple[_Hashes, _Longs, _Longs, int]:
    """Pairs with a sum of a part in common that may be similar by sizes and sketches, with one in state 2.

    Of two sums without a word nothing follows.

    Args:
        keys: sorted.
        described: what belongs to each.
        state: of each row.
        allowed: as `allowed_differences` gives them.
        crowd: where more pairs have a key, all its rows are given instead.

    Returns:
        The pairs, as of `pair_sums`; the rows with a crowded key, and which one it is, by a number; how many
        pairs were looked at.
    """
    pairs, count = np.empty(1024, np.uint64), 0
    crowded, key_of, many = np.empty(1024, np.uint64), np.empty(1024, np.uint64), 0
    tried = 0
    begin = 0
    while begin < len(keys):
        end, whole = begin, 0
        while end < len(keys) and keys[end] == keys[begin]:
            whole += described[end] & _WITHOUT == 0
            end += 1
        if whole * (whole - 1) // 2 + whole * (end - begin - whole) > crowd:
            while many + end - begin > len(crowded):
                crowded, key_of = _grown(crowded), _grown(key_of)
            for at in range(begin, end):
                crowded[many] = described[at] >> np.uint64(32)
                key_of[many] = begin
                many += 1
        elif whole:
            for at in range(begin, end):
                one = np.int64(described[at] >> np.uint64(32))
                size = np.int64((described[at] >> np.uint64(24)) & np.uint64(CLIPPED))
                for near in range(at + 1, end):
                    if described[at] & described[near] & _WITHOUT:
                        continue
                    tried += 1
                    most = allowed[size, np.int64((described[near] >> np.uint64(24)) & np.uint64(CLIPPED))]
                    if most < 0 or _count_bits((described[at] ^ described[near]) & _SKETCHES) > most:
                        continue
                    other = np.int64(described[near] >> np.uint64(32))
                    if one == other or (state[one] != 2 and state[other] != 2):
                        continue
                    if count == len(pairs):
                        pairs = _grown(pairs)
                    pairs[count] = _pair(one, other)
                    count += 1
        begin = end
    rows, numbers = crowded[:many].astype(np.int64), key_of[:many].astype(np.int64)
    return pairs[:count].copy(), rows, numbers, tried
