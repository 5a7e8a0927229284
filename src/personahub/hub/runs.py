"""The runs of a hub: one small JSON file each, with its configuration and how far it came.

The progress of a run is what is on disk. A command that was cut off and is given again is the same run:
it keeps its number, and with it the age of all it makes.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from personahub.config import fingerprint
from personahub.errors import UserError

__all__ = ["Run", "RunStatus", "list_runs", "read_run", "start_run"]


class RunStatus(StrEnum):
    """How far a run came."""

    STARTED = "started"
    """It is at work, or was killed."""
    INTERRUPTED = "interrupted"
    FINISHED = "finished"


@dataclass
class Run:
    """One invocation of a verb on a hub."""

    number: int
    verb: str
    configuration: Mapping[str, Any]
    """All that decides what the run makes; where and how fast it runs is no part of it."""
    fingerprint: str
    started: str
    """UTC, ISO 8601."""
    ended: str | None = None
    status: RunStatus = RunStatus.STARTED
    counts: dict[str, Any] = field(default_factory=dict)
    """Documents, personas, calls, tokens, …: whatever the verb reports, now and then and at its end."""
    given: Mapping[str, Any] = field(default_factory=dict)
    """What else the verb needs to be given again: the model's name as the user wrote it, the shard."""
    shares: dict[str, dict[str, Any]] | None = None
    """Of a run that was merged from several hubs: what each did, see :mod:`personahub.hub.shares`."""
    tables: dict[str, int] | None = None
    """Rows of each table when the run last ended. Tables only grow and keep their order, so the first so
    many rows are the hub's version of then: it costs nothing, and compacting takes nothing from it."""

    def end(self, status: RunStatus, counts: Mapping[str, Any]) -> None:
        """Note how the run ended; :meth:`save` writes it down."""
        self.status, self.counts, self.ended = status, dict(counts), _now()

    def save(self, folder: Path) -> None:
        """Write the run's file, whole or not at all."""
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / f"{self.number:06}.json"
        draft = file.with_suffix(".draft")
        with draft.open("w") as out:
            json.dump(asdict(self), out, ensure_ascii=False, indent=1)
            out.flush()
            os.fsync(out.fileno())
        draft.replace(file)


def list_runs(folder: Path) -> list[Run]:
    """All runs, the oldest first."""
    return [read_run(file) for file in sorted(folder.glob("*.json"))]


def read_run(file: Path) -> Run:
    """The run of one file.

    Raises:
        ValueError: the file holds no JSON, or an unknown status.
        TypeError: it holds something else than a run.
        KeyError: the same.
    """
    fields = json.loads(file.read_text())
    return Run(**{**fields, "status": RunStatus(fields["status"])})


def start_run(
    folder: Path,
    verb: str,
    configuration: Mapping[str, Any],
    *,
    given: Mapping[str, Any] | None = None,
    reopen: bool = False,
    once: bool = False,
) -> tuple[Run, bool]:
    """A new run, or the last unfinished one of the same configuration.

    Args:
        folder: where the runs' files lie.
        verb: what is run.
        configuration: all that decides what it makes.
        given: what else is needed to give it again.
        reopen: go on with the last run of the configuration even where it is finished.
        once: the same where there is such a run, and else a new one.

    Returns:
        The run, and whether it goes on from an earlier invocation that was not finished.

    Raises:
        UserError: there is no run to reopen.
    """
    identity = fingerprint({"verb": verb, "configuration": configuration})
    runs = list_runs(folder)
    for run in reversed(runs):
        unfinished = run.status != RunStatus.FINISHED
        if run.fingerprint == identity and (reopen or once or unfinished):
            # What it was merged from counts no more, since it is now worked on as a whole.
            run.status, run.ended, run.shares = RunStatus.STARTED, None, None
            run.save(folder)
            return run, unfinished
    if reopen:
        raise UserError(
            "the run cannot be given again: what it was made from, the model or this program's prompts have"
            " changed since"
        )
    number = runs[-1].number + 1 if runs else 1
    run = Run(number, verb, configuration, identity, started=_now(), given=given or {})
    run.save(folder)
    return run, False


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
