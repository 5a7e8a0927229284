"""Requests by the thousand through vendors' batch APIs, at half the price; none is paid for twice."""

from personahub.completion.batches.engine import BatchEngine
from personahub.completion.batches.log import held_keys, open_batches
from personahub.completion.batches.vendor import Polling

__all__ = ["BatchEngine", "Polling", "held_keys", "open_batches"]
