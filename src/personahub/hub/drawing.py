"""An order of ids that a seed and the ids alone decide."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from personahub.hub.known import id_numbers

__all__ = ["places"]


def places(ids: pa.Array, seed: int) -> npt.NDArray[np.uint64]:
    """The place of each id among all: a 64-bit hash of it and the seed, 20 ns each.

    Two of a billion ids may share their 64 bits; they lie side by side then, by their ids.

    Args:
        ids: of records, all of one kind: a letter and 20 hexadecimal digits.
        seed: any integer; another one gives another order.
    """
    # Digits of a SHA-256, which are drawn already; the seed is mixed into them.
    numbers, _ = id_numbers(ids)
    start = np.uint64(seed % 2**64)
    with np.errstate(over="ignore"):
        return _mixed(_mixed(numbers ^ _mixed(np.full(1, start, np.uint64))[0]))


def _mixed(numbers: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """SplitMix64 (Steele, Lea, Flood 2014): each bit of the number decides each bit of the result."""
    mixed = numbers + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
