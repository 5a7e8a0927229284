"""Which entry of a list each persona is, by meaning, and which persona comes nearest to each entry."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from personahub.evaluation.vectors import unit

__all__ = ["ListVectors", "Matches", "forms_to_compare", "match_list", "nearest_rows"]

_WHOLE = 0.3
"""What the cosine of a whole persona weighs beside that of its head, where several entries are near."""
_ROWS = 1024
_Floats = npt.NDArray[np.float32]
_Ints = npt.NDArray[np.int64]


class ListVectors(NamedTuple):
    """A list as it is compared.

    Attributes:
        forms: a unit vector of each form of each entry, shape (forms, dimensions), an entry's together.
        starts: the place of each entry's first form, shape (entries,).
        others: unit vectors of what is no entry of the list, shape (others, dimensions); may have no row.
    """

    forms: _Floats
    starts: _Ints
    others: _Floats


class Matches(NamedTuple):
    """What was found of n personas and m entries.

    Attributes:
        entry: the place of the entry nearest to each persona, shape (n,).
        cosine: that entry's cosine with the persona's head, shape (n,).
        other: the highest cosine of the head with what is no entry, shape (n,); -1 where there is nothing.
        nearest: the place of the persona nearest to each entry, shape (m,).
        nearness: its head's cosine with the entry, shape (m,).
    """

    entry: _Ints
    cosine: _Floats
    other: _Floats
    nearest: _Ints
    nearness: _Floats

    def holds(self, threshold: float) -> npt.NDArray[np.bool_]:
        """For each persona whether it is the entry: near enough, and nearer than to what is none."""
        return (self.cosine >= threshold) & (self.cosine > self.other)


def match_list(
    heads: npt.NDArray[Any], head_of: _Ints, wholes: npt.NDArray[Any], listed: ListVectors
) -> Matches:
    """Find the nearest entry of each persona, exactly, and the nearest persona of each entry.

    How near an entry is tells the head alone; which of several is the one, the whole persona too, since
    "a teacher" may be any teacher and what it does tells of whom.

    Args:
        heads: vectors of what personas say they are, shape (heads, dimensions).
        head_of: the place of each persona's head among them, shape (n,).
        wholes: vectors of the whole personas, shape (n, dimensions).
        listed: the list.
    """
    count, entries = len(head_of), len(listed.starts)
    entry, cosine = np.zeros(count, np.int64), np.zeros(count, np.float32)
    other = np.full(count, -1, np.float32)
    nearest, nearness = np.zeros(entries, np.int64), np.full(entries, -1, np.float32)
    best = np.full(entries, -np.inf, np.float32)
    for start in range(0, count, _ROWS):
        block = slice(start, start + _ROWS)
        head = unit(heads[head_of[block]])
        near = np.maximum.reduceat(head @ listed.forms.T, listed.starts, axis=1)
        score = near + _WHOLE * np.maximum.reduceat(
            unit(wholes[block]) @ listed.forms.T, listed.starts, axis=1
        )
        rows = np.arange(len(near))
        entry[block] = score.argmax(axis=1)
        cosine[block] = near[rows, entry[block]]
        if len(listed.others):
            other[block] = (head @ listed.others.T).max(axis=1)
        top = score.argmax(axis=0)
        better = score[top, np.arange(entries)] > best
        best[better] = score[top, np.arange(entries)][better]
        nearest[better] = start + top[better]
        nearness[better] = near[top, np.arange(entries)][better]
    return Matches(entry, cosine, other, nearest, nearness)


def forms_to_compare(forms: Sequence[Sequence[str]]) -> tuple[list[str], _Ints]:
    """All forms of all entries in one list, and the place of each entry's first one."""
    lengths = [len(each) for each in forms]
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.int64)
    return [form for each in forms for form in each], starts


def nearest_rows(centres: _Floats, vectors: npt.NDArray[Any]) -> list[int]:
    """The place of the vector nearest to each centre; centres of unit length."""
    nearest, best = np.zeros(len(centres), np.int64), np.full(len(centres), -np.inf, np.float32)
    for start in range(0, len(vectors), _ROWS):
        cosines = centres @ unit(vectors[start : start + _ROWS]).T
        top = cosines.argmax(axis=1)
        high = cosines[np.arange(len(centres)), top]
        nearest[high > best] = start + top[high > best]
        np.maximum(best, high, out=best)
    return [int(place) for place in nearest]
