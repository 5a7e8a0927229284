"""``show``: one thing of a hub with its whole lineage, up to its text and down to what it led to."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from personahub.completion import Journal
from personahub.errors import UserError
from personahub.hub import Hub
from personahub.hub.forgotten import Forgotten
from personahub.hub.tables import quoted
from personahub.records import Kind
from personahub.workflows.prompts import Asked, Prompts
from personahub.workflows.verdicts import told, verdicts_of

__all__ = ["Lineage", "find_one", "show"]

_SHORTEST = 5
_DESCENDANTS = ("id", "description", "relation", "round", "parent_id")


@dataclass(frozen=True)
class Lineage:
    """A thing of the hub with all it came from; None or empty for what it has not.

    Attributes:
        kind: what is shown: "record", "persona", "document" or "set_aside".
        record: the record.
        made_from: the records that this one is about or a variation of, the nearest first.
        persona: the persona: itself, or the one the record was made from, or else the nearest of those that
            what it was made from has.
        ancestors: the personas that this one was reached from, the nearest first.
        document: the text at their root; None for an imported persona.
        set_aside: the case that was set aside.
        verdicts: what checks found of the record, by their names.
        below: how many personas and records come directly from what is shown.
        descendants: personas reached from the one shown, each with its own ``descendants``.
        asked: by id of a record or a persona the questions to a model that led to it, with their answers.
        no_replies: why no answers are there; empty where they are.
    """

    kind: str
    record: Mapping[str, Any] | None
    made_from: Sequence[Mapping[str, Any]]
    persona: Mapping[str, Any] | None
    ancestors: Sequence[Mapping[str, Any]]
    document: Mapping[str, Any] | None
    set_aside: Mapping[str, Any] | None
    verdicts: Mapping[str, Any]
    below: Mapping[str, int]
    descendants: Sequence[Mapping[str, Any]]
    asked: Mapping[str, Sequence[Asked]]
    no_replies: str

    def to_json(self) -> dict[str, Any]:
        """What ``show --json`` prints."""
        return {
            "kind": self.kind,
            "record": _parsed(self.record) if self.record else None,
            "made_from": [_parsed(record) for record in self.made_from],
            "persona": self.persona,
            "ancestors": list(self.ancestors),
            "document": self.document,
            "set_aside": self.set_aside,
            "verdicts": dict(self.verdicts),
            "below": dict(self.below),
            "descendants": list(self.descendants),
            "asked": {id_: [each.to_json() for each in asked] for id_, asked in self.asked.items()},
            "no_replies": self.no_replies,
        }


def _parsed(record: Mapping[str, Any]) -> dict[str, Any]:
    return {**record, **{name: json.loads(record[name]) for name in ("fields", "inputs")}}


def show(hub: Path | str, record_id: str, *, at: int | None = None) -> Lineage:
    """Look a record, persona, document or set-aside case up by its id (or the beginning of one).

    Args:
        hub: the hub's directory.
        record_id: the id.
        at: a run: look into the hub as it was when that ended; None for the hub as it is.

    Raises:
        UserError: no hub, no such version, no such id, or several ids that begin so.
    """
    opened = Hub(hub, version=at)
    row, kind = find_one(opened, record_id), Kind(record_id[0])
    record = row if kind is Kind.RECORD else None
    set_aside = row if kind is Kind.SET_ASIDE else None
    records = [record, *_made_from(opened, record)] if record else []
    # A record that no persona had a part in goes back to the persona of its problem.
    owner = next((each["persona_id"] for each in records if each["persona_id"]), "")
    parent = row["parent_id"] if set_aside else owner
    persona = row if kind is Kind.PERSONA else opened.personas.get([parent]).get(parent)
    ancestors = _ancestors(opened, persona) if persona else []
    document_id = persona["document_id"] if persona else row.get("document_id") or parent
    document = row if kind is Kind.DOCUMENT else opened.documents.get([document_id]).get(document_id)
    below, descendants = {}, []
    if kind is Kind.DOCUMENT:
        below["personas"] = opened.personas.count(f"parent_id = '{row['id']}'")
    if kind is Kind.PERSONA:
        descendants = _descendants(opened, row["id"])
        below["personas"] = len(descendants)
        below["records"] = opened.records.count(f"persona_id = '{row['id']}'")
    if kind is Kind.RECORD:
        below["records"] = opened.records.count(f'inputs LIKE \'%"record":"{row["id"]}"%\'')
    verdicts = told(verdicts_of(opened, record["id"])) if record else {}
    made = [each for each in (*records, persona, *ancestors) if each]
    asked, no_replies = _asked(opened, made)
    return Lineage(
        kind.name.lower(),
        record,
        records[1:],
        persona,
        ancestors,
        document,
        set_aside,
        verdicts,
        below,
        descendants,
        asked,
        no_replies,
    )


def _asked(hub: Hub, made: Sequence[Mapping[str, Any]]) -> tuple[dict[str, list[Asked]], str]:
    """What was asked for each of these; the answers too, where the journal can be read now."""
    with ExitStack() as held:
        journal, no_replies = None, ""
        try:
            if hub.journal_path.is_dir():
                held.enter_context(hub.at_rest())
                journal = held.enter_context(Journal(hub.journal_path))
        except UserError as error:
            no_replies = str(error)
        except OSError as error:
            no_replies = f"{hub.journal_path}: cannot be read ({error.strerror or error})"
        prompts = Prompts(hub, journal)
        return {each["id"]: prompts.of(each) for each in made}, no_replies


def find_one(hub: Hub, record_id: str) -> dict[str, Any]:
    """The row of an id, or of the one id that begins so.

    Raises:
        UserError: no such id, or several that begin so.
    """
    table = hub.table_of(record_id)
    if table is None:
        if record_id.startswith(Kind.IMPORTED):
            raise UserError(
                f"{record_id}: is the id of an imported row, of which the hub keeps its persona alone:"
                f' personahub sample --where "starts_with(parent_id, {quoted(record_id)})" --view all'
                f" --hub {hub.path} finds it"
            )
        raise UserError(f"{record_id}: is no id; ids begin with d, p, r or x")
    if len(record_id) < _SHORTEST:
        raise UserError(f"{record_id}: too short; give at least {_SHORTEST} characters of the id")
    found = table.find(record_id)
    if not found:
        told = Forgotten(hub.path).told(record_id)
        raise UserError(f"{record_id}: not in the hub {hub.path}" + (f"; it {told}" if told else ""))
    if len(found) > 1:
        ids = ", ".join(row["id"] for row in found[:5])
        raise UserError(f"{record_id}: {len(found)} ids begin so ({ids}, …); give more of it")
    return found[0]


def _made_from(hub: Hub, record: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found: dict[str, Mapping[str, Any]] = {}
    level = [record]
    while level:
        inputs = [json.loads(each["inputs"]) for each in level]
        items = [each[name] for each in inputs for name in ("item", "seed_item") if name in each]
        ids = [item["record"] for item in items if item.get("record") and item["record"] not in found]
        rows = hub.records.get(ids)
        level = [rows[id_] for id_ in dict.fromkeys(ids) if id_ in rows]
        found |= {each["id"]: each for each in level}
    return list(found.values())


def _ancestors(hub: Hub, persona: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    ancestors: list[Mapping[str, Any]] = []
    nearest: Mapping[str, Any] | None = persona
    while nearest and nearest["round"]:
        nearest = hub.personas.get([nearest["parent_id"]]).get(nearest["parent_id"])
        ancestors += [nearest] if nearest else []
    return ancestors


def _descendants(hub: Hub, persona_id: str) -> list[Mapping[str, Any]]:
    """The tree below a persona; each level is one look at the table."""
    children: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    level = [persona_id]
    while level:
        found = sorted(hub.personas.children(level, _DESCENDANTS), key=lambda child: child["id"])
        for child in found:
            children[child.pop("parent_id")].append(child)
        level = [child["id"] for child in found]
    for siblings in list(children.values()):
        for child in siblings:
            child["descendants"] = children.get(child["id"], [])
    return list(children[persona_id])
