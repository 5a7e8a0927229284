"""One Lance table of a hub: records of one type, each id once."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from personahub.errors import UserError
from personahub.records import SCHEMAS, Table, to_arrow

__all__ = ["HubTable"]

_GATHERED_BYTES = 32 * 2**20
# Reading 0.8 GB of texts so took 227 MB of memory in all, with Lance's own settings 540 MB and no less time.
_WHOLE_TABLE = {
    "batch_size": 1024,
    "batch_readahead": 2,
    "fragment_readahead": 1,
    "io_buffer_size": 16 * 2**20,
}


class HubTable:
    """Records of one type in a Lance table, which is made when the first of them comes.

    Args:
        path: the table's folder.
        kind: the record type.
    """

    def __init__(self, path: Path, kind: type[Table]) -> None:
        """Nothing is opened until it is needed."""
        self.path = path
        self.kind = kind

    @property
    def schema(self) -> pa.Schema:
        """The Arrow schema: the id, then the record's fields."""
        return SCHEMAS[self.kind]

    def _open(self) -> Any | None:
        import lance

        if not self.path.is_dir():
            return None
        try:
            return lance.dataset(str(self.path))
        except ValueError as error:
            # A first write that was cut off leaves its files, and no version that names them.
            if "was not found" in str(error):
                return None
            raise

    def add(self, records: Sequence[Table]) -> int:
        """Add the records whose id is not there yet, in one commit; says how many those were.

        Where all are there, no new version of the table is made. Only the process that writes the hub may
        call this: two at once could add a record twice.

        Raises:
            UserError: the disk is full; what was there stays whole.
        """
        distinct = {record.id: record for record in records}
        there = self._there(list(distinct))
        new = [record for id_, record in distinct.items() if id_ not in there]
        if new:
            self._write(to_arrow(new))
        return len(new)

    def add_rows(self, batches: Iterable[pa.RecordBatch]) -> int:
        """Add the rows of another table of this type whose id is not there yet; says how many those were.

        About 32 MB are held at a time and added in one commit.

        Args:
            batches: rows of this table's schema, each id once.

        Raises:
            UserError: the disk is full; what was there stays whole.
        """
        added = 0
        for rows in _gathered(batches):
            is_new = pc.invert(pc.is_in(rows["id"], value_set=self._known_of(rows["id"])))
            new = rows.filter(is_new)
            if new.num_rows:
                self._write(new)
                added += new.num_rows
        return added

    def _known_of(self, ids: pa.ChunkedArray) -> pa.ChunkedArray:
        """Those of the ids that are there; reads all ids of the table once."""
        asked = ids.combine_chunks()
        known = [
            chunk
            for there in _gathered(self.read(["id"]))
            for chunk in there["id"].filter(pc.is_in(there["id"], value_set=asked)).chunks
        ]
        return pa.chunked_array(known, pa.string())

    def _write(self, rows: pa.Table) -> None:
        import lance

        try:
            mode = "create" if self._open() is None else "append"
            lance.write_dataset(rows, str(self.path), schema=self.schema, mode=mode)
        except OSError as error:
            reason = "the disk is full" if "No space left" in str(error) else error
            raise UserError(
                f"{self.path}: cannot be written ({reason}); nothing that was answered is lost:"
                " free some space, then run the same command again"
            ) from error

    def count(self, where: str | None = None) -> int:
        """How many records there are (that meet the SQL condition)."""
        table = self._open()
        return 0 if table is None else int(table.count_rows(where))

    def read(
        self, columns: Sequence[str] | None = None, where: str | None = None
    ) -> Iterator[pa.RecordBatch]:
        """The records (that meet the SQL condition) in batches; only these columns where given."""
        if (table := self._open()) is not None:
            settings = {"filter": where} if where else _WHOLE_TABLE
            yield from table.to_batches(columns=list(columns) if columns else None, **settings)

    def rows(self, where: str | None = None) -> Iterator[dict[str, Any]]:
        """The records (that meet the SQL condition), each a dict of its columns."""
        for batch in self.read(where=where):
            yield from batch.to_pylist()

    def get(self, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """The records with these ids, by id; ids that are not there are left out."""
        return {row["id"]: row for where in _id_filters(ids) for row in self.rows(where)}

    def _there(self, ids: Sequence[str]) -> set[str]:
        return {
            id_
            for where in _id_filters(ids)
            for batch in self.read(["id"], where)
            for id_ in batch["id"].to_pylist()
        }

    def find(self, prefix: str) -> list[dict[str, Any]]:
        """The records whose id begins with this."""
        return list(self.rows(f"starts_with(id, '{_quoted(prefix)}')"))


def _gathered(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """The batches joined to tables of about 32 MB."""
    waiting: list[pa.RecordBatch] = []
    size = 0
    for batch in batches:
        waiting.append(batch)
        size += batch.nbytes
        if size >= _GATHERED_BYTES:
            yield pa.Table.from_batches(waiting)
            waiting, size = [], 0
    if waiting:
        yield pa.Table.from_batches(waiting)


def _id_filters(ids: Sequence[str]) -> Iterator[str]:
    for start in range(0, len(ids), 1000):
        listed = ", ".join(f"'{_quoted(id_)}'" for id_ in ids[start : start + 1000])
        yield f"id IN ({listed})"


def _quoted(text: str) -> str:
    return text.replace("'", "''")
