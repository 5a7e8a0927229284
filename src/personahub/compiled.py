"""Loops that Numba compiles: at their first call, and kept on disk for the next process where that can be."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit

__all__ = ["compiled", "compiled_for_sums"]

_Loop = TypeVar("_Loop", bound=Callable[..., object])


def compiled(loop: _Loop) -> _Loop:
    """The function as machine code, compiled anew in each process where no folder can hold the cache.

    Other threads run while it does.
    """
    return _compile(loop)


def compiled_for_sums(loop: _Loop) -> _Loop:
    """The same where numbers may be added in any order, several at a time."""
    return _compile(loop, fastmath={"reassoc", "nsz"})


def _compile(loop: _Loop, **options: Any) -> _Loop:
    try:
        return cast(_Loop, njit(cache=True, nogil=True, **options)(loop))
    except RuntimeError:  # Numba finds neither the package's folder nor the user's writable.
        return cast(_Loop, njit(nogil=True, **options)(loop))
