"""A hub: a directory that holds personas and all that was made from them."""

from personahub.hub.hub import Hub
from personahub.hub.runs import Run, RunStatus
from personahub.hub.shards import SHARDS, WHOLE, Shard

__all__ = ["SHARDS", "WHOLE", "Hub", "Run", "RunStatus", "Shard"]
