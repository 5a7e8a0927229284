"""What ``verify`` checks and where its verdicts go: a data set of a hub, or a file of rows."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from personahub.corpus import Source, detect_language, find_sources
from personahub.corpus.rows import ROW_FORMATS, read_rows
from personahub.corpus.texts import Unread
from personahub.errors import UserError
from personahub.hub import Hub
from personahub.languages import LANGUAGES
from personahub.synthesis import Task
from personahub.verification import Item
from personahub.workflows.checking import Judged
from personahub.workflows.datasets import where_data_set
from personahub.workflows.files import digest_of, writing_lines
from personahub.workflows.items import TEXT_FIELDS, Wanted, text_of
from personahub.workflows.record_checks import answer_of, item_of, told_of, verdicts_from
from personahub.workflows.running import Work

__all__ = ["Accept", "Checked", "DataSetChecked", "FileChecked", "status_of"]

_AT_ONCE = 128
_SOURCES = ("source_text", "document")
"""Fields in which a row may tell the text that it was made from."""


Accept = Callable[[Any, Item | None, Mapping[str, Judged]], None]


class Checked(Protocol):
    """Something to check."""

    count: int | None
    identity: Mapping[str, Any]
    """What it is, for what identifies a run."""

    @property
    def hub(self) -> Hub:
        """Holds the journal and the run."""
        ...

    def wanted(self) -> frozenset[str]:
        """The checks that its records' tasks want."""
        ...

    def rows(self) -> Iterator[tuple[Any, Item | None]]:
        """Each row with what is checked of it; None for a row that has no text."""
        ...

    def wants(self, row: Any, names: Sequence[str]) -> Sequence[str]:
        """Of these checks those that a row gets where nobody named any."""
        ...

    def writing(self, work: Work[Any], reject: bool) -> AbstractContextManager[Accept]:
        """What takes each row with its findings."""
        ...


def status_of(outcomes: set[str]) -> str:
    """What findings come to: one that failed decides, then one that passed."""
    return "failed" if "failed" in outcomes else "passed" if "passed" in outcomes else "undecided"


@dataclass
class DataSetChecked:
    """A data set of a hub, whose records get verdicts beside them."""

    hub: Hub
    name: str

    def __post_init__(self) -> None:
        """See that there is one.

        Raises:
            UserError: there is none of this name.
        """
        self._where = where_data_set(self.hub, self.name)
        self.count: int | None = self.hub.records.count(self._where)
        self.identity: Mapping[str, Any] = {"dataset": self.name, "records": self.count}

    def wanted(self) -> frozenset[str]:
        """The checks that its records' tasks want."""
        tasks: set[str] = set()
        for batch in self.hub.records.read(["task"], self._where):
            tasks.update(batch[0].unique().to_pylist())
        return frozenset(name for task in tasks for name in _checks_of(task))

    def wants(self, row: Any, names: Sequence[str]) -> Sequence[str]:
        """Of these checks those that the record's task wants."""
        return [name for name in names if name in _checks_of(row["task"])]

    def rows(self) -> Iterator[tuple[Any, Item | None]]:
        """Each record, with its source's text."""
        records = islice(self.hub.records.rows(self._where), self.count)
        while batch := list(islice(records, _AT_ONCE)):
            ids = sorted({row["document_id"] for row in batch} - {""})
            documents = self.hub.documents.get(ids, ["id", "text"])
            for row in batch:
                yield row, item_of(row, documents.get(row["document_id"], {}).get("text", ""))

    @contextmanager
    def writing(self, work: Work[Any], reject: bool) -> Iterator[Accept]:
        """Verdicts into the hub, as the run goes."""

        def accept(row: Any, item: Item | None, found: Mapping[str, Judged]) -> None:
            run = work.outcome.run.number
            work.buffer.add(*verdicts_from(row["id"], self.name, found, run=run, rejects=reject))

        yield accept


class _Broken(NamedTuple):
    """What cannot be read as a row."""

    source: str
    unread: Unread

    def told(self) -> dict[str, Any]:
        """What stands in its place beside the rows."""
        unread = self.unread
        return {
            "source": self.source,
            "row": unread.row,
            "reason": unread.reason,
            "detail": unread.detail,
        }


@dataclass
class FileChecked:
    """Files of rows, which are written anew with their verdicts.

    Attributes:
        named: a file, folder, pattern or address.
        out: where the rows go.
        field: that holds the text; None looks for the usual ones.
        language: of the texts, where the rows do not tell.
        reject: write what does not pass into a file of its own.
    """

    named: str
    out: Path
    field: str | None
    language: str | None
    reject: bool

    def __post_init__(self) -> None:
        """See that it can be read, and that what comes out can be written.

        Raises:
            UserError: it cannot be, or is where something would be written.
        """
        self._sources = find_sources([self.named], ROW_FORMATS)
        self.beside = self.out.with_name(f"{_stem(self.out)}.rejected.jsonl")
        read = {Path(source.path).resolve() for source in self._sources}
        if self.out.resolve() in read:
            raise UserError(f"--out {self.out}: is the file that is checked, which is never changed")
        if self.beside.resolve() in read:
            raise UserError(
                f"--out {self.out}: what fails would go to {self.beside}, which is checked and never changed;"
                " give another name"
            )
        if Path(self.named).is_dir() and self.out.resolve().is_relative_to(Path(self.named).resolve()):
            raise UserError(f"--out {self.out}: lies in the folder that is checked; name a file elsewhere")
        self._wanted = Wanted(self.field, TEXT_FIELDS, None)
        self.count: int | None = None
        self.identity: Mapping[str, Any] = {
            "files": [[source.name, digest_of(source.path)] for source in self._sources],
            "field": self.field,
            "language": self.language,
        }
        with writing_lines(self.out) as lines:  # Before anything is paid for.
            lines.discard()

    @cached_property
    def hub(self) -> Hub:
        """The folder OUT.work, made when the run begins."""
        return Hub.create(self.out.with_name(f"{_stem(self.out)}.work"))

    def wanted(self) -> frozenset[str]:
        """None: rows of a file have no task."""
        return frozenset()

    def wants(self, row: Any, names: Sequence[str]) -> Sequence[str]:
        """All of them."""
        return names

    def rows(self) -> Iterator[tuple[Any, Item | None]]:
        """Each row of each file."""
        for source in self._sources:
            for row in read_rows(source):
                if isinstance(row, Unread):
                    yield _Broken(source.name, row), None
                else:
                    yield self._one(source, *row)

    def _one(self, source: Source, number: int, fields: Mapping[str, Any]) -> tuple[Any, Item | None]:
        text = text_of(fields, self._wanted)
        if isinstance(text, tuple):
            verdict = {"outcome": "undecided", "reason": text[0], "detail": text[1]}
            return {**fields, "verdicts": {"text": verdict}}, None
        told = fields.get("language")
        known = told if isinstance(told, str) and told in LANGUAGES else self.language
        persona = fields.get("persona") or fields.get("input persona")
        return fields, Item(
            name=f"{source.name}:{number}",
            text=text,
            language=known or detect_language(text),
            fields=fields,
            persona=persona if isinstance(persona, str) else "",
            source=next((each for key in _SOURCES if isinstance(each := fields.get(key), str)), ""),
            answer=answer_of(fields),
            language_is_told=known is not None,
        )

    @contextmanager
    def writing(self, work: Work[Any], reject: bool) -> Iterator[Accept]:
        """Rows with their verdicts; the files are there whole at the end, or not at all."""
        with ExitStack() as held:
            kept, beside = held.enter_context(writing_lines(self.out)), None
            broken = work.outcome.unreadable
            if reject:
                # Also where nothing fails, so that none of an earlier time stays.
                beside = held.enter_context(writing_lines(self.beside))
                work.outcome.rejected = str(self.beside)

            def write_beside(row: Mapping[str, Any]) -> None:
                nonlocal beside
                if beside is None:
                    beside = held.enter_context(writing_lines(self.beside))
                    work.outcome.rejected = str(self.beside)
                beside.write(row)

            def accept(row: Any, item: Item | None, found: Mapping[str, Judged]) -> None:
                if isinstance(row, _Broken):
                    broken[row.unread.reason] += 1
                    write_beside(row.told())
                    return
                earlier = row.get("verdicts")
                told = {name: told_of(judged) for name, judged in found.items()}
                verdicts = {**(earlier if isinstance(earlier, dict) else {}), **told}
                if item is None:
                    broken[verdicts["text"]["reason"]] += 1
                outcomes = {str(each.get("outcome")) for each in verdicts.values() if isinstance(each, dict)}
                status = status_of(outcomes)
                write = write_beside if reject and status == "failed" else kept.write
                write({**row, "verdicts": verdicts, "verified": status})

            work.outcome.kept = str(self.out)
            yield accept
            if work.outcome.interrupted:
                for lines in filter(None, (kept, beside)):
                    lines.discard()
                work.outcome.kept = work.outcome.rejected = ""


def _stem(out: Path) -> str:
    return out.name.removesuffix(".gz").removesuffix(".jsonl")


@cache
def _checks_of(task: str) -> Sequence[str]:
    try:
        return Task.load(task).declaration.checks
    except UserError:
        return ()
