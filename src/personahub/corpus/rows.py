"""Rows of data files as they are, with all that their fields hold: JSON Lines, Parquet and CSV."""

from collections.abc import Collection, Generator, Iterator, Mapping
from typing import Any

import orjson

from personahub.corpus.compression import Damage, Piece, read_pieces
from personahub.corpus.formats.lines import object_of, read_lines
from personahub.corpus.formats.parquet import read_parquet_rows
from personahub.corpus.formats.separated import read_csv_rows
from personahub.corpus.sources import Source
from personahub.corpus.texts import Unread
from personahub.errors import UserError

__all__ = ["ROW_FORMATS", "Row", "read_rows"]

ROW_FORMATS = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".parquet": "parquet",
    ".csv": "csv",
    ".tsv": "csv",
}
"""File name endings and the formats they stand for."""

Row = tuple[int, Mapping[str, Any]]
"""A row's number in its file, from 1, and its fields."""


def read_rows(source: Source, columns: Collection[str] | None = None) -> Generator[Row | Unread]:
    """The rows of a file, in its order; what cannot be read comes as what it is.

    Args:
        source: the file, whose format is one of :data:`ROW_FORMATS`.
        columns: of a Parquet file, those that are read; None for all that are not binary. The rows of other
            files come with all their fields.

    Raises:
        UserError: the file cannot be opened.
    """
    try:
        with source.open() as file:
            if source.format == "parquet":
                yield from read_parquet_rows(file, columns)
                return
            pieces = read_pieces(file, compressed=source.is_compressed)
            yield from read_csv_rows(pieces) if source.format == "csv" else _objects(pieces)
    except OSError as error:
        raise UserError(f"{source.name}: cannot be read ({error.strerror or error})") from error


def _objects(pieces: Iterator[Piece | Damage]) -> Iterator[Row | Unread]:
    for line in read_lines(pieces):
        if isinstance(line, Unread):
            yield line
        elif line[2] and not line[2].isspace():
            try:
                fields = orjson.loads(line[2])
            except ValueError:
                fields = None
            if type(fields) is not dict:  # Rare, so that only these cost what it takes to tell why.
                fields = _not_utf8(*line) or object_of(*line)
            yield fields if isinstance(fields, Unread) else (line[0], fields)


def _not_utf8(row: int, offset: int, line: bytes) -> Unread | None:
    try:
        line.decode()
    except UnicodeDecodeError as error:
        return Unread(row, offset, "not_utf8", f"byte 0x{line[error.start]:02x} is no UTF-8")
    return None
