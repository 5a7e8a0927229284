"""Loops over vectors in half precision, which NumPy takes ten times as long to convert.

A number of 16 bits is read as the bits it is: moved to where a float32 has its exponent and mantissa, it is
2**112 times too small, also where it is subnormal. Infinity and NaN are told by :func:`square_lengths`.
"""

import numpy as np
from numpy.typing import NDArray

from personahub.compiled import compiled, compiled_for_sums

__all__ = [
    "dot_products",
    "highest_places",
    "list_by_number",
    "places_from",
    "square_lengths",
    "unit_rows",
]

_SCALE = np.float32(2.0**112)
_STRETCH = 256
"""Numbers that are looked through before one asks whether any of them counts."""

_Halves = NDArray[np.uint16]
_Longs = NDArray[np.int64]


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


@compiled
def places_from(scores: NDArray[np.float32], least: NDArray[np.float32]) -> tuple[_Longs, _Longs]:
    """Rows and columns of the scores that are at or above the least of their row, row by row.

    Args:
        scores: shape (n, m), each row contiguous.
        least: shape (n,).
    """
    counts = np.zeros(scores.shape[0], np.int64)
    for row in range(scores.shape[0]):
        low, count = least[row], 0
        for column in range(scores.shape[1]):
            count += scores[row, column] >= low
        counts[row] = count
    rows, columns = np.empty(counts.sum(), np.int64), np.empty(counts.sum(), np.int64)
    free = 0
    for row in range(scores.shape[0]):
        if counts[row] == 0:
            continue
        low = least[row]
        for begin in range(0, scores.shape[1], _STRETCH):
            end, some = min(begin + _STRETCH, scores.shape[1]), 0
            for column in range(begin, end):
                some += scores[row, column] >= low
            if some:
                for column in range(begin, end):
                    if scores[row, column] >= low:
                        rows[free], columns[free] = row, column
                        free += 1
    return rows, columns


@compiled
def highest_places(scores: NDArray[np.float32], out: NDArray[np.int32]) -> None:
    """Write the columns of the highest scores of each row, the highest first; of equal ones the first.

    Args:
        scores: shape (n, m), no NaN.
        out: shape (n, wanted), of at most m columns.
    """
    wanted = out.shape[1]
    best = np.empty(wanted, np.float32)
    for row in range(scores.shape[0]):
        held = 0
        for column in range(scores.shape[1]):
            score = scores[row, column]
            if held == wanted and score <= best[wanted - 1]:
                continue
            place = held if held < wanted else wanted - 1
            while place > 0 and best[place - 1] < score:
                best[place] = best[place - 1]
                out[row, place] = out[row, place - 1]
                place -= 1
            best[place] = score
            out[row, place] = column
            held = min(held + 1, wanted)


@compiled
def list_by_number(numbers: NDArray[np.int32], largest: int) -> tuple[_Longs, NDArray[np.int32]]:
    """For each number below the largest the rows that have it, ascending.

    Args:
        numbers: shape (n, m), of each row different ones.
        largest: no number reaches it.

    Returns:
        The start of each number's rows, shape (largest + 1,), and all rows, shape (n * m,).
    """
    starts = np.zeros(largest + 1, np.int64)
    for row in range(numbers.shape[0]):
        for place in range(numbers.shape[1]):
            starts[numbers[row, place] + 1] += 1
    for number in range(largest):
        starts[number + 1] += starts[number]
    free, rows = starts[:-1].copy(), np.empty(numbers.size, np.int32)
    for row in range(numbers.shape[0]):
        for place in range(numbers.shape[1]):
            number = numbers[row, place]
            rows[free[number]] = row
            free[number] += 1
    return starts, rows
