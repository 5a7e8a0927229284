"""``evaluate duplicates``: what other thresholds would keep, and what lies on either side of these."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from personahub.dedup import View, choose
from personahub.dedup.components import count_components
from personahub.dedup.neighbours import read_edges
from personahub.errors import UserError
from personahub.hub import Hub, Method
from personahub.workflows.comparing import Personas, stored_edges
from personahub.workflows.evaluate.folders import check_plotting
from personahub.workflows.steps import StepWatcher
from personahub.workflows.views import open_view

__all__ = ["Duplicates", "Group", "Pair", "Stay", "evaluate_duplicates"]

_STEP = Fraction(1, 40)
_GROUPS = 10
_MEMBERS = 5
_PAIRS = 20


@dataclass(frozen=True)
class Stay:
    """How many personas stay at a threshold of a method, with the other switched off.

    Attributes:
        method: "surface" or "semantic".
        threshold: of it.
        leader: with the greedy leader, which is what views use.
        components: where one of each connected component stays.
    """

    method: str
    threshold: float
    leader: int
    components: int


@dataclass(frozen=True)
class Group:
    """A persona that the view shows, and some of those that step aside for it.

    Attributes:
        id: of the one shown.
        description: likewise.
        size: how many step aside for it.
        members: descriptions of those least like it.
    """

    id: str
    description: str
    size: int
    members: Sequence[str]


@dataclass(frozen=True)
class Pair:
    """Two personas near a threshold.

    Attributes:
        method: "surface" or "semantic".
        similarity: of the two.
        alike: whether that is at or above the view's threshold.
        descriptions: the older one's first.
    """

    method: str
    similarity: float
    alike: bool
    descriptions: tuple[str, str]


@dataclass(frozen=True)
class Duplicates:
    """What deduplication does to a hub.

    Attributes:
        hub: its directory.
        view: the view that groups and pairs are of.
        personas: how many were compared.
        shown: how many of these the view shows.
        floors: down to which similarity each method's edges are kept.
        minhash: the settings by which pairs of similar words were looked for; empty where exactly.
        stay: by method and threshold, from the highest down.
        groups: the largest.
        pairs: those nearest to each threshold of the view, the most alike first.
    """

    hub: str
    view: str
    personas: int
    shown: int
    floors: Mapping[str, float]
    minhash: Mapping[str, Any]
    stay: Sequence[Stay]
    groups: Sequence[Group]
    pairs: Sequence[Pair]

    def to_json(self) -> dict[str, Any]:
        """What ``evaluate duplicates --json`` prints."""
        return asdict(self)


def evaluate_duplicates(
    hub: Path | str,
    *,
    view: str | None = None,
    out: Path | str | None = None,
    watcher: StepWatcher | None = None,
) -> Duplicates:
    """Tell what other thresholds would keep, the largest groups, and the pairs nearest to the thresholds.

    All is read from the edges of the last deduplication; nothing is compared.

    Args:
        hub: the hub's directory.
        view: of which groups and pairs are told; None for the hub's own.
        out: a folder for the numbers, the tables and the plot.
        watcher: is told how it goes.

    Raises:
        UserError: the hub was not deduplicated, or has no such view; the folder cannot be written.
    """
    if out is not None:
        check_plotting(Path(out))
    opened = Hub(hub)
    shown = open_view(opened, view)
    if shown is None:
        what = "was not deduplicated yet" if view is None else "in the view all nobody steps aside"
        raise UserError(f"{hub}: {what}; personahub dedup --hub {hub} does it")
    compared = opened.duplicates.now()
    personas = Personas.read(opened).first(compared.personas)
    own = View.parse(shown.name)
    floors = {str(method): each.floor for method, each in compared.compared.items()}
    way = next((each.minhash for each in compared.compared.values() if each.minhash), {})
    stay: list[Stay] = []
    pairs: list[Pair] = []
    for method in (Method.SURFACE, Method.SEMANTIC):
        threshold = own.surface if method is Method.SURFACE else own.semantic
        if method not in floors:
            continue
        edges = stored_edges(opened, personas, method, floors[method])
        stay += _stay(personas, method, edges, floors[method], watcher or StepWatcher())
        if threshold is not None and threshold >= floors[method]:
            pairs += _pairs(personas, method, edges, threshold)
    result = Duplicates(
        str(hub), shown.name, len(personas), len(personas) - len(shown.aside), floors, way, stay,
        _groups(opened, shown.table), pairs,
    )  # fmt: skip
    if out is not None:
        from personahub.workflows.evaluate.duplicates_report import write_report

        write_report(result, Path(out))
    return result


def _stay(
    personas: Personas, method: Method, edges: pa.Table, floor: float, steps: StepWatcher
) -> Iterator[Stay]:
    thresholds = list(_thresholds(floor))
    steps.began(f"trying {method} thresholds", len(thresholds))
    order, texts = personas.by_age, personas.texts
    for done, threshold in enumerate(thresholds, 1):
        is_surface = method is Method.SURFACE
        view = View(threshold if is_surface else None, None if is_surface else threshold)
        chosen = choose(order, texts, edges if is_surface else None, None if is_surface else edges, view)
        components = count_components(texts, read_edges(edges), threshold)
        yield Stay(str(method), threshold, int((chosen.leader < 0).sum()), components)
        steps.advanced(done)


def _thresholds(floor: float) -> Iterator[float]:
    """From 1 down to the floor, which is among them."""
    threshold, last = Fraction(1), Fraction(str(floor))
    while threshold > last:
        yield float(threshold)
        threshold -= _STEP
    yield float(last)


def _pairs(personas: Personas, method: Method, edges: pa.Table, threshold: float) -> Iterator[Pair]:
    """Those nearest to the threshold on either side, of different texts, the most alike first."""
    similarity = edges["similarity"].to_numpy()
    a, b = edges["a"].to_numpy(), edges["b"].to_numpy()
    alike = similarity >= threshold
    above = np.flatnonzero(alike & (similarity < 1))
    below = np.flatnonzero(~alike)
    chosen = [
        above[np.lexsort((b[above], a[above], similarity[above]))][:_PAIRS][::-1],
        below[np.lexsort((b[below], a[below], -similarity[below]))][:_PAIRS],
    ]
    for edge in np.concatenate(chosen).tolist():
        rows = pa.array([a[edge], b[edge]])
        one, other = personas.table["description"].take(rows).to_pylist()
        yield Pair(str(method), float(similarity[edge]), bool(alike[edge]), (one, other))


def _groups(hub: Hub, aside: pa.Table) -> list[Group]:
    """The largest, with members that are least like their leaders."""
    counted = aside["leader"].combine_chunks().value_counts()
    leaders, sizes = counted.field("values"), counted.field("counts")
    largest = pc.sort_indices(
        pa.table([sizes, leaders], ["size", "leader"]), [("size", "descending"), ("leader", "ascending")]
    )[:_GROUPS]
    groups = []
    for place in largest.to_pylist():
        leader = leaders[place].as_py()
        members = aside.filter(pc.equal(aside["leader"], leader))
        members = members.sort_by([("similarity", "ascending"), ("id", "ascending")])["id"]
        ids = members[:_MEMBERS].to_pylist()
        rows = hub.personas.get([leader, *ids], ["id", "description"])
        told = [rows[each]["description"] for each in ids]
        groups.append(Group(leader, rows[leader]["description"], sizes[place].as_py(), told))
    return groups
