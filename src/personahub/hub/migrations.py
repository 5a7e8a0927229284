"""Hubs of older formats brought up to date, a format at a time.

A migration does its work in one commit of Lance and finds out by the table whether it is done, and the mark
is written after it: one that was killed is done again, or found done.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from personahub.errors import UserError
from personahub.hub import locks
from personahub.hub.compaction import remove_old_versions
from personahub.hub.datasets import open_table, reason_of
from personahub.hub.marks import FORMAT, MARK, OLDEST, check_format, read_mark, write_mark
from personahub.hub.shards import SHARDS
from personahub.hub.tables import WHOLE_TABLE
from personahub.records import SCHEMAS, Persona

__all__ = ["MIGRATIONS", "find_hubs", "migrate_hub"]

_ROWS = 200_000
"""Of the personas joined at a time; the documents are gone through once for each so many."""


def find_hubs(folder: Path) -> list[Path]:
    """The hub in this folder, if it is one, and those of its shards."""
    shards = sorted(path.parent for path in (folder / SHARDS).glob(f"*/{MARK}"))
    return [folder, *shards] if (folder / MARK).is_file() else shards


def migrate_hub(folder: Path) -> int:
    """Bring one hub up to the format of this software; gives the format it had.

    Raises:
        UserError: another process writes it, its format is newer or too old, or the disk is full.
    """
    with locks.writing(folder):
        marked = read_mark(folder)
        format_: int = marked["format"]
        if not OLDEST <= format_ <= FORMAT:
            check_format(folder, format_)
        for step in range(format_, FORMAT):
            try:
                MIGRATIONS[step](folder)
                write_mark(folder, {**marked, "format": step + 1})
            except OSError as error:
                raise UserError(
                    f"{folder}: cannot be written ({reason_of(error)}); nothing is lost: free some space,"
                    f" then personahub hub migrate {folder} again"
                ) from error
    return format_


_ORIGIN = {"source": "", "row": 0, "date": "", "licence": "unknown"}
"""The columns that personas got of their documents, and what they are where the document is not there."""


def _add_origins(folder: Path) -> None:
    """From format 2 to 3: each persona has its document's file, row, date and licence."""
    import lance

    personas, documents = folder / "personas.lance", folder / "documents.lance"
    table, schema = open_table(personas), SCHEMAS[Persona]
    if table is None:
        return
    if not table.schema.equals(schema):
        # In one commit, and not as columns added to the files there are, since those would come last.
        batches = pa.RecordBatchReader.from_batches(schema, _with_origins(table, documents, schema))
        lance.write_dataset(batches, str(personas), schema=schema, mode="overwrite")
    remove_old_versions(table)


def _with_origins(table: Any, documents: Path, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    waiting: list[pa.RecordBatch] = []
    count = 0
    for batch in table.scanner(**WHOLE_TABLE).to_batches():
        waiting.append(batch)
        count += batch.num_rows
        if count >= _ROWS:
            yield from _joined(pa.Table.from_batches(waiting), documents, schema)
            waiting, count = [], 0
    if waiting:
        yield from _joined(pa.Table.from_batches(waiting), documents, schema)


def _joined(personas: pa.Table, documents: Path, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    wanted = pc.unique(personas["document_id"])
    found = _origins(documents, wanted)
    places = pc.index_in(personas["document_id"], value_set=found["id"].combine_chunks())
    columns = {name: personas[name] for name in personas.column_names}
    for name, default in _ORIGIN.items():
        columns[name] = pc.fill_null(found[name].combine_chunks().take(places.combine_chunks()), default)
    yield from pa.table([columns[name] for name in schema.names], schema).to_batches(max_chunksize=8192)


def _origins(documents: Path, wanted: pa.Array) -> pa.Table:
    """The origins of those of these documents that are there."""
    kinds = [pa.field("id", pa.string()), *(SCHEMAS[Persona].field(name) for name in _ORIGIN)]
    schema = pa.schema([field.with_nullable(True) for field in kinds])
    if (table := open_table(documents)) is None:
        return schema.empty_table()
    batches = table.scanner(columns=schema.names, **WHOLE_TABLE).to_batches()
    chosen = (batch.filter(pc.is_in(batch["id"], value_set=wanted)) for batch in batches)
    return pa.Table.from_batches((batch.cast(schema) for batch in chosen), schema)


MIGRATIONS: Mapping[int, Callable[[Path], None]] = {2: _add_origins}
"""What leads from each format to the next."""
