"""A hub: a directory that holds personas and all that was made from them."""

from personahub.hub.duplicates import ASIDE_SCHEMA, Compared, Comparisons, Duplicates, Method
from personahub.hub.hub import Hub
from personahub.hub.runs import Run, RunStatus
from personahub.hub.shards import SHARDS, WHOLE, Shard

__all__ = [
    "ASIDE_SCHEMA",
    "SHARDS",
    "WHOLE",
    "Compared",
    "Comparisons",
    "Duplicates",
    "Hub",
    "Method",
    "Run",
    "RunStatus",
    "Shard",
]
