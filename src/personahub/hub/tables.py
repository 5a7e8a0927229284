"""One Lance table of a hub: records of one type, each id once."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from personahub.errors import UserError
from personahub.hub.datasets import open_table, read_on, reason_of
from personahub.hub.forgotten import Forgotten
from personahub.hub.indexes import bring_up_to_date
from personahub.hub.known import KnownIds
from personahub.hub.where import check_evaluated, check_where
from personahub.records import SCHEMAS, Table, to_arrow

__all__ = ["WHOLE_TABLE", "Adding", "HubTable", "first_rows", "gathered", "quoted"]

PERSONA_INDEXES = {"description": "INVERTED", "id": "BTREE", "language": "BITMAP", "relation": "BITMAP"}
_GATHERED_BYTES = 32 * 2**20
_TAKEN_ROWS = 8192
# Reading 0.8 GB of texts so took 227 MB of memory in all, with Lance's own settings 540 MB and no less time.
WHOLE_TABLE = {
    "batch_size": 1024,
    "batch_readahead": 2,
    "fragment_readahead": 1,
    "io_buffer_size": 16 * 2**20,
}
"""How Lance reads a whole table in little memory."""


class HubTable:
    """Records of one type in a Lance table, which is made when the first of them comes.

    Args:
        path: the table's folder.
        kind: the record type.
        rows: read only so many of the first rows; None for all there are.
    """

    def __init__(self, path: Path, kind: type[Table], *, rows: int | None = None) -> None:
        """Nothing is opened until it is needed."""
        self.path = path
        self.kind = kind
        self._rows = rows

    @property
    def schema(self) -> pa.Schema:
        """The Arrow schema: the id, then the record's fields."""
        return SCHEMAS[self.kind]

    def _open(self) -> Any | None:
        return open_table(self.path)

    def _within(self, table: Any, where: str | None) -> str | None:
        """The condition, together with that of the rows this reads."""
        if self._rows is None:
            return where
        first = first_rows(table, self._rows)
        # On a line of its own, since the condition may end in a comment.
        return f"({where}\n) AND {first}" if where else first

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
        return self._write(to_arrow(new)) if new else 0

    def add_rows(self, batches: Iterable[pa.RecordBatch]) -> int:
        """Add the rows of another table of this type whose id is not there yet; says how many those were.

        About 32 MB are held at a time and added in one commit.

        Args:
            batches: rows of this table's schema, each id once.

        Raises:
            UserError: the disk is full; what was there stays whole.
        """
        adding = self.adding()
        return sum(map(adding.add, gathered(batches)))

    def adding(self) -> "Adding":
        """What adds many rows, one commit at a time, and reads the table's ids but once."""
        return Adding(self)

    def in_order(
        self,
        by: Sequence[str],
        columns: Sequence[str],
        *,
        where: str | None = None,
        shows: Callable[[pa.Array], pa.BooleanArray] | None = None,
    ) -> Iterator[pa.RecordBatch]:
        """The records (that meet the SQL condition) sorted, in batches of some thousands.

        Only what is sorted by is held in memory for all records: some 60 bytes of each.

        Args:
            by: columns to sort by, the first of them first.
            columns: those to give.
            where: an SQL condition.
            shows: says for ids whether to give their records.

        Raises:
            UserError: the table was compacted meanwhile, or the condition has no value for some row.
        """
        if (table := self._open()) is None:
            return
        wanted = {name: name for name in {*by, "id"}} | {"wanted?": where or "true"}
        keys = []
        first = 0
        for batch in _evaluated(table.to_batches(columns=wanted, **WHOLE_TABLE), where):
            if self._rows is not None:
                batch = batch.slice(0, max(self._rows - first, 0))  # noqa: PLW2901
            chosen = pc.fill_null(batch["wanted?"], False)
            if shows:
                chosen = pc.and_(chosen, shows(batch["id"]))
            places = pa.array(np.arange(first, first + len(batch)))
            columns_ = [places, *(batch[name] for name in by)]
            keys.append(pa.record_batch(columns_, ["place?", *by]).filter(chosen))
            first += len(batch)
        if not keys:
            return
        sorted_ = pa.Table.from_batches(keys)
        del keys
        order = pc.sort_indices(sorted_, [(name, "ascending") for name in by])
        places = sorted_["place?"].take(order).combine_chunks()
        del sorted_, order
        for start in range(0, len(places), _TAKEN_ROWS):
            try:
                rows = table.take(places[start : start + _TAKEN_ROWS], list(columns))
            except (OSError, ValueError) as error:
                if "not found" not in str(error).lower():
                    raise
                raise UserError(
                    f"{self.path}: was compacted while it was read; give the command again"
                ) from error
            yield from rows.to_batches()

    def _write(self, rows: pa.Table) -> int:
        """Append the rows but for those that the hub was told to forget; says how many those were."""
        import lance

        rows = Forgotten(self.path.parent).without(rows)
        if not rows.num_rows:
            return 0
        try:
            mode = "create" if self._open() is None else "append"
            lance.write_dataset(rows, str(self.path), schema=self.schema, mode=mode)
        except OSError as error:
            raise UserError(
                f"{self.path}: cannot be written ({reason_of(error)}); nothing that was answered is lost:"
                " free some space, then run the same command again"
            ) from error
        return int(rows.num_rows)

    def index_text(self) -> None:
        """Build the personas' indexes, or bring them up to date: of words, ids and what filters ask for.

        Where nothing was added since, nothing is done. Only the process that writes the hub may call this.
        """
        bring_up_to_date(self.path, PERSONA_INDEXES)

    def count(self, where: str | None = None) -> int:
        """How many records there are (that meet the SQL condition)."""
        table = self._open()
        return 0 if table is None else int(table.count_rows(self._within(table, where)))

    def check_where(self, where: str) -> None:
        """See that a condition can be asked of this table, be there any records or none.

        Raises:
            UserError: it names a column that is not there (the message lists those that are), is no SQL, or
                compares what cannot be compared.
        """
        check_where(self.schema, where, self.path.stem)

    def read(
        self, columns: Sequence[str] | None = None, where: str | None = None
    ) -> Iterator[pa.RecordBatch]:
        """The records (that meet the SQL condition) in batches; only these columns where given.

        A compaction takes away the files that are read here; since it keeps the rows' order, reading goes on
        in the table as it is then.

        Raises:
            UserError: the condition has no value for some row.
        """
        chosen = list(columns) if columns else None
        settings = {} if where else WHOLE_TABLE
        batches = read_on(
            self._open, lambda table: {"columns": chosen, "filter": self._within(table, where), **settings}
        )
        yield from _evaluated(batches, where)

    def rows(self, where: str | None = None) -> Iterator[dict[str, Any]]:
        """The records (that meet the SQL condition), each a dict of its columns."""
        for batch in self.read(where=where):
            yield from batch.to_pylist()

    def get(self, ids: Sequence[str], columns: Sequence[str] | None = None) -> dict[str, dict[str, Any]]:
        """The records with these ids, by id; ids that are not there are left out.

        Args:
            ids: of the records.
            columns: those that are given, the id among them; None for all.
        """
        return {
            row["id"]: row
            for where in _id_filters(ids)
            for batch in self.read(columns, where)
            for row in batch.to_pylist()
        }

    def children(self, parent_ids: Sequence[str], columns: Sequence[str]) -> Iterator[dict[str, Any]]:
        """These columns of the records whose ``parent_id`` is one of these."""
        for where in _id_filters(parent_ids, "parent_id"):
            for batch in self.read(columns, where):
                yield from batch.to_pylist()

    def at(self, offsets: Sequence[int]) -> list[dict[str, Any]]:
        """The records at these places of the table, which its column ``_rowoffset`` tells, in this order."""
        table = self._open()
        there = table.count_rows() if table is not None else 0
        known = [int(offset) for offset in offsets if offset < there]
        return table.take(known).to_pylist() if table is not None and known else []

    def _there(self, ids: Sequence[str]) -> set[str]:
        return {
            id_
            for where in _id_filters(ids)
            for batch in self.read(["id"], where)
            for id_ in batch["id"].to_pylist()
        }

    def find(self, prefix: str) -> list[dict[str, Any]]:
        """The records whose id begins with this."""
        return list(self.rows(f"starts_with(id, {quoted(prefix)})"))


class Adding:
    """Adds many rows to a table, each commit's at once; see :meth:`HubTable.adding`.

    The ids that were there at its start are held, ten bytes each. Only the process that writes the hub may
    use it, and nothing else may add to the table meanwhile.
    """

    def __init__(self, table: HubTable) -> None:
        """Read the table's ids."""
        self._table = table
        self._known = KnownIds(batch["id"] for batch in table.read(["id"]))

    def add(self, rows: pa.Table) -> int:
        """Add the rows whose id was not there, in one commit; says how many those were.

        Args:
            rows: of the table's schema, with ids that no other rows have that are added here.

        Raises:
            UserError: the disk is full; what was there stays whole.
        """
        new = rows.filter(pa.array(~self._known.holds(rows["id"].combine_chunks())))
        return self._table._write(new) if new.num_rows else 0


def first_rows(table: Any, rows: int) -> str:
    """The SQL condition that only the first ``rows`` rows of a Lance dataset meet.

    Appended fragments have following numbers, so it is as short as the table's history of compactions.
    Nothing may have been deleted from the table.
    """
    ranges: list[tuple[int, int]] = []
    for fragment in table.get_fragments():
        if rows <= 0:
            break
        # A row's address is its fragment's number and its place there, 32 bits each.
        start = fragment.fragment_id << 32
        taken = min(rows, fragment.count_rows())
        rows -= taken
        if ranges and ranges[-1][1] >> 32 == fragment.fragment_id - 1:
            start = ranges.pop()[0]
        ranges.append((start, (fragment.fragment_id << 32) + taken))
    each = [f"(_rowaddr >= {start} AND _rowaddr < {end})" for start, end in ranges]
    return f"({' OR '.join(each)})" if each else "false"


def _evaluated(batches: Iterable[pa.RecordBatch], where: str | None) -> Iterator[pa.RecordBatch]:
    """The batches, which Lance reads as they are asked for.

    Raises:
        UserError: the condition has no value for some row.
    """
    try:
        yield from batches
    except (OSError, ValueError) as error:
        check_evaluated(where, error)
        raise


def gathered(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """The batches joined to tables of about 32 MB, so that what is done once a table is done seldom."""
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


def _id_filters(ids: Sequence[str], column: str = "id") -> Iterator[str]:
    for start in range(0, len(ids), 1000):
        listed = ", ".join(quoted(id_) for id_ in ids[start : start + 1000])
        yield f"{column} IN ({listed})"


def quoted(text: str) -> str:
    """The text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"
