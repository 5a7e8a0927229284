"""``stats``: what a hub holds, and what was set aside and why."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from personahub.errors import UserError
from personahub.hub import Hub
from personahub.hub.tables import HubTable
from personahub.workflows.views import OpenView, open_view

__all__ = ["list_set_aside", "stats"]


def stats(hub: Path | str, *, at: int | None = None) -> dict[str, Any]:
    """Counts of everything in a hub.

    Args:
        hub: the hub's directory.
        at: a run: count the hub as it was when that ended; None for the hub as it is.

    Returns:
        ``documents``, ``licences``, ``orders`` (documents that try to steer the model), ``pii`` (what was
        taken out of them, by kind), ``personas``, ``view`` (the hub's view, or None), ``shown`` (how many
        personas it shows), ``not_deduplicated`` (how many came after the last comparison), ``rounds`` (for
        each round its ``personas``, ``relations``, how many are ``new``, which is shown, and their
        ``share_new``), ``records``, ``set_aside``, ``languages``, ``relations``, ``tasks`` and
        ``datasets`` (how many records each has), ``closeness`` (mean and quartiles of the compared personas,
        and how many were not compared) and ``runs``.

    Raises:
        UserError: no hub, or no such version.
    """
    opened = Hub(hub, version=at)
    cosines = [cosine for batch in opened.personas.read(["closeness"]) for cosine in batch[0].to_pylist()]
    compared = np.array([cosine for cosine in cosines if cosine is not None], dtype=np.float64)
    closeness: dict[str, Any] = {
        "compared": len(compared),
        "not_compared": len(cosines) - len(compared),
    }
    if len(compared):
        quartiles = np.quantile(compared, [0.25, 0.5, 0.75])
        closeness |= {"mean": round(float(compared.mean()), 3)}
        closeness |= {"quartiles": [round(float(q), 3) for q in quartiles]}
    view = open_view(opened)
    rounds = _rounds(opened, view)
    return {
        "documents": opened.documents.count(),
        "licences": _counted(opened.documents, "licence"),
        "orders": opened.documents.count("orders > 0"),
        "pii": _personal_data(opened.documents),
        "personas": opened.personas.count(),
        "view": view.name if view else None,
        "shown": sum(each["new"] for each in rounds.values()),
        "not_deduplicated": max(opened.personas.count() - opened.duplicates.now().personas, 0),
        "rounds": rounds,
        "records": opened.records.count(),
        "set_aside": _counted(opened.set_aside, "reason"),
        "languages": _counted(opened.personas, "language"),
        "relations": _counted(opened.personas, "relation"),
        "tasks": _counted(opened.records, "task"),
        "datasets": _counted(opened.records, "dataset"),
        "closeness": closeness,
        "runs": len(opened.runs()),
    }


def _counted(table: HubTable, column: str) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for batch in table.read([column]):
        counts.update(batch[0].to_pylist())
    return dict(counts.most_common())


def _rounds(hub: Hub, view: OpenView | None) -> dict[str, Any]:
    personas: Counter[int] = Counter()
    new: Counter[int] = Counter()
    relations: defaultdict[int, Counter[str]] = defaultdict(Counter)
    for batch in hub.personas.read(["id", "round", "relation"]):
        numbers = batch["round"]
        personas.update(numbers.to_pylist())
        new.update((numbers.filter(view.shows(batch["id"])) if view else numbers).to_pylist())
        for number, relation in zip(numbers.to_pylist(), batch["relation"].to_pylist(), strict=True):
            relations[number][relation] += 1
    return {
        str(number): {
            "personas": count,
            "new": new[number],
            "share_new": round(new[number] / count, 3),
            "relations": dict(relations[number].most_common()),
        }
        for number, count in sorted(personas.items())
    }


def _personal_data(documents: HubTable) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for batch in documents.read(["pii"], where="pii != '{}'"):
        for found in batch[0].to_pylist():
            counts.update(json.loads(found))
    return dict(counts.most_common())


def list_set_aside(hub: Path | str, reason: str | None = None) -> Iterator[Mapping[str, Any]]:
    """What did not pass, each case with its reason; only those of one reason where it is given.

    Raises:
        UserError: no hub, or a reason that nothing was set aside for.
    """
    table = Hub(hub).set_aside
    if reason is None:
        return table.rows()
    known = _counted(table, "reason")
    if reason not in known:
        there = ", ".join(f"{name} ({count})" for name, count in known.items()) or "nothing at all"
        raise UserError(f"nothing was set aside as {reason!r}; set aside were: {there}")
    return table.rows(f"reason = '{reason}'")
