"""Semantic duplicates: all pairs of vectors whose cosine is at or above a threshold, exactly.

A blocked float32 matrix product proposes pairs, a little under the threshold too, and each is checked in
float64. Products of float16 numbers are multiples of 2**-48, so sums of them below 32 are whole in float64:
the checked dot product is exact in whatever order it is summed, and the cosine of a pair is the same in
every block, process and machine. Nothing is approximated, which an index of clusters would do (faiss's finds
99 % of the pairs at thirty times the speed): a million vectors of 512 take 0.5 * 10**15 operations.

Similarities are counted in ten-thousandths. A cosine is rounded to four decimals, that number is stored and
is what every threshold is compared with, so what is stored can be looked at with any threshold afterwards
and gives the same verdicts as a run at that threshold.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

__all__ = [
    "UNITS",
    "Cosines",
    "Nearest",
    "Pairs",
    "Vectors",
    "join_pairs",
    "least_similarity",
    "semantic_edges",
]

UNITS = 10_000
"""Similarities are whole numbers of this part of one."""

_ROWS = 2048  # Of a block: its product with another is 16 MB, and at most four million pairs.
_CHECKED = 8192  # Pairs that are checked at a time: 64 MB of float64 at 512 dimensions.
_BATCH = 100_000  # Edges given at a time, at least.

Vectors = npt.NDArray[np.float16]
_Ints = npt.NDArray[np.int64]
_Units = npt.NDArray[np.int16]


def least_similarity(threshold: float) -> int:
    """The fewest ten-thousandths that reach the threshold, taken as the decimal that it is written as."""
    return math.ceil(Fraction(str(float(threshold))) * UNITS)


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
    """

    def __init__(self, vectors: Vectors) -> None:
        """Read the vectors once for their lengths: 8 bytes a row."""
        self._vectors = vectors
        self._squares = np.empty(len(vectors))
        for start in range(0, len(vectors), _ROWS):
            block = vectors[start : start + _ROWS].astype(np.float64)
            np.einsum("ij,ij->i", block, block, out=self._squares[start : start + _ROWS])
        self._squares[~np.isfinite(self._squares)] = 0
        # The bound of a float32 dot product of unit vectors (Higham, Accuracy and Stability of Numerical
        # Algorithms, section 3.1), and of the rounding of their lengths.
        self._error = (vectors.shape[1] + 8) * 2.0**-24

    def pairs(self, left: _Ints, right: _Ints, least: int, *, shift: int = 0) -> Iterator[Pairs]:
        """The pairs of a left and a right row with at least so many ten-thousandths, a few at a time.

        Takes 13 bytes for each pair of rows; give it blocks.

        Args:
            left: rows of one block.
            right: rows of another or the same.
            least: ten-thousandths that must be reached.
            shift: only pairs with left place < right place + shift are compared, so 0 gives each pair of
                one block with itself once.
        """
        scores = self._unit(left) @ self._unit(right).T
        return self._check(left, right, scores >= self._doubtful(least), least, shift)

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
        unit = self._unit(rows)
        for start in range(0, len(others), _ROWS):
            block = others[start : start + _ROWS]
            scores = unit @ self._unit(block).T
            if labels is not None:
                scores[labels[0][:, None] != labels[1][None, start : start + _ROWS]] = -2.0
            # Of each row only those that may be its best are checked: a row can be near all the others.
            known = np.where(place >= 0, best, least)
            low = np.maximum(self._doubtful(known), scores.max(axis=1) - 2 * self._error - 1 / UNITS)
            found = join_pairs(self._check(rows, block, scores >= low[:, None], least, len(rows)))
            by_best = np.lexsort((found.right, -found.similarity, found.left))
            row, first = np.unique(found.left[by_best], return_index=True)
            first = by_best[first]
            better = found.similarity[first] > best[row]
            row, first = row[better], first[better]
            place[row], best[row] = found.right[first] + start, found.similarity[first]
        return Nearest(place, best)

    def _unit(self, rows: _Ints) -> npt.NDArray[np.float32]:
        lengths = np.sqrt(self._squares[rows]).astype(np.float32)
        unit = self._vectors[rows].astype(np.float32)
        unit[lengths == 0] = 0  # Also where it has NaN, which would make the maximum of its column NaN.
        lengths[lengths == 0] = 1
        unit /= lengths[:, None]
        return unit

    def _doubtful(self, least: Any) -> Any:
        """The score from which a pair may round to so many ten-thousandths."""
        return np.float32((least - 0.5) / UNITS - self._error)

    def _check(
        self, left: _Ints, right: _Ints, maybe: npt.NDArray[np.bool_], least: int, shift: int
    ) -> Iterator[Pairs]:
        """Those of the proposed pairs that reach the least."""
        proposed = np.flatnonzero(maybe)  # Twelve times as fast as np.nonzero of the two dimensions.
        for start in range(0, len(proposed), _CHECKED):
            at_left, at_right = np.divmod(proposed[start : start + _CHECKED], len(right))
            wanted = at_left < at_right + shift
            at_left, at_right = at_left[wanted], at_right[wanted]
            units = self._similarities(left[at_left], right[at_right])
            reached = units >= least
            yield Pairs(at_left[reached], at_right[reached], units[reached])

    def _similarities(self, left: _Ints, right: _Ints) -> _Units:
        """Ten-thousandths for each pair of rows; the order of a pair does not matter."""
        dots = np.einsum(
            "ij,ij->i", self._vectors[left].astype(np.float64), self._vectors[right].astype(np.float64)
        )
        lengths = np.sqrt(self._squares[left] * self._squares[right])
        cosines = np.divide(dots, lengths, out=np.zeros_like(dots), where=lengths > 0)
        units: _Units = np.rint(cosines * UNITS).astype(np.int16)
        return units


def semantic_edges(
    vectors: Vectors,
    threshold: float = 0.7,
    *,
    since: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[pa.RecordBatch]:
    """Every pair of rows whose cosine, rounded to four decimals, is at or above the threshold.

    Compares all pairs: n * (n - 1) / 2 dot products, shared by as many threads as the BLAS uses. Beside the
    vectors it holds 8 bytes a row and at most 150 MB.

    Args:
        vectors: shape (n, dimensions), float16, maybe a memory map; only rows that are to be compared.
        threshold: above 0, at most 1.
        since: rows before it were compared with each other earlier; only pairs with a row from it on are
            looked for, and together with the earlier ones they are the pairs of all rows at once.
        progress: called with the dot products that are done and those there are.

    Yields:
        Batches of ``a``, ``b`` (int64 rows, a < b) and ``similarity`` (float32, a number of four decimals;
        its nearest ten-thousandth is what is compared with a threshold), in no particular order.
    """
    least, count = least_similarity(threshold), len(vectors)
    cosines = Cosines(vectors)
    found: list[Pairs] = []
    held = 0
    for start in range(since, count, _ROWS):
        later = np.arange(start, min(start + _ROWS, count))
        for begin in range(0, start + len(later), _ROWS):
            earlier = np.arange(begin, min(begin + _ROWS, start + len(later)))
            for left, right, similarity in cosines.pairs(earlier, later, least, shift=start - begin):
                found.append(Pairs(left + begin, right + start, similarity))
                held += len(left)
                if held >= _BATCH:
                    yield _edges(found)
                    found, held = [], 0
        if progress:
            done, before, whole = start + len(later), since * (since - 1) // 2, count * (count - 1) // 2
            progress(done * (done - 1) // 2 - before, whole - before)
    if held:
        yield _edges(found)


def _edges(found: list[Pairs]) -> pa.RecordBatch:
    left, right, similarity = join_pairs(found)
    return pa.record_batch(
        {"a": left, "b": right, "similarity": (similarity / UNITS).astype(np.float32)},
    )
