"""Parquet: a text in a column, the others beside it, a batch of rows at a time."""

from collections.abc import Iterator
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from personahub.corpus.formats.fields import TEXT_FIELDS, metadata_of
from personahub.corpus.texts import MAX_TEXT_BYTES, Text, Unread, clean

__all__ = ["read_parquet"]

_BATCH_ROWS = 256


def read_parquet(file: BinaryIO, text_field: str | None) -> Iterator[Text | Unread]:
    """The texts of a Parquet file; a row group that is broken costs its rows, and is told.

    Args:
        file: the file, which can be sought in.
        text_field: the column that holds the text; None looks for the usual ones.
    """
    try:
        table = pq.ParquetFile(file, page_checksum_verification=True, pre_buffer=False)
        schema = table.schema_arrow
    except (pa.ArrowException, OSError, ValueError) as error:
        yield Unread(1, 0, "broken_archive", _first_line(error))
        return
    names = (text_field,) if text_field else TEXT_FIELDS
    columns = {field.name: field.type for field in schema}
    name = next((name for name in names if name in columns and _is_text(columns[name])), None)
    if name is None:
        wanted = " or ".join(names)
        yield Unread(1, 0, "no_text_field", f"no text in {wanted}; the columns there: {', '.join(columns)}")
        return
    row = 0
    for group in range(table.num_row_groups):
        first, rows = row, table.metadata.row_group(group).num_rows
        try:
            # Beside the text only what is small: embeddings and images would fill the memory.
            few = [field.name for field in schema if field.name == name or not pa.types.is_binary(field.type)]
            for batch in table.iter_batches(_BATCH_ROWS, [group], few, use_threads=False):
                for fields in _rows(batch):
                    row += 1
                    yield _text(row, fields.pop(name), fields)
        except (pa.ArrowException, OSError, ValueError) as error:
            yield Unread(row + 1, row + 1, "broken_archive", f"row group {group}: {_first_line(error)}")
        row = first + rows


def _rows(batch: pa.RecordBatch) -> list[dict[str, Any]]:
    """The rows; without their times where Python has none for one of them, as of the year 20000."""
    schema = pa.schema(
        field.with_type(pa.timestamp("us", field.type.tz)) if _is_to_the_nanosecond(field.type) else field
        for field in batch.schema
    )
    try:
        usual = batch if schema == batch.schema else batch.cast(schema, safe=False)
        return usual.to_pylist()  # type: ignore[no-any-return]
    except (ValueError, OverflowError, LookupError):
        simple = [field.name for field in schema if not _may_hold_times(field.type)]
        return batch.select(simple).to_pylist()  # type: ignore[no-any-return]


def _is_to_the_nanosecond(kind: pa.DataType) -> bool:
    return bool(pa.types.is_timestamp(kind) and kind.unit == "ns")


def _may_hold_times(kind: pa.DataType) -> bool:
    return bool(pa.types.is_temporal(kind) or pa.types.is_nested(kind))


def _text(row: int, text: object, fields: dict[str, object]) -> Text | Unread:
    if not isinstance(text, str):
        return Unread(row, row, "no_text_field", "the row's text is null")
    if len(text) > MAX_TEXT_BYTES:
        return Unread(row, row, "too_long", f"a text of {len(text):,} characters")
    return Text(row, row, clean(text), metadata_of(fields, {}))


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:200]
