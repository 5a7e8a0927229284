"""``import``: personas of published files into a hub."""

import os
import sys
import time
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from personahub.corpus import Source, detect_languages, find_sources
from personahub.corpus.persona_files import (
    NoPersona,
    PersonaFile,
    PersonaRow,
    UnsuitableFileError,
    find_persona_field,
    read_personas,
)
from personahub.corpus.rows import ROW_FORMATS
from personahub.hub import Hub, Run, RunStatus
from personahub.languages import check_language
from personahub.records import SCHEMAS, Kind, Persona, SetAside, content_id, to_arrow
from personahub.safeguards.rights import licence_name
from personahub.workflows.steps import StepWatcher

__all__ = ["AddOutcome", "add"]

_RELATION = "imported"
_BATCH_ROWS = 50_000
"""Rows of one commit: what a kill can lose, and what is held in memory."""
_INDEXED_ROWS = 200_000
"""New rows that are worth a part of their own in the index."""
_TOLD_ROWS = 1000
_NAMED_FILES = 3
"""So many files a notice names."""


@dataclass
class AddOutcome:
    """What an import came to.

    Attributes:
        run: the run, with its number and configuration.
        rows: how many were read: those added, those that were there already and those set aside.
        added: personas that are new in the hub.
        already_there: personas that an earlier import added.
        set_aside: rows that gave no persona, by reason.
        seconds: wall time of this invocation.
        interrupted: it ended before its end; the same command goes on.
    """

    run: Run
    rows: int = 0
    added: int = 0
    already_there: int = 0
    set_aside: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    interrupted: bool = False

    def to_json(self) -> dict[str, Any]:
        """The contract of ``import --json``."""
        return {
            "rows": self.rows,
            "added": self.added,
            "already_there": self.already_there,
            "set_aside": dict(sorted(self.set_aside.items())),
        }


def add(
    sources: Sequence[str | Path] | str | Path,
    hub: Path | str,
    *,
    field: str | None = None,
    origin: str | None = None,
    licence: str | None = None,
    language: str | None = None,
    limit: int | None = None,
    watcher: StepWatcher | None = None,
) -> AddOutcome:
    """Add the personas of JSON Lines, Parquet or CSV files to a hub; its full-text index is then up to date.

    Each row's persona has the row as its parent: an id of origin, file and row number, where a file is known
    by its name and its folder's ("set/a.jsonl"), or by its whole address. So the same files, added again,
    alone or beside others, add nothing, a longer file adds what is new in it, and a text in two rows is two
    personas. Of the files of a folder or a pattern, those without personas are left out with a notice. Rows
    are added 50,000 at a time; an import that was stopped or killed is gone on with by the same call.

    Args:
        sources: files, folders, glob patterns, or addresses of files elsewhere.
        hub: the hub's directory, made where there is none.
        field: the field that holds the persona; None knows those of published shapes.
        origin: what the data set is called, which tells its rows from those of other files that have the same
            name in a folder of the same name; None where that is not needed.
        licence: of all rows whose file and data set card do not tell theirs.
        language: ISO 639-1 code of all rows; None for what the row says, and else what its text looks like.
        limit: most personas; those that are there already count.
        watcher: is told how it goes.

    Raises:
        UserError: whatever the user can mend, such as a file that is named and whose rows have no such field,
            or a folder none of whose files has it.
    """
    named = [sources] if isinstance(sources, str | Path) else sources
    if language:
        check_language(language)
    found = find_sources([str(source) for source in named], ROW_FORMATS)
    files, unsuitable = _suitable(found, field, {str(source) for source in named})
    configuration = {
        "sources": [source.name for source in found],
        "field": field,
        "origin": origin,
        "licence": licence,
        "language": language,
        "limit": limit,
    }
    opened, watcher = Hub.create(hub), watcher or StepWatcher()
    if left_out := [name for name in found.unsupported if Path(name).name.lower() != "readme.md"]:
        watcher.notice(f"left out, since they are no data files: {', '.join(left_out)}")
    for text in (*_unsuitable_notices(unsuitable), *_same_name_notices(files)):
        watcher.notice(text)
    start = time.monotonic()
    with opened.writing():
        run, _ = opened.start_run("import", configuration)
        outcome = AddOutcome(run)
        import_ = _Import(opened, outcome, watcher, language=language, licence=licence or "")
        try:
            watcher.began("rows", None)
            import_.read(files, origin, limit)
            watcher.began("building the full-text index", None)
            opened.personas.index_text()
        except KeyboardInterrupt:
            outcome.interrupted = True
        outcome.seconds = time.monotonic() - start
        status = RunStatus.INTERRUPTED if outcome.interrupted else RunStatus.FINISHED
        run.end(
            status, {"personas": outcome.added, **outcome.to_json(), "seconds": round(outcome.seconds, 3)}
        )
        opened.save_run(run)
    return outcome


def _suitable(
    found: Sequence[Source], field: str | None, named: Collection[str]
) -> tuple[list[PersonaFile], list[UnsuitableFileError]]:
    """The files with personas, and what is wrong with the others.

    Raises:
        UserError: a file that the user named has none, or none of the files has, or one cannot be opened.
    """
    files, unsuitable, wanted = [], [], {Path(name) for name in named}
    for source in found:
        try:
            if file := find_persona_field(source, field):
                files.append(file)
        except UnsuitableFileError as error:
            if Path(source.path) in wanted:
                raise
            unsuitable.append(error)
    if unsuitable and not files:
        raise unsuitable[0]
    return files, unsuitable


def _unsuitable_notices(unsuitable: Sequence[UnsuitableFileError]) -> Iterator[str]:
    for error in unsuitable[:_NAMED_FILES]:
        yield f"left out: {error}"
    if more := unsuitable[_NAMED_FILES:]:
        yield f"left out: {len(more)} more files without personas"


def _same_name_notices(files: Sequence[PersonaFile]) -> Iterator[str]:
    times = Counter(_own_name(file.source) for file in files)
    if alike := [name for name, count in times.items() if count > 1]:
        more = " …" if len(alike) > _NAMED_FILES else ""
        yield (
            f"several files are called {', '.join(alike[:_NAMED_FILES])}{more}: a text that they have in rows"
            " of the same number is taken once; to tell such files apart, import each with its own --origin"
        )


def _own_name(source: Source) -> str:
    """What the ids of a file's rows hold of it, whatever else is imported with it.

    Of a local file its name and its folder's, so that it may be moved along with its folder, and copies of a
    data set in two places are the same; of one elsewhere its whole address.
    """
    if "://" in source.path:
        return source.name
    # Not resolved, since a link may have another name than the file it leads to.
    whole = Path(os.path.abspath(source.path))  # noqa: PTH100  Takes ".." away, which absolute() leaves.
    return "/".join(whole.parts[-2:]).encode(errors="replace").decode()


class _Row(NamedTuple):
    """What differs from row to row, as the hub has it."""

    id: str
    description: str
    language: str
    """Empty where it is still to be told."""
    parent_id: str
    source: str
    row: int
    date: str
    licence: str
    template: str
    position: int


class _Import:
    """An import at work: rows come in one by one and go to the hub in batches, while the next are read."""

    def __init__(
        self, hub: Hub, outcome: AddOutcome, watcher: StepWatcher, *, language: str | None, licence: str
    ) -> None:
        self._outcome, self._watcher = outcome, watcher
        self._language, self._licence = language, licence_name(licence) if licence else ""
        self._hub = hub
        self._personas, self._set_aside = hub.personas.adding(), hub.set_aside.adding()
        self._rows: list[_Row] = []
        self._refused: list[SetAside] = []
        self._writer = ThreadPoolExecutor(1)
        self._indexer = ThreadPoolExecutor(1)
        self._indexed: Future[None] | None = None
        self._fresh = 0
        self._written: Future[None] | None = None

    def read(self, files: Sequence[PersonaFile], origin: str | None, limit: int | None) -> None:
        """Add the personas of all files, up to the limit."""
        left = sys.maxsize if limit is None else limit
        seen: set[str] = set()
        with self._writer:
            for file in files:
                if (name := _own_name(file.source)) in seen:
                    self._start_anew()
                seen.add(name)
                with closing(read_personas(file)) as items:
                    left = self._read_file(file, items, origin or name, name, left)
                if not left:
                    break
            self._flush()
            if self._written:
                self._written.result()
            with self._indexer:
                if self._indexed:
                    self._indexed.result()

    def _start_anew(self) -> None:
        """Have all rows added and their ids read, since those of the next file may be the same."""
        self._flush()
        if self._written:
            self._written.result()
        self._personas = self._hub.personas.adding()

    def _read_file(
        self, file: PersonaFile, items: Iterator[PersonaRow | NoPersona], origin: str, name: str, left: int
    ) -> int:
        """Take the file's rows in; says how many personas are left to be taken."""
        outcome, rows = self._outcome, self._rows
        source, template = file.source.name, f"import@{file.shape}"
        licence = licence_name(file.source.licence) if file.source.licence else self._licence or "unknown"
        for item in items:
            if not left:
                break
            outcome.rows += 1
            if isinstance(item, NoPersona):
                self._refuse(item, source)
            else:
                row, text, language, date, own_licence = item
                parent = content_id(Kind.IMPORTED, origin, name, str(row))
                rows.append(
                    _Row(
                        content_id(Kind.PERSONA, text, _RELATION, parent),
                        text,
                        self._language or language,
                        parent,
                        source,
                        row,
                        date,
                        own_licence or licence,
                        template,
                        outcome.rows - 1,
                    )
                )
                left -= 1
            if outcome.rows % _TOLD_ROWS == 0:
                self._watcher.advanced(outcome.rows)
                if len(rows) + len(self._refused) >= _BATCH_ROWS:
                    self._flush()
                    rows = self._rows
        return left

    def _refuse(self, item: NoPersona, source: str) -> None:
        self._outcome.set_aside[item.reason] += 1
        self._refused.append(
            SetAside(
                kind="persona",
                reason=item.reason,
                detail=item.detail,
                text=item.text,
                parent_id="",
                source=source,
                row=item.row,
                run=self._outcome.run.number,
                request="",
            )
        )

    def _flush(self) -> None:
        """Have what is waiting added, as soon as what was given before is there."""
        if self._written:
            self._written.result()
        self._written = self._writer.submit(self._write, self._rows, self._refused)
        self._rows, self._refused = [], []

    def _write(self, rows: list[_Row], refused: list[SetAside]) -> None:
        """Add them in one commit to each table."""
        if rows:
            added = self._personas.add(_table(rows, self._outcome.run.number))
            self._outcome.added += added
            self._index(added)
            self._outcome.already_there += len(rows) - added
        if refused:
            self._set_aside.add(to_arrow(list({each.id: each for each in refused}.values())))

    def _index(self, added: int) -> None:
        """Have many new rows indexed while others are read: Lance works on another core meanwhile."""
        self._fresh += added
        if self._fresh >= _INDEXED_ROWS and (self._indexed is None or self._indexed.done()):
            if self._indexed:
                self._indexed.result()
            self._indexed = self._indexer.submit(self._hub.personas.index_text)
            self._fresh = 0


def _table(rows: list[_Row], run: int) -> pa.Table:
    """The rows as the hub has them."""
    schema = SCHEMAS[Persona]
    columns = dict(zip(_Row._fields, map(list, zip(*rows, strict=True)), strict=True))
    unknown = [number for number, code in enumerate(columns["language"]) if not code]
    told = detect_languages([rows[number].description for number in unknown])
    for number, code in zip(unknown, told, strict=True):
        columns["language"][number] = code
    columns["document_id"] = columns["parent_id"]
    same = {
        "relation": _RELATION,
        "round": 0,
        "granularity": "",
        "closeness": None,
        "model": "",
        "seed": 0,
        "run": run,
        "request": "",
    }
    arrays = [
        pa.repeat(pa.scalar(same[column.name], column.type), len(rows))
        if column.name in same
        else pa.array(columns[column.name], column.type)
        for column in schema
    ]
    return pa.Table.from_arrays(arrays, schema=schema)
