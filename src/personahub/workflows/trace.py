"""``trace``: each row of a data set's file followed back to its text, link by link."""

import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from personahub.completion import Journal
from personahub.corpus import find_sources
from personahub.corpus.rows import ROW_FORMATS, read_rows
from personahub.corpus.texts import Unread
from personahub.errors import UserError
from personahub.hub import Hub
from personahub.hub.forgotten import Forgotten
from personahub.hub.tables import HubTable
from personahub.records import Kind
from personahub.workflows.steps import StepWatcher

__all__ = ["Break", "TraceOutcome", "trace"]

_ROWS = 1000
"""Rows that are followed at a time."""
_KEPT = 100_000
"""Personas of which it is kept what is wrong with their lineage."""
_FIRST = 100
_PERSONA = ("id", "parent_id", "document_id", "round", "run", "request")
_RECORD = ("id", "text", "persona_id", "document_id", "run", "request", "inputs")


class Break(NamedTuple):
    """A link that does not hold."""

    row: int
    """Of the file, from 1."""
    id: str
    link: str
    """A short name: row, id, record, text, persona, run, completion, made_from, parent or document."""
    detail: str


@dataclass
class TraceOutcome:
    """What a trace came to.

    Attributes:
        file: what was traced.
        rows: how many rows were followed.
        real: rows of a mixture that are real, which lead nowhere and were not followed.
        broken: how many breaks there are, by link.
        first: the first of them.
        seconds: wall time.
    """

    file: str
    rows: int = 0
    real: int = 0
    broken: Counter[str] = field(default_factory=Counter)
    first: list[Break] = field(default_factory=list)
    seconds: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """What ``trace --json`` prints."""
        told = {"first": [each._asdict() for each in self.first], "seconds": round(self.seconds, 3)}
        return {"whole": not self.broken, **vars(self), "broken": dict(self.broken), **told}

    def add(self, found: Break) -> None:
        """Count a break."""
        self.broken[found.link] += 1
        if len(self.first) < _FIRST:
            self.first.append(found)


def trace(file: Path | str, hub: Path | str, *, watcher: StepWatcher | None = None) -> TraceOutcome:
    """Follow each row of an exported file back: record, completion, personas of all rounds, document.

    A row is one of ``export`` or ``export``, or of a mixture of such rows with real ones. Of each
    the text has to be the hub's, every run's file and every completion has to be there, the records that it
    is about, each persona up to the root, and the root's document; of an imported persona the hub keeps no
    document. No text of a source file is read again.

    Args:
        file: JSON Lines, Parquet or CSV, also compressed; a folder or a pattern of such files.
        hub: the hub's directory.
        watcher: is told how it goes.

    Raises:
        UserError: no such file, no hub, another process is writing it, or its journal cannot be read.
    """
    opened, steps, start = Hub(hub), watcher or StepWatcher(), time.monotonic()
    outcome = TraceOutcome(str(file))
    sources = find_sources([str(file)], ROW_FORMATS)
    with opened.at_rest(), Journal(opened.journal_path) as journal:
        tracer = _Tracer(opened, journal)
        steps.began("rows traced", None)
        for source in sources:
            rows = _rows(read_rows(source), outcome)
            while batch := list(islice(rows, _ROWS)):
                for found in tracer.follow(batch):
                    outcome.add(found)
                outcome.rows += len(batch)
                steps.advanced(outcome.rows)
    if not outcome.rows and not outcome.broken and not outcome.real:
        raise UserError(f"{file}: holds no rows, so there is nothing to trace")
    outcome.seconds = time.monotonic() - start
    return outcome


_Row = tuple[int, Mapping[str, Any]]


def _rows(read: Iterator[Any], outcome: TraceOutcome) -> Iterator[_Row]:
    """The rows that can be followed; others are breaks."""
    for row in read:
        if isinstance(row, Unread):
            outcome.add(Break(row.row, "", "row", f"cannot be read: {row.detail}"))
            continue
        number, fields = row
        origin = fields.get("origin")
        if isinstance(origin, Mapping) and origin.get("kind") == "real":
            outcome.real += 1
        elif str(fields.get("id") or "")[:1] in {Kind.RECORD, Kind.PERSONA}:
            yield number, fields
        else:
            outcome.rows += 1
            there = ", ".join(map(str, fields)) or "no field"
            told = f"no id of a record or a persona in the field id; the row has {there}"
            outcome.add(Break(number, str(fields.get("id") or ""), "id", told))


class _Tracer:
    """Follows rows through one hub."""

    def __init__(self, hub: Hub, journal: Journal) -> None:
        self._hub = hub
        self._journal = journal
        self._runs = {run.number for run in hub.runs()}
        self._lineages: dict[str, list[tuple[str, str]]] = {}
        """What is wrong with personas that were followed already: link and detail."""

    def follow(self, rows: Sequence[_Row]) -> Iterator[Break]:
        """What is broken of these rows."""
        records = [row for row in rows if str(row[1]["id"])[0] == Kind.RECORD]
        personas = [row for row in rows if str(row[1]["id"])[0] == Kind.PERSONA]
        found = self._hub.records.get([str(row[1]["id"]) for row in records], _RECORD)
        owners = {record["persona_id"] for record in found.values()} - {""}
        self._follow_personas({*owners, *(str(row[1]["id"]) for row in personas)})
        seeds = self._missing(
            self._hub.records, {seed for each in found.values() for seed in _made_from(each)}
        )
        unanswered = self._unanswered(found.values())
        for number, fields in records:
            id_ = str(fields["id"])
            if (record := found.get(id_)) is None:
                told = Forgotten(self._hub.path).told(id_)
                yield Break(number, id_, "record", f"it {told}" if told else "the hub has no such record")
                continue
            if fields.get("text", record["text"]) != record["text"]:
                yield Break(number, id_, "text", "the row's text is not the record's")
            faults = [*self._own_faults(record, unanswered), *self._lineages.get(record["persona_id"], ())]
            faults += [
                ("made_from", f"the record {seed} is not there")
                for seed in _made_from(record)
                if seed in seeds
            ]
            yield from (Break(number, id_, *fault) for fault in faults)
        yield from self._persona_rows(personas)

    def _persona_rows(self, rows: Sequence[_Row]) -> Iterator[Break]:
        ids = [str(row[1]["id"]) for row in rows]
        found = self._hub.personas.get(ids, ["id", "description"]) if ids else {}
        for number, fields in rows:
            id_ = str(fields["id"])
            told = fields.get("persona", fields.get("description"))
            if id_ in found and told not in {None, found[id_]["description"]}:
                yield Break(number, id_, "text", "the row's description is not the persona's")
            yield from (Break(number, id_, *fault) for fault in self._lineages[id_])

    def _own_faults(self, thing: Mapping[str, Any], unanswered: set[str]) -> Iterator[tuple[str, str]]:
        """What is wrong with how one record or persona was made."""
        if thing["run"] not in self._runs:
            yield "run", f"{thing['id']}: there is no file of run {thing['run']}"
        if thing["request"] in unanswered:
            yield "completion", f"{thing['id']}: the journal has no reply to {thing['request']}"

    def _follow_personas(self, ids: set[str]) -> None:
        """Look at personas and all that they were reached from, a round at a time."""
        if len(self._lineages) > _KEPT:
            self._lineages.clear()
        levels: list[dict[str, dict[str, Any]]] = []
        level = ids - self._lineages.keys()
        while level:
            found = self._hub.personas.get(sorted(level), _PERSONA)
            for id_ in level - found.keys():
                self._lineages[id_] = [("persona", f"the persona {id_} is not there")]
            levels.append(found)
            parents = {row["parent_id"] for row in found.values() if row["parent_id"][:1] == Kind.PERSONA}
            level = parents - self._lineages.keys() - {id_ for each in levels for id_ in each}
        people = [row for each in levels for row in each.values()]
        roots = {row["parent_id"] for row in people if row["parent_id"][:1] == Kind.DOCUMENT}
        lost = self._missing(self._hub.documents, roots)
        unanswered = self._unanswered(people)
        # From the roots on, so that each persona's parent was looked at before it.
        for row in sorted(people, key=lambda row: int(row["round"])):
            faults = list(self._own_faults(row, unanswered))
            if row["parent_id"] in lost:
                faults.append(("document", f"the document {row['parent_id']} is not there"))
            elif row["parent_id"][:1] == Kind.PERSONA:
                faults += self._lineages.get(
                    row["parent_id"], [("parent", f"{row['id']}: is no later round than its parent")]
                )
            self._lineages[row["id"]] = faults

    def _unanswered(self, things: Any) -> set[str]:
        """The requests of these records or personas that the journal has no reply to."""
        asked = sorted({thing["request"] for thing in things if thing["request"]})
        try:
            there = self._journal.has_replies(bytes.fromhex("".join(asked)))
        except ValueError:
            return {key for key in asked if len(key) != 32}
        return {key for key, has in zip(asked, there.tolist(), strict=True) if not has}

    @staticmethod
    def _missing(table: HubTable, ids: set[str]) -> set[str]:
        return ids - table.get(sorted(ids), ["id"]).keys() if ids else set()


def _made_from(record: Mapping[str, Any]) -> list[str]:
    """The records that one is about or a variation of."""
    inputs = json.loads(record["inputs"])
    items = [inputs[name] for name in ("item", "seed_item") if name in inputs]
    return [item["record"] for item in items if item.get("record")]
