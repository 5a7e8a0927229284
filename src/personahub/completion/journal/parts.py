"""Sealed entries: Parquet files that are written once, whole, and read a row group at a time."""

import os
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from personahub.completion.journal.columns import FEW_VALUES, SCHEMA, to_entries, to_table
from personahub.completion.journal.entry import Entry, EntryKind
from personahub.completion.journal.index import NONE, Index, prefixes_of
from personahub.completion.journal.lines import Lines, read_chunks
from personahub.completion.journal.spent import SpentBy, merge_spent, spent_from_json, spent_to_json
from personahub.errors import UserError

__all__ = ["Parts", "sync_folder", "write_part"]

_GROUP_BYTES = 2**22
"""Of lines in a row group: some 9,000 replies of 200 characters."""
_CACHE_BYTES = 2**23
"""Of decoded row groups kept: two or three, for requests that come about in the order of writing."""
_BATCH = 1_000
_SPENT = "personahub.spent"


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a crash of the machine.

    Raises:
        OSError: the disk fails.
    """
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def write_part(lines: Lines, part: Path, draft: Path) -> None:
    """Write the entries of a file, which grows no more, as a part; it is there whole or not at all.

    Raises:
        OSError: the disk is full or fails.
    """
    packed = {name: "none" if name == "key" else "zstd" for name in SCHEMA.names}
    file = lines.reader()
    try:
        with pq.ParquetWriter(
            draft, SCHEMA, compression=packed, use_dictionary=FEW_VALUES, write_page_checksum=True
        ) as writer:
            for start, chunk in read_chunks(file, lines.end, _GROUP_BYTES):
                writer.write_table(to_table(chunk, usual=lines.is_usual(start, start + len(chunk))))
            writer.add_key_value_metadata({_SPENT: spent_to_json(lines.spent)})
    finally:
        os.close(file)
    written = os.open(draft, os.O_RDONLY)
    try:
        os.fsync(written)
    finally:
        os.close(written)
    draft.rename(part)
    sync_folder(part.parent)


class _Groups:
    """The row groups of all parts, in order; the last used ones are kept decoded."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[Path, int], pa.Table] = OrderedDict()
        self._bytes = 0

    def table(self, part: Path, group: int) -> pa.Table:
        table = self._kept.pop((part, group), None)
        if table is None:
            table = _read(part, group)
            self._bytes += table.nbytes
        self._kept[part, group] = table
        while self._bytes > _CACHE_BYTES and len(self._kept) > 1:
            self._bytes -= self._kept.popitem(last=False)[1].nbytes
        return table


@dataclass(frozen=True)
class Parts:
    """All sealed entries, in order of writing; it never changes, another part makes another."""

    index: Index = field(default_factory=Index)
    spent: SpentBy = field(default_factory=dict)
    groups: tuple[tuple[Path, int], ...] = ()
    """Where each row group is: the part and the number in it."""
    starts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(1, np.int64))
    """The number of each row group's first row, and of the row after the last."""
    cache: _Groups = field(default_factory=_Groups)

    def plus(self, part: Path) -> "Parts":
        """These parts and another, which was written after them.

        Raises:
            OSError: the part cannot be read, or is damaged.
        """
        try:
            with _open(part) as file:
                footer = file.metadata
                spent = spent_from_json(footer.metadata[_SPENT.encode()])
                sizes = [footer.row_group(group).num_rows for group in range(footer.num_row_groups)]
                table = file.read(["key", "kind"], use_threads=False)
        except (pa.ArrowException, ValueError, KeyError, TypeError) as error:
            raise OSError(f"{part}: {error}") from error
        kind = table["kind"]
        is_reply = pc.equal(kind, EntryKind.REPLY).to_numpy()
        indexed = np.flatnonzero(pc.not_equal(kind, EntryKind.WASTED).to_numpy())
        first = int(self.starts[-1])
        index = self.index.plus(
            prefixes_of(_halves(table["key"]))[indexed],
            (indexed + first).astype(np.uint32),
            is_reply[indexed],
        )
        merged: SpentBy = {}
        merge_spent(merged, self.spent)
        merge_spent(merged, spent)
        return Parts(
            index,
            merged,
            (*self.groups, *((part, group) for group in range(len(sizes)))),
            np.concatenate([self.starts, first + np.cumsum(np.array(sizes, np.int64))]),
            self.cache,
        )

    def find(self, keys: bytes) -> list[Entry | None]:
        """For each key (16 bytes, one after another) its last reply, or else its last failure.

        Raises:
            UserError: a part cannot be read, or is damaged.
        """
        wanted = np.frombuffer(keys, np.uint64).reshape(-1, 2)
        prefixes = prefixes_of(wanted)
        rows = self.index.rows(prefixes)
        found: list[Entry | None] = [None] * len(rows)
        hits = np.flatnonzero(rows != NONE)
        hits = hits[np.argsort(rows[hits], kind="stable")]
        groups = np.searchsorted(self.starts, rows[hits], side="right") - 1
        for group in np.unique(groups).tolist():
            here = hits[groups == group]
            table, offsets = self._table(group), rows[here] - self.starts[group]
            same = (_halves(table["key"])[offsets] == wanted[here]).all(axis=1)
            for place in here[~same].tolist():
                found[place] = self._search(prefixes[place], wanted[place])
            entries = to_entries(_rows(table, offsets[same]))
            for place, entry in zip(here[same].tolist(), entries, strict=True):
                found[place] = entry
        return found

    def _search(self, prefix: np.uint64, key: NDArray[np.uint64]) -> Entry | None:
        """Find a key that another key with the same 64 bits hides."""
        for row in self.index.candidates(prefix):
            group = int(np.searchsorted(self.starts, row, side="right")) - 1
            table = self._table(group).slice(row - int(self.starts[group]), 1)
            if (_halves(table["key"]) == key).all():
                return to_entries(table)[0]
        return None

    def _table(self, group: int) -> pa.Table:
        return self.cache.table(*self.groups[group])

    def entries(self, kind: EntryKind | None, run: int | None) -> Iterator[Entry]:
        """All entries, or those of a kind or of a run.

        Raises:
            UserError: a part cannot be read, or is damaged.
        """
        for part, group in self.groups:
            if kind is not None or run is not None:
                few = _read(part, group, ["kind", "run"])
                chosen = np.ones(few.num_rows, np.bool_)
                if kind is not None:
                    chosen &= pc.equal(few["kind"], kind).to_numpy()
                if run is not None:
                    chosen &= few["run"].to_numpy() == run
                if not chosen.any():
                    continue
                table = _read(part, group).filter(chosen)
            else:
                table = _read(part, group)
            for start in range(0, table.num_rows, _BATCH):
                yield from to_entries(table.slice(start, _BATCH))


def _open(part: Path) -> pq.ParquetFile:
    return pq.ParquetFile(part, read_dictionary=FEW_VALUES, page_checksum_verification=True)


def _read(part: Path, group: int, columns: list[str] | None = None) -> pa.Table:
    try:
        with _open(part) as file:
            table = file.read_row_group(group, columns, use_threads=False)
    except (OSError, pa.ArrowException) as error:
        raise UserError(
            f"{part}: this part of the journal cannot be read ({error}); bring the file back from a copy, or"
            " move it away and its requests will be asked again"
        ) from error
    return table.unify_dictionaries().combine_chunks()


def _rows(table: pa.Table, offsets: NDArray[np.int64]) -> pa.Table:
    if len(offsets) and (np.diff(offsets) == 1).all():
        return table.slice(int(offsets[0]), len(offsets))
    return table.take(pa.array(offsets))


def _halves(keys: pa.ChunkedArray) -> NDArray[np.uint64]:
    """Keys as pairs of numbers, shape (keys, 2), without a copy where they are in one piece."""
    array = keys.combine_chunks()
    numbers = np.frombuffer(array.buffers()[1], np.uint64).reshape(-1, 2)
    return numbers[array.offset : array.offset + len(array)]
