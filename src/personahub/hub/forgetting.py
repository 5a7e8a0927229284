"""What was told to be forgotten taken away: from tables, versions, edges, vectors and, if asked, the journal.

Each step can be done again, so a kill at any moment is mended by doing all of it once more. Rows that were
made go before what they were made from: no reader meets one without its lineage.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from personahub.completion import Journal
from personahub.completion.batches.log import open_batches
from personahub.errors import UserError
from personahub.hub.compaction import compact_table
from personahub.hub.datasets import in_lots, open_table, reason_of
from personahub.hub.duplicates import Compared
from personahub.hub.forgotten import Fact, Forgotten
from personahub.hub.runs import RunStatus

if TYPE_CHECKING:
    from personahub.hub.hub import Hub

__all__ = ["finish", "purge"]

_ORDER = ("verdicts", "set_aside", "records", "personas", "documents")
_VECTORS = {"embeddings": "personas", "record_embeddings": "records"}
"""Tables of vectors, and whose."""


def finish(hub: "Hub") -> None:
    """Bring to its end what was told to be forgotten and is not gone; the caller writes the hub.

    Raises:
        UserError: the disk is full; the next command that writes the hub goes on.
    """
    for fact in Forgotten(hub.path).facts():
        if not fact.done:
            try:
                _forget(hub, fact)
            except OSError as error:
                raise UserError(
                    f"{hub.path}: forgetting cannot go on ({reason_of(error)}); free some space, then run any"
                    " command that writes the hub: it brings that to its end first"
                ) from error
            _end(hub, fact)


def _end(hub: "Hub", fact: Fact) -> None:
    """All is gone: the command that asked for it is over too, though a kill ended it."""
    for run in hub.runs():
        if run.number == fact.run:
            run.end(RunStatus.FINISHED, {name: len(ids) for name, ids in fact.ids.items()})
            hub.save_run(run)
    Forgotten(hub.path).save(fact.ended(purged=False))


def _forget(hub: "Hub", fact: Fact) -> None:
    for name in _ORDER:
        _delete(hub.path / f"{name}.lance", fact.ids.get(name, ()))
    for name, whose in _VECTORS.items():
        _delete(hub.path / f"{name}.lance", fact.ids.get(whose, ()))
    for run in hub.runs():
        if run.tables is not None and str(run.number) in fact.rows:
            run.tables = dict(fact.rows[str(run.number)])
            run.save(hub.path / "runs")
    compared = {method: Compared(**each) for method, each in fact.compared.items()}
    hub.duplicates.forget(fact.ids.get("personas", ()), fact.heirs, compared)
    shutil.rmtree(hub.path / "words", ignore_errors=True)


def _delete(path: Path, ids: Sequence[str]) -> None:
    """Take rows out of a Lance table, and write those that stay anew where they stood beside them."""
    if not ids or (table := open_table(path)) is None:
        return
    for listed in in_lots(ids):
        table.delete(f"id IN ({listed})")
    # Versions of a hub are its first so many rows, told by their addresses: there must be no gaps.
    table.optimize.compact_files(
        batch_size=1024, num_threads=1, materialize_deletions=True, materialize_deletions_threshold=0.0
    )


def purge(hub: "Hub") -> int:
    """Remove all that was ever forgotten from old versions, indexes and the journal.

    The caller writes the hub.

    Args:
        hub: the hub; all that was told to be forgotten is gone from its tables.

    Returns:
        How many replies and failures of the journal were emptied.

    Raises:
        UserError: the disk is full, or batches are open at a vendor; the same command goes on.
    """
    facts = Forgotten(hub.path).facts()
    edges = hub.duplicates
    edges.settle()
    for path in sorted(hub.path.glob("*.lance")):
        indexed = _drop_indexes(open_table(path))
        compact_table(path, moved=edges.move) if path == edges.path else compact_table(path)
        if indexed and path == hub.personas.path:
            hub.personas.index_text()
        elif indexed:
            (hub.embeddings if path == hub.embeddings.path else hub.record_embeddings).index()
    emptied = _purge_journal(hub, facts) if hub.journal_path.is_dir() else 0
    for fact in facts:
        Forgotten(hub.path).save(fact.ended(purged=True))
    return emptied


def _purge_journal(hub: "Hub", facts: Sequence[Fact]) -> int:
    if batches := open_batches(hub.journal_path):
        raise UserError(
            f"{hub.path}: {len(batches)} of its batches are open at their vendors, with prompts that nobody"
            " can take back; collect them (personahub runs list), then purge"
        )
    about = {id_ for fact in facts for id_ in fact.all_ids}
    with Journal(hub.journal_path) as journal:
        keys = {key for fact in facts for key in fact.requests}
        keys |= {entry.key for entry in journal.entries() if entry.about in about}
        return journal.purge(keys - _needed(hub, keys))


def _drop_indexes(table: Any | None) -> bool:
    """Indexes hold words and rounded vectors of what is gone, so they are built again."""
    names = [index.name for index in table.describe_indices()] if table is not None else []
    for name in names:
        table.drop_index(name)  # type: ignore[union-attr]
    return bool(names)


def _needed(hub: "Hub", requests: set[str]) -> set[str]:
    """The requests that rows which stay were made by."""
    return {
        key
        for table in (hub.personas, hub.records, hub.set_aside)
        for batch in table.read(["request"])
        for key in set(batch["request"].to_pylist()) & requests
    }
