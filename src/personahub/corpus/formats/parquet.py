"""Parquet: a text in a column, the others beside it, a batch of rows at a time."""

from collections.abc import Collection, Iterator
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from personahub.corpus.formats.fields import TEXT_FIELDS, metadata_of
from personahub.corpus.texts import MAX_TEXT_BYTES, Text, Unread, clean

__all__ = ["read_parquet", "read_parquet_rows"]

_BATCH_ROWS = 256

Row = tuple[int, dict[str, Any]]
"""A row's number, from 1, and its columns."""


def read_parquet(file: BinaryIO, text_field: str | None) -> Iterator[Text | Unread]:
    """The texts of a Parquet file; a row group that is broken costs its rows, and is told.

    Args:
        file: the file, which can be sought in.
        text_field: the column that holds the text; None looks for the usual ones.
    """
    try:
        table = pq.ParquetFile(file, page_checksum_verification=True, pre_buffer=False, buffer_size=2**20)
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
    # Beside the text only what is small: embeddings and images would fill the memory.
    few = [field.name for field in schema if field.name == name or not pa.types.is_binary(field.type)]
    for item in _rows_of(table, few):
        yield item if isinstance(item, Unread) else _text(item[0], item[1].pop(name), item[1])


def read_parquet_rows(file: BinaryIO, columns: Collection[str] | None) -> Iterator[Row | Unread]:
    """The rows of a Parquet file, with these columns, or all but binary ones; broken row groups as told.

    Args:
        file: the file, which can be sought in.
        columns: those that are read; ones that are not there are left out.
    """
    try:
        table = pq.ParquetFile(file, page_checksum_verification=True, pre_buffer=False, buffer_size=2**20)
        schema = table.schema_arrow
    except (pa.ArrowException, OSError, ValueError) as error:
        yield Unread(1, 0, "broken_archive", _first_line(error))
        return
    wanted = schema.names if columns is None else columns
    yield from _rows_of(
        table, [f.name for f in schema if f.name in wanted and not pa.types.is_binary(f.type)]
    )


def _rows_of(table: pq.ParquetFile, columns: list[str]) -> Iterator[Row | Unread]:
    row = 0
    for group in range(table.num_row_groups):
        first, rows = row, table.metadata.row_group(group).num_rows
        try:
            for batch in table.iter_batches(_BATCH_ROWS, [group], columns, use_threads=False):
                for fields in _without_dates(batch).to_pylist():
                    row += 1
                    yield row, fields
        except (pa.ArrowException, OSError, ValueError, OverflowError, LookupError) as error:
            yield Unread(row + 1, row + 1, "broken_archive", f"row group {group}: {_first_line(error)}")
        row = first + rows


def _without_dates(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Dates and times as text: Python's have no nanoseconds, end with the year 9999, must know the zone."""
    for place, field in enumerate(batch.schema):
        if pa.types.is_temporal(field.type):
            try:
                told = batch.column(place).cast(pa.string())
            except pa.ArrowException:
                told = pa.nulls(len(batch), pa.string())
            batch = batch.set_column(place, field.name, told)
    return batch


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
