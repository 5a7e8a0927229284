"""Which personas are nearest to a question: by the words they share with it, or by their meaning."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from personahub.hub.datasets import past_compactions
from personahub.hub.hub import Hub
from personahub.hub.indexes import PARTITIONS, open_indexed

__all__ = ["by_meaning", "by_words", "cosines_of"]

Shows = Callable[[pa.Array], pa.BooleanArray]
"""For each id whether it may be found."""

_FEW = 5_000
"""So few vectors are fetched and compared one by one; of more, the nearest are filtered."""
_LOOKED_UP = 4_000
"""So many ids are looked up in the index of ids; for more, all that meet the condition are read."""


def by_words(hub: Hub, text: str, wanted: int, where: str | None, shows: Shows) -> dict[str, float]:
    """BM25 of the personas that share words with the text, by id, the best first.

    Args:
        hub: the hub.
        text: words; their order is of no account.
        wanted: how many are looked for.
        where: an SQL condition that they meet.
        shows: which of them may be found.
    """
    if (table := open_indexed(hub.personas.path)) is None:
        return {}

    def best(k: int) -> pa.Table:
        asked = {"full_text_query": {"query": text, "columns": ["description"]}, "limit": k}
        return past_compactions(
            lambda: (
                open_indexed(hub.personas.path)
                .scanner(columns=["id", "_score"], filter=where, prefilter=True, **asked)  # type: ignore[union-attr]
                .to_table()
            )
        )

    return _first(best, table.count_rows(), wanted, wanted, shows)


def by_meaning(
    hub: Hub, vector: npt.NDArray[np.float32], wanted: int, where: str | None, shows: Shows
) -> dict[str, float]:
    """Cosines of the embedded personas with the vector, by id, the largest first.

    Args:
        hub: the hub.
        vector: of unit length, by the model of the hub's embeddings.
        wanted: how many are looked for.
        where: an SQL condition that they meet.
        shows: which of them may be found.
    """
    table = hub.embeddings.open()
    if table is None:
        return {}
    total, k = table.count_rows(), wanted
    if where is not None:
        matching = hub.personas.count(where)
        if matching <= _FEW:
            ids = _meeting(hub, where)
            cosines = cosines_of(hub, vector, ids.filter(shows(ids)).to_pylist())
            return dict(sorted(cosines.items(), key=lambda each: (-each[1], each[0]))[:wanted])
        # Half as many again as meet it if meaning and condition have nothing to do with each other.
        k = 3 * wanted * hub.personas.count() // (2 * matching)
        shows = _shown_and_meeting(hub, where, shows)
    query = pa.array(vector.astype(np.float16))

    def nearest(k: int) -> pa.Table:
        # Where there is an index, thrice as many are compared exactly.
        how = {"metric": "dot", "nprobes": PARTITIONS, "refine_factor": 3}
        asked = {"column": "vector", "q": query, "k": k, **how}
        rows = past_compactions(
            lambda: hub.embeddings.open().scanner(columns=["id", "_distance"], nearest=asked).to_table()  # type: ignore[union-attr]
        )
        return pa.table({"id": rows["id"], "_score": pc.subtract(1.0, rows["_distance"])})

    return _first(nearest, total, k, wanted, shows)


def cosines_of(hub: Hub, vector: npt.NDArray[np.float32], ids: Sequence[str]) -> dict[str, float]:
    """The cosines of these personas with the vector, by id; those without a vector are left out."""
    vectors = hub.embeddings.vectors(ids)
    if not vectors:
        return {}
    cosines = np.stack(list(vectors.values())).astype(np.float32) @ vector
    return dict(zip(vectors, cosines.tolist(), strict=True))


def _shown_and_meeting(hub: Hub, where: str, shows: Shows) -> Shows:
    """Which ids are shown and of personas that meet the condition."""
    everyone: list[pa.Array] = []

    def both(ids: pa.Array) -> pa.BooleanArray:
        if len(ids) <= _LOOKED_UP:
            meeting = _meeting(hub, f"{_among(ids.to_pylist())} AND ({where})")
        else:
            # Few of the nearest met it, so that more are asked for than are worth looking up.
            if not everyone:
                everyone.append(_meeting(hub, where))
            (meeting,) = everyone
        return pc.and_(shows(ids), pc.is_in(ids, value_set=meeting))

    return both


def _meeting(hub: Hub, where: str) -> pa.Array:
    """The ids of all personas that meet the condition."""
    table = open_indexed(hub.personas.path)
    ids = table.to_table(columns=["id"], filter=where)["id"] if table else pa.chunked_array([], pa.string())
    return ids.combine_chunks()


def _among(ids: Sequence[str]) -> str:
    return f"id IN ({', '.join(repr(id_) for id_ in ids)})"


def _first(
    best: Callable[[int], pa.Table], total: int, k: int, wanted: int, shows: Shows
) -> dict[str, float]:
    """The first ``wanted`` that may be found of ever more of the best, beginning with ``k``."""
    while True:
        rows = best(min(k, total))
        found = rows.filter(shows(rows["id"].combine_chunks())).slice(0, wanted)
        if found.num_rows == wanted or rows.num_rows < k:
            return dict(zip(found["id"].to_pylist(), found["_score"].to_pylist(), strict=True))
        k *= 4
