"""What is looked at to tell whether a hub is whole: its tables' fragments, schemas and ids.

Ids are compared by the first 64 of their 80 bits: among 10 million of them a chance match of two has the
probability 3e-6, and it would hide or invent one case.
"""

from binascii import unhexlify
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from personahub.hub.datasets import open_table
from personahub.hub.tables import WHOLE_TABLE
from personahub.records import Document, Kind, Persona, Record, SetAside, Table, Verdict, content_id

__all__ = ["Cases", "Finding", "Keys", "is_among", "keys_of", "scan_table", "wrong_ids"]

Keys = NDArray[np.uint64]
_ID_LENGTH = 21
_SHOWN = 3
_BRING_BACK = (
    "bring the table back from a copy; or move it away and give the commands that personahub runs list names"
    " again: their replies come from the journal"
)


@dataclass(frozen=True)
class Finding:
    """Something that is wrong with a hub."""

    what: str
    where: str
    """The table, folder or file."""
    todo: str


@dataclass
class Cases:
    """Cases of one fault, of which a few are shown."""

    count: int = 0
    shown: list[str] = field(default_factory=list)

    def add(self, ids: Sequence[str], count: int | None = None) -> None:
        """Count these, or as many as told where only some are given."""
        self.count += len(ids) if count is None else count
        self.shown += ids[: _SHOWN - len(self.shown)]

    def __str__(self) -> str:
        """The ids that are shown."""
        return ", ".join(self.shown) + (", …" if self.count > len(self.shown) else "")


def scan_table(path: Path, schema: pa.Schema | None, findings: list[Finding]) -> Iterator[pa.RecordBatch]:
    """All rows of a Lance table, fragment by fragment; what cannot be read becomes a finding.

    Args:
        path: the table's folder; nothing is read where there is no table.
        schema: the schema it should have; None to take it as it is.
        findings: gets what is wrong.
    """
    try:
        if (table := open_table(path)) is None:
            return
        fragments = table.get_fragments()
    except (OSError, ValueError) as error:
        findings.append(Finding(f"cannot be opened ({_first_line(error)})", str(path), _BRING_BACK))
        return
    if schema is not None and not table.schema.equals(schema):
        findings.append(Finding(_difference(table.schema, schema), str(path), _BRING_BACK))
        return
    for fragment in fragments:
        yield from _scan_fragment(path, table, fragment, findings)


def _scan_fragment(
    path: Path, table: Any, fragment: Any, findings: list[Finding]
) -> Iterator[pa.RecordBatch]:
    rows = 0
    expected = fragment.count_rows()
    try:
        for batch in table.scanner(fragments=[fragment], **WHOLE_TABLE).to_batches():
            rows += batch.num_rows
            yield batch
        why = "" if rows == expected else f"it has {rows}"
    except GeneratorExit:
        raise
    except BaseException as error:
        # Lance's decoder may also end in a panic, which comes as no Exception.
        if not isinstance(error, (OSError, ValueError)) and type(error).__name__ != "PanicException":
            raise
        why = _first_line(error)
    if why:
        what = f"of {expected} rows of fragment {fragment.fragment_id} only {rows} can be read ({why})"
        findings.append(Finding(what, str(path), _BRING_BACK))


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0]


def _difference(there: pa.Schema, expected: pa.Schema) -> str:
    missing = [name for name in expected.names if name not in there.names]
    unknown = [name for name in there.names if name not in expected.names]
    if missing or unknown:
        told = [f"lacks {', '.join(missing)}"] * bool(missing) + [f"has {', '.join(unknown)}"] * bool(unknown)
        return f"is no table of this format: {' and '.join(told)}"
    other = [name for name in expected.names if not there.field(name).equals(expected.field(name))]
    told_types = ", ".join(f"{name} is {there.field(name).type}" for name in other)
    return f"is no table of this format: {told_types or 'its columns stand in another order'}"


_PARTS: dict[type[Table], tuple[Kind, tuple[str, ...]]] = {
    Document: (Kind.DOCUMENT, ("text",)),
    Persona: (Kind.PERSONA, ("description", "relation", "parent_id")),
    Record: (Kind.RECORD, ("dataset", "task", "text", "persona_id")),
}
"""The columns that an id is made of, as the record types' own ``id`` makes it."""


def wrong_ids(kind: type[Table], rows: pa.RecordBatch) -> list[str]:
    """The ids among a table's rows that are not what their rows make."""
    letter, names = _PARTS.get(kind, (Kind.VERDICT if kind is Verdict else Kind.SET_ASIDE, ()))
    if kind is SetAside:
        places = (f"{source}:{row}" for source, row in zip(*_lists(rows, "source", "row"), strict=True))
        before, request = _lists(rows, "kind", "reason", "text", "parent_id"), _lists(rows, "request")
        made = zip(*before, places, *request, strict=True)
    elif kind is Verdict:
        runs = (str(run) for run in rows["run"].to_pylist())
        made = zip(*_lists(rows, "record_id", "check"), runs, strict=True)
    else:
        made = zip(*_lists(rows, *names), strict=True)
    ids = rows["id"].to_pylist()
    return [
        id_
        for id_, parts in zip(ids, made, strict=True)
        if id_ != content_id(letter, *parts) and not (kind is Record and _is_of_format_3(id_, *parts))
    ]


def _is_of_format_3(id_: str, dataset: str, *parts: str) -> bool:
    """Whether a record's id is from when its data set was its task and no part of the id."""
    return dataset == parts[0] and id_ == content_id(Kind.RECORD, *parts)


def _lists(rows: pa.RecordBatch, *names: str) -> list[list[Any]]:
    return [rows[name].to_pylist() for name in names]


def keys_of(ids: pa.Array) -> Keys:
    """The first 64 bits of each id's hash; of what has not the form of an id a hash of its own."""
    lengths = pc.binary_length(ids)
    if ids.null_count == 0 and pc.all(pc.equal(lengths, _ID_LENGTH)).as_py():
        digits = np.frombuffer(ids.buffers()[2], np.uint8)[_start(ids) :][: _ID_LENGTH * len(ids)]
        try:
            raw = unhexlify(digits.reshape(-1, _ID_LENGTH)[:, 1:17].tobytes())
        except ValueError:
            pass
        else:
            return np.frombuffer(raw, ">u8").astype(np.uint64)
    digests = (sha256(str(id_).encode()).digest()[:8] for id_ in ids.to_pylist())
    return np.frombuffer(b"".join(digests), ">u8").astype(np.uint64)


def _start(ids: pa.Array) -> int:
    """Where in its buffer of characters an array of strings begins."""
    return int(np.frombuffer(ids.buffers()[1], np.int32)[ids.offset])


def is_among(keys: Keys, ordered: Keys) -> NDArray[np.bool_]:
    """For each key whether it is among others, which are in ascending order."""
    if not len(ordered):
        return np.zeros(len(keys), np.bool_)
    places = np.minimum(np.searchsorted(ordered, keys), len(ordered) - 1)
    return np.asarray(ordered[places] == keys)
