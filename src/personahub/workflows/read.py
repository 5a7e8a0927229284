"""``read``: from sources to documents, without a model."""

import json
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from personahub.config import json_bytes
from personahub.corpus import LeftOut, ReadOptions, find_sources
from personahub.errors import UserError
from personahub.records import Document
from personahub.workflows.pages import read_pages

__all__ = ["ReadOutcome", "ReadWatcher", "read"]


class ReadWatcher:
    """Is told how reading goes; this one does nothing with it."""

    def advanced(self, documents: int, left_out: int, characters: int) -> None:
        """So much was read."""


@dataclass
class ReadOutcome:
    """What a ``read`` came to.

    Attributes:
        documents: how many were written.
        set_aside: texts that were left out, by reason.
        unreadable: what is broken, with its place: ``{"source", "offset", "reason"}`` each.
        pii: how much personal data was found, by kind.
        licences: how many documents each licence has.
        orders: documents that try to steer the model that reads them.
        characters: of all documents.
        seconds: wall time.
    """

    documents: int = 0
    set_aside: Counter[str] = field(default_factory=Counter)
    unreadable: list[dict[str, Any]] = field(default_factory=list)
    pii: Counter[str] = field(default_factory=Counter)
    licences: Counter[str] = field(default_factory=Counter)
    orders: int = 0
    characters: int = 0
    seconds: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """The contract of ``read --json``."""
        return {
            "documents": self.documents,
            "set_aside": dict(sorted(self.set_aside.items())),
            "unreadable": self.unreadable,
        }


def read(
    sources: Sequence[str | Path],
    out: Path | str,
    *,
    reading: ReadOptions | None = None,
    document_tokens: int | None = None,
    limit: int | None = None,
    jobs: int | None = None,
    watcher: ReadWatcher | None = None,
) -> ReadOutcome:
    """Write the documents of sources to a JSON Lines file, which is there whole or not at all.

    Args:
        sources: files, folders, glob patterns, or addresses of files elsewhere.
        out: the file.
        reading: which texts are taken, and what is taken out of them.
        document_tokens: longer texts are cut into documents of about so many tokens; None leaves them whole.
        limit: most documents.
        jobs: processes that read; None for as many as are worth it.
        watcher: is told how it goes.

    Raises:
        UserError: whatever the user can mend.
    """
    found = find_sources([str(source) for source in sources])
    target = Path(out)
    if any(_is_same(target, Path(source.path)) for source in found):
        raise UserError(f"{target}: is one of the sources; name another file for the documents")
    if target.is_dir():
        raise UserError(f"{target}: is a folder; name a file for the documents")
    outcome, watcher = ReadOutcome(), watcher or ReadWatcher()
    start = time.monotonic()
    draft = target.with_name(f".{target.name}.part")
    try:
        items = read_pages(found, reading, document_tokens=document_tokens, jobs=jobs)
        with draft.open("wb") as file, closing(items):
            for item in items:
                if isinstance(item, LeftOut):
                    _leave_out(outcome, item)
                else:
                    if outcome.documents == limit:
                        break
                    file.write(json_bytes(_row(item)) + b"\n")
                    _take(outcome, item)
                watcher.advanced(
                    outcome.documents,
                    outcome.set_aside.total() + len(outcome.unreadable),
                    outcome.characters,
                )
        draft.replace(target)
    except (FileNotFoundError, NotADirectoryError, PermissionError) as error:
        raise UserError(f"{target}: cannot be written ({error.strerror})") from error
    finally:
        with suppress(OSError):
            draft.unlink()
    outcome.seconds = time.monotonic() - start
    return outcome


def _is_same(one: Path, other: Path) -> bool:
    return one.exists() and other.exists() and one.samefile(other)


def _row(document: Document) -> dict[str, Any]:
    fields = asdict(document)
    return {"id": document.id, **fields, "pii": json.loads(document.pii)}


def _take(outcome: ReadOutcome, document: Document) -> None:
    outcome.documents += 1
    outcome.characters += len(document.text)
    outcome.licences[document.licence] += 1
    outcome.orders += document.orders > 0
    if document.pii != "{}":
        outcome.pii.update(json.loads(document.pii))


def _leave_out(outcome: ReadOutcome, item: LeftOut) -> None:
    if item.broken:
        outcome.unreadable.append({"source": item.source, "offset": item.offset, "reason": item.reason})
    else:
        outcome.set_aside[item.reason] += 1
