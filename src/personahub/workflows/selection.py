"""Which of a hub's personas records are made from."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from personahub.errors import UserError
from personahub.hub import Hub
from personahub.models import EmbeddingModel
from personahub.synthesis import Settings, Task
from personahub.workflows.sample import draw
from personahub.workflows.search import search
from personahub.workflows.spread import spread_ids
from personahub.workflows.views import open_view

__all__ = ["Selection", "asks_personas", "related_only", "select_personas", "wants_related"]

_QUOTA = "quota:"
_WIDER = 10
"""So many times the wanted number are looked for where some of what is found will be chosen."""


@dataclass(frozen=True)
class Selection:
    """Which personas are asked.

    Attributes:
        query: only those nearest to this in words and meaning, such as "nurses in rural areas".
        where: only those that meet this condition, in SQL.
        select: "random"; "diverse", spread out in meaning; "quota:COLUMN", as many of each value of the
            column; "none" for no persona at all. None for what the task usually does.
        view: see :func:`personahub.workflows.views.open_view`.
        per_persona: records in a row from each.
        ids: these and no others, in this order. Each gives one record: where it is set aside, the same
            persona is asked for another.
    """

    query: str | None = None
    where: str | None = None
    select: str | None = None
    view: str | None = None
    per_persona: int = 1
    ids: Sequence[str] = ()

    def __post_init__(self) -> None:
        """Check what can be checked without a hub.

        Raises:
            UserError: no such way to select, or fewer than one record from each.
        """
        known = self.select in {None, "random", "diverse", "none"}
        if not known and not (str(self.select).startswith(_QUOTA) and self.select != _QUOTA):
            raise UserError(
                f"--select {self.select}: is none of random, diverse, quota:COLUMN (such as quota:language)"
                " and none"
            )
        if self.per_persona < 1:
            raise UserError(f"--per-persona {self.per_persona}: must be at least 1")
        if self.select == "none" and (self.query or self.where):
            raise UserError("--select none asks no persona, so leave the query and the condition out")
        if self.ids and (self.query or self.where or self.select or self.view or self.per_persona > 1):
            raise UserError("personas given by their ids give one record each: leave other choices out")

    @property
    def is_random(self) -> bool:
        """Whether any that fits is as good as another."""
        return not self.query and not self.ids and self.select in {None, "random"}

    @property
    def is_given(self) -> bool:
        """Whether anything says that personas are wanted."""
        return bool(self.query or self.where or self.ids or self.select not in {None, "none"})


def asks_personas(task: Task, selection: Selection) -> bool:
    """Whether personas have a part in a task's records.

    Raises:
        UserError: none are wanted, and the task is about them.
    """
    way = task.declaration.without_personas
    if selection.select == "none" and way == "never":
        raise UserError(f"--select none: the task {task.name} is about personas and cannot do without them")
    return selection.select != "none" and (way != "usual" or selection.is_given)


def wants_related(task: Task, settings: Settings) -> bool:
    """Whether the two personas of a task's record are to be some that the hub knows to be related."""
    return settings.get("partner") == "related" and task.declaration.personas == 2


_REACHED = "round > 0"
"""Holds of personas that were reached from another one."""


def related_only(selection: Selection) -> Selection:
    """Only those of the selection that were reached from another persona."""
    where = selection.where
    # On a line of its own, since the condition may end in a comment.
    return replace(selection, where=f"({where}\n) AND {_REACHED}" if where else _REACHED)


def select_personas(
    hub: Hub, selection: Selection, n: int, *, seed: int, encoder: str | EmbeddingModel | None = None
) -> list[str]:
    """Ids of up to ``n`` personas, in the order in which they are asked.

    Of a random selection, the first ids of a larger ``n`` are those of a smaller one.

    Args:
        hub: the hub.
        selection: which of them.
        n: how many.
        seed: of the draw.
        encoder: the embedding model of a query, where it is not the built-in one.

    Raises:
        UserError: no personas, none that fit, no such id or column, or no embeddings for a diverse selection.
    """
    if selection.ids:
        return _there(hub, selection.ids[:n])
    if selection.where is not None:
        hub.personas.check_where(selection.where)
    way = selection.select or "random"
    wanted = n if way == "random" else None
    if selection.query:
        limit = n if way == "random" else _WIDER * n
        found = search(
            hub.path,
            selection.query,
            limit=limit,
            where=selection.where,
            view=selection.view,
            encoder=encoder,
        )
        ids = pa.array([each.id for each in found], pa.string())
    else:
        view = open_view(hub, selection.view)
        ids = pa.array(draw(hub, wanted, seed=seed, where=selection.where, view=view), pa.string())
    if not len(ids):
        raise UserError(_nobody(hub, selection))
    if way == "diverse":
        if not hub.embeddings.count():
            raise UserError(
                f"{hub.path}: has no embeddings, by which a diverse selection is spread;"
                f" personahub hub index {hub.path} makes them"
            )
        return spread_ids(hub, ids, n)
    if way.startswith(_QUOTA):
        return list(_in_turn(hub, ids, way.removeprefix(_QUOTA)))[:n]
    return list(ids.to_pylist())


def _there(hub: Hub, ids: Sequence[str]) -> list[str]:
    known = hub.personas.get(ids, ["id"])
    if missing := [id_ for id_ in ids if id_ not in known]:
        raise UserError(f"{hub.path}: has no persona {missing[0]}")
    return list(ids)


def _nobody(hub: Hub, selection: Selection) -> str:
    if not hub.personas.count():
        return f"{hub.path}: holds no personas yet; personahub curate SOURCE --hub {hub.path} makes some"
    return (
        f"{hub.path}: none of its {hub.personas.count():,} personas fits"
        f" {' and '.join(repr(part) for part in (selection.query, selection.where) if part) or 'the view'}"
        + (
            f"; personahub expand --hub {hub.path} makes relatives"
            if _REACHED in (selection.where or "")
            else ""
        )
    )


def _in_turn(hub: Hub, ids: pa.Array, column: str) -> Iterator[str]:
    """One of each value of the column, in the order in which values first come; then the next of each.

    A value whose personas are all taken is left out from then on.
    """
    if column not in hub.personas.schema.names:
        known = ", ".join(hub.personas.schema.names)
        raise UserError(f"--select quota:{column}: personas have no such column; they have {known}")
    values = np.full(len(ids), "", object)
    for batch in hub.personas.read(["id", column]):
        at = pc.index_in(batch["id"], value_set=ids)
        there = at.is_valid().to_numpy(zero_copy_only=False)
        values[at.drop_null().to_numpy()] = batch[column].filter(pa.array(there)).to_pylist()
    groups: dict[object, list[str]] = {}
    for id_, value in zip(ids.to_pylist(), values, strict=True):
        groups.setdefault(value, []).append(id_)
    for place in range(max(map(len, groups.values()))):
        yield from (group[place] for group in groups.values() if place < len(group))
