"""Sealed entries: Parquet files that are written once, whole, and read a row group at a time."""

import os
import re
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from personahub.completion.journal.columns import FEW_VALUES, SCHEMA, to_entries, to_table
from personahub.completion.journal.entry import Entry, EntryKind
from personahub.completion.journal.index import NONE, Index, halves_of, prefixes_of
from personahub.completion.journal.lines import Lines, read_chunks
from personahub.completion.journal.spent import SpentBy, merge_spent, spent_from_json, spent_to_json
from personahub.errors import UserError

__all__ = [
    "GROUP_BYTES",
    "Parts",
    "damaged",
    "numbered",
    "part_notes",
    "part_spent",
    "sync_folder",
    "write_part",
    "write_tables",
]

GROUP_BYTES = 2**20
"""Of lines in a row group: some 2,300 replies of 200 characters."""
_CACHE_BYTES = 2**23
"""Of decoded row groups kept: two or three, for requests that come about in the order of writing."""
_BATCH = 1_000
_SPENT = "personahub.spent"


def numbered(folder: Path, name: str, suffix: str) -> dict[int, Path]:
    """A journal's files of one kind by their number."""
    named = re.compile(rf"{name}-(\d+)\.{suffix}")
    return {int(found[1]): path for path in folder.iterdir() if (found := named.fullmatch(path.name))}


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
    file = lines.reader()
    try:
        chunks = read_chunks(file, lines.end, GROUP_BYTES)
        tables = (to_table(chunk, usual=lines.is_usual(start, start + len(chunk))) for start, chunk in chunks)
        write_tables(tables, lines.spent, part, draft)
    finally:
        os.close(file)


def write_tables(
    tables: Iterable[pa.Table],
    spent: SpentBy,
    part: Path,
    draft: Path,
    *,
    notes: Callable[[], Mapping[str, str]] = dict,
) -> None:
    """Write tables of entries as a part, each a row group; it is there whole or not at all.

    Args:
        tables: the entries.
        spent: their sums, which are known when the last table is drawn.
        part: the file to make.
        draft: where it is until it is whole.
        notes: gives what else to keep in the file, when the last table is drawn.

    Raises:
        OSError: the disk is full or fails.
    """
    packed = {name: "none" if name == "key" else "zstd" for name in SCHEMA.names}
    try:
        with pq.ParquetWriter(
            draft, SCHEMA, compression=packed, use_dictionary=FEW_VALUES, write_page_checksum=True
        ) as writer:
            for table in tables:
                if table.num_rows:
                    writer.write_table(table)
            writer.add_key_value_metadata({_SPENT: spent_to_json(spent), **notes()})
    finally:
        pa.default_memory_pool().release_unused()
    written = os.open(draft, os.O_RDONLY)
    try:
        os.fsync(written)
    finally:
        os.close(written)
    draft.rename(part)
    sync_folder(part.parent)


def part_spent(file: pq.ParquetFile) -> SpentBy:
    """The sums that a part was written with."""
    return spent_from_json(file.metadata.metadata[_SPENT.encode()])


def part_notes(file: pq.ParquetFile) -> dict[str, str]:
    """What else is kept in a part."""
    kept = file.metadata.metadata.items()
    own = {_SPENT.encode(), b"ARROW:schema"}
    return {name.decode(): value.decode() for name, value in kept if name not in own}


class _Groups:
    """The last used row groups, decoded, and the last used part, open."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[Path, int], pa.RecordBatch] = OrderedDict()
        self._bytes = 0
        self._part: Path | None = None
        self._file: pq.ParquetFile | None = None

    def rows(self, part: Path, group: int) -> pa.RecordBatch:
        rows = self._kept.pop((part, group), None)
        if rows is None:
            with _telling(part):
                if part != self._part:
                    self._file, self._part = _open(part), part
                rows = _read(self._file, group)
            self._bytes += rows.nbytes
        self._kept[part, group] = rows
        while self._bytes > _CACHE_BYTES and len(self._kept) > 1:
            self._bytes -= self._kept.popitem(last=False)[1].nbytes
        return rows


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
                spent = part_spent(file)
                sizes = [footer.row_group(group).num_rows for group in range(footer.num_row_groups)]
                table = file.read(["key", "kind"], use_threads=False)
        except (pa.ArrowException, ValueError, KeyError, TypeError) as error:
            raise OSError(str(error)) from error
        kind = table["kind"]
        is_reply = pc.equal(kind, EntryKind.REPLY).to_numpy()
        found = pa.array([EntryKind.REPLY, EntryKind.FAILURE], pa.string())
        indexed = np.flatnonzero(pc.is_in(kind, value_set=found).to_numpy())
        first = int(self.starts[-1])
        index = self.index.plus(
            prefixes_of(_halves(table["key"].combine_chunks()))[indexed],
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
        wanted = halves_of(keys)
        prefixes = prefixes_of(wanted)
        rows = self.index.rows(prefixes)
        found: list[Entry | None] = [None] * len(rows)
        hits = np.flatnonzero(rows != NONE)
        hits = hits[np.argsort(rows[hits], kind="stable")]
        groups = np.searchsorted(self.starts, rows[hits], side="right") - 1
        for group in np.unique(groups).tolist():
            here = hits[groups == group]
            read, offsets = self._rows(group), rows[here] - self.starts[group]
            same = (_halves(read["key"])[offsets] == wanted[here]).all(axis=1)
            for place in here[~same].tolist():
                found[place] = self._search(prefixes[place], wanted[place])
            entries = to_entries(_taken(read, offsets[same]))
            for place, entry in zip(here[same].tolist(), entries, strict=True):
                found[place] = entry
        return found

    def _search(self, prefix: np.uint64, key: NDArray[np.uint64]) -> Entry | None:
        """Find a key that another key with the same 64 bits hides."""
        for row in self.index.candidates(prefix):
            group = int(np.searchsorted(self.starts, row, side="right")) - 1
            read = self._rows(group).slice(row - int(self.starts[group]), 1)
            if (_halves(read["key"]) == key).all():
                return to_entries(read)[0]
        return None

    def _rows(self, group: int) -> pa.RecordBatch:
        return self.cache.rows(*self.groups[group])

    def entries(self, kind: EntryKind | None, run: int | None) -> Iterator[Entry]:
        """All entries, or those of a kind or of a run.

        Raises:
            UserError: a part cannot be read, or is damaged.
        """
        for part, groups in groupby(self.groups, key=itemgetter(0)):
            with _telling(part), _open(part) as file:
                for _, group in groups:
                    rows = _chosen(file, group, kind, run)
                    for start in range(0, rows.num_rows, _BATCH):
                        yield from to_entries(rows.slice(start, _BATCH))


def _open(part: Path) -> pq.ParquetFile:
    return pq.ParquetFile(part, read_dictionary=FEW_VALUES, page_checksum_verification=True)


def _read(file: pq.ParquetFile, group: int) -> pa.RecordBatch:
    table = file.read_row_group(group, use_threads=False).unify_dictionaries().combine_chunks()
    (rows,) = table.to_batches()
    # What Arrow's allocator keeps for later would be several times what is in use here.
    pa.default_memory_pool().release_unused()
    return rows


def _chosen(file: pq.ParquetFile, group: int, kind: EntryKind | None, run: int | None) -> pa.RecordBatch:
    """The rows of a kind and of a run."""
    if kind is None and run is None:
        return _read(file, group)
    few = file.read_row_group(group, ["kind", "run"], use_threads=False).combine_chunks()
    chosen = np.ones(few.num_rows, np.bool_)
    if kind is not None:
        chosen &= pc.equal(few["kind"], kind).to_numpy()
    if run is not None:
        chosen &= few["run"].to_numpy() == run
    # Most row groups hold none of the few failures, and then the wide columns need not be read.
    return _read(file, group).filter(pa.array(chosen)) if chosen.any() else SCHEMA.empty_table()


@contextmanager
def _telling(part: Path) -> Iterator[None]:
    """Say what to do where a part cannot be read."""
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        raise damaged(part, error) from error


def damaged(part: Path, error: Exception) -> UserError:
    """What the user is told of a part that cannot be read."""
    first_line = str(error).partition("\n")[0]
    return UserError(
        f"{part}: this part of the journal cannot be read ({first_line}); bring the file back from a copy,"
        " or move it away and its requests will be asked again"
    )


def _taken(rows: pa.RecordBatch, offsets: NDArray[np.int64]) -> pa.RecordBatch:
    if len(offsets) and (np.diff(offsets) == 1).all():
        return rows.slice(int(offsets[0]), len(offsets))
    return rows.take(pa.array(offsets))


def _halves(keys: pa.FixedSizeBinaryArray) -> NDArray[np.uint64]:
    """Keys as pairs of numbers, shape (keys, 2), without a copy."""
    numbers = np.frombuffer(keys.buffers()[1], np.uint64).reshape(-1, 2)
    return numbers[keys.offset : keys.offset + len(keys)]
