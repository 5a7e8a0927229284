"""The exact join of many texts: who has the same words, and who nearly the same.

Texts are gone through, not held. A first pass keeps of each the sum of its words' hashes (8 bytes) and its
size (1 byte), and puts this sum and those of its parts (:mod:`personahub.dedup.signatures`) into filters. A
second one writes down whose sums without a word some other text has: a few texts of a hundred. Those others
are found among the sums that are kept, or where it is the sum of a part, in a third pass over the longer
texts. Sorted by sum, they are the candidates, whose words are read again from the texts and compared. Where
many have a part in common, they are joined by the words that are rare among them
(:mod:`personahub.dedup.join`), so that candidates hardly grow with the number of texts.

So no pair at or above the threshold is lost, and none below it is given, unless two different words of two
texts have one 64-bit hash.
"""

import os
import shutil
import tempfile
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from personahub.dedup import meeting
from personahub.dedup.compare import Found, split_equal
from personahub.dedup.join import Links
from personahub.dedup.partitions import Partitions
from personahub.dedup.signatures import LEAST_THRESHOLD, Bands, bands_for, dropped_sizes
from personahub.errors import UserError
from personahub.kernels.filters import Filter, new_filter
from personahub.kernels.hashing import HashedWords, hash_words
from personahub.kernels.texts import TextSource

__all__ = ["Alike", "Progress", "join_exactly"]

Progress = Callable[[str, int, int], None]
"""Told what is done, how many texts of it, and of how many."""

_Longs = NDArray[np.int64]
_Hashes = NDArray[np.uint64]
_CROWD = 500
# Most often the part is empty or of common words: a small set dealt out leaves some parts with few words.
"""Where more pairs have a part in common, the words that are rare among their texts tell more."""
_SCANNED = 2**22
"""Sums that are looked through at a time."""
_SAMPLED = 2000
"""Texts by which it is guessed how many keys there will be."""
_BYTES_A_TEXT = 20
"""Sums, sizes, states, filters, and the rows of equal texts."""
_BYTES_A_PART = 4
"""Filters of their sums."""
_SPILLED_A_TEXT = 8
"""What is met again: half of the texts."""
_TWICE = 4
"""One key of so many is thought to be met twice."""


class Alike(NamedTuple):
    """What a join found.

    Attributes:
        equal: rows with exactly the words of an earlier one, in no order.
        firsts: for each of them the first row with these words.
        wordless: rows without words, ascending.
        links: similar pairs of first rows; None where there are more than were to be held.
        candidates: how many pairs were looked at.
    """

    equal: _Longs
    firsts: _Longs
    wordless: _Longs
    links: Links | None
    candidates: int


def join_exactly(
    texts: TextSource,
    threshold: Fraction,
    *,
    since: int = 0,
    limit: int,
    memory: int,
    folder: Path | None = None,
    progress: Progress | None = None,
) -> Alike:
    """Find the texts with equal words, and the pairs of others that are similar.

    Args:
        texts: gone through twice or three times, and read again where they are candidates.
        threshold: above 0, at most 1. Under 0.75 the words of all different texts are held.
        since: rows before it were compared with each other; of each link a row has the words of one from it
            on.
        limit: the most links.
        memory: bytes for candidates, beside 20 a text, 4 a part of a long text's, and what is found.
        folder: where files are made if these do not suffice; None for the system's.
        progress: told how it goes.

    Raises:
        UserError: there is too little memory or disk.
    """
    _check_room(len(texts), 0, memory, folder)
    return _Join(texts, threshold, limit, memory, folder, progress).run(since)


def _check_room(count: int, parts: int, memory: int, folder: Path | None) -> None:
    """See that memory and disk suffice, before hours are spent.

    Args:
        count: how many texts there are.
        parts: about how many parts of long texts.
        memory: bytes for candidates.
        folder: where files lie.

    Raises:
        UserError: they do not.
    """
    held = min(memory // 4, count * _SPILLED_A_TEXT)
    needed, free = count * _BYTES_A_TEXT + parts * _BYTES_A_PART + held, _free_memory()
    if free is not None and needed > free:
        raise UserError(
            f"Comparing {count:,} texts takes {needed / 1e9:.1f} GB of memory, and {free / 1e9:.1f} GB are"
            " free: compare fewer at a time, or use a larger machine."
        )
    spilled = max(count * _SPILLED_A_TEXT - memory // 4, 0)
    where = folder or Path(tempfile.gettempdir())
    if where.is_dir() and (there := shutil.disk_usage(where).free) < spilled:
        raise UserError(
            f"{where}: comparing {count:,} texts in {memory / 1e9:.1f} GB of memory takes"
            f" {spilled / 1e9:.1f} GB of disk, and {there / 1e9:.1f} GB are free: free some space there, or"
            " allow more memory."
        )


def _free_memory() -> int | None:
    """Bytes that may be taken; None where the system does not tell."""
    try:
        told = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
        return int(told["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        return None


class _Join:
    """A join that is going on."""

    def __init__(
        self,
        texts: TextSource,
        threshold: Fraction,
        limit: int,
        memory: int,
        folder: Path | None,
        progress: Progress | None,
    ) -> None:
        self._texts = texts
        self._threshold = threshold
        self._memory = memory
        self._folder = folder
        self._progress = progress
        # Each text's sum, and a filter of all of them; given back where they are needed no more.
        self._sums = np.zeros(len(texts), np.uint64)
        self._seen = new_filter(len(texts))
        self._sizes = np.zeros(len(texts), np.uint8)
        # 0: the row is not compared; 2: its pairs are wanted; 1: only those with a row of 2 are.
        self._state = np.zeros(len(texts), np.uint8)
        self._found = Found(texts, threshold, limit)

    def run(self, since: int) -> Alike:
        by_keys = LEAST_THRESHOLD <= self._threshold < 1
        parts = None
        if by_keys:
            expected = self._expect_parts()
            _check_room(len(self._texts), expected, self._memory, self._folder)
            parts = _Parts(self._threshold, expected)
        equal, firsts = self._find_equal(self._read(parts))
        self._state[:since] = np.minimum(self._state[:since], 1)
        self._state[firsts[equal >= since]] = 2
        self._state[equal] = 0
        if parts:
            self._find_near(parts)
        elif self._threshold < 1:
            rows = np.flatnonzero(self._state)
            self._found.join(rows, np.zeros_like(rows), self._state)
        wordless = np.flatnonzero(self._sizes == 0)
        return Alike(equal, firsts, wordless, self._found.links(), self._found.candidates)

    def _read(self, parts: "_Parts | None") -> Filter:
        """Take all sums; those that were met twice."""
        words_read: list[int] = []
        twice = new_filter(len(self._texts) // _TWICE)

        def take(row: int, words: HashedWords) -> None:
            end = row + len(words.starts) - 1
            meeting.sum_words(*words, self._sums[row:end], self._sizes[row:end], self._seen, twice)
            words_read.append(len(words.hashes))
            if parts:
                parts.put(words)

        self._pass("reading", take)
        self._found.expect(sum(words_read) / max(len(self._texts), 1))
        return twice

    def _pass(
        self, what: str, work: Callable[[int, HashedWords], None], *, compared_from: int | None = None
    ) -> None:
        """Do something with the words of all texts, in as many threads as there are cores.

        Args:
            what: of it, for people.
            work: given the first row, and the words of it and of some that follow.
            compared_from: read only rows that are compared and have so many words; others have none then.
        """
        threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

        def take(row: int, array: pa.Array) -> int:
            wanted = None
            if compared_from is not None:
                end = row + len(array)
                wanted = (self._state[row:end] > 0) & (self._sizes[row:end] >= compared_from)
            for words in hash_words(array, wanted):
                work(row, words)
                row += len(words.starts) - 1
            return len(array)

        begun: deque[Future[int]] = deque()
        done = first = 0
        pool = ThreadPoolExecutor(threads, thread_name_prefix="dedup")
        try:
            for array in self._texts.read():
                if first + len(array) <= len(self._texts):
                    begun.append(pool.submit(take, first, array))
                first += len(array)
                while len(begun) > 2 * threads:
                    done = self._told(what, done + begun.popleft().result())
            while begun:
                done = self._told(what, done + begun.popleft().result())
            if first != len(self._texts):
                raise UserError(
                    f"The texts changed while they were compared: {len(self._texts):,} were told of, and"
                    f" {first:,} are read; compare them when nobody writes them."
                )
        finally:
            # After an interrupt or a fault nobody waits for these.
            pool.shutdown(wait=False, cancel_futures=True)

    def _told(self, what: str, done: int) -> int:
        if self._progress:
            self._progress(what, done, len(self._texts))
        return done

    def _expect_parts(self) -> int:
        """About how many parts all texts have, by a sample."""
        count = len(self._texts)
        rows = np.unique(np.linspace(0, max(count - 1, 0), min(count, _SAMPLED)).astype(np.int64))
        found = 0
        for words in hash_words(self._texts.take(rows)):
            sizes = np.diff(words.starts)
            bands = bands_for(self._threshold, int(sizes.max()))
            before = np.concatenate([[0], np.cumsum(bands.parts)])
            found += int((before[bands.end[sizes]] - before[bands.first[sizes]]).sum())
        return found * count // max(len(rows), 1)

    def _scan(self, wanted: Filter) -> Partitions:
        """The sums of compared rows that may be among the wanted, with their rows."""
        found = self._partitions()
        for first in range(0, len(self._sums), _SCANNED):
            end = first + _SCANNED
            found.add(meeting.sums_met(self._sums[first:end], self._state[first:end], first, wanted))
        return found

    def _partitions(self) -> Partitions:
        return Partitions(self._memory // 4, self._folder)

    def _find_equal(self, twice: Filter) -> tuple[_Longs, _Longs]:
        """Rows with the words of an earlier one, and the first of these."""
        np.minimum(self._sizes, 1, out=self._state)
        self._state *= 2
        rows, firsts = [], []
        with self._scan(twice) as partitions:
            for sums, owners in partitions.read():
                for equal, first in split_equal(
                    self._texts, sums, owners.astype(np.int64), self._found.at_a_time
                ):
                    rows.append(equal)
                    firsts.append(first)
        none = np.empty(0, np.int64)
        return np.concatenate([*rows, none]), np.concatenate([*firsts, none])

    def _find_near(self, parts: "_Parts") -> None:
        """Find pairs that are similar and not equal."""
        least, end = dropped_sizes(self._threshold)
        wanted = new_filter(len(self._texts) // _TWICE)

        def take(row: int, words: HashedWords) -> None:
            sums = self._sums[row : row + len(words.starts) - 1]
            dropped.add(meeting.find_dropped(*words, row, sums, least, end, self._seen, wanted))
            keys.add(parts.find(row, words))

        with self._partitions() as dropped, self._partitions() as keys:
            # Sizes are told up to this one; take() knows the true ones.
            self._pass("comparing", take, compared_from=min(least, meeting.CLIPPED))
            if parts.found:
                self._pass(
                    "comparing parts",
                    lambda row, words: keys.add(parts.met(row, words)),
                    compared_from=parts.least,
                )
            self._seen = new_filter(0)
            parts.forget()
            with self._scan(wanted) as sums:
                self._sums = np.empty(0, np.uint64)
                for one, other in zip(dropped.read(), sums.read(), strict=True):
                    pairs = meeting.pair_sums(*one, *other, self._state)
                    self._found.add(pairs, len(pairs))
            allowed = meeting.allowed_differences(self._threshold)
            for sorted_, owners in keys.read():
                pairs, rows, groups, tried = meeting.pair_runs(sorted_, owners, self._state, allowed, _CROWD)
                self._found.add(pairs, tried)
                self._found.join(rows, groups, self._state)


class _Parts:
    """What is known of the sums of parts.

    Args:
        threshold: the least similarity.
        expected: about how many parts all texts have.
    """

    def __init__(self, threshold: Fraction, expected: int) -> None:
        self._threshold = threshold
        self._seen, self._twice = new_filter(expected), new_filter(expected // _TWICE)
        self._wanted = new_filter(expected // _TWICE)
        bands = bands_for(threshold, meeting.CLIPPED)
        sizes = np.flatnonzero(bands.end > bands.first)
        self.least = int(min([*sizes, meeting.CLIPPED]))
        """From this size on sets have parts; the largest that is told where only larger ones have."""
        self.found = False
        """Whether a part's sum without a word was that of another's part."""

    def put(self, words: HashedWords) -> None:
        """Take the parts of some texts."""
        meeting.put_parts(*words, *self._bands(words), self._seen, self._twice)

    def find(self, row: int, words: HashedWords) -> _Hashes:
        """Sums of their parts that others have too, or have without a word."""
        found = meeting.find_parts(*words, row, *self._bands(words), self._seen, self._twice, self._wanted)
        if meeting.are_without(found[:, 1]).any():
            self.found = True
        return found

    def met(self, row: int, words: HashedWords) -> _Hashes:
        """Sums of their parts that others have without a word."""
        return meeting.parts_met(*words, row, *self._bands(words), self._twice, self._wanted)

    def forget(self) -> None:
        """Give the filters back."""
        self._seen = self._twice = self._wanted = new_filter(0)

    def _bands(self, words: HashedWords) -> Bands:
        return bands_for(self._threshold, int(np.diff(words.starts).max(initial=0)))
