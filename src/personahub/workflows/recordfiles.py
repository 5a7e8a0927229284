"""Files of records: with all their lineage, or with the columns of the paper's published samples."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal, Protocol

import pyarrow as pa

from personahub.errors import UserError
from personahub.records import SCHEMAS, Record
from personahub.workflows.files import check_target, writing_rows

__all__ = ["FORMS", "Form", "RecordFile", "WriteRecord"]

Form = Literal["records", "personahub"]
FORMS: tuple[Form, ...] = ("records", "personahub")


class WriteRecord(Protocol):
    """Takes a record, with its verdicts where the file has them."""

    def __call__(self, record: Record, verdicts: Mapping[str, Any] | None = None) -> None:
        """Write one."""
        ...


_ROWS = 256
_PAPER = pa.schema([(name, pa.string()) for name in ("input persona", "synthesized text", "description")])
_NESTED = ("fields", "inputs")
_RECORDS = SCHEMAS[Record].append(pa.field("synthetic", pa.bool_(), nullable=False))
"""A record says of itself what it is, wherever it goes."""


class RecordFile:
    """A file of records to be written.

    Args:
        target: its path; the name tells the format.
        form: "records" or "personahub".
        kind: says what a record is called, for the paper's column ``description``.
        with_verdicts: records come with what checks found of them.

    Raises:
        UserError: no such file can be written.
    """

    def __init__(
        self, target: Path, form: Form, kind: Callable[[Record], str], *, with_verdicts: bool = False
    ) -> None:
        """Check that it can be written, before anything is paid for."""
        if form not in FORMS:
            raise UserError(f"--format {form}: is none of {', '.join(FORMS)}")
        check_target(target)
        self.target = target
        self._form = form
        self._kind = kind
        self._with_verdicts = with_verdicts and form == "records"

    @contextmanager
    def writing(self) -> Iterator[WriteRecord]:
        """What takes record after record with its verdicts; the file is there whole at the end or not at all.

        Raises:
            UserError: it cannot be written; the records are in the hub all the same.
        """
        schema = _PAPER if self._form == "personahub" else _RECORDS
        nested = () if self._form == "personahub" else _NESTED
        if self._with_verdicts:
            schema, nested = schema.append(pa.field("verdicts", pa.string())), (*nested, "verdicts")
        waiting: list[dict[str, Any]] = []
        with writing_rows(self.target, schema, nested) as write_rows:

            def flush() -> None:
                try:
                    write_rows(pa.Table.from_pylist(waiting, schema))
                except OSError as error:
                    raise UserError(
                        f"{self.target}: cannot be written ({error.strerror or error}); what was answered is"
                        " safe in the hub: run the same command again with another --out"
                    ) from error
                waiting.clear()

            def write(record: Record, verdicts: Mapping[str, Any] | None = None) -> None:
                row = self._row(record)
                if self._with_verdicts:
                    row["verdicts"] = json.dumps(verdicts or {}, ensure_ascii=False)
                waiting.append(row)
                if len(waiting) >= _ROWS:
                    flush()

            yield write
            flush()

    def _row(self, record: Record) -> dict[str, Any]:
        if self._form == "personahub":
            values = (record.persona, record.text, self._kind(record))
            return dict(zip(_PAPER.names, values, strict=True))
        return {"id": record.id, **asdict(record), "synthetic": True}
