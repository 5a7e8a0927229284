"""``hub versions``, ``hub compact`` and ``hub migrate``: a hub kept small, readable and up to date."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from personahub.errors import UserError
from personahub.hub import Hub
from personahub.hub.compaction import Compaction, compact_table, folder_bytes
from personahub.hub.marks import DRAFT, FORMAT
from personahub.hub.migrations import find_hubs, migrate_hub

__all__ = ["CompactOutcome", "Migrated", "Version", "compact", "migrate", "versions"]


@dataclass(frozen=True)
class Version:
    """A hub as it was when a run last ended."""

    run: int
    """What the version is known by: ``Hub(path, version=run)``."""
    verb: str
    status: str
    ended: str
    """UTC, ISO 8601."""
    tables: dict[str, int]
    """Rows of each table: documents, personas, records, …"""


def versions(hub: Path | str) -> list[Version]:
    """The versions of a hub that can be read, the oldest run first.

    Raises:
        UserError: no hub.
    """
    return [
        Version(run.number, run.verb, run.status, run.ended, run.tables)
        for run in Hub(hub).runs()
        if run.ended and run.tables is not None
    ]


@dataclass(frozen=True)
class CompactOutcome:
    """What a compaction came to."""

    tables: Sequence[Compaction]
    bytes_before: int
    """Of the whole hub, its journal too."""
    bytes_after: int

    def to_json(self) -> dict[str, Any]:
        """The contract of ``hub compact --json``."""
        return asdict(self)


def compact(hub: Path | str) -> CompactOutcome:
    """Join the tables' small files, bring their indexes up to date and give the disk back what nobody reads.

    Rows keep their order and ids, and every version of the hub can be read after it as before. It may be
    killed at any moment and called again.

    Raises:
        UserError: no hub, another process is writing it, or the disk is full.
    """
    opened = Hub(hub)
    with opened.writing():
        before = folder_bytes(opened.path)
        edges = opened.duplicates
        edges.settle()
        tables = [
            compact_table(path, moved=edges.move) if path == edges.path else compact_table(path)
            for path in sorted(opened.path.glob("*.lance"))
        ]
        for draft in (opened.path / DRAFT, *(opened.path / "runs").glob("*.draft")):
            draft.unlink(missing_ok=True)
        return CompactOutcome(tables, before, folder_bytes(opened.path))


@dataclass(frozen=True)
class Migrated:
    """A hub and the format that it had."""

    hub: str
    was: int
    now: int


def migrate(hub: Path | str) -> list[Migrated]:
    """Bring a hub of an older format up to this software's, and the hubs of its shards with it.

    It may be killed at any moment and called again.

    Raises:
        UserError: no hub, another process is writing one of them, a format is too old or newer, or the disk
            is full.
    """
    folders = find_hubs(Path(hub))
    if not folders:
        # Says what is there instead.
        Hub(hub)
        raise UserError(f"{hub}: is no hub")
    return [Migrated(str(folder), migrate_hub(folder), FORMAT) for folder in folders]
