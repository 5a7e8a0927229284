"""New texts compared with all that were there before, whose words are kept in a folder.

The folder knows the words of texts as numbers (:mod:`personahub.dedup.wordfiles`), for any threshold. What
came since is read, and appended to it; then new rows are held by their keys, and all rows are gone through
once and looked up among them (:mod:`personahub.dedup.lookup`), old texts are not read. Two bytes a word come
from the disk in their order, and most short rows are passed over by sums alone.

A folder that is gone, damaged, or of other texts is made anew from the texts.
"""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from personahub.compiled import compiled
from personahub.dedup.join import Links, sort_links
from personahub.dedup.lookup import Looked, choose_rows, look_up
from personahub.dedup.newrows import MOST_ROWS, Shapes, Table, count_keys, enter_rows, shapes_for
from personahub.dedup.numbered import (
    PARTS,
    NumberedSets,
    Vocabulary,
    are_alike,
    encode_rows,
    sum_rows,
)
from personahub.dedup.passes import Alike, Progress
from personahub.dedup.wordfiles import DamagedError, Rows, WordFiles
from personahub.kernels.filters import Filter, holds, new_filter, put_all
from personahub.kernels.hashing import hash_words
from personahub.kernels.texts import TextSource
from personahub.kernels.threads import in_threads

__all__ = ["compare_through_index"]

_Longs = NDArray[np.int64]

_READ = 2**16
"""Texts that are read at a time."""
_COMMITTED = 2**20
"""Texts that are appended at a time, or fewer of more words than the next."""
_COMMITTED_WORDS = 2**25
_SAMPLED = 1000
"""Texts by which is told whether the folder is theirs."""
_BYTES_A_KEY = 48
"""Of a table that is made."""
_MOST_KEYS = 2**26
"""Of a table, so that places in it are numbers of 32 bits."""
_LOW = np.uint64(0xFFFFFFFF)


def compare_through_index(
    texts: TextSource,
    threshold: Fraction,
    folder: Path,
    *,
    since: int,
    limit: int,
    memory: int,
    progress: Progress | None = None,
) -> Alike:
    """Find what :func:`~personahub.dedup.exact.join_exactly` finds, and read only texts that are new.

    Args:
        texts: read from the first on that the folder does not know.
        threshold: from 0.75 up.
        folder: the index; made where it is not there or does not fit.
        since: rows before it were compared with each other; of each link a row has the words of one from it
            on.
        limit: the most links.
        memory: bytes for new rows at a time, beside 9 bytes for each text.
        progress: told how it goes.

    Raises:
        UserError: the disk is full, or the folder cannot be written.
    """
    while True:
        try:
            index = _Index(texts, folder, progress)
            index.catch_up()
            return index.compare(threshold, since, limit, memory)
        except DamagedError:
            WordFiles(folder).clear()


class _Index:
    """A folder that is brought up to date with texts."""

    def __init__(self, texts: TextSource, folder: Path, progress: Progress | None) -> None:
        self._texts = texts
        self._progress = progress
        self.files = WordFiles(folder)
        self._words = Vocabulary(self.files.vocabulary)
        if not self._fits():
            self.files.clear()
            self._words = Vocabulary(self.files.vocabulary)

    def _fits(self) -> bool:
        """Whether the folder's rows are the texts' first, by a sample."""
        count = len(self.files)
        if count > len(self._texts):
            return False
        rows = np.unique(np.linspace(0, count - 1, min(count, _SAMPLED)).astype(np.int64))
        equal, firsts = self.files.equal
        stood_for = rows.copy()
        among = np.isin(rows, equal)
        stood_for[among] = firsts[np.searchsorted(equal, rows[among])]
        there, place = np.unique(stood_for, return_inverse=True)
        known = self.files.take(there)
        for start in range(0, len(rows), 64):
            sample = self._number(rows[start : start + 64])
            ours = np.arange(len(sample.starts) - 1)
            if not are_alike(*sample, ours, *known, place[start : start + 64]).all():
                return False
        return True

    def _number(self, rows: _Longs) -> NumberedSets:
        """The words of some texts, in order."""
        lengths, words = [np.zeros(1, np.int64)], [np.empty(0, np.uint32)]
        for starts, hashes in hash_words(self._texts.take(rows)):
            lengths.append(np.diff(starts))
            words.append(self._words.number(hashes))
        sets = NumberedSets(np.cumsum(np.concatenate(lengths)), np.concatenate(words))
        sum_rows(*sets, np.empty(len(rows), np.uint64))
        return sets

    def catch_up(self) -> None:
        """Append the texts that the folder does not know."""
        while (first := len(self.files)) < len(self._texts):
            lengths, words = [np.zeros(1, np.int64)], [np.empty(0, np.uint32)]
            count, row = 0, first
            before = len(self._words)
            while row < min(first + _COMMITTED, len(self._texts)) and count < _COMMITTED_WORDS:
                rows = np.arange(row, min(row + _READ, first + _COMMITTED, len(self._texts)))
                for starts, hashes in hash_words(self._texts.take(rows)):
                    lengths.append(np.diff(starts))
                    words.append(self._words.number(hashes))
                    count += len(hashes)
                row += len(rows)
                self._told("reading", row)
            sets = NumberedSets(np.cumsum(np.concatenate(lengths)), np.concatenate(words))
            self.files.append(self._encode(first, sets, before))

    def _encode(self, first: int, sets: NumberedSets, known: int) -> Rows:
        """Rows as they are written, the first of which has this number."""
        count = len(sets.starts) - 1
        sums = np.empty(count, np.uint64)
        sum_rows(*sets, sums)
        lengths = np.diff(sets.starts)
        stands = self._first_equal(first, sets, sums)
        equal = stands != np.arange(first, first + count)
        sizes, parts = np.empty(count, np.uint8), np.empty((count, PARTS), np.uint32)
        units, ends = np.empty(2 * (len(sets.words) + count), np.uint16), np.empty(count, np.int64)
        encode_rows(*sets, ~equal, sizes, parts, units, ends)
        rows = np.flatnonzero(equal)
        pairs = ((rows + first) << 32 | stands[rows]).astype(np.uint64)
        longest = int(lengths.max(initial=0))
        return Rows(sizes, parts, units[: ends[-1]], ends, longest, pairs, self._words.hashes(known).copy())

    def _first_equal(self, first: int, sets: NumberedSets, sums: NDArray[np.uint64]) -> _Longs:
        """For each new row the first row of all with its words; itself for one without words."""
        stands = np.arange(first, first + len(sums))
        worded = np.flatnonzero(np.diff(sets.starts) > 0)
        _, begin, group = np.unique(sums[worded], return_index=True, return_inverse=True)
        leaders = worded[begin][group]
        same = are_alike(*sets, worded, *sets, leaders)
        stands[worded[same]] = leaders[same] + first
        # The folder's rows with half of the sum of a new one, which may be equal.
        new = worded[stands[worded] == worded + first]
        halves = sums[new] & _LOW
        order = np.argsort(halves)
        new, halves = new[order], halves[order]
        seen = new_filter(len(new))
        put_all(seen, _spread(halves))
        old = [_find_sums(self.files.parts(block), seen) for block in range(len(self.files.blocks))]
        spans = [self.files.span(block)[0] for block in range(len(self.files.blocks))]
        rows = np.concatenate(
            [found + span for (found, _), span in zip(old, spans, strict=True)] or [new[:0]]
        )
        totals = np.concatenate([total for _, total in old] or [halves[:0]])
        begin, end = np.searchsorted(halves, totals), np.searchsorted(halves, totals, "right")
        place = np.repeat(np.arange(len(rows)), end - begin)
        before = np.cumsum(end - begin) - (end - begin)
        near = new[np.arange(len(place)) - np.repeat(before - begin, end - begin)]
        there, at = np.unique(rows[place], return_inverse=True)
        same = are_alike(*sets, near, *self.files.take(there), at)
        oldest = np.arange(first, first + len(sums))
        oldest[near[same]] = rows[place[same]]
        return np.asarray(oldest[stands - first])

    def compare(self, threshold: Fraction, since: int, limit: int, memory: int) -> Alike:
        """Find the pairs that are new."""
        equal, firsts = self.files.equal
        empty = np.flatnonzero(self.files.sizes == 0)
        wordless = np.setdiff1d(empty, equal, assume_unique=True)
        new = np.flatnonzero(self.files.sizes[since:] > 0) + since
        new = np.union1d(new, firsts[equal >= since])
        links: list[Links] | None = [Links.none()]
        candidates = 0
        if threshold == 1:
            return Alike(equal, firsts, wordless, Links.none(), 0)
        shapes = shapes_for(threshold, self.files.longest)
        for rows, sets in self._batches(new, shapes, memory):
            for found in self._pass(enter_rows(rows, sets, shapes), shapes, since, limit):
                candidates += found.candidates
                if links is not None:
                    a, b = np.minimum(found.rows, found.new), np.maximum(found.rows, found.new)
                    links.append(Links(a, b, found.overlap, found.union))
                    if sum(len(part.a) for part in links) > limit:
                        links = [sort_links(links)]
                        links = links if len(links[0].a) <= limit else None
        return Alike(equal, firsts, wordless, sort_links(links) if links else None, candidates)

    def _batches(self, rows: _Longs, shapes: Shapes, memory: int) -> Iterator[tuple[_Longs, NumberedSets]]:
        """New rows with their words, as many at a time as memory takes."""
        while len(rows):
            some = rows[: MOST_ROWS // 4]
            sets = self.files.take(some)
            ends = np.cumsum(count_keys(shapes, np.diff(sets.starts))) * _BYTES_A_KEY
            count = max(int(np.searchsorted(ends, min(memory, _MOST_KEYS * _BYTES_A_KEY), "right")), 1)
            yield some[:count], NumberedSets(sets.starts[: count + 1], sets.words[: sets.starts[count]])
            rows = rows[count:]

    def _pass(self, table: Table, shapes: Shapes, since: int, limit: int) -> Iterator[Looked]:
        """What all rows have in common with a table's, block by block."""
        blocks = len(self.files.blocks)

        def work(block: int) -> Looked:
            self.files.check(block)
            begin, end = self.files.span(block)
            wanted = choose_rows(table, shapes, self.files.sizes[begin:end], self.files.parts(block))
            return look_up(table, shapes, self.files.read(block, wanted), begin, since, limit)

        for block, found in enumerate(in_threads(work, range(blocks))):
            self._told("comparing", self.files.blocks[block].rows)
            yield found

    def _told(self, what: str, done: int) -> None:
        if self._progress:
            self._progress(what, done, len(self._texts))


@compiled
def _spread(halves: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Keys of a filter from numbers of 32 bits."""
    keys = halves * np.uint64(0x9E3779B97F4A7C15)
    return keys ^ (keys >> np.uint64(32))


@compiled
def _find_sums(parts: NDArray[np.uint32], seen: Filter) -> tuple[_Longs, NDArray[np.uint64]]:
    """The rows whose sum is among those that were seen, and it."""
    rows, sums = np.empty(len(parts), np.int64), np.empty(len(parts), np.uint64)
    count = 0
    for row in range(len(parts)):
        total = np.uint64(0)
        for part in range(PARTS):
            total += np.uint64(parts[row, part])
        total &= _LOW
        key = total * np.uint64(0x9E3779B97F4A7C15)
        rows[count], sums[count] = row, total
        count += holds(seen, key ^ (key >> np.uint64(32)))
    return rows[:count], sums[:count]
