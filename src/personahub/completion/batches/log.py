"""What is known of a hub's batches: ``batches.jsonl``, a line an event, each on disk before what it tells of.

An *intent* is written before its batch is created, the vendor's id after; so after a crash a batch is either
known by its id or looked for at the vendor, and never made a second time unseen.
"""

import errno
import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from personahub.completion.batches.files import BatchFiles, read_asked
from personahub.completion.journal.parts import sync_folder
from personahub.errors import UserError

__all__ = ["BatchLog", "Intent", "OpenBatch", "held_keys", "open_batches"]

_NAME = "batches.jsonl"


@dataclass(frozen=True, slots=True)
class Intent:
    """A batch that is to be created."""

    id: str
    """Our mark on it."""
    time: float
    """Seconds since 1970, by our clock."""
    run: int
    """Number of the run that pays."""
    model: str
    provider: str
    requests: int
    tokens: int
    """The most it may use."""
    cost: float
    """The most it may cost, in US dollars; 0 where the price is not known."""
    without: tuple[str, ...] = ()
    """Fields that its requests go without, since the model refuses them."""


@dataclass(slots=True)
class OpenBatch:
    """A batch that is not over, or whose results are not all in the journal."""

    intent: Intent
    id: str = ""
    """The vendor's; empty while nobody knows whether it was created."""
    entries: int | None = None
    """How many entries the journal had of its run before the first of its results; None before that."""
    done: int = 0
    told: float = 0.0
    """When the user was last told of it."""


class BatchLog:
    """The events of a hub's batches, and the files of those that are open.

    Args:
        folder: the journal's, which the caller has locked.
        run: the run whose faults are kept in mind.

    Raises:
        UserError: a line is damaged, or the file cannot be read.
    """

    def __init__(self, folder: Path, run: int) -> None:
        """Read what is there, cut a torn last line, and delete what a crash left of no batch."""
        self.path = folder / _NAME
        self.files = BatchFiles(folder / "batches")
        self.open: dict[str, OpenBatch] = {}
        """By the mark of the intent, the oldest first."""
        self.ids: set[str] = set()
        """The vendors' ids of all batches ever."""
        self.faults: dict[str, Counter[str]] = {}
        """What the run's requests that shall be asked again have met so far, by key."""
        self.without: dict[str, set[str]] = {}
        """The fields that each model was found to refuse."""
        self._run = run
        self._runs: dict[str, int] = {}
        try:
            _replay(self.path, self._follow)
            self.files.keep_only(self.open)
        except OSError as error:
            raise UserError(f"{self.path}: cannot be read ({error.strerror})") from error

    def _follow(self, event: Mapping[str, Any]) -> None:
        mark = event["batch"]
        _apply(event, self.open)
        if event["event"] == "intended":
            intent = self.open[mark].intent
            self._runs[mark] = intent.run
            self.without.setdefault(intent.model, set()).update(intent.without)
        elif event["event"] == "created":
            self.ids.add(event["id"])
        elif event["event"] == "closed" and self._runs[mark] == self._run:
            for key, faults in event["again"].items():
                self.faults[key] = Counter(faults)

    def intend(self, intent: Intent) -> OpenBatch:
        """Note that a batch is about to be created, after its files are on disk."""
        self._write(intent.id, "intended", intent=asdict(intent))
        return self.open[intent.id]

    def created(self, batch: OpenBatch, vendor_id: str) -> None:
        """Note the id that the vendor gave the batch."""
        self._write(batch.intent.id, "created", id=vendor_id)
        self.files.body(batch.intent.id).unlink(missing_ok=True)

    def collecting(self, batch: OpenBatch, entries: int) -> None:
        """Note that its results go into the journal from here on.

        Args:
            batch: which.
            entries: how many entries the journal has of its run, all on disk.
        """
        self._write(batch.intent.id, "collecting", entries=entries)

    def closed(self, batch: OpenBatch, again: Mapping[str, Mapping[str, int]]) -> None:
        """Note that all its results are in the journal, on disk.

        Args:
            batch: which.
            again: what its requests that shall be asked again have met so far.
        """
        self._write(batch.intent.id, "closed", again=again)
        self.files.delete(batch.intent.id)

    def dropped(self, batch: OpenBatch, why: str) -> None:
        """Note that the batch was never created, or refused as a whole."""
        self._write(batch.intent.id, "dropped", why=why)
        self.files.delete(batch.intent.id)

    def _write(self, mark: str, event: str, **told: Any) -> None:
        line = {"batch": mark, "event": event, **told}
        try:
            _append(self.path, json.dumps(line).encode() + b"\n")
        except OSError as error:
            raise UserError(
                f"{self.path}: cannot be written ({error.strerror}); free some space, then give the same"
                " command again: no batch is lost"
            ) from error
        self._follow(line)


def open_batches(folder: Path) -> list[OpenBatch]:
    """The open batches of the hub whose journal is in this folder, the oldest first.

    Raises:
        UserError: the file is damaged or cannot be read.
    """
    batches: dict[str, OpenBatch] = {}
    try:
        _replay(folder / _NAME, lambda event: _apply(event, batches))
    except OSError as error:
        raise UserError(f"{folder / _NAME}: cannot be read ({error.strerror})") from error
    return list(batches.values())


def held_keys(folder: Path, batches: Iterable[OpenBatch]) -> frozenset[str]:
    """The keys of the requests in these open batches."""
    files = BatchFiles(folder / "batches")
    return frozenset(key for batch in batches for key in read_asked(files.keys(batch.intent.id)))


def _apply(event: Mapping[str, Any], batches: dict[str, OpenBatch]) -> None:
    mark = event["batch"]
    match event["event"]:
        case "intended":
            intent = event["intent"]
            batches[mark] = OpenBatch(Intent(**{**intent, "without": tuple(intent["without"])}))
        case "created":
            batches[mark].id = event["id"]
        case "collecting":
            batches[mark].entries = event["entries"]
        case "closed" | "dropped":
            del batches[mark]


def _replay(path: Path, follow: Callable[[dict[str, Any]], None]) -> None:
    """Go through the events; a last line without its end tells of nothing that happened, and is cut off."""
    if not path.exists():
        return
    with path.open("rb+") as file:
        end = 0
        for number, line in enumerate(file, 1):
            if not line.endswith(b"\n"):
                os.ftruncate(file.fileno(), end)
                return
            end += len(line)
            try:
                follow(json.loads(line))
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise UserError(
                    f"{path}: line {number} is damaged ({error}); bring the file back from a copy, or, where"
                    " no batch of this hub is open at the vendor, move the file away"
                ) from error


def _append(path: Path, line: bytes) -> None:
    """Write a line and have it on disk, or leave the file as it was.

    Raises:
        OSError: the disk is full or fails.
    """
    is_new = not path.exists()
    with path.open("ab", buffering=0) as file:
        end = file.tell()
        try:
            if file.write(line) != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))  # noqa: TRY301
            os.fsync(file.fileno())
        except OSError:
            file.truncate(end)
            raise
    if is_new:
        sync_folder(path.parent)
