"""From keys to rows, 12 bytes an entry: sorted arrays of key prefixes beside their rows.

A prefix is 64 bits mixed from the whole key; what is found by one is a candidate, which the caller
verifies by the key in the row. New rows make a new array; arrays of like size are merged, so that there
are few to search and each row is merged few times. Merging needs room for both, so no array grows beyond
an eighth of all rows: that makes some four arrays for each doubling, and a third less memory at the peak.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["NONE", "Index", "halves_of", "prefixes_of"]

Prefixes = NDArray[np.uint64]
Ranks = NDArray[np.uint32]

NONE = -1
"""In place of a row: none."""
_REPLY = np.uint32(2**31)
_ROW = 2**31 - 1
_ODD = np.uint64(0x9E3779B97F4A7C15)
_SMALL = 2**18
"""Rows up to which arrays are merged anyway."""


def halves_of(keys: bytes) -> Prefixes:
    """Keys that stand one after another, 16 bytes each, as pairs of numbers: shape (keys, 2)."""
    return np.frombuffer(keys, np.uint64).reshape(-1, 2)


def prefixes_of(halves: Prefixes) -> Prefixes:
    """The prefixes of keys, which are given as their two halves: shape (keys, 2)."""
    return np.asarray(halves[:, 0] ^ (halves[:, 1] * _ODD), np.uint64)


@dataclass(frozen=True, slots=True)
class _Array:
    """Sorted by prefix, then by rank: a row's number, with the highest bit set for a reply.

    So the last rank of a key is its last reply, or else its last failure.
    """

    prefixes: Prefixes
    ranks: Ranks

    def __len__(self) -> int:
        return len(self.ranks)

    def replied(self) -> Prefixes:
        """Each prefix that has a reply, once."""
        prefixes = self.prefixes[self.ranks >= _REPLY]
        first = np.ones(len(prefixes), np.bool_)
        first[1:] = prefixes[1:] != prefixes[:-1]
        return prefixes[first]


@dataclass(frozen=True, slots=True)
class Index:
    """The rows of all keys; it never changes, what adds to it makes another."""

    arrays: tuple[_Array, ...] = ()
    replied: int = 0
    """Distinct prefixes that have a reply: the keys, but for the chance of 64 equal bits."""

    def plus(self, prefixes: Prefixes, rows: NDArray[np.uint32], is_reply: NDArray[np.bool_]) -> "Index":
        """This index and new rows, which come after all that it has; there may be 2**31 rows in all.

        Raises:
            OverflowError: a row's number is too large.
        """
        if not len(rows):
            return self
        if int(rows[-1]) > _ROW:
            raise OverflowError("a journal holds at most 2**31 entries")
        order = np.argsort(prefixes, kind="stable")
        new = _Array(prefixes[order], (rows | np.where(is_reply, _REPLY, np.uint32(0)))[order])
        _put_equals_in_order(new)
        replied = new.replied()
        count = self.replied + len(replied) - int(np.count_nonzero(self.has_reply(replied)))
        arrays = [*self.arrays, new]
        largest = max(_SMALL, sum(map(len, arrays)) // 8)
        while len(arrays) > 1 and len(arrays[-2]) < 4 * len(arrays[-1]):
            if len(arrays[-2]) + len(arrays[-1]) > largest:
                break
            later, earlier = arrays.pop(), arrays.pop()
            arrays.append(_merged(earlier, later))
        return Index(tuple(arrays), count)

    def _best(self, prefixes: Prefixes) -> NDArray[np.int64]:
        best = np.full(len(prefixes), NONE, np.int64)
        # Searching in order keeps to the same memory; the batch is small, the arrays are not.
        order = np.argsort(prefixes)
        ordered = prefixes[order]
        for array in reversed(self.arrays):
            last = np.searchsorted(array.prefixes, ordered, side="right") - 1
            hit = (last >= 0) & (array.prefixes[last] == ordered)
            where = order[hit]
            best[where] = np.maximum(best[where], array.ranks[last[hit]])
            # The rows of the arrays before are lower, so none beats a reply.
            left = best[order] < int(_REPLY)
            order, ordered = order[left], ordered[left]
        return best

    def has_reply(self, prefixes: Prefixes) -> NDArray[np.bool_]:
        """Whether each prefix has a reply."""
        return self._best(prefixes) >= int(_REPLY)

    def replied_prefixes(self) -> Prefixes:
        """The prefixes that have a reply; some may come twice."""
        return np.concatenate([np.empty(0, np.uint64), *(array.replied() for array in self.arrays)])

    def rows(self, prefixes: Prefixes) -> NDArray[np.int64]:
        """For each prefix the row of its last reply, or else of its last failure, or else NONE."""
        best = self._best(prefixes)
        return np.where(best == NONE, NONE, best & _ROW)

    def candidates(self, prefix: np.uint64) -> list[int]:
        """All rows of a prefix, the best first: the last reply, earlier replies, the last failure, …."""
        found: list[int] = []
        for array in self.arrays:
            first, end = (int(np.searchsorted(array.prefixes, prefix, side)) for side in ("left", "right"))
            found += array.ranks[first:end].tolist()
        return [rank & _ROW for rank in sorted(found, reverse=True)]


def _merged(earlier: _Array, later: _Array) -> _Array:
    size = len(earlier.ranks) + len(later.ranks)
    places = np.searchsorted(earlier.prefixes, later.prefixes, side="right") + np.arange(len(later.ranks))
    others = np.ones(size, np.bool_)
    others[places] = False
    array = _Array(np.empty(size, np.uint64), np.empty(size, np.uint32))
    for whole, before, after in (
        (array.prefixes, earlier.prefixes, later.prefixes),
        (array.ranks, earlier.ranks, later.ranks),
    ):
        whole[places] = after
        whole[others] = before
    _put_equals_in_order(array)
    return array


def _put_equals_in_order(array: _Array) -> None:
    """Order the ranks of each prefix, in place; few prefixes have several."""
    equal = array.prefixes[1:] == array.prefixes[:-1]
    if equal.any():
        several = np.zeros(len(array.ranks), np.bool_)
        several[1:] |= equal
        several[:-1] |= equal
        few = array.ranks[several]
        array.ranks[several] = few[np.lexsort((few, array.prefixes[several]))]
