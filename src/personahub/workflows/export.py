"""``export``: a hub's personas as a file, with or without where they come from."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from personahub.hub import Hub
from personahub.records import Kind
from personahub.workflows.files import writing_rows
from personahub.workflows.views import open_view

__all__ = ["ExportOutcome", "export"]

_AGE = ("run", "round", "position", "id")
_COLUMNS = {
    "id": "id",
    "persona": "description",
    "language": "language",
    "relation": "relation",
    "round": "round",
    "licence": "licence",
}
"""Fields of the file and their columns; the text's has the name that it has in Persona Hub's own files."""
_LINEAGE = (
    "parent_id",
    "document_id",
    "source",
    "row",
    "date",
    "model",
    "template",
    "seed",
    "run",
)


@dataclass(frozen=True)
class ExportOutcome:
    """What an export came to.

    Attributes:
        personas: how many were written.
        view: name of the view that chose them; "all" where every persona was taken.
        out: the file.
        seconds: wall time.
    """

    personas: int
    view: str
    out: str
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """The contract of ``export --json``."""
        return {**asdict(self), "seconds": round(self.seconds, 3)}


def export(
    hub: Path | str,
    out: Path | str,
    *,
    view: str | None = None,
    where: str | None = None,
    lineage: bool = False,
    at: int | None = None,
    told: Callable[[int], None] = lambda _: None,
) -> ExportOutcome:
    """Write personas to a JSON Lines or Parquet file, which is there whole or not at all.

    The oldest come first: by run, round, position and id. The same hub gives the same bytes. A row has
    ``id``, ``persona`` (the text), ``language``, ``relation``, ``round`` and ``licence``.

    Args:
        hub: the hub's directory.
        out: the file; its name ends in .jsonl, .jsonl.gz or .parquet.
        view: only what this view shows, such as "0.9/0.9"; None for the last deduplication's, or all where
            there was none; "all" for all.
        where: only personas that meet this SQL condition on their columns, such as ``language = 'en'``.
        lineage: also give parent and document, source, row, date, model, template, seed and run, and the
            document's title and address.
        at: a run: export the hub as it was when that ended; None for the hub as it is.
        told: is called now and then with how many are written.

    Raises:
        UserError: no hub, no such view, no such column, or a file that cannot be written.
    """
    opened, target = Hub(hub, version=at), Path(out)
    if where is not None:
        opened.personas.check_where(where)
    shown = open_view(opened, view)
    columns = [*_COLUMNS.values(), *(_LINEAGE if lineage else ())]
    start = time.monotonic()
    batches = opened.personas.in_order(_AGE, columns, where=where, shows=shown.shows if shown else None)
    count = 0
    with writing_rows(target, _schema(opened, lineage)) as write:
        for batch in batches:
            table = pa.Table.from_batches([batch]).rename_columns([*_COLUMNS, *columns[len(_COLUMNS) :]])
            write(_with_documents(opened, table) if lineage else table)
            count += table.num_rows
            told(count)
    return ExportOutcome(count, shown.name if shown else "all", str(target), time.monotonic() - start)


def _schema(hub: Hub, lineage: bool) -> pa.Schema:
    types = hub.personas.schema
    fields = [pa.field(name, types.field(column).type) for name, column in _COLUMNS.items()]
    if lineage:
        fields += [pa.field(name, types.field(name).type) for name in _LINEAGE]
        fields += [pa.field("title", pa.string()), pa.field("url", pa.string())]
    return pa.schema(fields)


def _with_documents(hub: Hub, table: pa.Table) -> pa.Table:
    """The rows with title and address of their documents; imported rows have null and an empty text."""
    ids = table["document_id"].to_pylist()
    asked = sorted({id_ for id_ in ids if id_.startswith(Kind.DOCUMENT)})
    found = hub.documents.get(asked, ["id", "title", "url"])
    nothing: dict[str, Any] = {"title": None, "url": ""}
    rows = [found.get(id_, nothing) for id_ in ids]
    for name in nothing:
        table = table.append_column(name, pa.array([row[name] for row in rows], pa.string()))
    return table
