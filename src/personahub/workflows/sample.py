"""``sample``: personas drawn from a hub, the same ones for the same seed."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from personahub.errors import UserError
from personahub.hub import Hub
from personahub.hub.drawing import places
from personahub.hub.tables import gathered
from personahub.workflows.spread import spread_ids
from personahub.workflows.views import OpenView, open_view

__all__ = ["draw", "draw_places", "sample"]


def sample(
    hub: Path | str,
    n: int = 10,
    *,
    seed: int = 0,
    where: str | None = None,
    view: str | None = None,
    diverse: bool = False,
    at: int | None = None,
) -> list[Mapping[str, Any]]:
    """Draw ``n`` personas uniformly, without repetition; all of them where there are fewer.

    The first personas of a larger sample of the same seed are the smaller sample.

    Args:
        hub: the hub's directory.
        n: how many.
        seed: of the draw.
        where: only of personas that meet this condition, in SQL.
        view: see :func:`personahub.workflows.views.open_view`.
        diverse: spread out in meaning instead of uniform: see :func:`~.spread.spread_ids`. Personas without
            an embedding come after all others.
        at: a run: draw from the hub as it was when that ended; None for the hub as it is.

    Returns:
        Rows of the personas' table.

    Raises:
        UserError: no hub, no such version, a negative ``n``, no such column or view, or a diverse sample
            without embeddings.
    """
    if n < 0:
        raise UserError(f"-n {n}: cannot draw a negative number of personas")
    opened = Hub(hub, version=at)
    if where is not None:
        opened.personas.check_where(where)
    shown = open_view(opened, view)
    if diverse and not opened.embeddings.count():
        raise UserError(
            f"{hub}: has no embeddings, by which a diverse sample is spread;"
            f" personahub hub index {hub} makes them"
        )
    ids, offsets = draw_places(opened, None if diverse else n, seed, where, shown)
    if diverse:
        order = pa.array(spread_ids(opened, ids, n), pa.string())
        offsets = offsets[pc.index_in(order, value_set=ids).to_numpy()]
        ids = order
    return _rows(opened, ids.to_pylist(), offsets)


def draw(
    hub: Hub, n: int | None = None, *, seed: int = 0, where: str | None = None, view: OpenView | None = None
) -> list[str]:
    """Ids of ``n`` personas (None: of all) that fit and are shown, in an order of the seed and the ids alone.

    Each id's place is its hash with the seed, so personas added later take places among the earlier ones
    without disturbing their order.
    """
    return list(draw_places(hub, n, seed, where, view)[0].to_pylist())


def draw_places(
    hub: Hub, n: int | None, seed: int, where: str | None, view: OpenView | None
) -> tuple[pa.Array, npt.NDArray[np.int64]]:
    """Ids of ``n`` personas as :func:`draw` gives them, and where in the table each lies, shape (n,)."""
    ids, offsets = pa.array([], pa.string()), np.empty(0, np.int64)
    kept = np.empty(0, np.uint64)
    read = gathered(hub.personas.read(["id", "_rowoffset"], where))
    for rows in (batch for table in read for batch in table.combine_chunks().to_batches()):
        shown = rows.filter(view.shows(rows["id"])) if view else rows
        ids = pa.concat_arrays([ids, shown["id"]])
        offsets = np.concatenate([offsets, shown["_rowoffset"].to_numpy().astype(np.int64)])
        kept = np.concatenate([kept, places(shown["id"], seed)])
        if n is not None and len(kept) > n:
            first = np.argpartition(kept, n)[:n]
            ids, offsets, kept = ids.take(pa.array(first)), offsets[first], kept[first]
    order = np.argsort(kept)
    return ids.take(pa.array(order)), offsets[order]


def _rows(hub: Hub, ids: list[str], offsets: npt.NDArray[np.int64]) -> list[Mapping[str, Any]]:
    """The personas' rows; by where they lie, which is ten times as fast as by their ids."""
    rows = {row["id"]: row for row in hub.personas.at(offsets.tolist())}
    # Where the table was written anew in the meantime, they lie elsewhere.
    rows |= hub.personas.get([id_ for id_ in ids if id_ not in rows])
    return [rows[id_] for id_ in ids]
