"""Loops that Numba compiles: at their first call, and kept on disk for the next process where that can be."""

from collections.abc import Callable
from typing import TypeVar, cast

from numba import njit

__all__ = ["compiled"]

_Loop = TypeVar("_Loop", bound=Callable[..., object])


def compiled(loop: _Loop) -> _Loop:
    """The function as machine code, compiled anew in each process where no folder can hold the cache.

    Other threads run while it does.
    """
    try:
        return cast(_Loop, njit(cache=True, nogil=True)(loop))
    except RuntimeError:  # Numba finds neither the package's folder nor the user's writable.
        return cast(_Loop, njit(nogil=True)(loop))
