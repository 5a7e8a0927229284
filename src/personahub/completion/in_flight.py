"""The calls that are in flight, kept where a killed process leaves them, since they may have been billed.

A file beside the journal has a row for each slot: what its call can come to at most. It is mapped into
memory, so that a call costs no write, and the system keeps what a killed process had stored there.
"""

import mmap
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from personahub.completion.budget import Most
from personahub.completion.journal import Entry, EntryKind, Journal
from personahub.errors import UserError

__all__ = ["InFlight", "journal_killed"]

_ROW = struct.Struct("<qd")
"""Tokens, and US dollars; all zeros for no call."""
_FREE = bytes(_ROW.size)


class InFlight:
    """The calls of one run, by slot.

    Args:
        journal: of the run.
        run: its number.
        slots: how many calls there may be at a time.

    Raises:
        UserError: the disk is full.
    """

    def __init__(self, journal: Journal, run: int, slots: int) -> None:
        """Make the file; :func:`journal_killed` has taken what an earlier process left in it."""
        self._path = _path(journal, run)
        try:
            file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
            try:
                # Without room of its own a mapped file ends the process when the disk is full.
                os.posix_fallocate(file, 0, slots * _ROW.size)
                self._rows = mmap.mmap(file, slots * _ROW.size)
            finally:
                os.close(file)
        except OSError as error:
            raise UserError(
                f"{self._path}: cannot be written ({error.strerror}); free some space first"
            ) from error

    def sent(self, slot: int, most: Most) -> None:
        """The slot's call is on its way."""
        _ROW.pack_into(self._rows, slot * _ROW.size, max(most.tokens, 1), most.cost)

    def settled(self, slot: int) -> None:
        """The journal holds what the slot's call came to, or it cost nothing."""
        self._rows[slot * _ROW.size : (slot + 1) * _ROW.size] = _FREE

    def __enter__(self) -> Self:
        """Ready for calls."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let the file go; it stays where calls were given up whose replies nobody has read."""
        if not any(self._rows[:]):
            self._path.unlink(missing_ok=True)
        self._rows.close()


def journal_killed(journal: Journal, run: int, model: str) -> None:
    """Count the calls that were in flight when the run's last process ended, each at its most.

    Raises:
        UserError: the disk is full.
    """
    path = _path(journal, run)
    for most in _left(path):
        journal.append(
            Entry(
                key="0" * 32,
                kind=EntryKind.WASTED,
                run=run,
                model=model,
                reason="killed",
                detail="in flight when the process ended; it may have been billed",
                most_tokens=most.tokens,
                most_cost=most.cost,
            )
        )
    journal.sync()
    path.unlink(missing_ok=True)


def _left(path: Path) -> Iterator[Most]:
    try:
        rows = path.read_bytes()
    except FileNotFoundError:
        return
    for tokens, cost in _ROW.iter_unpack(rows[: len(rows) // _ROW.size * _ROW.size]):
        if tokens:
            yield Most(tokens, cost)


def _path(journal: Journal, run: int) -> Path:
    return journal.folder / f"in-flight-{run}"
