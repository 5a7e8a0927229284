"""A hub: a directory that holds personas and all that was made from them."""

from personahub.hub.hub import Hub
from personahub.hub.runs import Run, RunStatus

__all__ = ["Hub", "Run", "RunStatus"]
