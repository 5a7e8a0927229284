"""Personas spread out in meaning: greedy k-center over their embeddings (Gonzalez 1985)."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from personahub.hub import Hub
from personahub.hub.embeddings import as_matrix

__all__ = ["spread_ids"]

_POOL = 20_000
"""Vectors compared at a time: 40 MB, and about 5 ms for each persona chosen."""
_LOT = 1_000
"""So many are chosen from a pool: a twentieth, so that there is a choice to the end."""


def spread_ids(hub: Hub, ids: pa.Array, n: int) -> list[str]:
    """``n`` of the ids (all where there are fewer) that lie far apart in meaning.

    The first id that has a vector begins, and each next one is that whose nearest chosen one is farthest.
    They are chosen from the first 20,000, a thousand times; then from the next 20,000, far from all chosen
    before; those left over come again at the end. So the ids of a smaller ``n`` are the first of a larger
    one, and time and memory do not grow with the hub. Ids without a vector come after all others.

    Args:
        hub: the hub, with embeddings.
        ids: in the order of a uniform draw.
        n: how many.
    """
    embedded = pc.is_in(ids, value_set=hub.embeddings.ids().combine_chunks())
    left = ids.filter(embedded)
    chosen: list[str] = []
    vectors = np.empty((0, hub.embeddings.dimensions), np.float32)
    while len(chosen) < n and len(left):
        pool = left[:_POOL]
        found = _vectors(hub, pool)
        lot = list(_farthest(found, vectors, min(_LOT, n - len(chosen), len(pool))))
        chosen += [pool[place].as_py() for place in lot]
        vectors = np.concatenate([vectors, found[lot]])
        unchosen = np.ones(len(pool), np.bool_)
        unchosen[lot] = False
        left = pa.concat_arrays([left[_POOL:], pool.filter(pa.array(unchosen))])
    chosen += ids.filter(pc.invert(embedded))[: n - len(chosen)].to_pylist()
    return chosen


def _vectors(hub: Hub, ids: pa.Array) -> npt.NDArray[np.float32]:
    """The vectors of these personas, in their order."""
    vectors = np.empty((len(ids), hub.embeddings.dimensions), np.float32)
    for batch in hub.embeddings.read():
        at = pc.index_in(batch["id"], value_set=ids)
        here = np.flatnonzero(at.is_valid().to_numpy(zero_copy_only=False))
        vectors[at.drop_null().to_numpy()] = as_matrix(batch["vector"])[here]
    return vectors


def _farthest(vectors: npt.NDArray[np.float32], chosen: npt.NDArray[np.float32], n: int) -> Iterator[int]:
    """Places of ``n`` of the vectors, each the farthest from all chosen before it."""
    nearest = np.full(len(vectors), -np.inf, np.float32)
    for start in range(0, len(chosen), _LOT):
        np.maximum(nearest, (vectors @ chosen[start : start + _LOT].T).max(axis=1), out=nearest)
    for _ in range(n):
        place = int(np.argmin(nearest))
        yield place
        np.maximum(nearest, vectors @ vectors[place], out=nearest)
        nearest[place] = np.inf
