"""Cosines of vectors: exact, and the same in every block, process and machine.

A float32 matrix product proposes pairs, a little under the threshold too, and each is checked in float64.
Products of float16 numbers are multiples of 2**-48, so sums of them below 32 are whole in float64: the
checked dot product of vectors about as long as one is exact in whatever order it is summed.

Similarities are counted in ten-thousandths. A cosine is rounded to four decimals, that number is stored and
is what every threshold is compared with, so what is stored can be looked at with any threshold afterwards
and gives the same verdicts as a run at that threshold.
"""

import math
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from personahub.dedup.thresholds import as_written
from personahub.kernels.products import HostProducts, Products
from personahub.kernels.vectors import dot_products, places_from, square_lengths, unit_rows

__all__ = ["UNITS", "Cosines", "Nearest", "Pairs", "Vectors", "join_pairs", "least_similarity"]

UNITS = 10_000
"""Similarities are whole numbers of this part of one."""

_ROWS = 2048
"""Of a block: its product with another is 16 MB."""

Vectors = npt.NDArray[np.float16]
_Ints = npt.NDArray[np.int64]
_Units = npt.NDArray[np.int16]


def least_similarity(threshold: float) -> int:
    """The fewest ten-thousandths that reach the threshold, taken as the decimal that it is written as.

    Raises:
        UserError: it is no similarity.
    """
    return math.ceil(as_written(threshold) * UNITS)


class Pairs(NamedTuple):
    """Pairs of places in two lists of rows, and their similarities in ten-thousandths; three equal shapes."""

    left: _Ints
    right: _Ints
    similarity: _Units


def join_pairs(parts: Iterable[Pairs]) -> Pairs:
    """All of them as one."""
    none = Pairs(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int16))
    return Pairs(*(np.concatenate(column) for column in zip(none, *parts, strict=True)))


class Nearest(NamedTuple):
    """For each of some rows the most similar of others: its place and similarity; -1 and 0 for none."""

    place: _Ints
    similarity: _Units


class Cosines:
    """Exact cosines between the rows of one array of vectors, which may lie on disk.

    Args:
        vectors: shape (n, dimensions), float16. A row need not be of unit length; one of zeros, or with NaN
            or infinity in it, is like no other.
        products: where pairs are proposed; by default here.
    """

    def __init__(self, vectors: Vectors, products: Products | None = None) -> None:
        """Read the vectors once for their lengths: 8 bytes a row."""
        self.dimensions = vectors.shape[1]
        self.products = products or HostProducts()
        self._halves = vectors.view(np.uint16)
        self._squares = np.empty(len(vectors))
        square_lengths(self._halves, self._squares)
        # The bound of a float32 dot product of unit vectors (Higham, Accuracy and Stability of Numerical
        # Algorithms, section 3.1), and of the rounding of their lengths.
        self._error = (vectors.shape[1] + 8) * 2.0**-24

    def pairs(self, rows: _Ints, least: int) -> Pairs:
        """The pairs of these rows with at least so many ten-thousandths, as places among them, left < right.

        Takes 4 bytes for each two rows and 40 for each pair that is near; give it blocks.
        """
        unit = self.put(rows)
        left, right = self.propose(unit, unit, least)
        once = left < right
        return self.check(rows, rows, left[once], right[once], least)

    def put(self, rows: _Ints) -> Any:
        """These vectors at unit length, where products are made."""
        return self.products.put(self.unit(rows))

    def propose(self, left: Any, right: Any, least: int) -> tuple[_Ints, _Ints]:
        """Places of the pairs of two operands that reach so many ten-thousandths, and of few others."""
        return self.products.places_from(left, right, np.full(len(left), self._doubtful(least), np.float32))

    def check(self, left: _Ints, right: _Ints, at_left: _Ints, at_right: _Ints, least: int) -> Pairs:
        """Those of the pairs at these places that reach the least, exactly."""
        rows, others = left[at_left], right[at_right]
        dots = np.empty(len(rows))
        dot_products(self._halves, rows, others, dots)
        lengths = np.sqrt(self._squares[rows] * self._squares[others])
        cosines = np.divide(dots, lengths, out=np.zeros_like(dots), where=lengths > 0)
        units = np.rint(cosines * UNITS).astype(np.int16)
        reached = units >= least
        return Pairs(at_left[reached], at_right[reached], units[reached])

    def nearest(
        self,
        rows: _Ints,
        others: _Ints,
        least: int,
        *,
        labels: tuple[_Ints, _Ints] | None = None,
    ) -> Nearest:
        """For each row the most similar of the others, the first of several, if it reaches the least.

        Args:
            rows: rows to find one for; a block of them.
            others: rows to choose from, of any number; their order decides between equals.
            least: ten-thousandths that must be reached.
            labels: labels of the rows and of the others; only those with the same label are compared.
        """
        place, best = np.full(len(rows), -1), np.zeros(len(rows), dtype=np.int16)
        unit = self.unit(rows)
        for start in range(0, len(others), _ROWS):
            block = others[start : start + _ROWS]
            scores = unit @ self.unit(block).T
            if labels is not None:
                scores[labels[0][:, None] != labels[1][None, start : start + _ROWS]] = -2.0
            # Of each row only those that may be its best are checked: a row can be near all the others.
            known = np.where(place >= 0, best, least)
            low = np.maximum(self._doubtful(known), scores.max(axis=1) - 2 * self._error - 1 / UNITS)
            found = self.check(rows, block, *places_from(scores, low.astype(np.float32)), least)
            by_best = np.lexsort((found.right, -found.similarity, found.left))
            row, first = np.unique(found.left[by_best], return_index=True)
            first = by_best[first]
            better = found.similarity[first] > best[row]
            row, first = row[better], first[better]
            place[row], best[row] = found.right[first] + start, found.similarity[first]
        return Nearest(place, best)

    def unit(self, rows: _Ints) -> npt.NDArray[np.float32]:
        """These vectors at unit length, shape (len(rows), dimensions); zeros for one like no other."""
        out = np.empty((len(rows), self._halves.shape[1]), np.float32)
        unit_rows(self._halves, self._squares, rows, out)
        return out

    def _doubtful(self, least: Any) -> Any:
        """The score from which a pair may round to so many ten-thousandths."""
        return np.float32((least - 0.5) / UNITS - self._error)
