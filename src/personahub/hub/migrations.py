"""Hubs of older formats brought up to date, a format at a time.

A migration does its work in one commit of Lance and finds out by the table whether it is done, and the mark
is written after it: one that was killed is done again, or found done.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from personahub.config import canonical_json
from personahub.errors import UserError
from personahub.hub import locks
from personahub.hub.compaction import remove_old_versions
from personahub.hub.datasets import open_table, reason_of
from personahub.hub.marks import FORMAT, MARK, OLDEST, check_format, read_mark, write_mark
from personahub.hub.shards import SHARDS
from personahub.hub.tables import WHOLE_TABLE
from personahub.records import SCHEMAS, Persona, Record, Table

__all__ = ["MIGRATIONS", "find_hubs", "migrate_hub"]

_ROWS, _BYTES = 200_000, 64 * 2**20
"""What is joined at a time; the documents are gone through once for each so much."""


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
"""The columns that tell a row's origin, and what they are where nothing tells it."""
_Change = Callable[[pa.Table], pa.Table]


def _add_origins(folder: Path) -> None:
    """From format 2 to 3: each persona has its document's file, row, date and licence."""
    _rewrite(folder / "personas.lance", Persona, lambda rows: _joined(rows, folder))


def _joined(personas: pa.Table, folder: Path) -> pa.Table:
    return _with_origins(personas, [("document_id", folder / "documents.lance")])


def _add_data_sets(folder: Path) -> None:
    """From format 3 to 4: each record has its data set, its origin, and its options among its inputs.

    A record's data set is its task. Ids stay as they are, though today's name the data set as well.
    """
    _rewrite(folder / "records.lance", Record, lambda rows: _in_data_sets(rows, folder))


def _in_data_sets(records: pa.Table, folder: Path) -> pa.Table:
    # Of an imported persona the document is not there, but the persona tells the same.
    roots = [("document_id", folder / "documents.lance"), ("persona_id", folder / "personas.lance")]
    parted = [_parted(fields) for fields in records["fields"].to_pylist()]
    place = records.schema.get_field_index("fields")
    changed = records.set_column(place, "fields", pa.array([fields for fields, _ in parted], pa.string()))
    added = changed.append_column("dataset", records["task"])
    return _with_origins(added.append_column("inputs", pa.array([inputs for _, inputs in parted])), roots)


def _parted(fields: str) -> tuple[str, str]:
    """A record's fields without the options that stood among them, and its inputs, which are these."""
    values = json.loads(fields)
    inputs = {"options": values.pop("options")} if "options" in values else {}
    return json.dumps(values, ensure_ascii=False), canonical_json(inputs)


def _rewrite(path: Path, kind: type[Table], change: _Change) -> None:
    """Give a table today's columns, where it has not got them."""
    import lance

    table, schema = open_table(path), SCHEMAS[kind]
    if table is None:
        return
    if not table.schema.equals(schema):
        # In one commit, and not as columns added to the files there are, since those would come last.
        batches = pa.RecordBatchReader.from_batches(schema, _changed(table, change, schema))
        lance.write_dataset(batches, str(path), schema=schema, mode="overwrite")
    remove_old_versions(table)


def _changed(table: Any, change: _Change, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    waiting: list[pa.RecordBatch] = []
    rows = size = 0

    def changed() -> Iterator[pa.RecordBatch]:
        whole = change(pa.Table.from_batches(waiting))
        yield from whole.select(schema.names).cast(schema).to_batches(max_chunksize=8192)

    for batch in table.scanner(**WHOLE_TABLE).to_batches():
        waiting.append(batch)
        rows, size = rows + batch.num_rows, size + batch.nbytes
        if rows >= _ROWS or size >= _BYTES:
            yield from changed()
            waiting, rows, size = [], 0, 0
    if waiting:
        yield from changed()


def _with_origins(rows: pa.Table, roots: Sequence[tuple[str, Path]]) -> pa.Table:
    """The rows with their origins: each from the first of these tables that has it, under the column's id."""
    found = [(pc.fill_null(rows[column], ""), path) for column, path in roots]
    joined = [(ids, _origins(path, pc.unique(ids))) for ids, path in found]
    for name, default in _ORIGIN.items():
        told = [
            origins[name]
            .combine_chunks()
            .take(pc.index_in(ids, value_set=origins["id"].combine_chunks()).combine_chunks())
            for ids, origins in joined
        ]
        rows = rows.append_column(name, pc.coalesce(*told, pa.scalar(default, told[0].type)))
    return rows


def _origins(path: Path, wanted: pa.Array) -> pa.Table:
    """The origins of those of these documents, or personas, that are there."""
    kinds = [pa.field("id", pa.string()), *(SCHEMAS[Persona].field(name) for name in _ORIGIN)]
    schema = pa.schema([field.with_nullable(True) for field in kinds])
    if (table := open_table(path)) is None:
        return schema.empty_table()
    batches = table.scanner(columns=schema.names, **WHOLE_TABLE).to_batches()
    chosen = (batch.filter(pc.is_in(batch["id"], value_set=wanted)) for batch in batches)
    return pa.Table.from_batches((batch.cast(schema) for batch in chosen), schema)


MIGRATIONS: Mapping[int, Callable[[Path], None]] = {2: _add_origins, 3: _add_data_sets}
"""What leads from each format to the next."""
