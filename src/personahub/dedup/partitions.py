"""Pairs of 64-bit numbers that are read back key by key: in memory, or in files where they are too many."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from threading import Lock
from typing import IO, Self

import numpy as np
from numpy.typing import NDArray

from personahub.compiled import compiled
from personahub.errors import UserError

__all__ = ["PARTITIONS", "Partitions"]

PARTITIONS = 32
"""As many as there are of the first bits of a key that tell its partition."""
_SHIFT = np.uint64(59)
_Numbers = NDArray[np.uint64]


class Partitions:
    """Keys and what belongs to them, in 32 partitions by the first bits of the keys.

    A context manager. Its files have no names, so that they go with the process, however it ends.

    Args:
        memory: bytes that may be held; what is more goes to files.
        folder: where these lie; None for the system's temporary folder.
    """

    def __init__(self, memory: int, folder: Path | None = None) -> None:
        """Nothing is held, and no file made."""
        self._memory = memory
        self._folder = folder
        self._files: list[IO[bytes]] = []
        self._held: list[list[_Numbers]] = [[] for _ in range(PARTITIONS)]
        self._bytes = 0
        self._lock = Lock()

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Forget all."""
        self._held.clear()
        for file in self._files:
            file.close()

    def add(self, pairs: _Numbers) -> None:
        """Add pairs; several threads may.

        Args:
            pairs: shape (n, 2): the keys, and what belongs to them.

        Raises:
            UserError: the disk is full.
        """
        sorted_, ends = _scatter(pairs)
        with self._lock:
            self._bytes += sorted_.nbytes
            for part in range(PARTITIONS):
                if ends[part + 1] > ends[part]:
                    self._held[part].append(sorted_[ends[part] : ends[part + 1]])
            if self._bytes > self._memory:
                self._spill()

    def _spill(self) -> None:
        try:
            if not self._files:
                for _ in range(PARTITIONS):
                    self._files.append(tempfile.TemporaryFile(dir=self._folder))  # noqa: SIM115 - read later
            for file, arrays in zip(self._files, self._held, strict=True):
                for array in arrays:
                    array.tofile(file)
                arrays.clear()
        except OSError as error:
            raise UserError(
                f"{self._folder or tempfile.gettempdir()}: what is compared cannot be written"
                f" ({error.strerror or error}); free some space there, or allow more memory"
            ) from error
        self._bytes = 0

    def read(self) -> Iterator[tuple[_Numbers, _Numbers]]:
        """The keys and what belongs to them, a partition at a time, which is forgotten; sorted by key.

        All 32 are given, of which some may be empty. Equal keys are in one of them.
        """
        for part in range(PARTITIONS):
            arrays = self._held[part]
            if self._files:
                self._files[part].seek(0)
                arrays = [np.fromfile(self._files[part], np.uint64).reshape(-1, 2), *arrays]
                self._files[part].close()
            self._held[part] = []
            pairs = np.concatenate([*arrays, np.empty((0, 2), np.uint64)])
            del arrays
            order = np.argsort(pairs[:, 0])
            yield pairs[order, 0], pairs[order, 1]


@compiled
def _scatter(pairs: _Numbers) -> tuple[_Numbers, NDArray[np.int64]]:
    """The pairs partition by partition, and where each begins."""
    ends = np.zeros(PARTITIONS + 1, np.int64)
    for at in range(len(pairs)):
        ends[np.int64(pairs[at, 0] >> _SHIFT) + 1] += 1
    for part in range(PARTITIONS):
        ends[part + 1] += ends[part]
    free = ends[:-1].copy()
    out = np.empty_like(pairs)
    for at in range(len(pairs)):
        place = free[np.int64(pairs[at, 0] >> _SHIFT)]
        free[np.int64(pairs[at, 0] >> _SHIFT)] += 1
        out[place, 0] = pairs[at, 0]
        out[place, 1] = pairs[at, 1]
    return out, ends
