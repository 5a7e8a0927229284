"""One folder's journal: the file that grows, the parts it is sealed into, and what a crash left of them.

In the folder are ``live.jsonl``, ``part-000001.parquet`` and so on, ``lock``, and while the next part is
being made ``sealing-000002.jsonl`` and ``draft-000002.parquet``.
"""

import fcntl
import os
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from personahub.completion.journal.entry import Entry, EntryKind, from_line, key_bytes
from personahub.completion.journal.index import halves_of, prefixes_of
from personahub.completion.journal.lines import Lines, read_chunks
from personahub.completion.journal.parts import Parts, damaged, numbered, sync_folder, write_part
from personahub.completion.journal.purging import purge_lines, purge_part
from personahub.completion.journal.spent import Spent, SpentBy, merge_spent
from personahub.errors import UserError

__all__ = ["Journal"]

_READ_BYTES = 2**20


class Journal:
    """Entries by their request's key; one process has the folder at a time.

    Methods may be called from several threads.

    Args:
        folder: made where it is not there.
        seal_bytes: length of ``live.jsonl`` at which it is sealed.

    Raises:
        UserError: another process has it open, no folder can be there, or a part is damaged.
    """

    def __init__(self, folder: Path, *, seal_bytes: int = 12 * 2**20) -> None:
        """Lock the folder, put right what a crash left, and index what it holds."""
        self.folder = folder
        self.cut_bytes = 0
        """Length of the torn tail that was cut when the journal was opened."""
        self.unreadable = 0
        """Lines that were no entries then (a damaged disk); their requests will be asked again."""
        self._seal_bytes = seal_bytes
        self._seal_at = seal_bytes
        self._lock = threading.RLock()
        self._sealer: threading.Thread | None = None
        self._sealing: list[Lines] = []
        """Files that become parts, oldest first."""
        self._parts = Parts()
        self._folder_dirty = True
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock_file = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise UserError(f"{folder}: the journal cannot be opened ({error.strerror})") from error
        try:
            self._take_lock()
            self._recover()
        except BaseException as error:
            for lines in self._sealing:
                lines.close()
            os.close(self._lock_file)
            if isinstance(error, OSError):
                raise UserError(f"{folder}: the journal cannot be opened ({error})") from error
            raise
        if self._sealing:
            self._start_sealer()

    def _take_lock(self) -> None:
        try:
            fcntl.flock(self._lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            owner = os.pread(self._lock_file, 20, 0).decode("ascii", "replace").strip()
            raise UserError(
                f"{self.folder}: another personahub process (process {owner or 'unknown'}) is using this"
                " journal; wait until it ends"
            ) from error
        os.ftruncate(self._lock_file, 0)
        os.pwrite(self._lock_file, b"%d\n" % os.getpid(), 0)

    def _recover(self) -> None:
        for draft in (*self.folder.glob("draft-*.parquet"), *self.folder.glob("purged-*.jsonl")):
            draft.unlink()
        sealing = numbered(self.folder, "sealing", "jsonl")
        for number, part in sorted(numbered(self.folder, "part", "parquet").items()):
            whole = self._recover_part(part, replaceable=number in sealing)
            if whole and number in sealing:
                sync_folder(self.folder)
                sealing.pop(number).unlink()
        for _, path in sorted(sealing.items()):
            self._sealing.append(Lines(path))
        self._live = Lines(self.folder / "live.jsonl")
        for lines in (*self._sealing, self._live):
            self.cut_bytes += lines.cut_bytes
            self.unreadable += lines.unreadable

    def _recover_part(self, part: Path, *, replaceable: bool) -> bool:
        try:
            self._parts = self._parts.plus(part)
        except OSError as error:
            if replaceable:
                part.unlink()
                return False
            raise damaged(part, error) from error
        return True

    def __len__(self) -> int:
        """How many keys have a reply."""
        with self._lock:
            files = (*self._sealing, self._live)
            recent = np.unique(np.concatenate([lines.replied() for lines in files]))
            both = int(np.count_nonzero(self._parts.index.has_reply(recent)))
            return self._parts.index.replied + len(recent) - both

    def get(self, key: str) -> Entry | None:
        """The last reply to the key, or else its last failure, or None; see :meth:`get_many`."""
        return self.get_many([key])[0]

    def get_many(self, keys: Sequence[str]) -> list[Entry | None]:
        """For each key its last reply, or else its last failure, or else None.

        A thousand keys at a time, about in the order in which they were written, take a few microseconds
        each; each stretch of some 2,300 entries elsewhere takes some milliseconds.

        Raises:
            ValueError: a key is not 32 hexadecimal digits.
            UserError: a part cannot be read.
        """
        raw = key_bytes(*keys)
        with self._lock:
            found = self._parts.find(raw)
            for lines in (*self._sealing, self._live):
                for number, entry in lines.find(raw):
                    earlier = found[number]
                    # A reply is never hidden by a later failure.
                    if entry.kind is EntryKind.REPLY or not (earlier and earlier.kind is EntryKind.REPLY):
                        found[number] = entry
            return found

    def has_replies(self, keys: bytes) -> NDArray[np.bool_]:
        """For each key (16 bytes, one after another) whether it has a reply, judged by 64 bits of it."""
        prefixes = prefixes_of(halves_of(keys))
        with self._lock:
            found = self._parts.index.has_reply(prefixes)
            for lines in (*self._sealing, self._live):
                found |= np.isin(prefixes, lines.replied())
        return found

    def entries(self, *, kind: EntryKind | None = None, run: int | None = None) -> Iterator[Entry]:
        """What is there when the first is drawn, in order of writing; all, or of one kind or one run.

        Raises:
            UserError: a part cannot be read.
        """
        with self._lock:
            parts = self._parts
            # Of our own, because a file that is sealed meanwhile is closed and deleted.
            files = [(lines.reader(), lines.end) for lines in (*self._sealing, self._live)]
        try:
            yield from parts.entries(kind, run)
            for file, end in files:
                for _, chunk in read_chunks(file, end, _READ_BYTES):
                    for line in chunk.split(b"\n")[:-1]:
                        entry, _ = from_line(line)
                        if entry and kind in (None, entry.kind) and run in (None, entry.run):
                            yield entry
        finally:
            for file, _ in files:
                os.close(file)

    def spent(self, run: int | None = None) -> SpentBy:
        """The sums of all entries, or of one run's, by run and model; the caller's own copy."""
        with self._lock:
            total: dict[tuple[int, str], Spent] = {}
            for sums in (self._parts.spent, *(lines.spent for lines in (*self._sealing, self._live))):
                merge_spent(total, {who: sum_ for who, sum_ in sums.items() if run in (None, who[0])})
            return total

    def append(self, entry: Entry) -> None:
        """Write one entry; when this returns, a crash of this process loses it no more.

        Raises:
            UserError: the disk is full or the file cannot be written; what was there stays whole.
            ValueError: the key is not 32 hexadecimal digits, or a number is too large.
        """
        with self._lock:
            self._live.append(entry)
            if self._live.end >= self._seal_at and not (self._sealer and self._sealer.is_alive()):
                self._begin_sealing()

    def _begin_sealing(self) -> None:
        """Start a new live file; or try again to seal the one before, where the disk was full."""
        if not self._sealing:
            with suppress(OSError):
                self._rotate()
        self._seal_at = self._live.end + self._seal_bytes
        self._start_sealer()

    def _rotate(self) -> None:
        numbers = numbered(self.folder, "part", "parquet").keys()
        live, path = self._live, self._live.path
        live.path = self.folder / f"sealing-{max(numbers, default=0) + 1:06}.jsonl"
        try:
            path.rename(live.path)
            self._live = Lines(path)
        except OSError:
            with suppress(OSError):
                live.path.rename(path)
            live.path = path
            raise
        self._sealing.append(live)
        self._folder_dirty = True

    def _start_sealer(self) -> None:
        self._sealer = threading.Thread(target=self._seal, name="journal-sealer")
        self._sealer.start()

    def _seal(self) -> None:
        """Make parts of all that waits; what a full disk stops stays readable as lines, and waits on."""
        while self._sealing:
            lines = self._sealing[0]
            name = lines.path.stem.removeprefix("sealing-")
            part, draft = self.folder / f"part-{name}.parquet", self.folder / f"draft-{name}.parquet"
            try:
                write_part(lines, part, draft)
                parts = self._parts.plus(part)
            except (OSError, pa.ArrowException):
                with suppress(OSError):
                    draft.unlink(missing_ok=True)
                return
            with self._lock:
                self._parts = parts
                del self._sealing[0]
            lines.close()
            # A file that cannot be deleted now is deleted when the journal is next opened.
            with suppress(OSError):
                lines.path.unlink()

    def add_part(self, write: Callable[[Path, Path], bool]) -> None:
        """Take in a part that is made elsewhere; nothing may be appended meanwhile.

        Args:
            write: makes the part at the first path, by way of a draft at the second, and gives whether it
                did; may leave the draft where it fails.

        Raises:
            UserError: the disk is full or fails.
        """
        if self._sealer:
            self._sealer.join()
        files = (*numbered(self.folder, "part", "parquet"), *numbered(self.folder, "sealing", "jsonl"))
        number = max(files, default=0) + 1
        part, draft = (self.folder / f"{name}-{number:06}.parquet" for name in ("part", "draft"))
        try:
            if write(part, draft):
                parts = self._parts.plus(part)
                with self._lock:
                    self._parts = parts
        except OSError as error:
            raise UserError(f"{part}: cannot be written ({error}); nothing of it was kept") from error
        finally:
            draft.unlink(missing_ok=True)

    def purge(self, keys: Collection[str]) -> int:
        """Take what was said out of the entries of these keys; nothing may be appended meanwhile.

        Who made the calls, when they were asked again and what they cost stays.

        Returns:
            How many entries those were.

        Raises:
            UserError: a part cannot be read, or the disk is full; the same call goes on.
        """
        if self._sealer:
            self._sealer.join()
        packed = pa.array([bytes.fromhex(key) for key in sorted(keys)], pa.binary(16))
        with self._lock:
            self.sync()
            try:
                parts = numbered(self.folder, "part", "parquet").values()
                hits = sum(purge_part(part, packed) for part in parts)
                lines = (*self._sealing, self._live)
                hits += sum(purge_lines(each.path, packed) for each in lines)
            except OSError as error:
                raise UserError(f"{self.folder}: cannot be written ({error.strerror or error})") from error
            for each in lines:
                each.close()
            self._parts, self._sealing = Parts(), []
            self._recover()
        return hits

    def sync(self) -> None:
        """Make every entry so far survive a crash of the machine; :meth:`append` goes on meanwhile.

        Raises:
            UserError: the disk fails.
        """
        with self._lock:
            files, folder_dirty = [*self._sealing, self._live], self._folder_dirty
            self._folder_dirty = False
        for lines in files:
            lines.sync()
        if folder_dirty:
            try:
                sync_folder(self.folder)
            except OSError as error:
                raise UserError(f"{self.folder}: cannot be brought to disk ({error.strerror})") from error

    def close(self) -> None:
        """Wait for a part in the making (about a second), sync, and let another process have the folder."""
        if self._lock_file < 0:
            return
        if self._sealer:
            self._sealer.join()
        try:
            self.sync()
        finally:
            for lines in (*self._sealing, self._live):
                lines.close()
            os.close(self._lock_file)
            self._lock_file = -1

    def __enter__(self) -> Self:
        """The journal itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        self.close()
