"""Verdicts beside records: read along with them, in their order."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from personahub.hub import Hub
from personahub.hub.tables import quoted

__all__ = ["CheckSums", "Found", "Verdicts", "is_rejected", "sum_up", "told", "verdicts_of"]

_COLUMNS = ("record_id", "check", "outcome", "reason", "rejects")

Found = Mapping[str, Mapping[str, Any]]
"""Of one record: by the check's name the row of its latest verdict."""


class Verdicts:
    """The latest verdicts of a data set's records, for who goes through these in their order.

    Each run wrote its verdicts in the records' order, so every run is read on as the records come; nothing is
    held but a row of each.

    Args:
        hub: the hub.
        dataset: the data set's name.
        whole: give all columns; else those that say what was found.
    """

    def __init__(self, hub: Hub, dataset: str, *, whole: bool = False) -> None:
        """Find the runs that judged records of the data set."""
        where = f"dataset = {quoted(dataset)}"
        runs: set[int] = set()
        for batch in hub.verdicts.read(["run"], where):
            runs.update(batch[0].unique().to_pylist())
        columns = None if whole else _COLUMNS
        self._runs = [_Run(_rows(hub, f"{where} AND run = {run}", columns)) for run in sorted(runs)]

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._runs)

    def of(self, record_id: str) -> Found:
        """The verdicts of the next record."""
        found: dict[str, Mapping[str, Any]] = {}
        for run in self._runs:
            for row in run.take(record_id):
                found[row["check"]] = row
        return found


@dataclass
class _Run:
    """One run's verdicts, read as far as the records are."""

    rows: Iterator[Mapping[str, Any]]
    ahead: Mapping[str, Any] | None = field(init=False)

    def __post_init__(self) -> None:
        self.ahead = next(self.rows, None)

    def take(self, record_id: str) -> Iterator[Mapping[str, Any]]:
        while self.ahead is not None and self.ahead["record_id"] == record_id:
            yield self.ahead
            self.ahead = next(self.rows, None)


def _rows(hub: Hub, where: str, columns: tuple[str, ...] | None) -> Iterator[Mapping[str, Any]]:
    for batch in hub.verdicts.read(columns, where):
        yield from batch.to_pylist()


def verdicts_of(hub: Hub, record_id: str) -> Found:
    """The latest verdicts of one record."""
    rows = hub.verdicts.rows(f"record_id = {quoted(record_id)}")
    return {row["check"]: row for row in sorted(rows, key=lambda row: int(row["run"]))}


def is_rejected(found: Found) -> bool:
    """Whether a check that failed was to take the record out."""
    return any(row["outcome"] == "failed" and row["rejects"] for row in found.values())


def told(found: Found) -> dict[str, Any]:
    """Verdicts as they stand in a file of records."""
    names = ("outcome", "reason", "score", "model", "calls", "tokens", "cost", "run")
    return {
        check: {**{name: row[name] for name in names}, "evidence": json.loads(row["evidence"])}
        for check, row in found.items()
    }


@dataclass
class CheckSums:
    """What a check found of a data set's records.

    Attributes:
        passed: how many passed.
        failed: how many did not, by reason.
        undecided: of how many it cannot tell, by reason.
    """

    passed: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    undecided: Counter[str] = field(default_factory=Counter)

    def to_json(self) -> dict[str, Any]:
        """Part of the contract of ``datasets show --json``."""
        return {"passed": self.passed, "failed": dict(self.failed), "undecided": dict(self.undecided)}


def sum_up(hub: Hub, dataset: str) -> tuple[dict[str, CheckSums], int]:
    """What each check found of a data set, and how many of its records are rejected."""
    verdicts, sums, rejected = Verdicts(hub, dataset), dict[str, CheckSums](), 0
    if not verdicts:
        return sums, rejected
    for batch in hub.records.read(["id"], f"dataset = {quoted(dataset)}"):
        for record_id in batch[0].to_pylist():
            found = verdicts.of(record_id)
            rejected += is_rejected(found)
            for check, row in found.items():
                counts = sums.setdefault(check, CheckSums())
                if row["outcome"] == "passed":
                    counts.passed += 1
                else:
                    (counts.failed if row["outcome"] == "failed" else counts.undecided)[row["reason"]] += 1
    return sums, rejected
