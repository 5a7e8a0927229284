"""What a hub was told to forget: a small file each, which holds ids and hashes and nothing of the texts.

The file is written before anything is taken away and says what has to go; so what a kill cuts off, the next
process that writes the hub brings to its end. Later it keeps what was forgotten from coming back.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from personahub.records import Document

__all__ = ["Fact", "Forgotten", "Known", "address_hash"]

_LINKS = ("id", "document_id", "parent_id", "persona_id", "record_id")
"""The columns of a table by which a row can belong to something that was forgotten."""


@dataclass(frozen=True)
class Fact:
    """One request to forget, and what it came to.

    Attributes:
        run: the command's number.
        at: when, UTC, ISO 8601.
        roots: ids of the documents and imported rows.
        addresses: SHA-256 of their addresses, so that the page is known whatever its text is then.
        ids: of all that goes, by table.
        requests: keys of the completions that nothing else was made of.
        done: whether all of it is gone.
        purged: whether it is gone from old versions of the tables and the journal too.
        rows: until it is done, for each run the rows that its version has without them, by table.
        heirs: until then, for each persona that goes the oldest one that stays with the same description.
        compared: until then, what :class:`personahub.hub.duplicates.Compared` is without them, by method.
    """

    run: int
    at: str
    roots: tuple[str, ...]
    addresses: tuple[str, ...]
    ids: Mapping[str, tuple[str, ...]]
    requests: tuple[str, ...]
    done: bool = False
    purged: bool = False
    rows: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    heirs: Mapping[str, str] = field(default_factory=dict)
    compared: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def all_ids(self) -> list[str]:
        """The ids of all that goes."""
        return [*self.roots, *(id_ for ids in self.ids.values() for id_ in ids)]

    def ended(self, *, purged: bool) -> "Fact":
        """The fact when all is gone: what was only needed on the way is left out."""
        return replace(self, done=True, purged=self.purged or purged, rows={}, heirs={}, compared={})


class Forgotten:
    """The facts of one hub.

    Args:
        hub: its directory.
    """

    def __init__(self, hub: Path) -> None:
        """Nothing is read until it is needed."""
        self._folder = hub / "forgotten"

    def facts(self) -> list[Fact]:
        """All of them, the oldest first."""
        return [_read(file) for file in sorted(self._folder.glob("*.json"))]

    def is_pending(self) -> bool:
        """Whether something was told to be forgotten and is not gone."""
        return any(not fact.done for fact in self.facts())

    def told(self, id_: str) -> str:
        """What to say of something that is not there: which run forgot it; empty where none did."""
        runs = [fact.run for fact in self.facts() if id_ in fact.all_ids]
        return f"was forgotten by run {runs[-1]}" if runs else ""

    def save(self, fact: Fact) -> None:
        """Write a fact, whole or not at all, in the place of the same run's."""
        self._folder.mkdir(exist_ok=True)
        file = self._folder / f"{fact.run:06}.json"
        draft = file.with_suffix(".draft")
        with draft.open("w") as out:
            json.dump(asdict(fact), out, indent=1)
            out.flush()
            os.fsync(out.fileno())
        draft.replace(file)

    def without(self, rows: pa.Table) -> pa.Table:
        """The rows but for those that were forgotten, or were made from what was."""
        facts = self.facts()
        if not facts:
            return rows
        ids = pa.array(sorted({id_ for fact in facts for id_ in fact.all_ids}), pa.string())
        for name in _LINKS:
            if name in rows.column_names:
                rows = rows.filter(pc.invert(pc.is_in(rows[name], value_set=ids)))
        return rows


class Known:
    """Tells for texts that are read whether they were forgotten.

    Args:
        hub: the hub's directory.
    """

    def __init__(self, hub: Path) -> None:
        """Read the facts once."""
        facts = Forgotten(hub).facts()
        self._roots = {root for fact in facts for root in fact.roots}
        self._addresses = {address for fact in facts for address in fact.addresses}

    def __contains__(self, document: Document) -> bool:
        """Whether the document, or the page that it is of, was forgotten."""
        if not self._roots and not self._addresses:
            return False
        return document.id in self._roots or bool(
            document.url and address_hash(document.url) in self._addresses
        )


def address_hash(url: str) -> str:
    """What is kept of an address."""
    return sha256(url.encode()).hexdigest()


def _read(file: Path) -> Fact:
    fields = json.loads(file.read_text())
    fields["ids"] = {name: tuple(ids) for name, ids in fields["ids"].items()}
    for name in ("roots", "addresses", "requests"):
        fields[name] = tuple(fields[name])
    return Fact(**fields)
