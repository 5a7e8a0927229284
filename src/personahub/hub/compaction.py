"""A hub's tables tidied: small fragments joined, indexes brought up to date, what nobody reads removed.

Each step is one atomic commit of Lance or the removal of files that the newest version does not name, so a
kill at any moment leaves the same rows under the same ids in the same order.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from personahub.errors import UserError
from personahub.hub.datasets import open_table, reason_of

__all__ = ["Compaction", "compact_table", "folder_bytes", "remove_old_versions"]


@dataclass(frozen=True)
class Compaction:
    """What became of one table."""

    table: str
    rows: int
    fragments_before: int
    fragments_after: int
    versions_removed: int
    bytes_before: int
    bytes_after: int


def compact_table(path: Path, *, moved: Callable[[int], None] = lambda _: None) -> Compaction:
    """Tidy one Lance table; only the process that writes the hub may call this.

    Args:
        path: the table's folder.
        moved: is told the version that the table has then, before all others are removed.

    Raises:
        UserError: the disk is full; what was there stays whole.
    """
    before = folder_bytes(path)
    if (table := open_table(path)) is None:
        # A first write that was killed: files without a version, in the way of nobody.
        shutil.rmtree(path)
        return Compaction(path.stem, 0, 0, 0, 0, before, 0)
    fragments = len(table.get_fragments())
    try:
        _join_fragments(table)
        moved(int(table.version))
        removed = remove_old_versions(table)
    except OSError as error:
        raise UserError(
            f"{path}: cannot be compacted ({reason_of(error)}); all it holds is as it was: free some"
            " space, then run the same command again"
        ) from error
    after, rows = len(table.get_fragments()), table.count_rows()
    return Compaction(path.stem, rows, fragments, after, removed, before, folder_bytes(path))


def _join_fragments(table: Any) -> None:
    # Indexes first: Lance joins no fragment that an index covers with one that it does not.
    if table.list_indices():
        table.optimize.optimize_indices()
    table.optimize.compact_files(batch_size=1024, num_threads=1)


def remove_old_versions(table: Any) -> int:
    """Remove all versions of a Lance table but the newest, and files that no version names.

    Hubs know their versions by their rows (see :class:`personahub.hub.Run`), so none of Lance's is needed.

    Returns:
        How many were removed.
    """
    table.checkout_latest()
    # Files that no version names could be of a writer at work; the hub's lock says that there is none.
    stats = table.cleanup_old_versions(older_than=timedelta(0), delete_unverified=True)
    return int(stats.old_versions)


def folder_bytes(folder: Path) -> int:
    """What the files in a folder and those below it hold."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
