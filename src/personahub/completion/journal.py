"""The file that makes a completion durable.

Append-only JSONL, one line and one write a reply. A line in the file survives a crash of this process at
once and a crash of the machine after the next sync (the engine syncs each second). A table append instead
costs about ten times as much a reply. A crash can only tear the last line; opening cuts it off.
"""

import errno
import fcntl
import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Self

from personahub.errors import UserError
from personahub.models import Reply

__all__ = ["Journal"]


class Journal:
    """Replies by their request's key, in a file; one process writes it at a time.

    Args:
        path: the file; it and its folder are made where they are not there.

    Raises:
        UserError: another process has it open, or no file can be there.
    """

    def __init__(self, path: Path) -> None:
        """Open the file, lock it, cut a torn tail and index what it holds."""
        self.path = path
        self.cut_bytes = 0
        """Length of the torn tail that was cut when the file was opened."""
        self.unreadable = 0
        """Lines that are no replies (a damaged disk); their requests will be asked again."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise UserError(f"{path}: the journal cannot be opened ({error.strerror})") from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._file)
            raise UserError(
                f"{path}: another personahub process is using this journal; wait until it ends"
            ) from error
        self._end = 0
        self._dirty = False
        self._offsets: dict[bytes, tuple[int, int]] = {}
        self._index()

    def _index(self) -> None:
        with os.fdopen(os.dup(self._file), "rb") as lines:
            lines.seek(0)
            for line in lines:
                if not line.endswith(b"\n"):
                    self.cut_bytes = len(line)
                    break
                try:
                    entry = json.loads(line)
                    key = bytes.fromhex(entry["key"])
                    Reply(**entry["reply"])
                except (ValueError, TypeError, KeyError, RecursionError):
                    self.unreadable += 1
                else:
                    self._offsets[key] = (self._end, len(line))
                self._end += len(line)
        if self.cut_bytes:
            os.ftruncate(self._file, self._end)

    def __len__(self) -> int:
        """How many replies it holds."""
        return len(self._offsets)

    def get(self, key: str) -> Reply | None:
        """The reply to the request with this key, or None where it was never answered."""
        place = self._offsets.get(bytes.fromhex(key))
        if place is None:
            return None
        offset, length = place
        return Reply(**json.loads(os.pread(self._file, length, offset))["reply"])

    def append(self, key: str, model: str, reply: Reply) -> None:
        """Write one reply; when this returns, a crash of this process loses it no more.

        Raises:
            UserError: the disk is full or the file cannot be written; what was there stays whole.
        """
        entry = {"key": key, "model": model, "reply": asdict(reply)}
        line = _line(entry)
        try:
            self._write(line)
        except OSError as error:
            os.ftruncate(self._file, self._end)
            raise UserError(
                f"{self.path}: cannot write the journal ({error.strerror}); all replies before this one"
                " are kept: free some space, then run the same command again"
            ) from error
        self._offsets[bytes.fromhex(key)] = (self._end, len(line))
        self._end += len(line)
        self._dirty = True

    def _write(self, line: bytes) -> None:
        if os.pwrite(self._file, line, self._end) < len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def sync(self) -> None:
        """Make every reply so far survive a crash of the machine.

        Raises:
            UserError: the disk fails.
        """
        if self._dirty:
            self._dirty = False
            try:
                os.fdatasync(self._file)
            except OSError as error:
                raise UserError(f"{self.path}: cannot be brought to disk ({error.strerror})") from error

    def close(self) -> None:
        """Sync and let another process have the file."""
        if self._file >= 0:
            try:
                self.sync()
            finally:
                os.close(self._file)
                self._file = -1

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


def _line(entry: Mapping[str, object]) -> bytes:
    try:
        return json.dumps(entry, ensure_ascii=False).encode() + b"\n"
    except UnicodeEncodeError:
        # Half a surrogate pair, which a model's escape can make, has no UTF-8 but an escape of JSON.
        return json.dumps(entry).encode() + b"\n"
