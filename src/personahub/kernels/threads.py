"""Work on all cores of the machine by threads, for loops that leave Python to others while they run."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

__all__ = ["core_count", "in_threads"]

_Item = TypeVar("_Item")
_Done = TypeVar("_Done")


def core_count() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_threads(work: Callable[[_Item], _Done], items: Iterable[_Item]) -> Iterator[_Done]:
    """What the work gives for each item, in the items' order, by as many threads as there are cores.

    Few items are taken and few results wait at a time.
    """
    threads = core_count()
    begun: deque[Future[_Done]] = deque()
    pool = ThreadPoolExecutor(threads, thread_name_prefix="compare")
    try:
        for item in items:
            begun.append(pool.submit(work, item))
            if len(begun) > 2 * threads:
                yield begun.popleft().result()
        while begun:
            yield begun.popleft().result()
    finally:
        # After an interrupt or a fault nobody waits for these.
        pool.shutdown(wait=False, cancel_futures=True)
