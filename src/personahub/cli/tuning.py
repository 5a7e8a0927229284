"""Settings of the process that pay in long runs; a library leaves them to the program that uses it."""

import ctypes
import gc
import os
import sys

__all__ = ["tune_process"]

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
_BLOCK = 128 * 1024


def tune_process() -> None:
    """Give freed memory back, and look for garbage less often; before Arrow is loaded.

    At a million calls this is a resident size of 20 to 30 MB less, and a sixth less time for a resume.
    """
    # Arrow's own pool keeps what was freed, and is no faster for it.
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    if sys.platform == "linux":
        # Left alone, glibc takes ever larger blocks from its heaps, one a thread, from which few go back.
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
        if mallopt:
            mallopt(_M_TRIM_THRESHOLD, _BLOCK)
            mallopt(_M_MMAP_THRESHOLD, _BLOCK)
            mallopt(_M_ARENA_MAX, 1)
    # What a call makes is freed by counting; only cycles need the collector.
    gc.set_threshold(100_000, 50, 50)
