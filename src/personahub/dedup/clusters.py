"""Near pairs among many vectors: each is compared with those of the clusters it is near to, not with all.

The inverted file of similarity search (Sivic and Zisserman 2003, "Video Google"; Jégou, Douze and Schmid
2011, "Product quantization for nearest neighbor search"), as a join: centres are learned by spherical k-means
(Dhillon and Modha 2001) on a sample; each vector is at home with its nearest centre and visits as many as are
needed. Visitors of a cluster are compared with those at home there by one matrix product, so a pair is found
if either visits the other's home, which finds more than asking from one side, and at the speed of the
processor instead of the memory.

A vector visits the centres that are nearly as near as its nearest: so much further at most, as a share of how
much further the mean of all centres is. Those amid many centres visit more than those with a clear home,
which takes a sixth less of products than the same number for each. How far they have to reach is learned from
the vectors: for some of them all near ones are found exactly, which tells what reach finds the asked share;
others tell what share that finds.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from personahub.dedup.cosines import Cosines, Pairs, join_pairs
from personahub.kernels.threads import in_threads
from personahub.kernels.vectors import ALIKE, are_listed, list_by_number

__all__ = ["Clusters", "Plan", "learn", "plan"]

_CENTRES = 4
"""Centres for each root of the number of vectors: about the fewest products where 30 clusters are visited."""
_SAMPLE = 32
"""Vectors that each centre is learned from."""
_ROUNDS = 4
_SAMPLED = 80
"""One vector of so many is compared with some others, a tenth of all products: two thirds to learn from, a
third to tell what is found."""
_LEAST_SAMPLED, _MOST_SAMPLED = 600, 50_000
_AMONG = 100_000
_REACH = 0.2
"""Where nothing near is found to learn from."""
_ROWS = 8192
_VISITORS = 4096
_AT_HOME = 2048
_SCORED = 512

_Ints = npt.NDArray[np.int64]
_Floats = npt.NDArray[np.float32]
Progress = Callable[[int, int], None]


class Plan(NamedTuple):
    """How pairs will be looked for, and what that finds.

    Attributes:
        centres: unit vectors, shape (clusters, dimensions).
        reach: how much further than its nearest a centre may be that a vector visits, as a share of how much
            further their mean is.
        recall: the share of near pairs that this finds, by the sample; None where it has none.
        pairs: near pairs in that sample.
    """

    centres: _Floats
    reach: float
    recall: float | None
    pairs: int


def learn(cosines: Cosines, count: int, seed: int = 0) -> _Floats:
    """Centres of so many vectors, shape (clusters, dimensions), by k-means on a sample."""
    random = np.random.default_rng(seed)
    clusters = min(int(_CENTRES * count**0.5), count)
    rows = np.sort(random.choice(count, min(count, clusters * _SAMPLE), replace=False))
    centres = cosines.unit(np.sort(random.choice(rows, clusters, replace=False)))
    products = cosines.products
    for _ in range(_ROUNDS):
        there = products.put(centres)
        sums, members = np.zeros_like(centres), np.zeros(clusters, np.int64)
        for start in range(0, len(rows), _ROWS):
            unit = cosines.unit(rows[start : start + _ROWS])
            home, _, _ = products.nearest(products.put(unit), there, 0.0)
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
    """Learn centres, and which clusters have to be visited.

    Args:
        cosines: of the vectors.
        count: how many there are.
        least: ten-thousandths from which on two are near.
        recall: the share of near pairs that is to be found.
        seed: of the samples.
    """
    centres = learn(cosines, count, seed)
    random = np.random.default_rng(seed + 1)
    others = np.sort(random.choice(count, min(_AMONG, count), replace=False))
    sampled = min(max(count // _SAMPLED, _LEAST_SAMPLED), _MOST_SAMPLED, count)
    rows = random.choice(count, sampled, replace=False)
    learned = len(rows) * 2 // 3
    needed = _reach_needed(cosines, centres, np.sort(rows[:learned]), others, least)
    # A little more, so that it is found among others too.
    asked = recall + (1 - recall) / 5
    reach = float(np.quantile(needed, asked, method="higher")) if len(needed) else _REACH
    told = _reach_needed(cosines, centres, np.sort(rows[learned:]), others, least)
    found = float((told <= reach).mean()) if len(told) else None
    return Plan(centres, reach, found, len(told))


def _reach_needed(cosines: Cosines, centres: _Floats, rows: _Ints, others: _Ints, least: int) -> _Floats:
    """The reach that is needed to find each near pair of one of these rows and one of the others."""
    needed, put = [np.empty(0, np.float32)], cosines.products.put
    for start in range(0, len(rows), _AT_HOME):
        some = rows[start : start + _AT_HOME]
        unit = cosines.unit(some)
        scores = unit @ centres.T
        for begin in range(0, len(others), _ROWS):
            block = others[begin : begin + _ROWS]
            theirs = cosines.unit(block)
            at_left, at_right = cosines.propose(put(unit), put(theirs), least)
            near = cosines.check(some, block, at_left, at_right, least)
            distinct = some[near.left] != block[near.right]
            one, other = near.left[distinct], near.right[distinct]
            there, which = np.unique(other, return_inverse=True)
            needed.append(_needed(scores, one, theirs[there] @ centres.T, which))
    return np.concatenate(needed)


def _needed(scores: _Floats, one: _Ints, theirs: _Floats, other: _Ints) -> _Floats:
    """How far either of two has to reach to come to the home of the other, pair by pair."""
    found = np.empty(len(one), np.float32)
    for start in range(0, len(one), _SCORED):
        x, y = scores[one[start : start + _SCORED]], theirs[other[start : start + _SCORED]]
        found[start : start + _SCORED] = np.minimum(_reach(x, y.argmax(axis=1)), _reach(y, x.argmax(axis=1)))
    return found


def _reach(scores: _Floats, wanted: _Ints) -> _Floats:
    """How far below the highest the wanted score is, as a share of how far the mean is, row by row."""
    highest = scores.max(axis=1)
    below = np.maximum(highest - scores.mean(axis=1), ALIKE)
    return np.asarray((highest - scores[np.arange(len(scores)), wanted]) / below, np.float32)


class Clusters:
    """The vectors, each at home in one cluster and a visitor in several.

    Holds 4 bytes for each visit of a vector twice, and 24 beside.

    Args:
        cosines: of the vectors.
        count: how many there are.
        found: how they are to be compared.
        since: only pairs with a row from it on are wanted.
    """

    def __init__(self, cosines: Cosines, count: int, found: Plan, since: int = 0) -> None:
        """Find the clusters that each vector is near to."""
        self._cosines, self._since = cosines, since
        self._home = np.empty(count, np.int32)
        counts = np.empty(count, np.int64)
        centres = cosines.products.put(found.centres)

        def visit(start: int) -> npt.NDArray[np.int32]:
            rows = np.arange(start, min(start + _ROWS, count))
            homes, visits, visited = cosines.products.nearest(cosines.put(rows), centres, found.reach)
            self._home[rows], counts[rows] = homes, visits
            return visited

        with threadpool_limits(1, "blas"):
            visited = list(in_threads(visit, range(0, count, _ROWS)))
        self._visited = np.concatenate([*visited, np.empty(0, np.int32)])
        self._starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
        rows = np.arange(count, dtype=np.int32)
        self._homes = list_by_number(self._home, rows, len(found.centres))
        self._visitors = list_by_number(self._visited, np.repeat(rows, counts), len(found.centres))
        at_home, visiting = np.diff(self._homes[0]), np.diff(self._visitors[0])
        self._products = at_home * visiting

    @property
    def visits(self) -> float:
        """Clusters that a vector visits on average, its home among them."""
        return len(self._visited) / max(len(self._home), 1)

    def pairs(self, least: int, progress: Progress | None = None) -> Iterator[Pairs]:
        """The near pairs that are found, each once, as rows; cluster by cluster, by as many threads as cores.

        Args:
            least: ten-thousandths that must be reached.
            progress: called with the dot products that are done and those there are.
        """
        done, whole = 0, int(self._products.sum())
        with threadpool_limits(1, "blas"):
            found = in_threads(lambda cluster: self._pairs_of(cluster, least), range(len(self._products)))
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
            unit = self._cosines.put(at_home)
            for visiting in self._blocks(visitors, _VISITORS):
                if at_home[0] < self._since and visiting[0] < self._since:
                    continue
                at_left, at_right = self._cosines.propose(self._cosines.put(visiting), unit, least)
                wanted = self._wanted(visiting[at_left], at_home[at_right], cluster)
                near = self._cosines.check(visiting, at_home, at_left[wanted], at_right[wanted], least)
                found.append(Pairs(visiting[near.left], at_home[near.right], near.similarity))
        one, other, similarity = join_pairs(found)
        return Pairs(np.minimum(one, other), np.maximum(one, other), similarity)

    def _wanted(self, visitor: _Ints, at_home: _Ints, cluster: int) -> npt.NDArray[np.bool_]:
        """Whether each pair is to be given by this cluster, of the one or two that find it."""
        their_home = self._home[visitor].astype(np.int64)
        both = are_listed(self._starts, self._visited, at_home, their_home)
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
