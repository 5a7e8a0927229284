"""Diversity of meanings: cosines of pairs, the Vendi score and near-duplicates, of embedding vectors.

Vectors come as an array of shape (n, dimensions) of any float type, which may lie on disk: it is read in
blocks, and a block is what is held of it. A row need not be of unit length.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = [
    "QUANTILES",
    "CosineDistribution",
    "NearDuplicates",
    "cosine_distribution",
    "mean_cosine",
    "mean_cosine_halves",
    "near_duplicates",
    "pair_cosines",
    "unit",
    "vendi_halves",
    "vendi_score",
]

QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)

_ROWS = 2048
_ALL_PAIRS_OF = 10_000
"""Texts of which all pairs are gone through: 50 million, five seconds."""
_DRAWN_PAIRS = 1_000_000
"""Pairs drawn of more texts: their quantiles are right to about 0.001."""
_FINE = 4000
"""Bins of the histogram that quantiles come from: 0.0005 each."""
_BINS = 200
_PRODUCTS = 2 * 10**8
"""Pairs that near-duplicates are looked for in, before only some texts are looked up."""
_LOOKED_UP = 2000
Vectors = npt.NDArray[Any]
_Ints = npt.NDArray[np.int64]
_Floats = npt.NDArray[np.float32]


def unit(vectors: Vectors) -> _Floats:
    """The rows as float32 of unit length; rows of zeros stay as they are."""
    rows = np.asarray(vectors, dtype=np.float32)
    lengths: _Floats = np.linalg.norm(rows, axis=1, keepdims=True)
    lengths[lengths == 0] = 1
    return rows / lengths


def _blocks(vectors: Vectors) -> Iterator[_Floats]:
    for start in range(0, len(vectors), _ROWS):
        yield unit(vectors[start : start + _ROWS])


def pair_cosines(left: Vectors, right: Vectors) -> npt.NDArray[np.float32]:
    """The cosine of each row of one array with the row of the other at the same place, shape (n,)."""
    cosines = np.empty(len(left), np.float32)
    for start in range(0, len(left), _ROWS):
        block = slice(start, start + _ROWS)
        np.einsum("ij,ij->i", unit(left[block]), unit(right[block]), out=cosines[block])
    return cosines


def mean_cosine(vectors: Vectors) -> float:
    """The mean cosine of all pairs of different rows, exactly, in one pass; there must be two.

    The sum of all products is the square of the sum of the vectors: (|sum v|^2 - n) / (n (n - 1)), and no
    pair is gone through.
    """
    total = np.zeros(vectors.shape[1])
    own = 0.0
    for block in _blocks(vectors):
        total += block.sum(axis=0, dtype=np.float64)
        own += float((block.astype(np.float64) ** 2).sum())
    count = len(vectors)
    return float((total @ total - own) / (count * (count - 1)))


def mean_cosine_halves(vectors: Vectors, halves: Iterable[_Ints]) -> Iterator[float]:
    """The mean cosine of the pairs of each half of the rows, given by their places."""
    rows = unit(vectors).astype(np.float64)
    own = np.einsum("ij,ij->i", rows, rows)
    for half in halves:
        total = rows[half].sum(axis=0)
        yield float((total @ total - own[half].sum()) / (len(half) * (len(half) - 1)))


@dataclass(frozen=True)
class CosineDistribution:
    """How the cosines of a set's pairs are spread.

    Attributes:
        pairs: how many pairs were gone through.
        exact: whether those are all pairs; else they were drawn.
        quantiles: the cosine below which each share of :data:`QUANTILES` lies.
        shares: the share of the pairs in each of 200 bins of 0.01, from -1 to 1.
    """

    pairs: int
    exact: bool
    quantiles: dict[float, float]
    shares: tuple[float, ...]

    def to_json(self) -> dict[str, Any]:
        """Rounded, so that it is the same on every machine; bins from -1 without empty ones at the ends."""
        filled = np.flatnonzero(self.shares)
        first, last = int(filled[0]), int(filled[-1])
        return {
            "pairs": self.pairs,
            "exact": self.exact,
            "quantiles": {str(share): round(cosine, 4) for share, cosine in self.quantiles.items()},
            "histogram": {
                "from": round(first / 100 - 1, 2),
                "width": 0.01,
                "shares": [round(share, 6) for share in self.shares[first : last + 1]],
            },
        }


def cosine_distribution(vectors: Vectors, seed: int = 0) -> CosineDistribution:
    """The distribution of the cosines of pairs of different rows.

    All pairs of up to 10,000 rows; of more, a million that are drawn.

    Args:
        vectors: shape (n, dimensions), n at least 2.
        seed: of the draw.
    """
    exact = len(vectors) <= _ALL_PAIRS_OF
    counts = np.zeros(_FINE, np.int64)
    for cosines in _all_pairs(vectors) if exact else _drawn_pairs(vectors, seed):
        bins = np.clip((cosines + 1) * (_FINE / 2), 0, _FINE - 1).astype(np.int64)
        counts += np.bincount(bins, minlength=_FINE)
    pairs = int(counts.sum())
    below = np.concatenate([[0], np.cumsum(counts)]) / pairs
    edges = np.linspace(-1, 1, _FINE + 1)
    quantiles = {share: float(np.interp(share, below, edges)) for share in QUANTILES}
    shares = counts.reshape(_BINS, -1).sum(axis=1) / pairs
    return CosineDistribution(pairs, exact, quantiles, tuple(shares.tolist()))


def _all_pairs(vectors: Vectors) -> Iterator[_Floats]:
    rows = unit(vectors)
    for start in range(0, len(rows), _ROWS):
        left = rows[start : start + _ROWS]
        for begin in range(start, len(rows), _ROWS):
            cosines = left @ rows[begin : begin + _ROWS].T
            yield cosines[np.triu_indices(len(cosines), 1)] if begin == start else cosines.ravel()


def _drawn_pairs(vectors: Vectors, seed: int) -> Iterator[_Floats]:
    draws = np.random.default_rng([seed, len(vectors)])
    left = draws.integers(len(vectors), size=_DRAWN_PAIRS)
    # Any row but the left one, each as likely.
    right = (left + draws.integers(1, len(vectors), size=_DRAWN_PAIRS)) % len(vectors)
    for start in range(0, _DRAWN_PAIRS, _ROWS):
        block = slice(start, start + _ROWS)
        yield pair_cosines(vectors[left[block]], vectors[right[block]])


def vendi_score(vectors: Vectors) -> float:
    """The Vendi score with the cosine as kernel: how many texts that share nothing would be as diverse.

    The exponential of the entropy of the eigenvalues of K / n, where K holds the cosines of all pairs
    (Friedman and Dieng 2023, The Vendi Score, TMLR). Those of the matrix of dimensions by dimensions,
    X'X / n, are the same but for zeros, so a million texts take one pass (their section 4.3). With 512
    dimensions it is never above 512; of fewer texts than dimensions the smaller matrix is taken.
    """
    count, dimensions = vectors.shape
    if count < dimensions:
        rows = unit(vectors).astype(np.float64)
        return _effective(rows @ rows.T / count)
    gram = np.zeros((dimensions, dimensions))
    for block in _blocks(vectors):
        gram += block.T @ block
    return _effective(gram / count)


def vendi_halves(vectors: Vectors, halves: Iterable[_Ints]) -> Iterator[float]:
    """The Vendi score of each half of the rows, given by their places."""
    from threadpoolctl import threadpool_limits

    rows = unit(vectors)
    narrow = len(rows) // 2 >= rows.shape[1]
    kernel = None if narrow else rows @ rows.T
    # Of matrices this small several threads wait for each other: 12 ms with one, 45 to 100 ms with two.
    with threadpool_limits(1, "blas"):
        for half in halves:
            small = rows[half].T @ rows[half] if kernel is None else kernel[np.ix_(half, half)]
            yield _effective(small / len(half))


def _effective(kernel: npt.NDArray[Any]) -> float:
    """The exponential of the entropy of a kernel's eigenvalues, which add up to one."""
    values = np.linalg.eigvalsh(kernel)
    # What is zero comes out as a trifle on either side of it.
    values = values[values > 0].astype(np.float64)
    return float(np.exp(-(values * np.log(values)).sum()))


@dataclass(frozen=True)
class NearDuplicates:
    """How many texts have a near-duplicate.

    Attributes:
        found: how many of those looked up have one among all the others.
        looked_up: how many were looked up.
    """

    found: int
    looked_up: int


def near_duplicates(vectors: Vectors, threshold: float = 0.9, seed: int = 0) -> NearDuplicates:
    """How many rows have another one at or above a cosine, looked for among all rows.

    Every row is looked up in up to 14,000; in more, so many that 200 million pairs are gone through, and at
    least 2,000 that are drawn.

    Args:
        vectors: shape (n, dimensions).
        threshold: the least cosine.
        seed: of the draw.
    """
    count = len(vectors)
    asked = np.arange(count)
    if count * count > _PRODUCTS:
        draws = np.random.default_rng([seed, count])
        asked = np.sort(draws.choice(count, max(_PRODUCTS // count, _LOOKED_UP), replace=False))
    found = np.zeros(len(asked), bool)
    rows = unit(vectors[asked])
    for start in range(0, count, _ROWS):
        block = unit(vectors[start : start + _ROWS])
        for begin in range(0, len(asked), _ROWS):
            some = slice(begin, begin + _ROWS)
            cosines = rows[some] @ block.T
            own = asked[some] - start
            here = np.flatnonzero((own >= 0) & (own < len(block)))
            cosines[here, own[here]] = -1
            # Rounded like the cosines of deduplication, to four decimals.
            found[some] |= (cosines >= threshold - 0.00005).any(axis=1)
    return NearDuplicates(int(found.sum()), len(asked))
