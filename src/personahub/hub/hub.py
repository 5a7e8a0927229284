"""The hub's directory: which tables and files lie where, and who may write."""

import errno
import fcntl
import json
import os
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from personahub.config import fingerprint
from personahub.errors import UserError
from personahub.hub.runs import Run, list_runs, start_run
from personahub.hub.shards import SHARDS, Shard
from personahub.hub.tables import HubTable
from personahub.records import Document, Kind, Persona, Record, SetAside

__all__ = ["Hub"]

_MARK = "hub.json"
_DRAFT = f".{_MARK}"
_FORMAT = 3


class Hub:
    """A directory of Lance tables, a journal and the runs that filled them.

    One process writes a hub at a time; any number may read it.

    Args:
        path: the directory of an existing hub.

    Raises:
        UserError: it is no hub, or one of another format.
    """

    def __init__(self, path: Path | str) -> None:
        """Check that the directory is a hub."""
        self.path = Path(path)
        mark = self.path / _MARK
        if not mark.is_file():
            if (self.path / SHARDS).is_dir():
                raise UserError(
                    f"{self.path}: holds only shards; personahub hub merge {self.path} puts them together"
                )
            what = "is no hub" if self.path.exists() else "is not there"
            raise UserError(f"{self.path}: {what} (no {_MARK}); personahub curate SOURCE --hub DIR makes one")
        try:
            marked = json.loads(mark.read_text())
            version = int(marked["format"])
            self.id = str(marked.get("id") or fingerprint({"path": str(self.path.resolve())}))
            """What a merge knows the hub by, wherever it is moved; from its path where it was given none."""
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(f"{mark}: cannot be read as a hub's mark ({error})") from error
        if version > _FORMAT:
            raise UserError(
                f"{self.path}: a hub of format {version}; this personahub knows up to {_FORMAT}:"
                " install a newer one"
            )
        if version < _FORMAT:
            raise UserError(
                f"{self.path}: a hub of format {version}, whose tables lack fields that they have now:"
                " curate its sources again into a new hub"
            )

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
            if not (folder / _MARK).is_file():
                draft = folder / _DRAFT
                draft.write_text(json.dumps({"format": _FORMAT, "id": uuid.uuid4().hex}) + "\n")
                draft.replace(folder / _MARK)
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
        found = [folder for folder in Path(path, SHARDS).glob("*") if (folder / _MARK).is_file()]
        return [cls(folder) for folder in sorted(found, key=lambda folder: (len(folder.name), folder.name))]

    @cached_property
    def documents(self) -> HubTable:
        """The texts that personas were inferred from."""
        return HubTable(self.path / "documents.lance", Document)

    @cached_property
    def personas(self) -> HubTable:
        """The personas."""
        return HubTable(self.path / "personas.lance", Persona)

    @cached_property
    def records(self) -> HubTable:
        """The synthetic items."""
        return HubTable(self.path / "records.lance", Record)

    @cached_property
    def set_aside(self) -> HubTable:
        """What did not pass, with its reason."""
        return HubTable(self.path / "set_aside.lance", SetAside)

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
        """Be the one process that writes this hub.

        Raises:
            UserError: another process is writing it.
        """
        lock = self.path / "lock"
        with lock.open("a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                if error.errno not in {errno.EWOULDBLOCK, errno.EACCES}:
                    raise
                file.seek(0)
                raise UserError(
                    f"{self.path}: another personahub (process {file.read().strip() or 'unknown'})"
                    " is writing this hub; wait until it ends, or use another hub"
                ) from error
            file.truncate(0)
            file.write(f"{os.getpid()}\n")
            file.flush()
            yield

    @contextmanager
    def at_rest(self) -> Iterator[None]:
        """Keep others from writing this hub while it is read; needs no right to write there.

        Raises:
            UserError: another process is writing it.
        """
        try:
            file = (self.path / "lock").open()
        except FileNotFoundError:
            yield
            return
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise UserError(
                    f"{self.path}: another personahub (process {file.read().strip() or 'unknown'})"
                    " is writing this hub; wait until it ends, or stop it"
                ) from error
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

    def save_run(self, run: Run) -> None:
        """Write the run's state down."""
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
        """All runs, the oldest first."""
        return list_runs(self.path / "runs")


def _check_usable(folder: Path) -> None:
    """A hub, or a place for one.

    Raises:
        UserError: something else lies there.
    """
    if not folder.exists() or (folder / _MARK).is_file():
        return
    if not folder.is_dir():
        raise UserError(f"{folder}: is a file, so no hub can be made there")
    if any(path.name not in {_DRAFT, SHARDS} for path in folder.iterdir()):
        raise UserError(f"{folder}: holds other files and is no hub; name a new or an empty folder")
