"""Loops over vectors in half precision, which NumPy takes ten times as long to convert.

A number of 16 bits is read as the bits it is: moved to where a float32 has its exponent and mantissa, it is
2**112 times too small, also where it is subnormal. Infinity and NaN are told by :func:`square_lengths`.
"""

import numpy as np
from numpy.typing import NDArray

from personahub.compiled import compiled, compiled_for_sums

__all__ = [
    "ALIKE",
    "are_listed",
    "dot_products",
    "list_by_number",
    "places_from",
    "reached_from",
    "square_lengths",
    "unit_rows",
]

_SCALE = np.float32(2.0**112)
ALIKE = 1e-3
"""Scores that differ less are taken for equal."""
_STRETCH = 256
"""Numbers that are looked through before one asks whether any of them counts."""

_Halves = NDArray[np.uint16]
_Longs = NDArray[np.int64]
_Ints = NDArray[np.int32]


@compiled
def _widen(halves: _Halves, wide: NDArray[np.uint32]) -> None:
    """Write the numbers as bits of float32, which :data:`_SCALE` makes what they are."""
    for place in range(halves.size):
        half = np.uint32(halves[place])
        wide[place] = ((half & np.uint32(0x7FFF)) << np.uint32(13)) | (
            (half & np.uint32(0x8000)) << np.uint32(16)
        )


@compiled_for_sums
def square_lengths(halves: _Halves, squares: NDArray[np.float64]) -> None:
    """Write each vector's squared length; 0 for one with infinity or NaN in it.

    Args:
        halves: shape (n, dimensions), the bits of float16.
        squares: shape (n,).
    """
    wide = np.empty(halves.shape[1], np.uint32)
    numbers = wide.view(np.float32)
    for row in range(halves.shape[0]):
        _widen(halves[row], wide)
        total, odd = 0.0, 0
        for place in range(numbers.size):
            number = np.float64(numbers[place] * _SCALE)
            total += number * number
            odd += (halves[row, place] & np.uint16(0x7C00)) == np.uint16(0x7C00)
        squares[row] = 0.0 if odd else total


@compiled
def unit_rows(halves: _Halves, squares: NDArray[np.float64], rows: _Longs, out: NDArray[np.float32]) -> None:
    """Write some vectors at unit length; zeros where the length is 0.

    Args:
        halves: shape (n, dimensions), the bits of float16.
        squares: shape (n,), from :func:`square_lengths`.
        rows: of the vectors wanted, shape (m,).
        out: shape (m, dimensions).
    """
    wide = np.empty(halves.shape[1], np.uint32)
    numbers = wide.view(np.float32)
    for place in range(rows.size):
        row = rows[place]
        square = squares[row]
        scale = np.float32(0.0)
        if square > 0.0:
            scale = np.float32(1.0 / np.sqrt(square))
            _widen(halves[row], wide)
        else:
            wide[:] = np.uint32(0)
        for at in range(numbers.size):
            out[place, at] = numbers[at] * _SCALE * scale


@compiled_for_sums
def dot_products(halves: _Halves, left: _Longs, right: _Longs, out: NDArray[np.float64]) -> None:
    """Write the dot product of each pair of rows, summed in float64.

    Args:
        halves: shape (n, dimensions), the bits of float16.
        left: rows, shape (m,).
        right: the others, shape (m,).
        out: shape (m,).
    """
    wide = np.empty((2, halves.shape[1]), np.uint32)
    one, other = wide[0].view(np.float32), wide[1].view(np.float32)
    last = -1
    for pair in range(left.size):
        if left[pair] != last:
            last = left[pair]
            _widen(halves[last], wide[0])
        _widen(halves[right[pair]], wide[1])
        total = 0.0
        for place in range(one.size):
            total += np.float64(one[place] * _SCALE) * np.float64(other[place] * _SCALE)
        out[pair] = total


def places_from(scores: NDArray[np.float32], least: NDArray[np.float32]) -> tuple[_Longs, _Longs]:
    """Rows and columns of the scores that are at or above the least of their row, row by row.

    Args:
        scores: shape (n, m), each row contiguous.
        least: shape (n,).
    """
    counts, columns = _at_least(scores, least)
    return np.repeat(np.arange(len(counts)), counts), columns.astype(np.int64)


def reached_from(scores: NDArray[np.float32], reach: float) -> tuple[_Ints, _Longs, _Ints]:
    """The highest score of each row, and those that are nearly as high.

    Args:
        scores: shape (n, m), no NaN.
        reach: how far below the row's highest a score may lie, as a share of how far its mean does.

    Returns:
        The columns of the highest, the first of equal ones, shape (n,); how many reach so high in each row,
        shape (n,); and their columns, row by row, ascending. Where all are equal only the first does.
    """
    homes = scores.argmax(axis=1).astype(np.int32)
    highest = scores[np.arange(len(scores)), homes]
    below = highest - scores.mean(axis=1)
    low = np.where(below > ALIKE, highest - np.float32(reach) * below, np.float32(np.inf))
    counts, columns = _at_least(scores, low)
    alone = np.flatnonzero(counts == 0)
    columns = np.insert(columns, (np.cumsum(counts) - counts)[alone], homes[alone])
    counts[alone] = 1
    return homes, counts, columns


@compiled
def _at_least(scores: NDArray[np.float32], least: NDArray[np.float32]) -> tuple[_Longs, _Ints]:
    """How many scores of each row are at or above its least, and their columns."""
    counts = np.empty(scores.shape[0], np.int64)
    columns, free = np.empty(max(scores.size // 64, scores.shape[1]), np.int32), 0
    for row in range(scores.shape[0]):
        low, before = least[row], free
        if free + scores.shape[1] > len(columns):
            more = np.empty(2 * len(columns), np.int32)
            more[:free] = columns[:free]
            columns = more
        for begin in range(0, scores.shape[1], _STRETCH):
            # As a slice, whose places need no check, so that several are compared at a time.
            own, some = scores[row, begin : begin + _STRETCH], 0
            for column in range(own.size):
                some += own[column] >= low
            if some:
                for column in range(own.size):
                    if own[column] >= low:
                        columns[free] = begin + column
                        free += 1
        counts[row] = free - before
    return counts, columns[:free].copy()


@compiled
def list_by_number(numbers: _Ints, rows: _Ints, largest: int) -> tuple[_Longs, _Ints]:
    """For each number below the largest the rows that have it, in the order in which they are given.

    Args:
        numbers: shape (n,).
        rows: whose they are, shape (n,).
        largest: no number reaches it.

    Returns:
        The start of each number's rows, shape (largest + 1,), and all rows, shape (n,).
    """
    starts = np.zeros(largest + 1, np.int64)
    for number in numbers:
        starts[number + 1] += 1
    for number in range(largest):
        starts[number + 1] += starts[number]
    free, listed = starts[:-1].copy(), np.empty(rows.size, np.int32)
    for at in range(rows.size):
        listed[free[numbers[at]]] = rows[at]
        free[numbers[at]] += 1
    return starts, listed


@compiled
def are_listed(starts: _Longs, listed: _Ints, lists: _Longs, wanted: _Longs) -> NDArray[np.bool_]:
    """Whether each wanted number is in a list, of several that stand one after the other.

    Args:
        starts: of the lists, and the end of the last, shape (n + 1,).
        listed: their numbers.
        lists: in which one is looked for, shape (m,).
        wanted: which, shape (m,).
    """
    found = np.zeros(lists.size, np.bool_)
    for at in range(lists.size):
        for place in range(starts[lists[at]], starts[lists[at] + 1]):
            found[at] |= listed[place] == wanted[at]
    return found
