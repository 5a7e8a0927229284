"""Which pages were posted under a key: 8 bytes a posting, in sorted runs that are merged as they grow."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Postings"]

_TAIL = 2**15
"""Postings that wait in a dict to be sorted: a few megabytes."""
_ID_BITS = np.uint64(32)
_ID = np.uint64(2**32 - 1)

Keys = npt.NDArray[np.uint64]


class Postings:
    """Page numbers below 2**32 under keys below 2**32, several under one key.

    A posting is one integer, the key above the page's number, so a sorted array of them is the index. New
    ones go to a dict; when that is full, it becomes a sorted run, and runs of about one length are merged
    into one (O'Neil et al. 1996, The log-structured merge-tree): a key is looked up in a number of runs that
    grows with the logarithm of the postings.
    """

    def __init__(self) -> None:
        """Nothing is posted yet."""
        self._runs: list[Keys] = []
        self._tail: dict[int, list[int]] = {}
        self._in_tail = 0

    def add(self, keys: Keys, page: int) -> None:
        """Post a page under keys; a key that stands there twice is posted twice."""
        for key in keys.tolist():
            self._tail.setdefault(key, []).append(page)
        self._in_tail += len(keys)
        if self._in_tail >= _TAIL:
            packed = (key << 32 | page for key, pages in self._tail.items() for page in pages)
            self._push(np.fromiter(packed, np.uint64, self._in_tail))
            self._tail, self._in_tail = {}, 0

    def replace(self, count: int, parts: Iterable[tuple[Keys, Keys]]) -> None:
        """Forget all and post anew: ``count`` postings in parts of keys and pages side by side."""
        self._runs.clear()
        self._tail, self._in_tail = {}, 0
        packed = np.empty(count, np.uint64)
        place = 0
        for keys, pages in parts:
            packed[place : place + len(keys)] = keys << _ID_BITS | pages
            place += len(keys)
        if count:
            self._push(packed)

    def find(self, keys: Keys) -> npt.NDArray[np.int64]:
        """The pages under any of the keys, as often as they stand there, in no order."""
        found: list[Any] = [pages for key in keys.tolist() if (pages := self._tail.get(key))]
        # Sorted keys are looked up near to each other in memory.
        low = np.sort(keys) << _ID_BITS
        for run in self._runs:
            starts = run.searchsorted(low)
            full = run.take(starts, mode="clip") - low <= _ID
            starts, ends = starts[full], run.searchsorted(low[full] | _ID, "right")
            lengths = ends - starts
            before = np.cumsum(lengths) - lengths
            spans = np.repeat(starts - before, lengths)
            spans += np.arange(len(spans))
            found.append(run[spans] & _ID)
        return np.concatenate(found).astype(np.int64) if found else np.empty(0, np.int64)

    def _push(self, run: Keys) -> None:
        run.sort()
        while self._runs and len(self._runs[-1]) <= 2 * len(run):
            run = np.concatenate([self._runs.pop(), run])
            run.sort(kind="stable")  # Which takes two sorted halves as they are.
        self._runs.append(run)
