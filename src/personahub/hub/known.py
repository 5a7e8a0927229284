"""The ids that a table has, in few bytes each, to tell which are there and in which row."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["IdRows", "KnownIds", "id_numbers"]

_DIGITS = 20


class KnownIds:
    """A sorted set of ids of one kind: ten bytes each, the first eight and the other two.

    Args:
        ids: arrays of ids, a letter and twenty hexadecimal digits each.
    """

    def __init__(self, ids: Iterable[pa.Array]) -> None:
        """Read the ids once."""
        self._sort(ids)

    def _sort(self, ids: Iterable[pa.Array]) -> "NDArray[np.int64]":
        """Take the ids in; gives the places that they came from, in their order."""
        halves = [id_numbers(each) for each in ids]
        first = np.concatenate([np.zeros(0, np.uint64), *(high for high, _ in halves)])
        other = np.concatenate([np.zeros(0, np.uint16), *(low for _, low in halves)])
        del halves
        order = np.argsort(first)
        self._first, self._other = first[order], other[order]
        return order

    def __len__(self) -> int:
        """How many there are."""
        return len(self._first)

    def holds(self, ids: pa.Array) -> "NDArray[np.bool_]":
        """For each id whether it is there."""
        return self._find(ids) >= 0

    def _find(self, ids: pa.Array) -> "NDArray[np.int64]":
        """For each id its place in the order of ids; -1 where it is not there."""
        first, other = id_numbers(ids)
        found = np.full(len(first), -1, np.int64)
        places = np.searchsorted(self._first, first)
        waiting = np.arange(len(first))
        # One step for nearly all; more only where ids are equal in their first 64 bits.
        while len(waiting := waiting[places[waiting] < len(self)]):
            at = places[waiting]
            waiting, at = waiting[same := self._first[at] == first[waiting]], at[same]
            equal = self._other[at] == other[waiting]
            found[waiting[equal]] = at[equal]
            waiting = waiting[~equal]
            places[waiting] += 1
        return found


class IdRows(KnownIds):
    """The rows of a table's ids: eighteen bytes each.

    Args:
        ids: arrays of the table's ids, in its order.
    """

    def __init__(self, ids: Iterable[pa.Array]) -> None:
        """Read the ids once."""
        self._rows = self._sort(ids)

    def rows(self, ids: pa.Array) -> "NDArray[np.int64]":
        """The row of each id; -1 for one that is not there."""
        found = self._find(ids)
        return np.where(found >= 0, self._rows[found], -1) if len(self) else found


def id_numbers(ids: pa.Array) -> "tuple[NDArray[np.uint64], NDArray[np.uint16]]":
    """Ids of one kind as numbers: the first 16 of their hexadecimal digits, and the last four."""
    if not len(ids):
        return np.zeros(0, np.uint64), np.zeros(0, np.uint16)
    offsets = np.frombuffer(ids.buffers()[1], np.int32)[ids.offset : ids.offset + len(ids) + 1]
    letters = np.frombuffer(ids.buffers()[2], np.uint8)[offsets[0] : offsets[-1]]
    digits = letters.reshape(len(ids), 1 + _DIGITS)[:, 1:]
    values = (digits & 15) + 9 * (digits >> 6)
    packed = np.ascontiguousarray(values[:, ::2] << 4 | values[:, 1::2])
    first = np.ascontiguousarray(packed[:, :8]).view(">u8").ravel().astype(np.uint64)
    return first, np.ascontiguousarray(packed[:, 8:]).view(">u2").ravel().astype(np.uint16)
