"""An order of ids that a seed and the ids alone decide."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

__all__ = ["places"]

_DIGITS = 16
"""Of an id, after its letter: 64 bits of a SHA-256, which are drawn already; the seed is mixed into them."""


def places(ids: pa.Array, seed: int) -> npt.NDArray[np.uint64]:
    """The place of each id among all: a 64-bit hash of it and the seed, 20 ns each.

    Two of a billion ids may share their 64 bits; they lie side by side then, by their ids.

    Args:
        ids: of records, all of one kind: a letter and 20 hexadecimal digits.
        seed: any integer; another one gives another order.
    """
    numbers = _numbers(ids)
    start = np.uint64(seed % 2**64)
    with np.errstate(over="ignore"):
        return _mixed(_mixed(numbers ^ _mixed(np.full(1, start, np.uint64))[0]))


def _numbers(ids: pa.Array) -> npt.NDArray[np.uint64]:
    """The first 16 hexadecimal digits of each id as a number."""
    width = len(ids[0].as_py()) if len(ids) else 0
    offsets = np.frombuffer(ids.buffers()[1], np.int32)[ids.offset : ids.offset + len(ids) + 1]
    text = np.frombuffer(ids.buffers()[2], np.uint8)[offsets[0] : offsets[-1]] if len(ids) else np.empty(0)
    if len(text) != width * len(ids) or not (np.diff(offsets) == width).all():
        raise ValueError("ids are of one length")
    digits = text.reshape(len(ids), width)[:, 1 : 1 + _DIGITS].astype(np.uint8)
    # "0" to "9" are 48 to 57, "a" to "f" 97 to 102.
    values = (digits & 15) + 9 * (digits >> 6)
    packed = (values[:, ::2] << 4) | values[:, 1::2]
    return np.ascontiguousarray(packed).view(">u8").reshape(-1).astype(np.uint64)


def _mixed(numbers: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """SplitMix64 (Steele, Lea, Flood 2014): each bit of the number decides each bit of the result."""
    mixed = numbers + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
