"""Semantic duplicates: pairs of vectors whose cosine is at or above a threshold.

Up to a hundred thousand vectors (a million on a GPU), or where only few are new, all pairs are compared and
nothing is approximated. A million would take 0.5 * 10**15 operations, so of more each vector is compared with
those of the clusters it is near to (:mod:`personahub.dedup.clusters`); what share of the pairs that finds is
estimated on a sample and told. Either way a pair that is given has exactly the similarity that is told.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from personahub.dedup.clusters import Clusters, plan
from personahub.dedup.cosines import UNITS, Cosines, Pairs, Vectors, join_pairs, least_similarity
from personahub.errors import UserError
from personahub.kernels.products import Products

__all__ = ["RECALL", "Search", "SemanticEdges", "semantic_edges"]

RECALL = 0.99
"""The share of pairs that is to be found where not all are compared."""

_BATCH = 100_000  # Edges given at a time, at least.
_WORTH = 8_000
"""Vectors of which each is compared with all, for whom learning clusters of a million takes as long."""

_Ints = npt.NDArray[np.int64]
Progress = Callable[[int, int], None]


class Search(NamedTuple):
    """How pairs were looked for.

    Attributes:
        recall: the share of all pairs that this finds, estimated on a sample; 1 where all were compared, None
            where the sample has none.
        pairs: pairs in that sample; 0 where all were compared.
        clusters: how many clusters; 0 where all were compared.
        visits: of a vector on average.
    """

    recall: float | None
    pairs: int = 0
    clusters: int = 0
    visits: float = 0


@dataclass(frozen=True)
class SemanticEdges:
    """The pairs that are found while one goes through them, once.

    Attributes:
        search: how they are looked for.
        batches: of ``a``, ``b`` (int64 rows, a < b) and ``similarity`` (float32, a number of four decimals;
            its nearest ten-thousandth is what is compared with a threshold), in no particular order.
    """

    search: Search
    batches: Iterator[pa.RecordBatch] = field(repr=False)

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        """The batches."""
        return self.batches


def semantic_edges(
    vectors: Vectors,
    threshold: float = 0.7,
    *,
    since: int = 0,
    recall: float = RECALL,
    products: Products | None = None,
    progress: Progress | None = None,
) -> SemanticEdges:
    """The pairs of rows whose cosine, rounded to four decimals, is at or above the threshold.

    All of them up to 100,000 rows (a million on a GPU), or where no more than 8,000 are new; else about the
    asked share. Beside the vectors this holds 8 bytes a row and at most 300 MB; within clusters about 250
    bytes a row.

    Args:
        vectors: shape (n, dimensions), float16, maybe a memory map; only rows that are to be compared.
        threshold: above 0, at most 1.
        since: rows before it were compared with each other earlier; only pairs with a row from it on are
            looked for, and together with the earlier ones they are the pairs of all rows at once.
        recall: the share of the pairs to be found among many rows; 1 compares all.
        products: where dot products are made; by default here. The pairs are the same wherever all are
            compared.
        progress: called with the dot products that are done and those there are.

    Raises:
        UserError: an argument is out of its range, or of another type or shape.
    """
    if vectors.ndim != 2 or vectors.dtype != np.float16:
        raise UserError(
            f"The vectors are {vectors.dtype} of shape {vectors.shape}: give one row of float16 for each."
        )
    least, count = least_similarity(threshold), len(vectors)
    if not 0 <= since <= count:
        raise UserError(f"since={since} is no row of {count} vectors: give one of 0 to {count}.")
    cosines = Cosines(vectors, products)
    if count <= cosines.products.all_pairs or count - since <= _WORTH or recall >= 1:
        search, pairs = Search(1.0), _all_pairs(cosines, count, least, since, progress)
    else:
        planned = plan(cosines, count, least, recall)
        found = Clusters(cosines, count, planned, since)
        search = Search(planned.recall, planned.pairs, len(planned.centres), found.visits)
        pairs = found.pairs(least, progress)
    return SemanticEdges(search, _batches(pairs))


def _batches(pairs: Iterator[Pairs]) -> Iterator[pa.RecordBatch]:
    found: list[Pairs] = []
    held = 0
    for some in pairs:
        found.append(some)
        held += len(some.left)
        if held >= _BATCH:
            yield _edges(found)
            found, held = [], 0
    if held:
        yield _edges(found)


def _all_pairs(
    cosines: Cosines, count: int, least: int, since: int, progress: Progress | None
) -> Iterator[Pairs]:
    """Near pairs by n * (n - 1) / 2 dot products, shared by as many threads as the BLAS uses."""
    before = since * (since - 1) // 2
    whole = count * (count - 1) // 2 - before
    few, many = cosines.products.rows
    for start in range(since, count, many):
        later = np.arange(start, min(start + many, count))
        there = cosines.put(later)
        for begin in range(0, start + len(later), few):
            earlier = np.arange(begin, min(begin + few, start + len(later)))
            left, right = cosines.propose(cosines.put(earlier), there, least)
            once = left + begin < right + start
            near = cosines.check(earlier, later, left[once], right[once], least)
            yield Pairs(near.left + begin, near.right + start, near.similarity)
        if progress and whole:
            done = start + len(later)
            progress(done * (done - 1) // 2 - before, whole)


def _edges(found: list[Pairs]) -> pa.RecordBatch:
    left, right, similarity = join_pairs(found)
    return pa.record_batch(
        {"a": left, "b": right, "similarity": (similarity / UNITS).astype(np.float32)},
    )
