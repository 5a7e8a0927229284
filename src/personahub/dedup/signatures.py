"""The keys of a set of words: two similar sets have one in common, two others hardly ever.

A word is a 64-bit hash, and a set its sum, so that the sum without a word is one subtraction away.

Two sets of sizes a <= b with a Jaccard similarity of at least t = p/q share o = ceil(p(a + b)/(p + q)) words
or more: d = a + b - 2o words are in one of them alone. For small sets this is little. Below a size of
(1 + t)/(1 - t), 19 words at 0.9, either the sets are equal or the larger has one word more: its sum without
that word is the sum of the smaller. From there on words are dealt out by their hashes into m = floor(d/2) + 1
parts, so that in one of the parts the two sets differ by one word or none: a sum of a part, or one without a
word, is a sum of the other's part (PartEnum: Arasu, Ganti and Kaushik 2006, "Efficient exact set-similarity
joins"; deletion neighbourhoods: Bocek, Hunt and Stiller 2007, "Fast similarity search in large
dictionaries"). m depends on the larger size alone, which is known in bands: a set has the keys of each band
in which a similar one may be the larger.
"""

from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from personahub.compiled import compiled
from personahub.kernels.hashing import mix

__all__ = [
    "LEAST_THRESHOLD",
    "Bands",
    "bands_for",
    "dropped_sizes",
    "least_overlaps",
    "part_of",
    "sum_parts",
]

LEAST_THRESHOLD = Fraction(3, 4)
"""Under it parts become so small that most sets have some in common."""

_BAND = 1.1
"""Above some size a band ends at so many times its beginning."""

_Longs = NDArray[np.int64]
_Hashes = NDArray[np.uint64]


class Bands(NamedTuple):
    """Into how many parts the words of sets of each size are dealt out.

    Attributes:
        first: for each size up to the largest the first band whose keys a set has.
        end: and the first one after it whose keys it has not.
        parts: of each band.
    """

    first: _Longs
    end: _Longs
    parts: _Longs


def _least_overlap(threshold: Fraction, both: int) -> int:
    p, q = threshold.numerator, threshold.denominator
    return -(-p * both // (p + q))


def least_overlaps(threshold: Fraction, largest: int) -> _Longs:
    """How many words two sets must share to be similar, by the sum of their sizes, up to the largest sum."""
    return np.array([_least_overlap(threshold, both) for both in range(largest + 1)], np.int64)


def _differences(threshold: Fraction, a: int, b: int) -> int:
    """How many words may be in one of two similar sets alone; -1 where these sizes are never similar."""
    overlap = _least_overlap(threshold, a + b)
    return a + b - 2 * overlap if overlap <= min(a, b) else -1


def dropped_sizes(threshold: Fraction) -> tuple[int, int]:
    """From which size on, and below which, a set may have one word more than a similar one, and no more."""
    one = Fraction(1)
    return int(-(-one // (one - threshold))), int(-(-(one + threshold) // (one - threshold)))


def bands_for(threshold: Fraction, size: int) -> Bands:
    """The bands for sets of up to this size, or somewhat more.

    Args:
        threshold: from `LEAST_THRESHOLD` on, below 1.
        size: of the largest set.
    """
    return _bands_up_to(threshold, 64 << (size >> 6).bit_length())


@lru_cache(64)
def _bands_up_to(threshold: Fraction, largest: int) -> Bands:
    # A little more than the largest size that is similar to one of these.
    most = int(largest / threshold) + 2
    begin = dropped_sizes(threshold)[1]
    # Where each band begins, and into how many parts the one before deals out; before the first is none.
    bounds, parts = [begin], [0]
    while begin <= most:
        end = max(begin + 1, int(begin * _BAND))
        # Two bands never have as many parts, so that a set never has one key for both.
        while _parts(threshold, end) == _parts(threshold, end - 1):
            end += 1
        bounds.append(end)
        parts.append(_parts(threshold, end - 1))
        begin = end
    sizes = np.arange(largest + 1)
    # One more than the largest size that can be similar, so that rounding loses none.
    top = (sizes / float(threshold)).astype(np.int64) + 1
    low = np.searchsorted(bounds, np.maximum(sizes, bounds[0]), "right")
    high = np.where(top < bounds[0], low, np.searchsorted(bounds, top, "right") + 1)
    return Bands(low, high, np.array(parts, np.int64))


def _parts(threshold: Fraction, size: int) -> int:
    """How many parts pairs need whose larger set has this size."""
    # Two words more allow no less, so one of the last two sizes allows the most.
    return max(_differences(threshold, other, size) for other in (size - 1, size)) // 2 + 1


@compiled
def part_of(word: np.uint64, parts: int) -> int:
    """Which of so many parts a word is in."""
    return int(np.int64(((word >> np.uint64(32)) * np.uint64(parts)) >> np.uint64(32)))


@compiled
def sum_parts(words: _Hashes, parts: int, sums: _Hashes) -> None:
    """Write the sum of each part of a set; those of other parts, or of other numbers of parts, differ."""
    for part in range(parts):
        sums[part] = mix((np.uint64(parts) << np.uint64(32)) | np.uint64(part))
    for word in words:
        sums[part_of(word, parts)] += word
