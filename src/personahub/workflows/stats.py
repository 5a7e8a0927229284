"""``stats``: what a hub holds, and what was set aside and why."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from personahub.errors import UserError
from personahub.hub import Hub
from personahub.hub.tables import HubTable

__all__ = ["list_set_aside", "stats"]


def stats(hub: Path | str) -> dict[str, Any]:
    """Counts of everything in a hub.

    Returns:
        ``documents``, ``licences``, ``orders`` (documents that try to steer the model), ``pii`` (what was
        taken out of them, by kind), ``personas``, ``records``, ``set_aside``, ``languages``, ``relations``,
        ``tasks``, ``closeness`` (mean and quartiles of the compared personas, and how many were not compared)
        and ``runs``.

    Raises:
        UserError: no hub.
    """
    opened = Hub(hub)
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
    return {
        "documents": opened.documents.count(),
        "licences": _counted(opened.documents, "licence"),
        "orders": opened.documents.count("orders > 0"),
        "pii": _personal_data(opened.documents),
        "personas": opened.personas.count(),
        "records": opened.records.count(),
        "set_aside": _counted(opened.set_aside, "reason"),
        "languages": _counted(opened.personas, "language"),
        "relations": _counted(opened.personas, "relation"),
        "tasks": _counted(opened.records, "task"),
        "closeness": closeness,
        "runs": len(opened.runs()),
    }


def _counted(table: HubTable, column: str) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for batch in table.read([column]):
        counts.update(batch[0].to_pylist())
    return dict(counts.most_common())


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
