"""Pairs of rows drawn at given cosines, from all pairs, a block of them at a time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from personahub.evaluation.vectors import unit

__all__ = ["WITHIN", "LevelPairs", "PairSearch", "draw_pairs"]

WITHIN = 0.01
"""How far from its level a pair's cosine may lie."""
_ROWS = 2048
_HELD = 20
"""Pairs held for each that is wanted, so that enough of them share no row."""
_LEAST_HELD = 1000
_Ints = npt.NDArray[np.int64]
_Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class LevelPairs:
    """The pairs drawn at one level.

    Attributes:
        level: the cosine around which they lie.
        pairs: the rows of each, shape (n, 2), in the order in which they were drawn.
        cosines: of each, shape (n,).
        there: how many pairs there are at the level.
    """

    level: float
    pairs: _Ints
    cosines: _Floats
    there: int


@dataclass(frozen=True)
class PairSearch:
    """What going through all pairs came to.

    Attributes:
        levels: the pairs drawn at each level.
        pairs: how many pairs were gone through.
        least: the least cosine among them; 1 where there are none.
        most: the largest; -1 where there are none.
    """

    levels: tuple[LevelPairs, ...]
    pairs: int
    least: float
    most: float


def draw_pairs(
    vectors: npt.NDArray[Any], groups: npt.NDArray[Any], levels: Sequence[float], wanted: int, seed: int
) -> PairSearch:
    """Draw pairs of rows whose cosine is within 0.01 of a level, each such pair as likely as any other.

    Every pair within a group is gone through, in blocks of 2048 by 2048, which is what is held of them. Of
    those at a level the ones with the smallest random keys are kept (bottom-k sampling, the reservoir of
    Cohen and Kaplan 2007, Summarizing data using bottom-k sketches). In the order of their keys, pairs that
    share no row with one before come first; only where those are too few do others fill up.

    Args:
        vectors: shape (n, dimensions).
        groups: of each row; rows of two groups make no pair.
        levels: cosines.
        wanted: pairs at each level.
        seed: of the draw.
    """
    drawn = [_Drawn(level, max(_HELD * wanted, _LEAST_HELD), [seed, n]) for n, level in enumerate(levels)]
    gone_through, least, most = 0, 1.0, -1.0
    for left, right, cosines in _blocks(vectors, groups):
        real = cosines >= -1.5
        gone_through += int(np.count_nonzero(real))
        least = min(least, float(cosines.min(where=real, initial=1.0)))
        most = max(most, float(cosines.max(initial=-1.0)))
        for each in drawn:
            each.add(left, right, cosines)
    return PairSearch(tuple(each.chosen(wanted) for each in drawn), gone_through, least, most)


def _blocks(vectors: npt.NDArray[Any], groups: npt.NDArray[Any]) -> Iterator[tuple[_Ints, _Ints, _Floats]]:
    """Rows, other rows, and the cosines between them; -2 where a pair was there before or is none."""
    for group in np.unique(groups):
        members = np.flatnonzero(groups == group)
        for start in range(0, len(members), _ROWS):
            left = members[start : start + _ROWS]
            rows = unit(vectors[left])
            for begin in range(start, len(members), _ROWS):
                right = members[begin : begin + _ROWS]
                cosines = rows @ unit(vectors[right]).T
                if begin == start:
                    cosines[np.tril_indices(len(left))] = -2
                yield left, right, cosines


class _Drawn:
    """The pairs at one level that have the smallest keys so far."""

    def __init__(self, level: float, held: int, seed: list[int]) -> None:
        self._level, self._held = level, held
        self._draws = np.random.default_rng(seed)
        self._there = 0
        self._keys = np.empty(0)
        self._pairs = np.empty((0, 2), np.int64)
        self._cosines = np.empty(0, np.float32)

    def add(self, left: _Ints, right: _Ints, cosines: _Floats) -> None:
        """Take in a block's pairs."""
        one, other = np.nonzero(np.abs(cosines - np.float32(self._level)) <= WITHIN)
        self._there += len(one)
        keys = np.concatenate([self._keys, self._draws.random(len(one))])
        pairs = np.concatenate([self._pairs, np.stack([left[one], right[other]], axis=1)])
        found = np.concatenate([self._cosines, cosines[one, other]])
        if len(keys) > self._held:
            first = np.argpartition(keys, self._held)[: self._held]
            keys, pairs, found = keys[first], pairs[first], found[first]
        self._keys, self._pairs, self._cosines = keys, pairs, found

    def chosen(self, wanted: int) -> LevelPairs:
        """So many of them, with as few rows that come twice as a walk in the keys' order finds."""
        used: set[int] = set()
        apart: list[int] = []
        sharing: list[int] = []
        for place in np.argsort(self._keys).tolist():
            pair = set(self._pairs[place].tolist())
            if used.isdisjoint(pair):
                apart.append(place)
                used |= pair
            else:
                sharing.append(place)
        taken = [*apart, *sharing][:wanted]
        return LevelPairs(self._level, self._pairs[taken], self._cosines[taken], self._there)
