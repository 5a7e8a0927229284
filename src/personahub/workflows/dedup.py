"""``dedup``: duplicates step aside, and nothing is lost; in Python ``deduplicate``."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow.compute as pc

from personahub.dedup import MEMORY, Banding, MinHash, View
from personahub.errors import UserError
from personahub.hub import Hub, Method
from personahub.kernels.cuda import CudaProducts
from personahub.kernels.products import Products
from personahub.models import EmbeddingModel
from personahub.records import Kind
from personahub.workflows.calls import Calls
from personahub.workflows.comparing import (
    FLOORS,
    Personas,
    compare_semantic,
    compare_surface,
    make_view,
    surface_floor,
)
from personahub.workflows.embed import embed_personas
from personahub.workflows.show import find_one
from personahub.workflows.steps import StepWatcher, stepping
from personahub.workflows.views import open_view

__all__ = ["DedupOutcome", "Group", "Lookup", "bring_up_to_date", "deduplicate", "duplicates_of"]


@dataclass(frozen=True)
class DedupOutcome:
    """What a deduplication came to.

    Attributes:
        view: the view's name; it is the hub's own from now on.
        personas: how many there are.
        kept: how many the view shows.
        surface_duplicates: how many step aside for one of nearly the same words.
        semantic_duplicates: how many step aside for one that says nearly the same in other words.
        not_compared: in languages that the embedding model does not know; surface duplicates of them are
            found.
        semantic_recall: the share of the pairs alike in meaning that was found: 1 where all personas were
            compared, else estimated on a sample; None where it had none, or meanings were not compared.
        lookup: of a comparison of words by MinHash; else None.
    """

    view: str
    personas: int
    kept: int
    surface_duplicates: int
    semantic_duplicates: int
    not_compared: int
    semantic_recall: float | None
    lookup: "Lookup | None" = None

    def to_json(self) -> dict[str, Any]:
        """The contract of ``dedup --json``."""
        told: dict[str, Any] = {
            "personas": self.personas,
            "kept": self.kept,
            "surface_duplicates": self.surface_duplicates,
            "semantic_duplicates": self.semantic_duplicates,
            "not_compared": self.not_compared,
            "semantic_recall": self.semantic_recall,
        }
        return told if self.lookup is None else {**told, "minhash": self.lookup.to_json()}


@dataclass(frozen=True)
class Lookup:
    """How MinHash looked for pairs of similar words.

    Attributes:
        settings: what was asked for.
        floor: the least similarity that was looked for; views at or above it need no other comparison.
        threshold: the view's.
        banding: the bands that were chosen for pairs at the floor.
    """

    settings: MinHash
    floor: float
    threshold: float
    banding: Banding

    def to_json(self) -> dict[str, Any]:
        """The settings and bands, and how likely pairs at the floor and at the threshold are found."""
        return {
            **asdict(self.settings),
            **self.banding._asdict(),
            "floor": self.floor,
            "recall_at_floor": round(self.banding.chance(self.floor), 4),
            "threshold": self.threshold,
            "recall_at_threshold": round(self.banding.chance(self.threshold), 4),
        }


def deduplicate(
    hub: Path | str,
    *,
    surface: float | None = 0.9,
    semantic: float | None = 0.9,
    order: Literal["age", "quality"] = "age",
    within_language: bool = False,
    encoder: str | EmbeddingModel | None = None,
    memory: int = MEMORY,
    minhash: MinHash | None = None,
    gpu: bool = False,
    watcher: StepWatcher | None = None,
) -> DedupOutcome:
    """Compare the personas that were not compared yet, and make a view without duplicates the hub's own.

    Going through all personas in order, one steps aside where an earlier one that is shown is alike. All stay
    in the hub, and every other view shows them again.

    Args:
        hub: the hub's directory.
        surface: from this Jaccard similarity of their normalised words on two are surface duplicates;
            None for no such comparison.
        semantic: from this cosine of their embeddings on two are semantic duplicates; None likewise.
        order: "age", oldest first, or "quality": closest to its text first.
        within_language: semantic duplicates only where both are in one language.
        encoder: the embedding model, as for :func:`personahub.curate`; None for the built-in one.
        memory: bytes that comparing words may take beside the descriptions, and embeddings while they are
            compared; more goes to temporary files.
        minhash: look for surface duplicates in this way; None for all of them, exactly. In another way than
            the last time all are compared anew.
        gpu: compare meanings on a CUDA device: all pairs of up to a million, faster.
        watcher: is told how it goes.

    Raises:
        UserError: a threshold is none, or both are None; MinHash without a surface threshold, or with a
            recall that it does not reach; the hub has another model's embeddings; another process is writing
            it; there is too little memory or disk; there is no GPU, where one is asked for.
    """
    if surface is None and semantic is None:
        raise UserError("nothing to compare: leave one of --no-surface and --no-semantic out")
    if surface is None and minhash:
        raise UserError("MinHash compares words, which --no-surface forbids: leave one of the two out")
    view = View(surface, semantic, order, within_language)
    target = Hub(hub)
    lookup = _look_up(target, view, minhash)
    products = CudaProducts() if gpu else None
    opened = Calls().open_encoder(encoder) if encoder else None
    configuration = {
        "view": str(view),
        "personas": target.personas.count(),
        "encoder": opened.name if opened else None,
        **({"minhash": asdict(minhash)} if minhash else {}),
    }
    with stepping(target, "dedup", configuration, watcher) as (run, steps):
        try:
            outcome = bring_up_to_date(target, view, opened, steps, memory, minhash, products)
        finally:
            if opened:
                opened.close()
        run.counts = outcome.to_json()
        return replace(outcome, lookup=lookup)


def _look_up(hub: Hub, view: View, minhash: MinHash | None) -> Lookup | None:
    """The bands for all pairs down to the floor, which have to be there before anything is done."""
    if minhash is None or view.surface is None:
        return None
    floor = surface_floor(hub, view.surface, minhash)
    return Lookup(minhash, floor, view.surface, minhash.banding(floor))


def bring_up_to_date(
    hub: Hub,
    view: View,
    encoder: EmbeddingModel | None,
    steps: StepWatcher,
    memory: int = MEMORY,
    minhash: MinHash | None = None,
    products: Products | None = None,
) -> DedupOutcome:
    """Compare what was not compared, make the view, and make it the hub's own; the caller writes the hub."""
    personas = Personas.read(hub)
    not_compared = 0
    if view.semantic is not None:
        steps.began("embedding", len(personas))
        not_compared = embed_personas(hub, encoder, lambda done, _: steps.advanced(done)).not_compared
    if view.surface is not None:
        compare_surface(hub, personas, view.surface, memory, steps, minhash)
    if view.semantic is not None and view.semantic >= FLOORS[Method.SEMANTIC]:
        compare_semantic(hub, personas, memory, steps, products)
    steps.began("choosing who is shown", len(personas))
    made = make_view(hub, personas, view, memory, steps)
    hub.duplicates.set_view(str(view))
    kept, surface, semantic = np.bincount(made.chosen.method, minlength=3).tolist()
    found = hub.duplicates.now().compared.get(Method.SEMANTIC)
    below = view.semantic is not None and view.semantic < FLOORS[Method.SEMANTIC]
    recall = 1.0 if below else found.recall if found and view.semantic is not None else None
    return DedupOutcome(str(view), len(personas), kept, surface, semantic, not_compared, recall)


@dataclass(frozen=True)
class Group:
    """A persona that a view shows, and those that step aside for it.

    Attributes:
        view: the view's name.
        leader: the one shown, a row of the personas' table.
        members: the others, each ``{"id", "description", "method", "similarity"}``, the most similar first.
    """

    view: str
    leader: Mapping[str, Any]
    members: Sequence[Mapping[str, Any]]

    def to_json(self) -> dict[str, Any]:
        """What ``dedup show --json`` prints."""
        return {"view": self.view, "leader": dict(self.leader), "members": list(self.members)}


def duplicates_of(hub: Path | str, persona_id: str, *, view: str | None = None) -> Group:
    """The group that a persona is in: the one that is shown, and all that step aside for it.

    Args:
        hub: the hub's directory.
        persona_id: an id, or its beginning.
        view: the view's name; None for the hub's own.

    Raises:
        UserError: no such persona, or no such view.
    """
    opened = Hub(hub)
    found = find_one(opened, persona_id)
    if found["id"][0] != Kind.PERSONA:
        raise UserError(f"{persona_id}: is no persona; only personas have duplicates")
    shown = open_view(opened, view)
    if shown is None:
        todo = f"personahub dedup --hub {hub} does it" if view is None else "name a view such as 0.9/0.9"
        what = "was not deduplicated yet" if view is None else "in the view all nobody steps aside"
        raise UserError(f"{hub}: {what}; {todo}")
    aside = shown.table
    own = aside.filter(pc.equal(aside["id"], found["id"]))
    leader_id = own["leader"][0].as_py() if own.num_rows else found["id"]
    others = aside.filter(pc.equal(aside["leader"], leader_id)).to_pylist()
    rows = opened.personas.get([leader_id, *(other["id"] for other in others)])
    members = [
        {
            "id": other["id"],
            "description": rows[other["id"]]["description"],
            "method": other["method"],
            "similarity": other["similarity"],
        }
        for other in sorted(others, key=lambda other: (-other["similarity"], other["id"]))
    ]
    return Group(shown.name, rows[leader_id], members)
