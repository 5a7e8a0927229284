"""An append-only file of entries, a line each, with the place of each key's entry in memory.

A line in the file survives a crash of this process at once and a crash of the machine after the next
sync. A crash can only tear the last line; opening cuts it off.
"""

import errno
import os
import threading
from bisect import bisect_left
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from personahub.completion.journal.entry import Entry, EntryKind, from_line, key_bytes, to_line
from personahub.completion.journal.places import Places
from personahub.completion.journal.spent import Spent, SpentBy
from personahub.errors import UserError

__all__ = ["Lines", "read_chunks"]

_SCAN_BYTES = 2**20
_OFFSET = 30
"""Bits for the length of a line, which is below 512 MB, and for its kind."""


class Lines:
    """The entries of one file, which is made where it is not there.

    Not for use by several threads at a time, but for :meth:`sync` and :meth:`close`.

    Raises:
        OSError: the file cannot be opened or read.
    """

    def __init__(self, path: Path) -> None:
        """Open the file, cut a torn tail and index what it holds."""
        self.path = path
        self.end = 0
        """Bytes in whole lines."""
        self.cut_bytes = 0
        """Length of the torn tail that was cut when the file was opened."""
        self.unreadable = 0
        """Lines that are no entries (a damaged disk)."""
        self.spent: SpentBy = {}
        self._places = Places()
        self._unusual: list[int] = []
        self._dirty = False
        self._closing = threading.Lock()
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            self._scan()
        except BaseException:
            os.close(self._file)
            raise

    def _scan(self) -> None:
        size = os.fstat(self._file).st_size
        for start, chunk in read_chunks(self._file, size, _SCAN_BYTES):
            self.end = start
            for line in chunk.split(b"\n")[:-1]:
                entry, strict = from_line(line)
                if entry is None:
                    self.unreadable += 1
                    self._unusual.append(self.end)
                    self.end += len(line) + 1
                else:
                    self._count(entry, key_bytes(entry.key), len(line) + 1, strict=strict)
        if size > self.end:
            self.cut_bytes = size - self.end
            os.ftruncate(self._file, self.end)

    def _count(self, entry: Entry, key: bytes, length: int, *, strict: bool) -> None:
        """Note an entry that stands at the end."""
        if not strict:
            self._unusual.append(self.end)
        sums = self.spent.get((entry.run, entry.model))
        if sums is None:
            sums = self.spent[entry.run, entry.model] = Spent()
        sums.add(entry)
        if entry.kind in {EntryKind.REPLY, EntryKind.FAILURE}:
            # Offset and length in one number, as a place is.
            self._places.add(key, self.end << _OFFSET | length << 1 | (entry.kind is EntryKind.REPLY))
        self.end += length

    def append(self, entry: Entry) -> None:
        """Write one entry; when this returns, a crash of this process loses it no more.

        Raises:
            UserError: the disk is full or the file cannot be written; what was there stays whole.
            ValueError: the key is not 32 hexadecimal digits, or a number is too large.
        """
        key = key_bytes(entry.key)
        line, strict = to_line(entry)
        try:
            if os.pwrite(self._file, line, self.end) < len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))  # noqa: TRY301
        except OSError as error:
            os.ftruncate(self._file, self.end)
            raise UserError(
                f"{self.path}: cannot write the journal ({error.strerror}); all replies before this one"
                " are kept: free some space, then run the same command again"
            ) from error
        self._dirty = True
        self._count(entry, key, len(line), strict=strict)

    def find(self, keys: bytes) -> Iterator[tuple[int, Entry]]:
        """For keys (16 bytes each) that have one: the key's number and its last reply or else failure."""
        for number, best in self._places.best(keys).items():
            key = keys[16 * number : 16 * number + 16]
            entry = self._read(best, key)
            if entry is None:
                others = (self._read(place, key) for place in self._places.candidates(key))
                entry = next(filter(None, others), None)
            if entry:
                yield number, entry

    def _read(self, place: int, key: bytes) -> Entry | None:
        """The entry at a place, if it is the key's."""
        entry, _ = from_line(os.pread(self._file, place % 2**_OFFSET >> 1, place >> _OFFSET))
        return entry if entry and key_bytes(entry.key) == key else None

    def replied(self) -> NDArray[np.uint64]:
        """The prefixes of the keys that have a reply."""
        return self._places.replied()

    def is_usual(self, start: int, end: int) -> bool:
        """Whether all lines from ``start`` up to ``end`` (bytes) are entries in strict JSON."""
        first = bisect_left(self._unusual, start)
        return first == len(self._unusual) or self._unusual[first] >= end

    def reader(self) -> int:
        """A file descriptor of the caller's own, which outlives this object and the file's name."""
        return os.dup(self._file)

    def sync(self) -> None:
        """Make every entry so far survive a crash of the machine; may run beside :meth:`append`.

        Raises:
            UserError: the disk fails.
        """
        with self._closing:
            if not self._dirty or self._file < 0:
                return
            self._dirty = False
            try:
                os.fdatasync(self._file)
            except OSError as error:
                raise UserError(f"{self.path}: cannot be brought to disk ({error.strerror})") from error

    def close(self) -> None:
        """Let the file go, without a sync."""
        with self._closing:
            if self._file >= 0:
                os.close(self._file)
                self._file = -1


def read_chunks(file: int, end: int, size: int) -> Iterator[tuple[int, bytes]]:
    """Whole lines of a file up to the offset ``end``, about ``size`` bytes at a time, with their offset.

    What stands after the last newline is left out.

    Raises:
        OSError: the file cannot be read.
    """
    start, wanted = 0, size
    while start < end:
        chunk = os.pread(file, min(wanted, end - start), start)
        cut = chunk.rfind(b"\n") + 1
        if cut:
            yield start, chunk[:cut]
            start, wanted = start + cut, size
        elif start + len(chunk) >= end or not chunk:
            return
        else:
            wanted *= 2
