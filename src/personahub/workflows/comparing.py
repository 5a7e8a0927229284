"""A hub's personas compared with each other, and the views that are made from what was found.

Only texts that are not identical are compared, each in the place of all that have it. What was compared
before is not compared again: new personas are, with each other and with all older ones, whatever view
those are in, so that every view at or above the floor is what one comparison of everything would give.
"""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import cached_property, partial
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from personahub.dedup import (
    MEMORY,
    Chosen,
    MinHash,
    SurfaceDuplicates,
    View,
    choose,
    choose_below,
    minhash_duplicates,
    semantic_edges,
    surface_duplicates,
)
from personahub.hub import ASIDE_SCHEMA, Compared, Hub, Method
from personahub.hub.known import IdRows
from personahub.kernels.products import Products
from personahub.records import EDGE_SCHEMA
from personahub.workflows.steps import StepWatcher

__all__ = [
    "FLOORS",
    "Made",
    "Personas",
    "compare_semantic",
    "compare_surface",
    "make_view",
    "stored_edges",
    "surface_floor",
    "surface_way",
]

FLOORS = {Method.SURFACE: 0.8, Method.SEMANTIC: 0.7}
"""Edges are kept down to these similarities; the surface floor goes lower where a lower one is asked for."""
_METHODS = np.array(["", Method.SURFACE, Method.SEMANTIC])
_BATCH = 65_536
_INDEXED = 200_000
"""Of fewer texts all are read in less time than it takes to look an index up."""

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Personas:
    """All personas of a hub, a row each, in the order they were added."""

    table: pa.Table
    """Columns id, description, language, run, round, position, closeness."""

    @classmethod
    def read(cls, hub: Hub) -> "Personas":
        """Those that are there now."""
        columns = ["id", "description", "language", "run", "round", "position", "closeness"]
        schema = pa.schema([hub.personas.schema.field(name) for name in columns])
        return cls(pa.Table.from_batches(hub.personas.read(columns), schema).combine_chunks())

    def first(self, rows: int) -> "Personas":
        """The first rows alone."""
        return self if rows >= len(self) else Personas(self.table.slice(0, rows).combine_chunks())

    def __len__(self) -> int:
        """How many there are."""
        return int(self.table.num_rows)

    @cached_property
    def ids(self) -> pa.Array:
        """Their ids."""
        return _joined(self.table["id"])

    @cached_property
    def texts(self) -> Ints:
        """For each row the first row with the identical description."""
        codes = np.asarray(_joined(self.table["description"]).dictionary_encode().indices)
        # Codes are given in the order of their first rows.
        _, first = np.unique(codes, return_index=True)
        return np.asarray(first[codes], dtype=np.int64)

    @cached_property
    def by_age(self) -> Ints:
        """The rows from the oldest to the youngest: by command, round, place in it, and id."""
        keys = [(name, "ascending") for name in ("run", "round", "position", "id")]
        return np.asarray(pc.sort_indices(self.table, sort_keys=keys), dtype=np.int64)

    def order(self, name: str) -> Ints:
        """The rows in the order that a view goes through them.

        Args:
            name: "age", or "quality": those closest to their texts first, those that were not compared with
                their texts last; among equals by age.
        """
        if name == "age":
            return self.by_age
        closeness = np.asarray(_joined(self.table["closeness"].fill_null(-2.0)))[self.by_age]
        return self.by_age[np.argsort(-closeness, kind="stable")]

    def rows(self, ids: pa.Array | pa.ChunkedArray) -> Ints:
        """The row of each id; -1 for one that is not there."""
        return self._rows.rows(_joined(ids))

    @cached_property
    def _rows(self) -> IdRows:
        return IdRows([self.ids])

    def compared_before(self, compared: Compared | None) -> int:
        """How many of the first rows were compared; 0 where the table is not what it was then."""
        if not compared or not compared.rows:
            return 0
        there = len(self) >= compared.rows and self.ids[compared.rows - 1].as_py() == compared.last
        return compared.rows if there else 0

    def compared_now(self, floor: float) -> Compared:
        """All of them."""
        return Compared(floor, len(self), len(self), self.ids[-1].as_py() if len(self) else "")

    def edges(self, a: Ints, b: Ints, method: Method, similarity: npt.NDArray[Any]) -> pa.RecordBatch:
        """Pairs of rows as edges between ids, the later one first."""
        age = self._age
        later, earlier = np.where(age[a] > age[b], a, b), np.where(age[a] > age[b], b, a)
        columns = [
            self.ids.take(pa.array(later)),
            self.ids.take(pa.array(earlier)),
            pa.array([str(method)]).take(pa.array(np.zeros(len(a), np.int8))),
            pa.array(similarity, pa.float64()),
        ]
        return pa.record_batch(columns, schema=EDGE_SCHEMA)

    @cached_property
    def _age(self) -> Ints:
        age = np.empty(len(self), np.int64)
        age[self.by_age] = np.arange(len(self))
        return age


def surface_way(hub: Hub) -> MinHash | None:
    """How the hub's pairs of similar words were looked for; None where exactly, or not yet."""
    before = hub.duplicates.now().compared.get(Method.SURFACE)
    return MinHash(**before.minhash) if before and before.minhash else None


def surface_floor(hub: Hub, threshold: float, minhash: MinHash | None) -> float:
    """Down to which similarity of words pairs are looked for, where a threshold is asked for."""
    before = _likewise(hub, minhash)
    return min(FLOORS[Method.SURFACE], threshold, before.floor if before else 1.0)


def _likewise(hub: Hub, minhash: MinHash | None) -> Compared | None:
    """The comparison of words before, if it was of the same way."""
    before = hub.duplicates.now().compared.get(Method.SURFACE)
    return before if surface_way(hub) == minhash else None


def compare_surface(
    hub: Hub,
    personas: Personas,
    threshold: float,
    memory: int,
    steps: StepWatcher,
    minhash: MinHash | None = None,
) -> None:
    """Bring the surface edges up to date with the personas; the caller writes the hub.

    Args:
        hub: the hub.
        personas: all its personas.
        threshold: edges are kept down to this similarity, the usual floor, or that of before, whichever is
            lowest. Where pairs were looked for in another way before, all are compared anew, and that floor
            does not count.
        memory: bytes that comparing may take; more goes to files in the hub's folder.
        steps: is told how it goes.
        minhash: how pairs are looked for; None for all of them, exactly.

    Raises:
        UserError: the disk is full, there is too little memory, or MinHash cannot reach its recall.
    """
    before, floor = _likewise(hub, minhash), surface_floor(hub, threshold, minhash)
    done = personas.compared_before(before) if before and before.floor <= floor else 0
    if before and done == len(personas):
        return
    firsts = np.flatnonzero(personas.texts == np.arange(len(personas)))
    since = int(np.searchsorted(firsts, done))
    step = ""

    def progress(what: str, done: int, total: int) -> None:
        nonlocal step
        if what != step:
            step = what
            steps.began(f"comparing words, {what}", total)
        steps.advanced(done)

    # Worth it where most are older.
    indexed = len(firsts) >= _INDEXED and 2 * since >= len(firsts)
    descriptions = personas.table["description"].take(pa.array(firsts))
    compare: Callable[..., SurfaceDuplicates] = (
        partial(minhash_duplicates, settings=minhash)
        if minhash
        else partial(surface_duplicates, index=hub.path / "words" if indexed else None)
    )
    found = compare(descriptions, floor, since=since, memory=memory, folder=hub.path, progress=progress)
    now = replace(personas.compared_now(floor), minhash=asdict(minhash) if minhash else {})
    edges = _surface_batches(personas, firsts, found.groups, found.edges, since)
    hub.duplicates.add(Method.SURFACE, edges, now, anew=done == 0)


def _surface_batches(
    personas: Personas, firsts: Ints, groups: Ints, edges: pa.Table, since: int
) -> Iterator[pa.RecordBatch]:
    rows = np.arange(len(groups))
    # Texts of the same words are alike in all that words can tell: one edge to the first of them says it.
    same = np.flatnonzero((groups >= 0) & (groups != rows) & (rows >= since))
    if len(same):
        yield personas.edges(firsts[groups[same]], firsts[same], Method.SURFACE, np.ones(len(same)))
    for batch in edges.to_batches(max_chunksize=_BATCH):
        a, b = (firsts[np.asarray(batch[name])] for name in ("a", "b"))
        yield personas.edges(a, b, Method.SURFACE, np.asarray(batch["similarity"]))


def compare_semantic(
    hub: Hub, personas: Personas, memory: int, steps: StepWatcher, products: Products | None = None
) -> None:
    """Bring the semantic edges up to date with the embeddings that the hub holds; the caller writes the hub.

    Args:
        hub: the hub.
        personas: all its personas.
        memory: bytes that the embeddings may take; more of them lie in a file in the hub's folder.
        steps: is told how it goes.
        products: where dot products are made; by default here.

    Raises:
        UserError: the disk is full, or the memory of where products are made.
    """
    steps.began("comparing meanings", hub.embeddings.count())
    ids, vectors = _embeddings(hub, memory)
    floor = FLOORS[Method.SEMANTIC]
    last = ids[-1].as_py() if len(ids) else ""
    now = Compared(floor, len(personas), len(ids), last, hub.embeddings.model or "")
    before = hub.duplicates.now().compared.get(Method.SEMANTIC)
    if before and replace(before, recall=now.recall) == now:
        return
    there = before and before.model == now.model and 0 < before.rows <= len(ids)
    done = before.rows if before and there and ids[before.rows - 1].as_py() == before.last else 0
    texts, places = _first_of_texts(personas, ids)
    since = int(np.searchsorted(places, done))
    found = semantic_edges(
        _taken(vectors, places),
        floor,
        since=since,
        products=products,
        progress=lambda done, whole: steps.advanced(done * len(ids) // whole),
    )
    recalls = [found.search.recall, before.recall if before and done else 1.0]
    told = [recall for recall in recalls if recall is not None]
    now = replace(now, recall=min(told) if len(told) == len(recalls) else None)

    def batches() -> Iterator[pa.RecordBatch]:
        for batch in found:
            a, b = (texts[np.asarray(batch[name])] for name in ("a", "b"))
            cosines = np.asarray(batch["similarity"]).astype(np.float64).round(4)
            yield personas.edges(a, b, Method.SEMANTIC, cosines)

    hub.duplicates.add(Method.SEMANTIC, batches(), now, anew=done == 0)


def _embeddings(hub: Hub, memory: int) -> tuple[pa.Array, npt.NDArray[np.float16]]:
    ids, vectors = hub.embeddings.load(memory)
    return _joined(ids), vectors


def _first_of_texts(personas: Personas, embedded: pa.Array) -> tuple[Ints, Ints]:
    """The rows of the distinct texts that are embedded, and the places of their first embeddings."""
    rows = personas.rows(embedded)
    known = np.flatnonzero(rows >= 0)
    texts, first = np.unique(personas.texts[rows[known]], return_index=True)
    places = known[first]
    order = np.argsort(places)
    return texts[order], places[order]


def _taken(vectors: npt.NDArray[np.float16], places: Ints) -> npt.NDArray[np.float16]:
    """The vectors at rising places, moved together: a million are a gigabyte, and no second one is needed."""
    for start in range(0, len(places), _BATCH):
        taken = places[start : start + _BATCH]
        vectors[start : start + len(taken)] = vectors[taken]
    return vectors[: len(places)]


class Made(NamedTuple):
    """A view that was made."""

    chosen: Chosen
    """The verdict on each of the personas that were compared."""
    aside: pa.Table
    """Who steps aside, for whom and why: a table of :data:`personahub.hub.ASIDE_SCHEMA`."""


def make_view(
    hub: Hub, personas: Personas, view: View, memory: int = MEMORY, steps: StepWatcher | None = None
) -> Made:
    """Choose who is shown in a view, and keep it in the hub, unless that is read as it was in a version.

    What the view compares must have been compared; for a semantic threshold under the floor the
    embeddings are gone through, else only the edges.

    Args:
        hub: the hub.
        personas: all its personas.
        view: the view.
        memory: bytes that the embeddings may take; more of them lie in a file in the hub's folder.
        steps: is told how it goes where embeddings are gone through.

    Raises:
        UserError: the disk is full.
    """
    made_from = hub.duplicates.now()
    below = view.semantic is not None and view.semantic < FLOORS[Method.SEMANTIC]
    # Who came after the comparison is shown, be their text there already or not.
    personas = personas if below else personas.first(made_from.personas)
    languages = np.asarray(_joined(personas.table["language"]).dictionary_encode().indices, dtype=np.int64)
    order, texts = personas.order(view.order), personas.texts
    surface = stored_edges(hub, personas, Method.SURFACE, view.surface)
    if below:
        ids, vectors = _embeddings(hub, memory)
        rows, places = _first_of_texts(personas, ids)
        progress = (lambda done, _: steps.advanced(done)) if steps else None
        taken = _taken(vectors, places)
        chosen = choose_below(order, texts, surface, taken, rows, view, languages, progress=progress)
    else:
        semantic = stored_edges(hub, personas, Method.SEMANTIC, view.semantic)
        chosen = choose(order, texts, surface, semantic, view, languages)
    aside = np.flatnonzero(chosen.leader >= 0)
    columns = [
        personas.ids.take(pa.array(aside)),
        personas.ids.take(pa.array(chosen.leader[aside])),
        pa.array(_METHODS[chosen.method[aside]], pa.string()),
        pa.array(chosen.similarity[aside], pa.float64()),
    ]
    made = Made(chosen, pa.table(columns, schema=ASIDE_SCHEMA))
    if hub.version is None:
        model = hub.embeddings.model if below else None
        hub.duplicates.save_view(str(view), made.aside, made_from, model or "")
    return made


def stored_edges(hub: Hub, personas: Personas, method: Method, threshold: float | None) -> pa.Table:
    """The edges at or above the threshold between rows: columns a, b, similarity; none for no threshold."""
    parts = []
    for batch in hub.duplicates.edges(method, threshold) if threshold is not None else ():
        a, b = (personas.rows(batch[name]) for name in ("later", "earlier"))
        there = (a >= 0) & (b >= 0)
        a, b = a[there], b[there]
        if method is Method.SEMANTIC:
            a, b = personas.texts[a], personas.texts[b]
        columns = [a, b, np.asarray(batch["similarity"])[there]]
        parts.append(pa.record_batch(columns, names=["a", "b", "similarity"]))
    schema = pa.schema([("a", pa.int64()), ("b", pa.int64()), ("similarity", pa.float64())])
    return pa.Table.from_batches(parts, schema)


def _joined(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
