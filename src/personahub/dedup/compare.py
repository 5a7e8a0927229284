"""Sets of words compared with each other, exactly: the last word on what keys propose.

The words of the rows at hand are read again from the texts, some rows at a time.
"""

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from personahub.compiled import compiled
from personahub.dedup.join import Links, count_shared, link_similar, sort_links
from personahub.dedup.meeting import pair_runs
from personahub.dedup.signatures import least_overlaps
from personahub.kernels.hashing import HashedWords, hash_words, mix
from personahub.kernels.texts import TextSource
from personahub.kernels.threads import core_count, in_threads

__all__ = ["Found", "Sets", "pairs_at_a_time", "split_equal"]

Sets = Callable[[pa.Array, NDArray[np.bool_] | None], Iterator[HashedWords]]
"""Gives the sets of texts, as :func:`~personahub.kernels.hashing.hash_words` those of their words."""

_Longs = NDArray[np.int64]
_Hashes = NDArray[np.uint64]


_TAKEN = 2**16
"""Rows that are read again at a time, at most."""
_TAKEN_BYTES = 2**23
"""Of more bytes fewer rows are read the next time."""
_COMPARED = 2**19
"""Pairs that are compared at a time, at most."""
_WORDS = 2**24
"""Words that are held to compare them: 128 MB."""
_CROWD = 500
# Most often the key is of no word or of common ones: a small set dealt out leaves some parts with few words.
"""Where more pairs have a key in common, the words that are rare among their texts tell more."""
_MORE = 2**23
"""Links that are held beyond the limit, until each of them is held once."""


class Found:
    """Pairs that were proposed, and what comparing their words makes of them.

    Args:
        texts: the rows' texts.
        threshold: above 0, below 1.
        limit: the most links.
        sets_of: gives the texts' sets.
    """

    def __init__(
        self, texts: TextSource, threshold: Fraction, limit: int, sets_of: Sets = hash_words
    ) -> None:
        """Nothing was proposed yet."""
        self._texts = texts
        self._sets_of = sets_of
        self._threshold = threshold
        self._limit = limit
        self._waiting: list[_Hashes] = []
        self._count = 0
        self._links: list[Links] | None = [Links.none()]
        self.at_a_time = _COMPARED
        """Pairs that are compared at a time: fewer where texts are long."""
        self.candidates = 0
        """Pairs that were looked at."""

    def expect(self, words: float) -> None:
        """Compare so many pairs at a time as memory takes, where a text has so many words on average."""
        self.at_a_time = pairs_at_a_time(words)

    def add(self, pairs: _Hashes, tried: int) -> None:
        """Take pairs of rows, each the smaller row's number times 2**32, and the larger's.

        Args:
            pairs: some maybe several times.
            tried: out of so many that were looked at.
        """
        self.candidates += tried
        self._waiting.append(pairs)
        self._count += len(pairs)
        if self._count >= self.at_a_time:
            self._compare()

    def meet(
        self, keys: Iterator[tuple[_Hashes, _Hashes]], state: NDArray[np.uint8], allowed: _Longs
    ) -> None:
        """Take pairs of rows that have a key in common, or in a crowd compare them at once.

        Args:
            keys: and what belongs to them, as `find_parts` gives both; sorted, each key in one partition.
            state: of all rows; of each pair one is in state 2.
            allowed: as `allowed_differences` gives them.
        """
        for sorted_, described in keys:
            pairs, rows, groups, tried = pair_runs(sorted_, described, state, allowed, _CROWD)
            self.add(pairs, tried)
            for some in _whole_groups(groups, 2 * self.at_a_time):
                self.join(rows[some], groups[some], state)

    def join(self, rows: _Longs, groups: _Longs, state: NDArray[np.uint8]) -> None:
        """Compare rows within groups by the words that are rare there.

        Args:
            rows: with different sets of words; one may be in several groups.
            groups: of each row.
            state: of all rows; of each pair one is in state 2.
        """
        if self._links is None or not len(rows):
            return
        sets = _word_sets(self._texts, _once(rows.copy()), self._sets_of)
        starts, words = _apart(sets.starts, sets.words, sets.places(rows), groups)
        active = state[rows] == 2
        found = link_similar(starts, words, active, self._threshold, limit=self._limit + _MORE)
        if found is None:
            self._links = None
            return
        links, candidates = found
        self.candidates += candidates
        one, other = rows[links.a], rows[links.b]
        different = one != other
        a, b = np.minimum(one, other)[different], np.maximum(one, other)[different]
        self._add(Links(a, b, links.overlap[different], links.union[different]))

    def links(self) -> Links | None:
        """All similar pairs; None where there are more than the limit."""
        self._compare()
        self._settle()
        return self._links[0] if self._links else None

    def _add(self, links: Links) -> None:
        if self._links is not None:
            self._links.append(links)
            # A pair may come several times.
            if sum(len(part.a) for part in self._links) > self._limit + _MORE:
                self._settle()

    def _settle(self) -> None:
        """Take each pair once."""
        if self._links is not None:
            links = sort_links(self._links)
            self._links = [links] if len(links.a) <= self._limit else None

    def _compare(self) -> None:
        """Compare what waits."""
        pairs = _once(np.concatenate([*self._waiting, np.empty(0, np.uint64)]))
        self._waiting, self._count = [], 0
        if self._links is None or not len(pairs):
            return
        # All threads together hold the words of so many.
        size = -(-self.at_a_time // core_count())
        blocks = (pairs[start : start + size] for start in range(0, len(pairs), size))
        self._add(sort_links(list(in_threads(self._similar, blocks))))

    def _similar(self, pairs: _Hashes) -> Links:
        """Those of the pairs that reach the threshold."""
        a, b = (pairs >> np.uint64(32)).astype(np.int64), (pairs & np.uint64(0xFFFFFFFF)).astype(np.int64)
        sets = _word_sets(self._texts, _once(np.concatenate([a, b])), self._sets_of)
        one, other = sets.places(a), sets.places(b)
        shared = _count_shared(sets.starts, sets.words, one, other)
        sizes = np.diff(sets.starts)
        both = sizes[one] + sizes[other]
        similar = shared >= least_overlaps(self._threshold, int(both.max()))[both]
        return Links(a[similar], b[similar], shared[similar], both[similar] - shared[similar])


def _once(numbers: NDArray[Any]) -> NDArray[Any]:
    """The different numbers, sorted, in the place of these: several times as fast as NumPy's own."""
    numbers.sort()
    new = np.ones(len(numbers), np.bool_)
    np.not_equal(numbers[1:], numbers[:-1], out=new[1:])
    return numbers[new]


def _whole_groups(groups: _Longs, most: int) -> Iterator[slice]:
    """Groups that follow one another, as many as have so many rows together, but one at least."""
    ends = np.append(np.flatnonzero(np.diff(groups)) + 1, len(groups))
    first = 0
    while first < len(groups):
        places = np.searchsorted(ends, [first + most, first], "right") - [1, 0]
        yield slice(first, int(ends[places.max()]))
        first = int(ends[places.max()])


def pairs_at_a_time(words: float) -> int:
    """How many pairs memory takes, where a text has so many words on average."""
    return int(min(max(_WORDS / (2 * max(words, 1)), 64), _COMPARED))


def split_equal(
    texts: TextSource, sums: _Hashes, rows: _Longs, at_a_time: int, sets_of: Sets = hash_words
) -> Iterator[tuple[_Longs, _Longs]]:
    """Rows that have exactly the words of an earlier one, and the first row that has them.

    Args:
        texts: the rows' texts.
        sums: of the words of each row, sorted.
        rows: each once; those of one sum in any order.
        at_a_time: rows that are compared at a time.
        sets_of: gives the texts' sets.
    """
    while len(rows):
        _, begin, group = np.unique(sums, return_index=True, return_inverse=True)
        first = np.minimum.reduceat(rows, begin)[group]
        others = np.flatnonzero(rows != first)
        unequal = []
        for start in range(0, len(others), at_a_time):
            some = others[start : start + at_a_time]
            sets = _word_sets(texts, _once(np.concatenate([rows[some], first[some]])), sets_of)
            equal = _are_equal(sets.starts, sets.words, sets.places(first[some]), sets.places(rows[some]))
            yield rows[some][equal], first[some][equal]
            unequal.append(some[~equal])
        # Different words with one sum are hardly ever met, but are no duplicates.
        left = np.concatenate([*unequal, np.empty(0, np.int64)])
        sums, rows = sums[left], rows[left]


class _WordSets(NamedTuple):
    """The words of some rows, which ascend: those of row i are at starts[i] up to starts[i + 1], sorted."""

    rows: _Longs
    starts: _Longs
    words: _Hashes

    def places(self, rows: _Longs) -> _Longs:
        """Where some of the rows are among them."""
        return np.searchsorted(self.rows, rows)


def _word_sets(texts: TextSource, rows: _Longs, sets_of: Sets) -> _WordSets:
    lengths, found = [np.zeros(1, np.int64)], [np.empty(0, np.uint64)]
    for array in _taken(texts, rows):
        for starts, hashes in sets_of(array, None):
            _sort_rows(starts, hashes)
            lengths.append(np.diff(starts))
            # A copy, so that the room that was not used is given back.
            found.append(hashes.copy())
    return _WordSets(rows, np.cumsum(np.concatenate(lengths)), np.concatenate(found))


def _taken(texts: TextSource, rows: _Longs) -> Iterator[pa.Array]:
    """The texts of these rows, fewer at a time where those before were long."""
    start, size = 0, 256
    while start < len(rows):
        array = texts.take(rows[start : start + size])
        yield array
        start += size
        size = min(_TAKEN, max(2 * size if array.nbytes < _TAKEN_BYTES else size // 2, 1))


@compiled
def _apart(starts: _Longs, words: _Hashes, places: _Longs, groups: _Longs) -> tuple[_Longs, _Hashes]:
    """The sets at some places one after the other; words of different groups are made different."""
    new_starts = np.zeros(len(places) + 1, np.int64)
    for at in range(len(places)):
        new_starts[at + 1] = new_starts[at] + starts[places[at] + 1] - starts[places[at]]
    found = np.empty(new_starts[-1], np.uint64)
    for at in range(len(places)):
        group = mix(np.uint64(groups[at]))
        begin = starts[places[at]]
        for word in range(new_starts[at + 1] - new_starts[at]):
            found[new_starts[at] + word] = words[begin + word] + group
    return new_starts, found


@compiled
def _sort_rows(starts: _Longs, words: _Hashes) -> None:
    for row in range(len(starts) - 1):
        begin = starts[row]
        if starts[row + 1] - begin > 32:
            words[begin : starts[row + 1]].sort()
            continue
        for at in range(begin + 1, starts[row + 1]):
            word = words[at]
            place = at
            while place > begin and words[place - 1] > word:
                words[place] = words[place - 1]
                place -= 1
            words[place] = word


@compiled
def _are_equal(starts: _Longs, words: _Hashes, one: _Longs, other: _Longs) -> NDArray[np.bool_]:
    """For each two places whether they have the same words."""
    equal = np.zeros(len(one), np.bool_)
    for pair in range(len(one)):
        x, y = starts[one[pair]], starts[other[pair]]
        size = starts[one[pair] + 1] - x
        if size != starts[other[pair] + 1] - y:
            continue
        equal[pair] = True
        for at in range(size):
            if words[x + at] != words[y + at]:
                equal[pair] = False
                break
    return equal


@compiled
def _count_shared(starts: _Longs, words: _Hashes, one: _Longs, other: _Longs) -> _Longs:
    """For each two places how many words both have."""
    shared = np.zeros(len(one), np.int64)
    for pair in range(len(one)):
        x, x_end = starts[one[pair]], starts[one[pair] + 1]
        y, y_end = starts[other[pair]], starts[other[pair] + 1]
        shared[pair] = count_shared(words, x, x_end, y, y_end, 0)
    return shared
