"""Texts and vectors of a set on disk, so that a set may be larger than memory; gone with their object."""

import tempfile
from array import array
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt

__all__ = ["StoredTexts", "StoredVectors"]

_BATCH = 1000
_Ints = npt.NDArray[np.int64]


class _Temporary:
    """Something in a file without a name."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  Closed with the object.

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the disk space back."""
        self._file.close()


class StoredTexts(_Temporary):
    """Texts in their order, any of which can be read again; holds 8 bytes of each."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        """Begin with these texts."""
        super().__init__()
        self._ends = array("q", [0])
        self.extend(texts)

    def extend(self, texts: Iterable[str]) -> None:
        """Add texts at the end."""
        for text in texts:
            content = text.encode(errors="replace")
            self._file.write(content)
            self._ends.append(self._ends[-1] + len(content))

    def __len__(self) -> int:
        """How many there are."""
        return len(self._ends) - 1

    def take(self, places: Iterable[int]) -> list[str]:
        """The texts at these places; quickest in rising order."""
        taken = []
        for place in places:
            start = self._ends[place]
            self._file.seek(start)
            taken.append(self._file.read(self._ends[place + 1] - start).decode())
        return taken

    def batches(self) -> Iterator[list[str]]:
        """All texts, a thousand at a time."""
        for start in range(0, len(self), _BATCH):
            yield self.take(range(start, min(start + _BATCH, len(self))))


class StoredVectors(_Temporary):
    """Vectors as float16, 1 kB each of 512 dimensions, in a file that is mapped into memory.

    Args:
        dimensions: length of a vector.
    """

    def __init__(self, dimensions: int) -> None:
        """Nothing is there yet."""
        super().__init__()
        self.dimensions = dimensions
        self._count = 0

    def extend(self, vectors: npt.NDArray[np.float32]) -> None:
        """Add vectors, shape (n, dimensions), at the end."""
        self._file.write(vectors.astype(np.float16).tobytes())
        self._count += len(vectors)

    def __len__(self) -> int:
        """How many there are."""
        return self._count

    def array(self) -> npt.NDArray[np.float16]:
        """All of them, shape (n, dimensions), read from disk where they are looked at."""
        if not self._count:
            return np.empty((0, self.dimensions), np.float16)
        self._file.flush()
        shape = (self._count, self.dimensions)
        return np.memmap(self._file, np.float16, "r", shape=shape)
