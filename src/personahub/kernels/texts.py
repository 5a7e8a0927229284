"""Texts as they come: strings, or an Arrow array of them."""

from collections.abc import Iterator, Sequence
from typing import TypeAlias

import pyarrow as pa

from personahub.errors import UserError

__all__ = ["Texts", "batches", "check_kind", "encoded", "strings"]

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
