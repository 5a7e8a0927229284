"""Edges brought into the form that the walk over personas reads: for each group the list of those near it."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from personahub.dedup.cosines import UNITS

__all__ = ["Edges", "Neighbours", "equal_sets", "list_neighbours", "read_edges", "read_units"]

_Ints = npt.NDArray[np.int64]


class Edges(NamedTuple):
    """Pairs of rows and their similarities."""

    a: _Ints
    b: _Ints
    similarity: npt.NDArray[Any]


class Neighbours(NamedTuple):
    """Lists of neighbours in one array: those of list i are at starts[i] up to starts[i + 1]."""

    starts: _Ints
    near: npt.NDArray[np.int32]
    similarity: npt.NDArray[Any]


def read_edges(table: pa.Table) -> Iterator[Edges]:
    """The columns a, b and similarity of a table, batch by batch, not copied."""
    for batch in table.select(["a", "b", "similarity"]).to_batches():
        yield Edges(*(column.to_numpy(zero_copy_only=False) for column in batch.columns))


def read_units(table: pa.Table) -> Iterator[Edges]:
    """The same of semantic edges, with similarities in ten-thousandths: 2 bytes an edge."""
    for a, b, similarity in read_edges(table):
        yield Edges(a, b, np.rint(similarity * np.float64(UNITS)).astype(np.int16))


def equal_sets(texts: _Ints, surface: list[Edges]) -> _Ints:
    """For each row the lowest row with an equal set of words: its text's, and those joined to it by 1.0."""
    from personahub.kernels.joining import join

    parents = texts.copy()
    for a, b, similarity in surface:
        equal = similarity >= 1.0
        join(parents, a[equal], b[equal])
    while (parents != (above := parents[parents])).any():
        parents = above
    return parents


def list_neighbours(
    groups: _Ints, edges: list[Edges], least: float, kind: type[np.float64 | np.int16]
) -> Neighbours:
    """For each group those at or above the least similarity, listed from both ends of each edge.

    Takes 12 (float64) or 6 (int16) bytes for either end of an edge, and 16 for a row.

    Args:
        groups: the group of each row.
        edges: between rows; they count for the rows' groups.
        least: edges under it are left out.
        kind: of the similarities.
    """
    from personahub.dedup.greedy import count_neighbours, fill_neighbours

    starts = np.zeros(len(groups) + 1, dtype=np.int64)
    for a, b, similarity in edges:
        count_neighbours(a, b, groups, similarity, least, starts[1:])
    np.cumsum(starts, out=starts)
    near, similarities = np.empty(starts[-1], dtype=np.int32), np.empty(starts[-1], dtype=kind)
    free = starts[:-1].copy()
    for a, b, similarity in edges:
        fill_neighbours(a, b, groups, similarity, least, free, near, similarities)
    return Neighbours(starts, near, similarities)
