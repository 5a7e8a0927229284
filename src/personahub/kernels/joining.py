"""Union-find over flat arrays, compiled."""

from typing import Any

from personahub.compiled import compiled

__all__ = ["join"]

_Array = Any  # Numba compiles the function for the arrays it is called with.


@compiled
def join(parents: _Array, a: _Array, b: _Array) -> None:
    """Join the groups of a[i] and b[i] for each i, in place (union-find with path halving).

    Afterwards each row's parent leads, step by step, to the lowest row of its group.
    """
    for edge in range(a.size):
        left, right = a[edge], b[edge]
        while parents[left] != left:
            parents[left] = parents[parents[left]]
            left = parents[left]
        while parents[right] != right:
            parents[right] = parents[parents[right]]
            right = parents[right]
        parents[max(left, right)] = min(left, right)
