"""MinHashes of sets, and the bands by which sets with many of them in common meet.

The chance that two sets have the same minimum under a hash function is their Jaccard similarity (Broder 1997,
"On the resemblance and containment of documents"). ``hashes`` of these minimums are a set's signature, and
the share of them that two sets have in common estimates their similarity. Bands of ``rows`` minimums are
looked up as a whole, so that two sets of similarity s meet in one of ``bands`` of them with a chance of
1 - (1 - s^rows)^bands (Leskovec, Rajaraman and Ullman, "Mining of Massive Datasets", 3.4).

The words of a set are 64-bit hashes already, well mixed; a function takes the lower 32 bits, changes some by
XOR and multiplies by an odd number (multiply-shift: Dietzfelbinger, Hagerup, Katajainen and Penttonen 1997,
"A reliable randomized algorithm for the closest-pair problem"), which the processor does for many functions
at a time. 13 words take about 0.3 µs for 128 of them.
"""

from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from personahub.compiled import compiled
from personahub.dedup.meeting import describe
from personahub.errors import UserError
from personahub.kernels.filters import Filter, held, put, put_all
from personahub.kernels.hashing import mix

__all__ = ["Banding", "Family", "choose_banding", "draw_family", "find_keys", "put_keys", "sign"]

_Longs = NDArray[np.int64]
_Hashes = NDArray[np.uint64]
_Halves = NDArray[np.uint32]

_STEPS = 2000
"""Similarities under the threshold by which settings are compared."""


class Banding(NamedTuple):
    """How signatures are looked up.

    Attributes:
        bands: how many there are.
        rows: minimums of each.
    """

    bands: int
    rows: int

    def chance(self, similarity: float) -> float:
        """How likely two sets of a similarity meet."""
        return float(1 - (1 - similarity**self.rows) ** self.bands)


class Family(NamedTuple):
    """Hash functions, and what bands are told apart by.

    Attributes:
        salts: uint32, of each function.
        factors: uint32, odd, of each function.
        weights: uint64, odd, of each function within its band's key.
    """

    salts: _Halves
    factors: _Halves
    weights: _Hashes


@lru_cache(64)
def choose_banding(threshold: Fraction, hashes: int, recall: float) -> Banding:
    """The bands that find a pair at the threshold with at least the asked chance, and few others.

    Of all bands of so many hashes or fewer those are taken that meet with the least chance under the
    threshold, the mean over all similarities up to it.

    Args:
        threshold: the least similarity that is looked for, above 0, at most 1.
        hashes: the most minimums of all bands together.
        recall: the least chance for a pair at exactly the threshold; for others above it is higher.

    Raises:
        UserError: no bands of so many hashes have it.
    """
    below = np.linspace(0, float(threshold), _STEPS)
    settings = []
    for rows in range(1, hashes + 1):
        # The fewest bands that suffice; more would meet more others.
        chances = 1 - (1 - float(threshold) ** rows) ** np.arange(1, hashes // rows + 1)
        enough = np.flatnonzero(chances >= recall)
        if len(enough):
            banding = Banding(int(enough[0]) + 1, rows)
            false = float(np.mean(1 - (1 - below**rows) ** banding.bands))
            settings.append((false, banding))
    if not settings:
        most = Banding(hashes, 1).chance(float(threshold))
        raise UserError(
            f"{hashes} hashes find a pair at {float(threshold):g} with a chance of {most:.3g} at most, not"
            f" {recall:g}: ask for a lower recall or a higher threshold."
        )
    return min(settings)[1]


@lru_cache(16)
def draw_family(hashes: int, seed: int) -> Family:
    """So many functions."""
    drawn = np.random.default_rng(seed).integers(0, 2**64, (3, hashes), np.uint64)
    salts, factors = (drawn[:2] >> np.uint64(32)).astype(np.uint32)
    return Family(salts, factors | np.uint32(1), drawn[2] | np.uint64(1))


@compiled
def _minimums(words: _Hashes, salts: _Halves, factors: _Halves, lowest: _Halves) -> None:
    """Write a set's least value of each function."""
    lowest[:] = np.uint32(0xFFFFFFFF)
    for word in words:
        half = np.uint32(word & np.uint64(0xFFFFFFFF))
        for at in range(len(lowest)):
            value = np.uint32((half ^ salts[at]) * factors[at])
            lowest[at] = min(lowest[at], value)


@compiled
def _all_keys(starts: _Longs, hashes: _Hashes, banding: Banding, family: Family) -> tuple[_Hashes, _Longs]:
    """The keys of all sets that are not empty, band by band, and whose they are."""
    bands, rows = banding
    weights = family.weights
    lowest = np.empty(bands * rows, np.uint32)
    salts, factors = family.salts[: bands * rows], family.factors[: bands * rows]
    keys = np.empty((len(starts) - 1) * bands, np.uint64)
    owners = np.empty((len(starts) - 1) * bands, np.int64)
    count = 0
    for text in range(len(starts) - 1):
        if starts[text] == starts[text + 1]:
            continue
        _minimums(hashes[starts[text] : starts[text + 1]], salts, factors, lowest)
        for band in range(bands):
            # A sum of products tells vectors apart (Dietzfelbinger 1996), and the last step spreads it.
            total = np.uint64(band)
            for at in range(band * rows, (band + 1) * rows):
                total += (np.uint64(lowest[at]) + np.uint64(1)) * weights[at]
            keys[count] = mix(total)
            owners[count] = text
            count += 1
    return keys[:count], owners[:count]


@compiled
def put_keys(
    starts: _Longs, hashes: _Hashes, banding: Banding, family: Family, seen: Filter, twice: Filter
) -> None:
    """Put the keys of all sets into the filters: in ``twice`` those that were met before."""
    keys, _ = _all_keys(starts, hashes, banding, family)
    for again in put_all(seen, keys):
        put(twice, keys[again])


@compiled
def find_keys(
    starts: _Longs, hashes: _Hashes, banding: Banding, family: Family, row: int, twice: Filter
) -> _Hashes:
    """The keys that were met twice, and what belongs to them: see :mod:`personahub.dedup.meeting`.

    Args:
        starts: of the sets, like their hashes.
        hashes: likewise.
        banding: the bands.
        family: of at least so many functions.
        row: of the first set.
        twice: what `put_keys` put in.
    """
    keys, owners = _all_keys(starts, hashes, banding, family)
    met = held(twice, keys)
    found = np.empty((len(met), 2), np.uint64)
    for at in range(len(met)):
        text = owners[met[at]]
        found[at, 0] = keys[met[at]]
        found[at, 1] = describe(row + text, hashes[starts[text] : starts[text + 1]])
    return found


@compiled
def sign(starts: _Longs, hashes: _Hashes, family: Family) -> tuple[_Longs, _Hashes]:
    """The signatures of sets as sets: a number for each function and its minimum; none of an empty one."""
    salts, factors = family.salts, family.factors
    lowest = np.empty(len(salts), np.uint32)
    ends, signed = np.zeros(len(starts), np.int64), np.empty((len(starts) - 1) * len(salts), np.uint64)
    count = 0
    for text in range(len(starts) - 1):
        if starts[text] < starts[text + 1]:
            _minimums(hashes[starts[text] : starts[text + 1]], salts, factors, lowest)
            for at in range(len(salts)):
                signed[count] = mix((np.uint64(at + 1) << np.uint64(32)) | np.uint64(lowest[at]))
                count += 1
        ends[text + 1] = count
    return ends, signed[:count]
