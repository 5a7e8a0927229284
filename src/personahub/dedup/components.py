"""Connected components: what stays where likeness is handed on from one to the next."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from personahub.dedup.neighbours import Edges

__all__ = ["count_components"]


def count_components(groups: npt.NDArray[np.int64], edges: Iterable[Edges], least: float) -> int:
    """How many components rows are in, joined by their groups and by edges at or above a similarity.

    Args:
        groups: for each row the lowest row of its group, such as of the identical text.
        edges: between rows.
        least: edges under it do not join.
    """
    from personahub.kernels.joining import join

    parents = groups.copy()
    for a, b, similarity in edges:
        near = similarity >= least
        join(parents, a[near], b[near])
    return int((parents == np.arange(len(parents))).sum())
