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

from personahub.completion.journal.entry import Entry, EntryKind, from_line, key_bytes, to_line
from personahub.completion.journal.spent import Spent, SpentBy
from personahub.errors import UserError

__all__ = ["Lines", "read_chunks"]

_SCAN_BYTES = 2**20


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
        self._places: dict[bytes, int] = {}
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
        is_reply = entry.kind is EntryKind.REPLY
        # Offset, length and kind in one small number: a tuple would cost 150 bytes more.
        if is_reply or (entry.kind is EntryKind.FAILURE and not self._places.get(key, 0) & 1):
            self._places[key] = self.end << 32 | length << 1 | is_reply
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

    def __bool__(self) -> bool:
        """Whether any key has a reply or a failure here."""
        return bool(self._places)

    def get(self, key: bytes) -> Entry | None:
        """The last reply to the key, or else its last failure."""
        place = self._places.get(key)
        if place is None:
            return None
        entry, _ = from_line(os.pread(self._file, place >> 1 & (2**31 - 1), place >> 32))
        return entry

    def replied(self) -> list[bytes]:
        """The keys that have a reply."""
        return [key for key, place in self._places.items() if place & 1]

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
