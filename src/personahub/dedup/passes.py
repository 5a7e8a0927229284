"""Going through many texts, which are not held: their sets of words in all threads, and whose are equal.

Of each text the sum of its words' hashes is kept (8 bytes), its size (1 byte) and its state (1 byte). Texts
of equal sums are read again, and of those with exactly the same words the first stands for all.
"""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from personahub.dedup import meeting
from personahub.dedup.compare import Sets, pairs_at_a_time, split_equal
from personahub.dedup.join import Links
from personahub.dedup.partitions import PARTITIONS, Partitions
from personahub.errors import UserError
from personahub.kernels.filters import Filter, new_filter
from personahub.kernels.hashing import HashedWords
from personahub.kernels.texts import TextSource
from personahub.kernels.threads import in_threads

__all__ = ["TWICE", "Alike", "Passes", "Progress", "check_room"]

Progress = Callable[[str, int, int], None]
"""Told what is done, how many texts of it, and of how many."""

_Longs = NDArray[np.int64]
_Part = TypeVar("_Part")

TWICE = 4
"""One key of so many is thought to be met twice."""
_SCANNED = 2**22
"""Sums that are looked through at a time."""
_BYTES_A_TEXT = 20
"""Sums, sizes, states, filters, and the rows of equal texts."""
_SPILLED_A_TEXT = 8
"""What is met again: half of the texts."""


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

    def groups(self, count: int) -> _Longs:
        """For each of so many rows the first with exactly its words; -1 for one without words."""
        groups = np.arange(count)
        groups[self.equal] = self.firsts
        groups[self.wordless] = -1
        return groups


def check_room(count: int, held: int, memory: int, folder: Path | None) -> None:
    """See that memory and disk suffice, before hours are spent.

    Args:
        count: how many texts there are.
        held: bytes that are held beside 20 of each and the candidates.
        memory: bytes for candidates.
        folder: where files lie.

    Raises:
        UserError: they do not.
    """
    candidates = min(memory // 4, count * _SPILLED_A_TEXT)
    needed, free = count * _BYTES_A_TEXT + held + candidates, _free_memory()
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


class Passes:
    """Texts that are gone through several times.

    Args:
        texts: they.
        sets_of: gives their sets of words.
        memory: bytes for what is found on the way.
        folder: where files are made if these do not suffice; None for the system's.
        progress: told how it goes.
    """

    def __init__(
        self, texts: TextSource, sets_of: Sets, memory: int, folder: Path | None, progress: Progress | None
    ) -> None:
        """Nothing is read yet."""
        self._texts = texts
        self._sets_of = sets_of
        self._memory = memory
        self._folder = folder
        self._progress = progress
        self.sums = np.zeros(len(texts), np.uint64)
        """Of each text's words."""
        self.seen = new_filter(len(texts))
        """Of all sums."""
        self.sizes = np.zeros(len(texts), np.uint8)
        """How many words each text has; 255 may be more."""
        self.state = np.zeros(len(texts), np.uint8)
        """0: the row is not compared; 2: its pairs are wanted; 1: only those with a row of 2 are."""
        self.words = 0.0
        """That a text has on average."""

    def find_equal(self, since: int, also: Callable[[HashedWords], None] | None) -> tuple[_Longs, _Longs]:
        """Read all texts; rows with the words of an earlier one, and the first of these.

        Afterwards the first of equal ones and those like no other are compared, in state 1 where none of
        their words' rows is from ``since`` on.

        Args:
            since: rows before it were compared with each other.
            also: does something else with the words of some texts; several threads may do it at a time.
        """
        equal, firsts = self._split(self._read(also))
        self.state[:since] = np.minimum(self.state[:since], 1)
        self.state[firsts[equal >= since]] = 2
        self.state[equal] = 0
        return equal, firsts

    def go(
        self, what: str, work: Callable[[int, HashedWords], None], *, compared_from: int | None = None
    ) -> None:
        """Do something with the words of all texts, in as many threads as there are cores.

        Args:
            what: of it, for people.
            work: given the first row, and the words of it and of some that follow.
            compared_from: read only rows that are compared and have so many words; others have none then.

        Raises:
            UserError: there are more or fewer texts than were told of.
        """
        first = 0

        def blocks() -> Iterator[tuple[int, pa.Array]]:
            nonlocal first
            for array in self._texts.read():
                if first + len(array) <= len(self._texts):
                    yield first, array
                first += len(array)

        def take(block: tuple[int, pa.Array]) -> int:
            row, array = block
            wanted = None
            if compared_from is not None:
                end = row + len(array)
                wanted = (self.state[row:end] > 0) & (self.sizes[row:end] >= compared_from)
            for words in self._sets_of(array, wanted):
                work(row, words)
                row += len(words.starts) - 1
            return len(array)

        done = 0
        for taken in in_threads(take, blocks()):
            done = self._told(what, done + taken)
        if first != len(self._texts):
            raise UserError(
                f"The texts changed while they were compared: {len(self._texts):,} were told of, and"
                f" {first:,} are read; compare them when nobody writes them."
            )

    def scan(self, wanted: Filter) -> Partitions:
        """The sums of compared rows that may be among the wanted, with their rows."""
        found = self.partitions()
        for first in range(0, len(self.sums), _SCANNED):
            end = first + _SCANNED
            found.add(meeting.sums_met(self.sums[first:end], self.state[first:end], first, wanted))
        return found

    def partitions(self) -> Partitions:
        """New ones, for a part of the memory."""
        return Partitions(self._memory // 4, self._folder)

    def _read(self, also: Callable[[HashedWords], None] | None) -> Filter:
        """Take all sums; those that were met twice."""
        words_read: list[int] = []
        twice = new_filter(len(self._texts) // TWICE)

        def take(row: int, words: HashedWords) -> None:
            end = row + len(words.starts) - 1
            meeting.sum_words(*words, self.sums[row:end], self.sizes[row:end], self.seen, twice)
            words_read.append(len(words.hashes))
            if also:
                also(words)

        self.go("reading", take)
        self.words = sum(words_read) / max(len(self._texts), 1)
        return twice

    def _split(self, twice: Filter) -> tuple[_Longs, _Longs]:
        np.minimum(self.sizes, 1, out=self.state)
        self.state *= 2
        rows, firsts = [], []
        at_a_time = pairs_at_a_time(self.words)
        with self.scan(twice) as partitions:
            for sums, owners in self.each("finding equal words", partitions.read()):
                for equal, first in split_equal(
                    self._texts, sums, owners.astype(np.int64), at_a_time, self._sets_of
                ):
                    rows.append(equal)
                    firsts.append(first)
        none = np.empty(0, np.int64)
        return np.concatenate([*rows, none]), np.concatenate([*firsts, none])

    def each(self, what: str, parts: Iterator[_Part]) -> Iterator[_Part]:
        """The partitions of all texts one after the other, of which people are told."""
        for done, part in enumerate(parts, 1):
            yield part
            self._told(what, len(self._texts) * done // PARTITIONS)

    def _told(self, what: str, done: int) -> int:
        if self._progress:
            self._progress(what, done, len(self._texts))
        return done
