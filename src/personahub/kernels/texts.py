"""Texts as they come: strings, or an Arrow array of them."""

from collections.abc import Iterator, Sequence
from typing import TypeAlias

import pyarrow as pa

from personahub.errors import UserError

__all__ = ["Texts", "batches", "strings"]

Texts: TypeAlias = pa.Array | pa.ChunkedArray | Sequence[str | None]
"""Of the Arrow types string, large_string, string_view, or a dictionary of these; or Python's strings."""
_BATCH = 4096
_CHARACTERS = 2**21


def strings(texts: Texts) -> Iterator[str | None]:
    """The texts one by one; Arrow's are made into Python's in small batches.

    Raises:
        UserError: they are of another type.
    """
    if not isinstance(texts, pa.Array | pa.ChunkedArray):
        if isinstance(texts, str):
            raise UserError("One string was given for texts: give a list of strings or an Arrow array.")
        yield from texts
        return
    kind = texts.type.value_type if pa.types.is_dictionary(texts.type) else texts.type
    if str(kind) not in ("string", "large_string", "string_view", "null"):
        raise UserError(f"The texts are an Arrow array of {texts.type}: give one of strings.")
    for start in range(0, len(texts), _BATCH):
        yield from texts.slice(start, _BATCH).to_pylist()


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
