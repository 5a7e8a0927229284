"""``sample``: personas drawn from a hub, the same ones for the same seed."""

import hashlib
import heapq
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from personahub.errors import UserError
from personahub.hub import Hub

__all__ = ["draw", "sample"]


def sample(hub: Path | str, n: int = 10, *, seed: int = 0) -> list[Mapping[str, Any]]:
    """Draw ``n`` personas uniformly, without repetition; all of them where there are fewer.

    The first personas of a larger sample of the same seed are the smaller sample.

    Returns:
        Rows of the personas' table.

    Raises:
        UserError: no hub, or a negative ``n``.
    """
    if n < 0:
        raise UserError(f"-n {n}: cannot draw a negative number of personas")
    opened = Hub(hub)
    ids = draw(opened, n, seed=seed)
    rows = opened.personas.get(ids)
    return [rows[id_] for id_ in ids]


def draw(hub: Hub, n: int | None = None, *, seed: int = 0) -> list[str]:
    """Ids of ``n`` personas (None: of all) in an order that seed and ids alone decide.

    Each id's place is its hash with the seed, so personas added later take places among the earlier ones
    without disturbing their order.
    """
    ids = (id_ for batch in hub.personas.read(["id"]) for id_ in batch["id"].to_pylist())
    places = ((hashlib.sha256(f"{seed}:{id_}".encode()).digest(), id_) for id_ in ids)
    chosen = sorted(places) if n is None else heapq.nsmallest(n, places)
    return [id_ for _, id_ in chosen]
