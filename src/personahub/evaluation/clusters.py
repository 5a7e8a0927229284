"""Which of the clusters that several sets fall into together each of them reaches."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from personahub.evaluation.vectors import unit

__all__ = ["CLUSTERS", "assign", "coverage", "evenness", "find_clusters"]

CLUSTERS = 100
_TEXTS_EACH = 10
"""Texts that a cluster should have on average; of fewer texts fewer clusters are made."""
_FROM_EACH = 2000
_POOL = 10_000
"""Vectors that each set gives at most, and all of them together."""
_SAME = 0.999
"""The cosine from which two vectors are of one text, whose last bits may differ."""
_BLOCK = 1024
_ROUNDS = 25
_ROWS = 8192
_Floats = npt.NDArray[np.float32]
_Ints = npt.NDArray[np.int64]


def find_clusters(sets: Sequence[npt.NDArray[Any]], seed: int = 0) -> _Floats:
    """The centres of the clusters of several sets, each of which gives the same number of vectors.

    Spherical k-means (Dhillon and Modha 2001) from a k-means++ start (Arthur and Vassilvitskii 2007). A set
    that is larger than another counts no more than it, and what comes again, in one set or in several, counts
    once: else a set given twice would draw the clusters to itself.

    Args:
        sets: the vectors of each, shape (n, dimensions).
        seed: of the draws.

    Returns:
        Unit vectors, shape (k, dimensions): k is 100, or a tenth of the vectors where that is less; may be
        fewer where there are not as many different vectors.
    """
    draws = np.random.default_rng([seed, len(sets)])
    each = min(_FROM_EACH, _POOL // len(sets), *(len(vectors) for vectors in sets))
    places = [np.sort(np.random.default_rng([seed, len(v)]).permutation(len(v))[:each]) for v in sets]
    drawn = unit(np.concatenate([vectors[some] for vectors, some in zip(sets, places, strict=True)]))
    pool = _different(drawn)
    centres = _start(pool, min(CLUSTERS, max(len(drawn) // _TEXTS_EACH, 1)), draws)
    labels = assign(pool, centres)
    for _ in range(_ROUNDS):
        sums = np.zeros_like(centres)
        np.add.at(sums, labels, pool)
        there = np.linalg.norm(sums, axis=1) > 0
        centres[there] = unit(sums[there])
        before, labels = labels, assign(pool, centres)
        if (labels == before).all():
            break
    return centres[np.unique(labels)]


def _different(rows: _Floats) -> _Floats:
    """The rows without those that are the same as an earlier one."""
    new = np.ones(len(rows), bool)
    for start in range(0, len(rows), _BLOCK):
        block = rows[start : start + _BLOCK]
        for begin in range(0, start + len(block), _BLOCK):
            same = block @ rows[begin : min(begin + _BLOCK, start + len(block))].T >= _SAME
            # Of a block with itself only the part of earlier rows.
            new[start : start + len(block)] &= ~(np.tril(same, -1) if begin == start else same).any(axis=1)
    return rows[new]


def _start(pool: _Floats, count: int, draws: np.random.Generator) -> _Floats:
    """Vectors of the pool, each drawn the likelier the further it is from those before it."""
    chosen = [int(draws.integers(len(pool)))]
    far = 1 - pool @ pool[chosen[0]]
    while len(chosen) < count:
        weight = np.clip(far, 0, None).astype(np.float64)
        weight[weight < 1e-6] = 0  # A copy, but for rounding.
        if not weight.any():
            break
        chosen.append(int(draws.choice(len(pool), p=weight / weight.sum())))
        far = np.minimum(far, 1 - pool @ pool[chosen[-1]])
    return pool[chosen].copy()


def assign(vectors: npt.NDArray[Any], centres: _Floats) -> _Ints:
    """The place of the centre that each vector is closest to, shape (n,)."""
    labels = np.empty(len(vectors), np.int64)
    for start in range(0, len(vectors), _ROWS):
        block = unit(vectors[start : start + _ROWS])
        labels[start : start + len(block)] = (block @ centres.T).argmax(axis=1)
    return labels


def coverage(labels: _Ints, clusters: int) -> float:
    """The share of the clusters that have a text."""
    return len(np.unique(labels)) / clusters


def evenness(labels: _Ints, clusters: int) -> float:
    """How many clusters of one size would be as even, as a share of all: exp(entropy) / clusters.

    1 where each has as many texts; 1 / clusters where one has them all.
    """
    shares = np.bincount(labels, minlength=clusters) / len(labels)
    shares = shares[shares > 0]
    return float(np.exp(-(shares * np.log(shares)).sum()) / clusters)
