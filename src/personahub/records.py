"""The record types and their Arrow schemas, in one place.

Ids begin with the kind's letter and go on with 20 hexadecimal digits (80 bits) of a SHA-256 over what
makes the record itself, never over when or by whom it was made: the same thing found twice has one id.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum

import orjson
import pyarrow as pa

from personahub.config import canonical_json

__all__ = [
    "EDGE_SCHEMA",
    "SCHEMAS",
    "Document",
    "Kind",
    "Persona",
    "Record",
    "SetAside",
    "Table",
    "Verdict",
    "content_id",
    "to_arrow",
]


class Kind(StrEnum):
    """The first letter of an id: what kind of record it names."""

    DOCUMENT = "d"
    IMPORTED = "i"
    """A row of somebody else's file of personas; it is no record of its own, its persona tells all of it."""
    PERSONA = "p"
    RECORD = "r"
    SET_ASIDE = "x"
    VERDICT = "v"


def content_id(kind: Kind, *parts: str) -> str:
    """The id of a record that these parts make; parts are kept apart, so ("ab",) is not ("a", "b")."""
    try:
        content = orjson.dumps(
            parts
        )  # Of texts it makes the same bytes as canonical JSON, five times as fast.
    except TypeError:
        content = _storable(canonical_json(parts)).encode()
    return kind + hashlib.sha256(content).hexdigest()[:20]


@dataclass(frozen=True, slots=True)
class Document:
    """A source text that fits a prompt: a whole text, or one part of a longer one."""

    text: str
    language: str
    """ISO 639-1 code, or "und" where it could not be told."""
    source: str
    """The file, as the user named it (or as found in what the user named)."""
    row: int
    """Which line, record or row of the file, from 1; 1 for a file that is one text."""
    offset: int = 0
    """Where it begins: the byte of the file for WARC and ARC (of its compressed member, as CDX indexes give
    it), the byte of the uncompressed content for other files, the row for Parquet."""
    url: str = ""
    title: str | None = None
    date: str = ""
    """When it was published, or else fetched, as far as its source tells: ISO 8601, or as it stands there."""
    licence: str = "unknown"
    """A short name such as CC-BY-4.0, or what its source says."""
    pii: str = "{}"
    """How much personal data was found in it, by kind, as JSON."""
    orders: int = 0
    """Passages that try to steer the model that reads them."""
    part: int = 0
    """Which part of its text this is, from 0."""
    start: int = 0
    """Where in its text, without its personal data, this part begins, in characters."""

    @property
    def id(self) -> str:
        """Hash of the text alone, so the same text from two sources is one document."""
        return content_id(Kind.DOCUMENT, self.text)


@dataclass(frozen=True, slots=True)
class Persona:
    """A description of one kind of person, with its lineage."""

    description: str
    language: str
    relation: str
    """How the persona stands to its parent: read, write, like, … for a document; kind and role, as in
    care/patient, for a persona."""
    parent_id: str
    """What it was inferred from: a document or an imported row in round 0, a persona in later rounds."""
    document_id: str
    """The document, or the imported row, at the root of its lineage."""
    source: str
    """The root's file, as the user named it."""
    row: int
    """The root's line, record or row of the file, from 1."""
    date: str
    """The root's: ISO 8601, or as its source has it; empty where that tells none."""
    licence: str
    """The root's: a short name such as CC-BY-4.0, what its source says, or "unknown"."""
    round: int
    """Persona-to-persona steps from the root."""
    granularity: str
    closeness: float | None
    """Cosine of its embedding and its document's; None where the model knows no such language, and after
    round 0."""
    model: str
    template: str
    seed: int
    run: int
    """Number of the command that made it."""
    position: int
    """Place among those of its run and round, from the parents' order; never the order of arrival."""
    request: str
    """Key of the completion in the journal."""

    @property
    def id(self) -> str:
        """Hash of description, relation and parent; one sentence from two parents is two personas."""
        return content_id(Kind.PERSONA, self.description, self.relation, self.parent_id)


@dataclass(frozen=True, slots=True)
class Record:
    """One synthetic item, with its lineage."""

    dataset: str
    """The data set that it belongs to."""
    task: str
    method: str
    persona: str
    """The persona's description, so that a record can be read on its own; empty where none had a part."""
    persona_id: str
    document_id: str
    source: str
    """The file at the root of its lineage, as the user named it."""
    row: int
    date: str
    licence: str
    text: str
    language: str
    fields: str
    """The model's whole answer and what is derived from it, as JSON."""
    inputs: str
    """What it was made from beside the persona, as JSON: options, second persona, seed, scenario, …"""
    model: str
    template: str
    seed: int
    run: int
    position: int
    request: str

    @property
    def id(self) -> str:
        """Hash of data set, task, text and persona: each data set has records of its own."""
        return content_id(Kind.RECORD, self.dataset, self.task, self.text, self.persona_id)


@dataclass(frozen=True, slots=True)
class SetAside:
    """Something that did not pass, with its reason; nothing is dropped without one."""

    kind: str
    """What it would have been: document, persona or record."""
    reason: str
    """A short name, the same for every case of the rule."""
    detail: str
    text: str
    parent_id: str
    """The document or persona it came from; empty for a document."""
    source: str
    row: int
    run: int
    request: str

    @property
    def id(self) -> str:
        """Hash of the case itself: a second run over the same case adds nothing."""
        where = f"{self.source}:{self.row}"
        return content_id(
            Kind.SET_ASIDE, self.kind, self.reason, self.text, self.parent_id, where, self.request
        )


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one check found of one record; of several of one check the latest run's counts."""

    record_id: str
    dataset: str
    check: str
    outcome: str
    """"passed", "failed" or "undecided"."""
    score: float | None
    """From 0 to 1, higher is better; None where the check knows only yes and no."""
    reason: str
    """A short name, the same for every case of its kind; empty for what passed plainly."""
    evidence: str
    """What it rests on, as JSON."""
    rejects: bool
    """Whether a failed one takes the record out of the data set as it is listed and exported."""
    model: str
    """Whom it asked; empty where no model was."""
    calls: int
    tokens: int
    cost: float | None
    """US dollars; None where the price is not known."""
    run: int

    @property
    def id(self) -> str:
        """Hash of the record, the check and the run: each run judges anew."""
        return content_id(Kind.VERDICT, self.record_id, self.check, str(self.run))


Table = Document | Persona | Record | SetAside | Verdict

_STRING, _INT = pa.string(), pa.int64()


def _schema(types: Mapping[str, pa.DataType], nullable: Iterable[str] = ()) -> pa.Schema:
    optional = set(nullable)
    return pa.schema(
        [pa.field("id", _STRING, nullable=False)]
        + [pa.field(name, type_, nullable=name in optional) for name, type_ in types.items()]
    )


SCHEMAS: Mapping[type, pa.Schema] = {
    Document: _schema(
        {
            "text": _STRING,
            "language": _STRING,
            "source": _STRING,
            "row": _INT,
            "offset": _INT,
            "url": _STRING,
            "title": _STRING,
            "date": _STRING,
            "licence": _STRING,
            "pii": _STRING,
            "orders": pa.int32(),
            "part": _INT,
            "start": _INT,
        },
        nullable=["title"],
    ),
    Persona: _schema(
        {
            "description": _STRING,
            "language": _STRING,
            "relation": _STRING,
            "parent_id": _STRING,
            "document_id": _STRING,
            "source": _STRING,
            "row": _INT,
            "date": _STRING,
            "licence": _STRING,
            "round": pa.int16(),
            "granularity": _STRING,
            "closeness": pa.float32(),
            "model": _STRING,
            "template": _STRING,
            "seed": _INT,
            "run": pa.int32(),
            "position": _INT,
            "request": _STRING,
        },
        nullable=["closeness"],
    ),
    Record: _schema(
        {
            "dataset": _STRING,
            "task": _STRING,
            "method": _STRING,
            "persona": _STRING,
            "persona_id": _STRING,
            "document_id": _STRING,
            "source": _STRING,
            "row": _INT,
            "date": _STRING,
            "licence": _STRING,
            "text": _STRING,
            "language": _STRING,
            "fields": _STRING,
            "inputs": _STRING,
            "model": _STRING,
            "template": _STRING,
            "seed": _INT,
            "run": pa.int32(),
            "position": _INT,
            "request": _STRING,
        }
    ),
    SetAside: _schema(
        {
            "kind": _STRING,
            "reason": _STRING,
            "detail": _STRING,
            "text": _STRING,
            "parent_id": _STRING,
            "source": _STRING,
            "row": _INT,
            "run": pa.int32(),
            "request": _STRING,
        }
    ),
    Verdict: _schema(
        {
            "record_id": _STRING,
            "dataset": _STRING,
            "check": _STRING,
            "outcome": _STRING,
            "score": pa.float64(),
            "reason": _STRING,
            "evidence": _STRING,
            "rejects": pa.bool_(),
            "model": _STRING,
            "calls": pa.int32(),
            "tokens": _INT,
            "cost": pa.float64(),
            "run": pa.int32(),
        },
        nullable=["score", "cost"],
    ),
}
"""The Arrow schema of each record type: the id, then the fields in their order."""

EDGE_SCHEMA = pa.schema(
    [
        pa.field("later", _STRING, nullable=False),
        pa.field("earlier", _STRING, nullable=False),
        pa.field("method", _STRING, nullable=False),
        pa.field("similarity", pa.float64(), nullable=False),
    ]
)
"""Two personas that are alike: their ids, by age; "surface" or "semantic"; Jaccard similarity or cosine."""


def to_arrow(records: list[Table]) -> pa.Table:
    """The records (all of one type, at least one) as an Arrow table of their type's schema."""
    rows = [{"id": record.id, **asdict(record)} for record in records]
    schema = SCHEMAS[type(records[0])]
    try:
        return pa.Table.from_pylist(rows, schema=schema)
    except UnicodeEncodeError:
        rows = [
            {name: _storable(value) if isinstance(value, str) else value for name, value in row.items()}
            for row in rows
        ]
        return pa.Table.from_pylist(rows, schema=schema)


def _storable(text: str) -> str:
    """The text with a question mark for half a surrogate pair, which a model's escapes can make."""
    return text.encode(errors="replace").decode()
