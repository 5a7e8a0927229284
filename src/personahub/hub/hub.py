"""The hub's directory: which tables and files lie where, and who may write."""

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from personahub.config import fingerprint
from personahub.errors import UserError
from personahub.hub import locks
from personahub.hub.datasets import open_table
from personahub.hub.duplicates import Duplicates
from personahub.hub.embeddings import Embeddings
from personahub.hub.forgetting import finish
from personahub.hub.marks import DRAFT, FORMAT, MARK, check_format, read_mark, write_mark
from personahub.hub.runs import Run, list_runs, start_run
from personahub.hub.shards import SHARDS, Shard
from personahub.hub.tables import HubTable
from personahub.records import Document, Kind, Persona, Record, SetAside, Table, Verdict

__all__ = ["Hub"]


class Hub:
    """A directory of Lance tables, a journal and the runs that filled them.

    One process writes a hub at a time; any number may read it.

    Args:
        path: the directory of an existing hub.
        version: the number of a run: the tables are read as they were when it last ended, and cannot be
            written. None for the hub as it is.

    Raises:
        UserError: it is no hub, or one of another format, or has no such version.
    """

    def __init__(self, path: Path | str, *, version: int | None = None) -> None:
        """Check that the directory is a hub."""
        self.path = Path(path)
        self.version = version
        if not (self.path / MARK).is_file():
            if (self.path / SHARDS).is_dir():
                raise UserError(
                    f"{self.path}: holds only shards; personahub hub merge {self.path} puts them together"
                )
            what = "is no hub" if self.path.exists() else "is not there"
            raise UserError(
                f"{self.path}: {what} (no {MARK}); personahub curate SOURCE --hub DIR makes one of texts,"
                " personahub import FILE --hub DIR of personas"
            )
        marked = read_mark(self.path)
        self.id = str(marked.get("id") or fingerprint({"path": str(self.path.resolve())}))
        """What a merge knows the hub by, wherever it is moved; from its path where it was given none."""
        check_format(self.path, marked["format"])
        self._rows = None if version is None else self._rows_at(version)

    def _rows_at(self, version: int) -> Mapping[str, int]:
        rows = self.run(version).tables
        if rows is None:
            raise UserError(
                f"{self.path}: run {version} has not ended, so there is no version of it;"
                f" personahub hub versions {self.path} lists those there are"
            )
        return rows

    @classmethod
    def create(cls, path: Path | str) -> Self:
        """The hub at this path, made where there is none.

        Raises:
            UserError: something that is no hub lies there, or it cannot be made.
        """
        folder = Path(path)
        _check_usable(folder)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if not (folder / MARK).is_file():
                write_mark(folder, {"format": FORMAT, "id": uuid.uuid4().hex})
        except OSError as error:
            raise UserError(f"{folder}: no hub can be made there ({error.strerror})") from error
        return cls(folder)

    @classmethod
    def create_shard(cls, path: Path | str, shard: Shard) -> Self:
        """The hub of a shard of the hub at this path, made where there is none; the other is not touched.

        Raises:
            UserError: something that is no hub lies at the path, or the shard's hub cannot be made.
        """
        own = shard.hub_of(Path(path))
        _check_usable(own.absolute().parent.parent)
        return cls.create(own)

    @classmethod
    def shards_in(cls, path: Path | str) -> list[Self]:
        """The hubs of the shards of the hub at this path, which need not be there itself; in their order."""
        found = [folder for folder in Path(path, SHARDS).glob("*") if (folder / MARK).is_file()]
        return [cls(folder) for folder in sorted(found, key=lambda folder: (len(folder.name), folder.name))]

    @cached_property
    def documents(self) -> HubTable:
        """The texts that personas were inferred from."""
        return self._table("documents", Document)

    @cached_property
    def personas(self) -> HubTable:
        """The personas."""
        return self._table("personas", Persona)

    @cached_property
    def records(self) -> HubTable:
        """The synthetic items."""
        return self._table("records", Record)

    @cached_property
    def set_aside(self) -> HubTable:
        """What did not pass, with its reason."""
        return self._table("set_aside", SetAside)

    @cached_property
    def verdicts(self) -> HubTable:
        """What checks found of records."""
        return self._table("verdicts", Verdict)

    def _table(self, name: str, kind: type[Table]) -> HubTable:
        rows = None if self._rows is None else self._rows.get(name, 0)
        return HubTable(self.path / f"{name}.lance", kind, rows=rows)

    @cached_property
    def duplicates(self) -> Duplicates:
        """Which personas are alike, and who steps aside in which view."""
        return Duplicates(self.path)

    @cached_property
    def embeddings(self) -> Embeddings:
        """The personas' vectors, as far as they are embedded."""
        return Embeddings(self.path / "embeddings.lance")

    @cached_property
    def record_embeddings(self) -> Embeddings:
        """The records' vectors, of data sets in which repetition is looked for by meaning."""
        return Embeddings(self.path / "record_embeddings.lance")

    @property
    def journal_path(self) -> Path:
        """The folder of all completions."""
        return self.path / "journal"

    def table_of(self, record_id: str) -> HubTable | None:
        """The table that a record with this id would be in, or None where its letter is unknown."""
        tables = {
            Kind.DOCUMENT: self.documents,
            Kind.PERSONA: self.personas,
            Kind.RECORD: self.records,
            Kind.SET_ASIDE: self.set_aside,
        }
        return tables.get(Kind(record_id[0])) if record_id[:1] in set(Kind) else None

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Be the one process that writes this hub; what it was told to forget and is still there goes first.

        Raises:
            UserError: another process is writing it, or this is one of its versions.
        """
        if self.version is not None:
            raise UserError(
                f"{self.path}: version {self.version} of the hub can only be read; open it without a version"
            )
        with locks.writing(self.path):
            finish(self)
            yield

    @contextmanager
    def at_rest(self) -> Iterator[None]:
        """Keep others from writing this hub while it is read; needs no right to write there.

        Raises:
            UserError: another process is writing it.
        """
        with locks.at_rest(self.path):
            yield

    def start_run(
        self,
        verb: str,
        configuration: Mapping[str, Any],
        *,
        given: Mapping[str, Any] | None = None,
        reopen: bool = False,
        once: bool = False,
    ) -> tuple[Run, bool]:
        """A new run of the verb, or the one that this invocation goes on with: see :func:`start_run`."""
        return start_run(self.path / "runs", verb, configuration, given=given, reopen=reopen, once=once)

    @property
    def tables(self) -> tuple[HubTable, ...]:
        """The tables of records, which only grow."""
        return self.documents, self.personas, self.records, self.set_aside, self.verdicts

    def save_run(self, run: Run) -> None:
        """Write the run's state down; where it has ended, the hub as it is now is the run's version."""
        if run.ended:
            # Edges and embeddings are made of these, and may be made anew.
            tables = {table.path.stem: open_table(table.path) for table in self.tables}
            run.tables = {name: table.count_rows() for name, table in tables.items() if table is not None}
        run.save(self.path / "runs")

    def run(self, number: int) -> Run:
        """The run of this number.

        Raises:
            UserError: there is none.
        """
        runs = self.runs()
        for run in runs:
            if run.number == number:
                return run
        raise UserError(f"{self.path}: has no run {number}; it has {len(runs)} (personahub runs list)")

    def runs(self) -> list[Run]:
        """All runs, the oldest first; of a version those up to its own."""
        runs = list_runs(self.path / "runs")
        return [run for run in runs if self.version is None or run.number <= self.version]


def _check_usable(folder: Path) -> None:
    """A hub, or a place for one.

    Raises:
        UserError: something else lies there.
    """
    if not folder.exists() or (folder / MARK).is_file():
        return
    if not folder.is_dir():
        raise UserError(f"{folder}: is a file, so no hub can be made there")
    if any(path.name not in {DRAFT, SHARDS} for path in folder.iterdir()):
        raise UserError(f"{folder}: holds other files and is no hub; name a new or an empty folder")
