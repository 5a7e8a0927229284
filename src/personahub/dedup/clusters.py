"""Near pairs among many vectors: each is compared with those of the clusters it is near to, not with all.

The inverted file of similarity search (Sivic and Zisserman 2003, "Video Google"; Jégou, Douze and Schmid
2011, "Product quantization for nearest neighbor search"), as a join: centres are learned by spherical k-means
(Dhillon and Modha 2001) on a sample; each vector is at home with its nearest centre and visits as many as are
needed. Visitors of a cluster are compared with those at home there by one matrix product, so a pair is found
if either visits the other's home, which finds more than asking from one side, and at the speed of the
processor instead of the memory.

How many are needed is learned from the vectors: for some of them all near ones are found exactly, which tells
how many visits find the asked share; others tell what share that finds.
"""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from personahub.dedup.cosines import Cosines, Pairs, join_pairs
from personahub.kernels.vectors import highest_places, list_by_number

__all__ = ["Clusters", "Plan", "learn", "plan"]

_CENTRES = 4
"""Centres for each root of the number of vectors: about the fewest products where 30 clusters are visited."""
_SAMPLE = 32
"""Vectors that each centre is learned from."""
_ROUNDS = 4
_SAMPLED = 1200
"""Vectors that are compared with all: two thirds to learn from, the others to tell what is found."""
_FEW = 8
"""Clusters that are visited where nothing near is found to learn from."""
_ROWS = 8192
_VISITORS = 4096
_AT_HOME = 2048

_Ints = npt.NDArray[np.int64]
_Floats = npt.NDArray[np.float32]
_Done = TypeVar("_Done")
Progress = Callable[[int, int], None]


class Plan(NamedTuple):
    """How pairs will be looked for, and what that finds.

    Attributes:
        centres: unit vectors, shape (clusters, dimensions).
        visits: clusters that each vector visits, its home among them.
        recall: the share of near pairs that this finds, by the sample; None where it has none.
        pairs: near pairs in that sample.
    """

    centres: _Floats
    visits: int
    recall: float | None
    pairs: int


def learn(cosines: Cosines, count: int, seed: int = 0) -> _Floats:
    """Centres of so many vectors, shape (clusters, dimensions), by k-means on a sample."""
    random = np.random.default_rng(seed)
    clusters = min(int(_CENTRES * count**0.5), count)
    rows = np.sort(random.choice(count, min(count, clusters * _SAMPLE), replace=False))
    centres = cosines.unit(np.sort(random.choice(rows, clusters, replace=False)))
    for _ in range(_ROUNDS):
        sums, members = np.zeros_like(centres), np.zeros(clusters, np.int64)
        for start in range(0, len(rows), _ROWS):
            unit = cosines.unit(rows[start : start + _ROWS])
            home = (unit @ centres.T).argmax(axis=1)
            order = np.argsort(home, kind="stable")
            found, first = np.unique(home[order], return_index=True)
            sums[found] += np.add.reduceat(unit[order], first, axis=0)
            members[found] += np.diff(np.append(first, len(home)))
        lengths = np.linalg.norm(sums, axis=1)
        # A centre that nobody is near to stays where it was.
        some = lengths > 0
        centres[some] = sums[some] / lengths[some, None]
    return centres


def plan(cosines: Cosines, count: int, least: int, recall: float, seed: int = 0) -> Plan:
    """Learn centres, and how many clusters have to be visited.

    Args:
        cosines: of the vectors.
        count: how many there are.
        least: ten-thousandths from which on two are near.
        recall: the share of near pairs that is to be found.
        seed: of the samples.
    """
    centres = learn(cosines, count, seed)
    rows = np.random.default_rng(seed + 1).choice(count, min(_SAMPLED, count), replace=False)
    learned = len(rows) * 2 // 3
    needed = _visits_needed(cosines, centres, np.sort(rows[:learned]), count, least)
    # A little more, so that it is found among others too.
    asked = recall + (1 - recall) / 5
    visits = int(np.quantile(needed, asked, method="higher")) if len(needed) else _FEW
    visits = min(visits, len(centres))
    told = _visits_needed(cosines, centres, np.sort(rows[learned:]), count, least)
    found = float((told <= visits).mean()) if len(told) else None
    return Plan(centres, visits, found, len(told))


def _visits_needed(cosines: Cosines, centres: _Floats, rows: _Ints, count: int, least: int) -> _Ints:
    """For each pair of one of these rows and any other that is near: visits that are needed to find it."""
    needed = [np.empty(0, np.int64)]
    unit = cosines.unit(rows)
    scores = unit @ centres.T
    home = scores.argmax(axis=1)
    for start in range(0, count, _ROWS):
        block = np.arange(start, min(start + _ROWS, count))
        others = cosines.unit(block)
        at_row, at_other = cosines.propose(unit, others, least)
        near = cosines.check(rows, block, at_row, at_other, least)
        at_row, at_other = near.left, near.right
        other_than = rows[at_row] != block[at_other]
        at_row, at_other = at_row[other_than], at_other[other_than]
        there, which = np.unique(at_other, return_inverse=True)
        theirs = others[there] @ centres.T
        their_home = theirs.argmax(axis=1)
        for first in range(0, len(at_row), _ROWS // 16):
            one, other = at_row[first : first + _ROWS // 16], which[first : first + _ROWS // 16]
            needed.append(
                1 + np.minimum(_rank(scores[one], their_home[other]), _rank(theirs[other], home[one]))
            )
    return np.concatenate(needed)


def _rank(scores: _Floats, wanted: _Ints) -> _Ints:
    """How many centres are nearer than the wanted one, row by row."""
    return np.asarray((scores > scores[np.arange(len(scores)), wanted][:, None]).sum(axis=1), np.int64)


class Clusters:
    """The vectors, each at home in one cluster and a visitor in several.

    Holds 4 bytes for each visit of a vector twice, and 12 beside.

    Args:
        cosines: of the vectors.
        count: how many there are.
        found: how they are to be compared.
        since: only pairs with a row from it on are wanted.
    """

    def __init__(self, cosines: Cosines, count: int, found: Plan, since: int = 0) -> None:
        """Find the clusters that each vector is near to."""
        self._cosines, self._since = cosines, since
        # The first is its home.
        self._visits = np.empty((count, found.visits), np.int32)

        def visit(start: int) -> None:
            scores = cosines.unit(np.arange(start, min(start + _ROWS, count))) @ found.centres.T
            highest_places(scores, self._visits[start : start + len(scores)])

        for _ in _in_threads(visit, range(0, count, _ROWS)):
            pass
        self._homes = list_by_number(self._visits[:, :1], len(found.centres))
        self._visitors = list_by_number(self._visits, len(found.centres))
        at_home, visiting = np.diff(self._homes[0]), np.diff(self._visitors[0])
        self._products = at_home * visiting

    def pairs(self, least: int, progress: Progress | None = None) -> Iterator[Pairs]:
        """The near pairs that are found, each once, as rows; cluster by cluster, by as many threads as cores.

        Args:
            least: ten-thousandths that must be reached.
            progress: called with the dot products that are done and those there are.
        """
        done, whole = 0, int(self._products.sum())
        found = _in_threads(lambda cluster: self._pairs_of(cluster, least), range(len(self._products)))
        for products, pairs in zip(self._products.tolist(), found, strict=True):
            yield pairs
            done += products
            if progress:
                progress(done, whole)

    def _pairs_of(self, cluster: int, least: int) -> Pairs:
        """The near pairs of a visitor and one at home in a cluster, but for those found elsewhere too."""
        visitors, homes = self._members(self._visitors, cluster), self._members(self._homes, cluster)
        found = []
        for at_home in self._blocks(homes, _AT_HOME):
            unit = self._cosines.unit(at_home)
            for visiting in self._blocks(visitors, _VISITORS):
                if at_home[0] < self._since and visiting[0] < self._since:
                    continue
                at_left, at_right = self._cosines.propose(self._cosines.unit(visiting), unit, least)
                wanted = self._wanted(visiting[at_left], at_home[at_right], cluster)
                near = self._cosines.check(visiting, at_home, at_left[wanted], at_right[wanted], least)
                found.append(Pairs(visiting[near.left], at_home[near.right], near.similarity))
        one, other, similarity = join_pairs(found)
        return Pairs(np.minimum(one, other), np.maximum(one, other), similarity)

    def _wanted(self, visitor: _Ints, at_home: _Ints, cluster: int) -> npt.NDArray[np.bool_]:
        """Whether each pair is to be given by this cluster, of the one or two that find it."""
        their_home = self._visits[visitor, 0]
        both = (self._visits[at_home] == their_home[:, None]).any(axis=1)
        here = np.where(their_home == cluster, visitor < at_home, ~both | (cluster < their_home))
        return np.asarray(here)

    def _blocks(self, rows: _Ints, size: int) -> Iterator[_Ints]:
        """The rows in blocks that are of old ones, or of new ones."""
        old = int(np.searchsorted(rows, self._since))
        for part in (rows[:old], rows[old:]):
            for start in range(0, len(part), size):
                yield part[start : start + size]

    @staticmethod
    def _members(lists: tuple[_Ints, npt.NDArray[np.int32]], cluster: int) -> _Ints:
        starts, rows = lists
        return rows[starts[cluster] : starts[cluster + 1]].astype(np.int64)


def _in_threads(work: Callable[[int], _Done], items: Iterable[int]) -> Iterator[_Done]:
    """What the work gives for each item, in order, by as many threads as cores."""
    from threadpoolctl import threadpool_limits

    threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    begun: deque[Future[_Done]] = deque()
    pool = ThreadPoolExecutor(threads, thread_name_prefix="dedup")
    with threadpool_limits(1, "blas"):
        try:
            for item in items:
                begun.append(pool.submit(work, item))
                if len(begun) > 2 * threads:
                    yield begun.popleft().result()
            while begun:
                yield begun.popleft().result()
        finally:
            # After an interrupt or a fault nobody waits for these.
            pool.shutdown(wait=False, cancel_futures=True)
