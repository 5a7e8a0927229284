"""Texts as they come: strings, or an Arrow array of them."""

from collections.abc import Iterator, Sequence
from typing import Protocol, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from personahub.errors import UserError

__all__ = ["HeldTexts", "TextSource", "Texts", "batches", "check_kind", "encoded", "strings"]

Texts: TypeAlias = pa.Array | pa.ChunkedArray | Sequence[str | None]
"""Of the Arrow types string, large_string, string_view, or a dictionary of these; or Python's strings."""
_BATCH = 4096
_CHARACTERS = 2**21
_ROWS = 2**16


class TextSource(Protocol):
    """Texts that are gone through several times, and read again by their rows; they need not be held."""

    def __len__(self) -> int:
        """How many there are."""
        ...

    def read(self) -> Iterator[pa.Array]:
        """All in their order, as arrays of large strings without nulls of at most some 65,000 rows."""
        ...

    def take(self, rows: NDArray[np.int64]) -> pa.Array:
        """Those of these rows, which ascend, as such an array."""
        ...


class HeldTexts:
    """A :class:`TextSource` of texts in memory.

    Args:
        texts: any, see :data:`Texts`.

    Raises:
        UserError: they are of another type.
    """

    def __init__(self, texts: Texts) -> None:
        """Python's strings are copied, Arrow's are not."""
        self._chunks = list(encoded(texts))
        self._ends = np.cumsum([len(chunk) for chunk in self._chunks], dtype=np.int64)

    def __len__(self) -> int:
        """How many there are."""
        return int(self._ends[-1]) if len(self._ends) else 0

    def read(self) -> Iterator[pa.Array]:
        """All in their order."""
        for chunk in self._chunks:
            for start in range(0, len(chunk), _ROWS):
                yield chunk.slice(start, _ROWS)

    def take(self, rows: NDArray[np.int64]) -> pa.Array:
        """Those of these rows, which ascend."""
        parts = []
        bounds = np.searchsorted(rows, np.concatenate([[0], self._ends]))
        for chunk, begin, end, first in zip(
            self._chunks, bounds[:-1], bounds[1:], self._ends - list(map(len, self._chunks)), strict=True
        ):
            if end > begin:
                parts.append(chunk.take(pa.array(rows[begin:end] - first)))
        return pa.concat_arrays(parts) if parts else pa.array([], pa.large_string())


def strings(texts: Texts) -> Iterator[str | None]:
    """The texts one by one; Arrow's are made into Python's in small batches.

    Raises:
        UserError: they are of another type.
    """
    if not isinstance(texts, pa.Array | pa.ChunkedArray):
        if isinstance(texts, str):
            raise UserError("One string was given for texts: give a list of strings or an Arrow array.")
        for row, text in enumerate(texts):
            if not isinstance(text, str | None):
                raise UserError(f"Row {row} of the texts is of type {type(text).__name__}: give strings.")
            yield text
        return
    check_kind(texts.type)
    for start in range(0, len(texts), _BATCH):
        yield from texts.slice(start, _BATCH).to_pylist()


def check_kind(kind: pa.DataType) -> None:
    """See that an array of this type holds texts.

    Raises:
        UserError: it does not.
    """
    value = kind.value_type if pa.types.is_dictionary(kind) else kind
    if str(value) not in ("string", "large_string", "string_view", "null"):
        raise UserError(f"The texts are an Arrow array of {kind}: give one of strings.")


def batches(texts: Texts) -> Iterator[list[str | None]]:
    """The texts in lists of up to 4,096, fewer where they are long, so that little is held at a time.

    Raises:
        UserError: they are of another type.
    """
    batch: list[str | None] = []
    characters = 0
    for text in strings(texts):
        batch.append(text)
        characters += len(text or "")
        if len(batch) == _BATCH or characters >= _CHARACTERS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch


def encoded(texts: Texts) -> Iterator[pa.Array]:
    """The texts as Arrow arrays of large strings, a null as an empty one; Python's in small batches.

    Raises:
        UserError: they are of another type.
    """
    if not isinstance(texts, pa.Array | pa.ChunkedArray):
        for batch in batches(texts):
            yield pa.array([_encodable(text or "") for text in batch], pa.large_string())
        return
    check_kind(texts.type)
    for chunk in texts.chunks if isinstance(texts, pa.ChunkedArray) else [texts]:
        yield chunk.cast(pa.large_string()).fill_null("")


def _encodable(text: str) -> str:
    """The text, halves of surrogate pairs replaced, which have no UTF-8."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text
