"""Opening a Lance table, also while another process writes or compacts it."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa

__all__ = ["in_lots", "open_table", "past_compactions", "read_on", "reason_of"]

_TRIES = 10
_T = TypeVar("_T")


def open_table(path: Path, **settings: Any) -> Any | None:
    """The Lance dataset of this folder as it is now; None where there is none yet.

    Args:
        path: the folder.
        settings: what else ``lance.dataset`` takes.

    Raises:
        ValueError: it is there but cannot be opened.
    """
    import lance

    for _ in range(_TRIES):
        if not path.is_dir():
            return None
        try:
            return lance.dataset(str(path), **settings)
        except ValueError as error:
            if "not found" not in str(error).lower():
                raise
            # A first write that was cut off leaves its files, and no version that names them. Else a
            # compaction took the version away between its name and its file.
            if not any((path / "_versions").glob("*.manifest")):
                return None
            failed = error
    raise failed


def past_compactions(look: Callable[[], _T]) -> _T:
    """What ``look`` gives, which opens and reads a table; tried again where a compaction took files away."""
    for _ in range(_TRIES):
        try:
            return look()
        except (OSError, ValueError) as error:
            if "not found" not in str(error).lower():
                raise
            failed = error
    raise failed


def read_on(
    reopen: Callable[[], Any | None], settings: Callable[[Any], Mapping[str, Any]]
) -> Iterator[pa.RecordBatch]:
    """A table's rows in batches, to the end though it be compacted meanwhile.

    A compaction takes away the files that are read here; since it keeps the rows' order, reading goes on in
    its own.

    Args:
        reopen: opens the table as it is then; None where there is none.
        settings: what its scanner takes, but for the offset.
    """
    done, before = 0, -1
    while (table := reopen()) is not None:
        try:
            for batch in table.scanner(offset=done or None, **settings(table)).to_batches():
                done += batch.num_rows
                yield batch
            return
        except (OSError, ValueError) as error:
            # One version is tried once: the file may also be gone for good.
            if "not found" not in str(error).lower() or table.version == before:
                raise
            before = table.version


def reason_of(error: OSError) -> str:
    """Why something could not be written, in a user's words."""
    return "the disk is full" if "No space left" in str(error) else str(error)


def in_lots(ids: Iterable[str]) -> Iterator[str]:
    """Ids as SQL lists them, a thousand at a time."""
    waiting = list(ids)
    for start in range(0, len(waiting), 1000):
        yield ", ".join(f"'{id_}'" for id_ in waiting[start : start + 1000])
