"""``forget``: all that came from a text, however far, taken out of a hub."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from personahub.errors import UserError
from personahub.hub import Compared, Hub, Method
from personahub.hub.datasets import in_lots
from personahub.hub.forgetting import finish
from personahub.hub.forgetting import purge as purge_hub
from personahub.hub.forgotten import Fact, Forgotten, address_hash
from personahub.hub.known import KnownIds
from personahub.hub.tables import HubTable, quoted
from personahub.records import Kind
from personahub.workflows.show import find_one
from personahub.workflows.steps import StepWatcher, stepping

__all__ = ["ForgetOutcome", "forget"]

_ID = re.compile(r"\b[dipr][0-9a-f]{20}\b")
_TABLES = ("documents", "personas", "records", "set_aside", "verdicts")


@dataclass
class ForgetOutcome:
    """What was forgotten.

    Attributes:
        documents: ids of the texts, or of the imported rows.
        gone: how many rows, by table, of the hub and its shards.
        purged: whether it is gone from old versions and journals too.
        emptied: replies and failures of journals that were emptied.
        compare_again: whether the hub's personas have to be compared anew, since their words were compared
            by MinHash, which tells too little.
    """

    documents: list[str] = field(default_factory=list)
    gone: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_TABLES, 0))
    purged: bool = False
    emptied: int = 0
    compare_again: bool = False

    def to_json(self) -> dict[str, Any]:
        """What ``forget --json`` prints."""
        return asdict(self)


def forget(
    hub: Path | str,
    document: str,
    *,
    purge: bool = False,
    dry_run: bool = False,
    watcher: StepWatcher | None = None,
) -> ForgetOutcome:
    """Take a text and all that came from it out of a hub and its shards, and keep it from coming back.

    That is the whole text, though the hub holds it in parts; the personas of all rounds; records, verdicts
    and what was set aside; and all versions of the hub are as if it had never been there. That it was
    forgotten stays, as ids and hashes. A kill loses nothing: the next command that writes the hub goes on.

    Args:
        hub: the hub's directory.
        document: the address of the text; or its id, that of a part of it, of an imported row, or of a text
            that was set aside; or the beginning of an id.
        purge: take it out of old versions of the tables, indexes and the journal too, with all that was
            forgotten before. Each reply that was asked about it is emptied; that it was asked, when and at
            what cost stays.
        dry_run: only say what would go.
        watcher: is told how it goes.

    Raises:
        UserError: no such text, the id is of something else, another process is writing the hub, a batch is
            open where all shall be purged, or the disk is full.
    """
    hubs = [Hub(hub), *Hub.shards_in(hub)]
    for each in hubs:
        if Forgotten(each.path).is_pending():
            with each.writing():
                pass  # What was cut off is brought to its end there.
    steps = watcher or StepWatcher()
    found = [_Text.find(each, document) for each in hubs]
    roots = {root for text in found for root in text.roots}
    texts = [_Text.of(each, roots, text) for each, text in zip(hubs, found, strict=True)]
    if not any(texts) and not (purge and _is_known(hubs, document)):
        raise _not_there(hubs, document)
    outcome = ForgetOutcome(sorted(roots), purged=purge and not dry_run)
    for each, text in zip(hubs, texts, strict=True):
        if text:
            _forget(each, text, outcome, steps, dry_run=dry_run)
        if purge and not dry_run:
            steps.began("purging old versions and the journal", None)
            with each.writing():
                outcome.emptied += purge_hub(each)
    return outcome


def _forget(hub: Hub, text: "_Text", outcome: ForgetOutcome, steps: StepWatcher, *, dry_run: bool) -> None:
    steps.began("looking for what came of it", None)
    if dry_run:
        ids, _ = _all_from(hub, text)
        _count(outcome, ids)
        return
    configuration = {"documents": sorted(text.roots), "at": _now()}
    with stepping(hub, "forget", configuration, None) as (run, _):
        ids, requests = _all_from(hub, text)
        fact = _planned(hub, run.number, text, ids, requests)
        outcome.compare_again |= fact.compared.keys() != hub.duplicates.now().compared.keys()
        Forgotten(hub.path).save(fact)
        finish(hub)
        run.counts = {name: len(gone) for name, gone in ids.items()}
        _count(outcome, ids)


def _count(outcome: ForgetOutcome, ids: Mapping[str, Sequence[str]]) -> None:
    for name, gone in ids.items():
        outcome.gone[name] += len(gone)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _is_known(hubs: Sequence[Hub], document: str) -> bool:
    """Whether it was forgotten before."""
    facts = [fact for hub in hubs for fact in Forgotten(hub.path).facts()]
    hashed = address_hash(document)
    return any(hashed in fact.addresses or document in fact.roots for fact in facts)


def _not_there(hubs: Sequence[Hub], document: str) -> UserError:
    if _is_known(hubs, document):
        return UserError(
            f"{document}: was forgotten already; --purge takes it out of old versions and the journal too"
        )
    return UserError(
        f"{document}: no document of {hubs[0].path} has this address or id; addresses are told as they were"
        " read (personahub show ID gives that of any persona's text)"
    )


@dataclass(frozen=True)
class _Text:
    """A text as a hub knows it.

    Attributes:
        roots: ids of its documents or imported rows; of those that were read elsewhere too.
        addresses: where it is from, as far as that is known.
        places: its source and row, by which what was set aside of it is known.
    """

    roots: frozenset[str] = frozenset()
    addresses: frozenset[str] = frozenset()
    places: frozenset[tuple[str, int]] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.places)

    @classmethod
    def find(cls, hub: Hub, document: str) -> "_Text":
        """The text of an address or an id in a hub, with all its parts; nothing where it is not there.

        Raises:
            UserError: the id is not that of a text, or several begin so.
        """
        at_address = hub.documents.rows(f"url = {quoted(document)}")
        places = {(row["source"], int(row["row"])) for row in at_address}
        if not places and re.fullmatch(r"[dx][0-9a-f]{4,20}", document):
            places = _places_of(hub, document)
        elif not places and re.fullmatch(r"i[0-9a-f]{20}", document):
            rows = hub.personas.rows(f"document_id = '{document}'")
            places = {(row["source"], int(row["row"])) for row in rows}
        elif not places and re.fullmatch(r"[prv][0-9a-f]{4,20}", document):
            raise UserError(
                f"{document}: is no text; personahub show {document} --hub {hub.path} tells the id of the"
                " text that it came from"
            )
        return cls.at(hub, places, {document} if document.startswith(Kind.IMPORTED) else set())

    @classmethod
    def of(cls, hub: Hub, roots: set[str], found: "_Text") -> "_Text":
        """The same text with what other hubs know of it."""
        listed = hub.documents.get(sorted(roots), ["id", "source", "row"]).values()
        imported = {root for root in roots if root.startswith(Kind.IMPORTED)}
        places = {(row["source"], int(row["row"])) for row in listed} | found.places
        return cls.at(hub, places, imported) if places else found

    @classmethod
    def at(cls, hub: Hub, places: set[tuple[str, int]], imported: set[str]) -> "_Text":
        """The text at these places."""
        columns = ["id", "source", "row", "url"]
        rows = [row for where in _at(places) for row in _rows(hub.documents, columns, where)]
        roots = {row["id"] for row in rows} | (imported if places else set())
        addresses = {row["url"] for row in rows if row["url"]}
        return cls(frozenset(roots), frozenset(addresses), frozenset(places))


def _places_of(hub: Hub, id_: str) -> set[tuple[str, int]]:
    try:
        row = find_one(hub, id_)
    except UserError as error:
        if "not in the hub" in str(error):
            return set()
        raise
    if row["id"].startswith(Kind.SET_ASIDE) and row["parent_id"].startswith(Kind.PERSONA):
        raise UserError(f"{id_}: is no text; personahub show {id_} --hub {hub.path} tells what it came from")
    return {(row["source"], int(row["row"]))}


def _at(places: set[tuple[str, int]]) -> Iterator[str]:
    for source, row in sorted(places):
        yield f"source = {quoted(source)} AND row = {row}"


def _rows(table: HubTable, columns: Sequence[str], where: str) -> Iterator[dict[str, Any]]:
    for batch in table.read(columns, where):
        yield from batch.to_pylist()


def _all_from(hub: Hub, text: _Text) -> tuple[dict[str, tuple[str, ...]], tuple[str, ...]]:
    """The ids of all that came from a text, by table, and the requests that it was made by."""
    ids: dict[str, set[str]] = {name: set() for name in _TABLES}
    requests: set[str] = set()

    def take(table: HubTable, where: str) -> None:
        columns = [name for name in ("id", "request") if name in table.schema.names]
        for row in _rows(table, columns, where):
            ids[table.path.stem].add(row["id"])
            requests.add(row.get("request") or "")

    for where in _at(set(text.places)):
        take(hub.set_aside, where)
    for listed in in_lots(sorted(text.roots)):
        take(hub.documents, f"id IN ({listed})")
        take(hub.personas, f"document_id IN ({listed})")
        take(hub.records, f"document_id IN ({listed})")
    for listed in in_lots(sorted(ids["personas"])):
        take(hub.records, f"persona_id IN ({listed})")
    known = {*text.roots, *ids["personas"], *ids["records"]}
    # A record may be made of others, and of further personas; so on until nothing comes of what was found.
    while more := _mentioning(hub.records, "inputs", known) - ids["records"]:
        for listed in in_lots(sorted(more)):
            take(hub.records, f"id IN ({listed})")
        known |= more
    for listed in in_lots(sorted(known)):
        take(hub.set_aside, f"parent_id IN ({listed})")
        take(hub.verdicts, f"record_id IN ({listed})")
    # What a check found of others may quote what goes.
    for listed in in_lots(sorted(_mentioning(hub.verdicts, "evidence", known))):
        take(hub.verdicts, f"id IN ({listed})")
    return {name: tuple(sorted(found)) for name, found in ids.items()}, tuple(sorted(requests - {""}))


def _mentioning(table: HubTable, column: str, known: set[str]) -> set[str]:
    """The ids of the rows that name one of these in a column of JSON."""
    return {
        id_
        for batch in table.read(["id", column])
        for id_, told in zip(batch["id"].to_pylist(), batch[column].to_pylist(), strict=True)
        if not known.isdisjoint(_ID.findall(told))
    }


def _planned(
    hub: Hub, run: int, text: _Text, ids: Mapping[str, tuple[str, ...]], requests: tuple[str, ...]
) -> Fact:
    """All that has to be known before anything goes."""
    places = {name: _places(table, ids[name]) for name, table in zip(_TABLES, hub.tables, strict=True)}
    rows = {
        str(each.number): {
            name: count - int(np.searchsorted(places[name], count)) for name, count in each.tables.items()
        }
        for each in hub.runs()
        if each.tables is not None
    }
    gone = pa.array(ids["personas"], pa.string())
    compared = {
        method: asdict(_compared(hub, Method(method), each, gone, places["personas"]))
        for method, each in hub.duplicates.now().compared.items()
        if not each.minhash
    }
    return Fact(
        run,
        _now(),
        tuple(sorted(text.roots)),
        tuple(sorted(map(address_hash, text.addresses))),
        ids,
        requests,
        rows=rows,
        heirs=_heirs(hub, gone) if compared else {},
        compared=compared,
    )


def _places(table: HubTable, ids: Sequence[str]) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Where in a table these rows stand, in rising order."""
    found, start, known = [np.zeros(0, np.int64)], 0, KnownIds([pa.array(ids, pa.string())])
    for batch in table.read(["id"]) if ids else ():
        found.append(np.flatnonzero(known.holds(batch["id"])) + start)
        start += batch.num_rows
    return np.concatenate(found)


def _compared(
    hub: Hub, method: Method, now: Compared, gone: pa.Array, places: np.ndarray[Any, np.dtype[np.int64]]
) -> Compared:
    """How far a comparison is when these personas are gone."""
    personas = now.personas - int(np.searchsorted(places, now.personas))
    read = (
        (batch["id"] for batch in hub.personas.read(["id"]))
        if method is Method.SURFACE
        else iter(hub.embeddings.ids().chunks)
    )
    rows, last, start = 0, "", 0
    for ids in read:
        compared = ids.slice(0, max(now.rows - start, 0))
        staying = compared.filter(pc.invert(pc.is_in(compared, value_set=gone)))
        rows, start = rows + len(staying), start + len(ids)
        last = staying[-1].as_py() if len(staying) else last
    fields = {**asdict(now), "personas": personas, "rows": rows, "last": last}
    return Compared(**fields)


def _heirs(hub: Hub, gone: pa.Array) -> dict[str, str]:
    """For each persona that goes the first that stays with the same description."""
    descriptions = {
        row["id"]: row["description"]
        for row in hub.personas.get(gone.to_pylist(), ["id", "description"]).values()
    }
    wanted = pa.array(sorted(set(descriptions.values())), pa.string())
    first: dict[str, str] = {}
    for batch in hub.personas.read(["id", "description"]) if len(wanted) else ():
        same = batch.filter(
            pc.and_(
                pc.is_in(batch["description"], value_set=wanted),
                pc.invert(pc.is_in(batch["id"], value_set=gone)),
            )
        )
        for id_, description in zip(same["id"].to_pylist(), same["description"].to_pylist(), strict=True):
            first.setdefault(description, id_)
    return {id_: first[text] for id_, text in descriptions.items() if text in first}
