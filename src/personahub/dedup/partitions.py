"""Pairs of 64-bit numbers that are read back key by key: in memory, or in files where they are too many."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from threading import Lock
from typing import Self

import numpy as np
from numpy.typing import NDArray

from personahub.compiled import compiled
from personahub.errors import UserError

__all__ = ["Partitions"]

_COUNT = 64
_SHIFT = np.uint64(58)
_Numbers = NDArray[np.uint64]


class Partitions:
    """Keys and what belongs to them, in 64 partitions by the first bits of the keys.

    A context manager: its files go when it ends.

    Args:
        memory: bytes that may be held; what is more goes to files.
        folder: where a folder for these is made; None for the system's.
    """

    def __init__(self, memory: int, folder: Path | None = None) -> None:
        """Nothing is held, and no file made."""
        self._memory = memory
        self._folder = folder
        self._own: Path | None = None
        self._held: list[list[_Numbers]] = [[] for _ in range(_COUNT)]
        self._bytes = 0
        self._lock = Lock()
        self.count = 0
        """Pairs that were added."""
        self.spilled = 0
        """Bytes that lie in files."""

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Take the files away."""
        self._held.clear()
        if self._own:
            shutil.rmtree(self._own, ignore_errors=True)

    def add(self, pairs: _Numbers) -> None:
        """Add pairs; several threads may.

        Args:
            pairs: shape (n, 2): the keys, and what belongs to them.

        Raises:
            UserError: the disk is full.
        """
        sorted_, ends = _scatter(pairs)
        with self._lock:
            self.count += len(pairs)
            self._bytes += sorted_.nbytes
            for part in range(_COUNT):
                if ends[part + 1] > ends[part]:
                    self._held[part].append(sorted_[ends[part] : ends[part + 1]])
            if self._bytes > self._memory:
                self._spill()

    def _spill(self) -> None:
        try:
            self._own = self._own or Path(tempfile.mkdtemp(prefix="personahub-", dir=self._folder))
            for part, arrays in enumerate(self._held):
                with _file(self._own, part).open("ab") as file:
                    for array in arrays:
                        array.tofile(file)
                arrays.clear()
        except OSError as error:
            raise UserError(
                f"{self._own or self._folder}: what is compared cannot be written ({error.strerror}); free"
                " some space there, or allow more memory"
            ) from error
        self.spilled += self._bytes
        self._bytes = 0

    def read(self) -> Iterator[tuple[_Numbers, _Numbers]]:
        """The keys and what belongs to them, a partition at a time, which is forgotten; sorted by key.

        All 64 are given, of which some may be empty. Equal keys are in one of them.
        """
        for part in range(_COUNT):
            arrays = self._held[part]
            if self._own:
                file = _file(self._own, part)
                arrays = [np.fromfile(file, np.uint64).reshape(-1, 2), *arrays]
                file.unlink()
            self._held[part] = []
            pairs = np.concatenate([*arrays, np.empty((0, 2), np.uint64)])
            del arrays
            order = np.argsort(pairs[:, 0])
            yield pairs[order, 0], pairs[order, 1]


def _file(folder: Path, part: int) -> Path:
    return folder / f"{part}.pairs"


@compiled
def _scatter(pairs: _Numbers) -> tuple[_Numbers, NDArray[np.int64]]:
    """The pairs partition by partition, and where each begins."""
    ends = np.zeros(_COUNT + 1, np.int64)
    for at in range(len(pairs)):
        ends[np.int64(pairs[at, 0] >> _SHIFT) + 1] += 1
    for part in range(_COUNT):
        ends[part + 1] += ends[part]
    free = ends[:-1].copy()
    out = np.empty_like(pairs)
    for at in range(len(pairs)):
        place = free[np.int64(pairs[at, 0] >> _SHIFT)]
        free[np.int64(pairs[at, 0] >> _SHIFT)] += 1
        out[place, 0] = pairs[at, 0]
        out[place, 1] = pairs[at, 1]
    return out, ends
