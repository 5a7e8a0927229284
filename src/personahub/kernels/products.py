"""Where the dot products of many vectors are made, and the few of them taken that are high."""

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from personahub.kernels.vectors import places_from, reached_from

__all__ = ["HostProducts", "Products"]

_Floats = npt.NDArray[np.float32]
_Ints = npt.NDArray[np.int64]
_Numbers = npt.NDArray[np.int32]


class Products(Protocol):
    """A place for matrix products of float32, whose sums are rounded as float32 is and no more coarsely.

    Attributes:
        rows: of the left and the right matrix that are multiplied at a time.
        all_pairs: up to so many vectors each is compared with each.
    """

    rows: tuple[int, int]
    all_pairs: int

    def put(self, unit: _Floats) -> Any:
        """Rows, shape (n, dimensions), brought there: an operand of the others."""
        ...

    def places_from(self, left: Any, right: Any, least: _Floats) -> tuple[_Ints, _Ints]:
        """Rows of the left and the right operand whose products reach the least of the left row, in order."""
        ...

    def nearest(self, left: Any, right: Any, reach: float) -> tuple[_Numbers, _Ints, _Numbers]:
        """For each left row the right row of the highest product, and those of products nearly as high.

        See :func:`~personahub.kernels.vectors.reached_from` for what is nearly as high, and what is given.
        """
        ...


class HostProducts:
    """Products by the BLAS of NumPy."""

    rows = 2048, 2048
    """So a product is 16 MB."""
    all_pairs = 100_000

    def put(self, unit: _Floats) -> _Floats:
        """They stay where they are."""
        return unit

    def places_from(self, left: _Floats, right: _Floats, least: _Floats) -> tuple[_Ints, _Ints]:
        """See :meth:`Products.places_from`."""
        return places_from(left @ right.T, least)

    def nearest(self, left: _Floats, right: _Floats, reach: float) -> tuple[_Numbers, _Ints, _Numbers]:
        """See :meth:`Products.nearest`."""
        homes, counts, columns = reached_from(left @ right.T, reach)
        return homes, counts, columns
