"""Taking another journal's entries in: each once, however often it is merged and wherever it is killed.

They become one part, which is there whole or not at all and says how far the other journal is in. The
other journal is only read.
"""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from personahub.completion.journal.columns import SCHEMA, to_entries, to_table
from personahub.completion.journal.entry import EntryKind, from_line
from personahub.completion.journal.journal import Journal
from personahub.completion.journal.lines import read_chunks
from personahub.completion.journal.parts import GROUP_BYTES, damaged, numbered, write_tables
from personahub.completion.journal.spent import Spent, SpentBy
from personahub.errors import UserError

__all__ = ["merge_journal"]

_TAKEN = "personahub.taken"


@dataclass(slots=True)
class _Taken:
    """How far another journal was taken in."""

    source: str
    entries: int = 0
    last: str = ""
    """Key of the last of them, by which a journal is known that was begun anew under the same name."""


def merge_journal(into: Journal, folder: Path, *, source: str, runs: Mapping[int, int]) -> int:
    """Take in what another journal has and ``into`` has not; replies to keys that have one are left out.

    Nothing may be appended to ``into`` meanwhile.

    Args:
        into: the journal that grows.
        folder: the other journal's; it need not be there.
        source: a name of the other journal that stays the same.
        runs: for each run of the other journal its number in ``into``.

    Returns:
        How many entries were added.

    Raises:
        UserError: a process is writing the other journal, a part of one cannot be read, an entry's run is
            not among ``runs``, or the disk is full.
    """
    if not folder.is_dir():
        return 0
    with _at_rest(folder):
        before = _taken(into.folder, source)
        taking = _Taking(into, folder, before if _stands(folder, before) else _Taken(source), runs)
        into.add_part(taking.write)
        return taking.added


class _Taking:
    """Draws the entries that are new and keeps count of them."""

    def __init__(self, into: Journal, folder: Path, taken: _Taken, runs: Mapping[int, int]) -> None:
        self.added = 0
        self._into = into
        self._folder = folder
        self._taken = taken
        self._runs = runs
        self._spent: SpentBy = {}

    def write(self, part: Path, draft: Path) -> bool:
        """Make the part; gives whether there is anything for one."""
        tables = self._new()
        first = next(tables, None)
        if first is None:
            return False
        write_tables(chain([first], tables), self._spent, part, draft, notes=self._notes)
        return True

    def _notes(self) -> dict[str, str]:
        return {_TAKEN: json.dumps(asdict(self._taken))}

    def _new(self) -> Iterator[pa.Table]:
        skipped = self._taken.entries
        for number, table in _tables(self._folder, skipped):
            rows = table.slice(max(skipped - number, 0))
            if not rows.num_rows:
                continue
            self._taken.entries += rows.num_rows
            self._taken.last = _last_key(rows)
            is_known = self._into.has_replies(b"".join(rows["key"].to_pylist()))
            is_reply = pc.equal(rows["kind"], EntryKind.REPLY).to_numpy()
            new = self._renumbered(rows.filter(pa.array(~(is_reply & is_known))))
            if new.num_rows:
                self.added += new.num_rows
                self._count(new)
                yield new

    def _renumbered(self, rows: pa.Table) -> pa.Table:
        runs = rows["run"].to_pylist()
        try:
            numbers = [self._runs[run] for run in runs]
        except KeyError as error:
            raise UserError(
                f"{self._folder}: has replies of run {error}, whose file is missing from runs/; bring it back"
            ) from error
        return rows.set_column(
            SCHEMA.get_field_index("run"), SCHEMA.field("run"), pa.array(numbers, pa.int64())
        )

    def _count(self, rows: pa.Table) -> None:
        for batch in rows.combine_chunks().to_batches():
            for entry in to_entries(batch):
                self._spent.setdefault((entry.run, entry.model), Spent()).add(entry)


def _taken(folder: Path, source: str) -> _Taken:
    """How far a journal was taken into that of the folder."""
    last = _Taken(source)
    for _, part in sorted(numbered(folder, "part", "parquet").items()):
        note = pq.read_metadata(part).metadata.get(_TAKEN.encode())
        if note and (taken := _Taken(**json.loads(note))).source == source:
            last = taken
    return last


def _stands(folder: Path, taken: _Taken) -> bool:
    """Whether the journal still begins with what was taken."""
    if taken.entries:
        for number, table in _tables(folder, taken.entries):
            if number + table.num_rows >= taken.entries:
                return _last_key(table.slice(0, taken.entries - number)) == taken.last
        return False
    return True


def _last_key(rows: pa.Table) -> str:
    key: bytes = rows["key"][rows.num_rows - 1].as_py()
    return key.hex()


def _tables(folder: Path, after: int) -> Iterator[tuple[int, pa.Table]]:
    """A journal's entries in order, each table with the number of its first row.

    Row groups whose rows are all before row ``after - 1`` are left out unread.
    """
    sealing = numbered(folder, "sealing", "jsonl")
    start = 0
    for number, part in sorted(numbered(folder, "part", "parquet").items()):
        try:
            file = pq.ParquetFile(part, page_checksum_verification=True)
        except (OSError, pa.ArrowException) as error:
            if number in sealing:
                continue
            raise damaged(part, error) from error
        sealing.pop(number, None)
        with file:
            for group in range(file.num_row_groups):
                size = file.metadata.row_group(group).num_rows
                if start + size >= after:
                    try:
                        yield start, file.read_row_group(group, use_threads=False)
                    except (OSError, pa.ArrowException) as error:
                        raise damaged(part, error) from error
                start += size
    for path in (*(path for _, path in sorted(sealing.items())), folder / "live.jsonl"):
        for chunk in _chunks(path):
            found = [from_line(line) for line in chunk.split(b"\n")[:-1]]
            size = sum(entry is not None for entry, _ in found)
            if start + size >= after:
                yield start, to_table(chunk, usual=all(strict for _, strict in found))
            start += size


def _chunks(path: Path) -> Iterator[bytes]:
    try:
        file = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return
    try:
        for _, chunk in read_chunks(file, os.fstat(file).st_size, GROUP_BYTES):
            yield chunk
    finally:
        os.close(file)


@contextmanager
def _at_rest(folder: Path) -> Iterator[None]:
    """Keep others from writing the journal while it is read."""
    try:
        lock = os.open(folder / "lock", os.O_RDONLY)
    except FileNotFoundError:
        yield
        return
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UserError(
                f"{folder}: another personahub process is using this journal; wait until it ends, or stop it"
            ) from error
        yield
    finally:
        os.close(lock)
