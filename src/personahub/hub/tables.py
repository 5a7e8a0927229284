"""One Lance table of a hub: records of one type, each id once."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from personahub.errors import UserError
from personahub.records import SCHEMAS, Table, to_arrow

__all__ = ["HubTable"]


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

    def _open(self) -> Any | None:  # noqa: ANN401 - Lance has no types
        import lance

        return lance.dataset(str(self.path)) if self.path.is_dir() else None

    def add(self, records: Sequence[Table]) -> int:
        """Add the records whose id is not there yet, in one commit; says how many those were.

        Raises:
            UserError: the disk is full; what was there stays whole.
        """
        import lance

        distinct = {record.id: record for record in records}
        for known in self._ids_among(list(distinct)):
            del distinct[known]
        if not distinct:
            return 0
        rows = to_arrow(list(distinct.values()))
        mode = "append" if self.path.is_dir() else "create"
        try:
            lance.write_dataset(rows, str(self.path), schema=self.schema, mode=mode)
        except OSError as error:
            reason = "the disk is full" if "No space left" in str(error) else error
            raise UserError(
                f"{self.path}: cannot be written ({reason}); nothing that was answered is lost:"
                " free some space, then run the same command again"
            ) from error
        return len(distinct)

    def _ids_among(self, ids: Sequence[str]) -> Iterator[str]:
        for batch in self.read(["id"], _id_in(ids)):
            yield from batch["id"].to_pylist()

    def count(self, where: str | None = None) -> int:
        """How many records there are (that meet the SQL condition)."""
        table = self._open()
        return 0 if table is None else int(table.count_rows(where))

    def read(
        self, columns: Sequence[str] | None = None, where: str | None = None
    ) -> Iterator[pa.RecordBatch]:
        """The records (that meet the SQL condition) in batches; only these columns where given."""
        if (table := self._open()) is not None:
            yield from table.to_batches(columns=list(columns) if columns else None, filter=where)

    def rows(self, where: str | None = None) -> Iterator[dict[str, Any]]:
        """The records (that meet the SQL condition), each a dict of its columns."""
        for batch in self.read(where=where):
            yield from batch.to_pylist()

    def get(self, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """The records with these ids, by id; ids that are not there are left out."""
        found: dict[str, dict[str, Any]] = {}
        for start in range(0, len(ids), 1000):
            found |= {row["id"]: row for row in self.rows(_id_in(ids[start : start + 1000]))}
        return found

    def find(self, prefix: str) -> list[dict[str, Any]]:
        """The records whose id begins with this."""
        return list(self.rows(f"starts_with(id, '{_quoted(prefix)}')"))


def _id_in(ids: Sequence[str]) -> str:
    listed = ", ".join(f"'{_quoted(id_)}'" for id_ in ids)
    return f"id IN ({listed or 'NULL'})"


def _quoted(text: str) -> str:
    return text.replace("'", "''")
