"""``show``: one thing of a hub with its whole lineage, from what it is up to the text it began with."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from personahub.errors import UserError
from personahub.hub import Hub
from personahub.records import Kind

__all__ = ["Lineage", "show"]

_SHORTEST = 5


@dataclass(frozen=True)
class Lineage:
    """A record, the persona it came from, and the document at their root; None where it has none."""

    kind: str
    record: Mapping[str, Any] | None
    persona: Mapping[str, Any] | None
    document: Mapping[str, Any] | None
    set_aside: Mapping[str, Any] | None
    below: Mapping[str, int]
    """How many personas and records come directly from what is shown."""

    def to_json(self) -> dict[str, Any]:
        """What ``show --json`` prints."""
        record = dict(self.record) if self.record else None
        if record:
            record["fields"] = json.loads(record["fields"])
        return {
            "kind": self.kind,
            "record": record,
            "persona": self.persona,
            "document": self.document,
            "set_aside": self.set_aside,
            "below": dict(self.below),
        }


def show(hub: Path | str, record_id: str) -> Lineage:
    """Look a record, persona, document or set-aside case up by its id (or the beginning of one).

    Raises:
        UserError: no hub, no such id, or several ids that begin so.
    """
    opened = Hub(hub)
    table = opened.table_of(record_id)
    if table is None:
        raise UserError(f"{record_id}: is no id; ids begin with {', '.join(Kind)}")
    if len(record_id) < _SHORTEST:
        raise UserError(f"{record_id}: too short; give at least {_SHORTEST} characters of the id")
    found = table.find(record_id)
    if not found:
        raise UserError(f"{record_id}: not in the hub {hub}")
    if len(found) > 1:
        ids = ", ".join(row["id"] for row in found[:5])
        raise UserError(f"{record_id}: {len(found)} ids begin so ({ids}, …); give more of it")
    row, kind = found[0], Kind(record_id[0])
    record = row if kind is Kind.RECORD else None
    set_aside = row if kind is Kind.SET_ASIDE else None
    parent = row["parent_id"] if set_aside else ""
    persona_id = record["persona_id"] if record else parent
    persona = row if kind is Kind.PERSONA else opened.personas.get([persona_id]).get(persona_id)
    document_id = persona["document_id"] if persona else parent
    document = row if kind is Kind.DOCUMENT else opened.documents.get([document_id]).get(document_id)
    below = {}
    if kind is Kind.DOCUMENT:
        below["personas"] = opened.personas.count(f"parent_id = '{row['id']}'")
    if kind is Kind.PERSONA:
        below["records"] = opened.records.count(f"persona_id = '{row['id']}'")
    return Lineage(kind.name.lower(), record, persona, document, set_aside, below)
