"""The records of a data set as exports read them: with their verdicts, and the tasks that made them."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Protocol

from personahub.errors import UserError
from personahub.hub import Hub
from personahub.records import Record
from personahub.synthesis import Task
from personahub.workflows.datasets import where_data_set
from personahub.workflows.verdicts import Found, Verdicts, is_rejected

__all__ = ["Judged", "LeftOut", "TasksOf", "chosen_records", "judged_records"]


class LeftOut(Protocol):
    """Counts the records that are left out."""

    left_out: int


Judged = tuple[Record, Found]


def judged_records(hub: Hub, name: str) -> Iterator[Judged]:
    """Each record with its latest verdicts."""
    verdicts = Verdicts(hub, name, whole=True)
    for batch in hub.records.read(None, where_data_set(hub, name)):
        for row in batch.to_pylist():
            found = verdicts.of(row.pop("id"))
            yield Record(**row), found


def chosen_records(records: Iterator[Judged], left: LeftOut, rejected: bool) -> Iterator[Judged]:
    """Those that checks did not reject, or those that they did; the others are counted."""
    for record, found in records:
        if is_rejected(found) == rejected:
            yield record, found
        else:
            left.left_out += 1


class TasksOf:
    """The tasks that made a hub's records, as far as they are still there."""

    def __init__(self, hub: Hub) -> None:
        """Nothing is loaded until it is asked for."""
        self._given = {run.number: str(run.given.get("task", "")) for run in hub.runs()}
        self._loaded: dict[tuple[str, str], Task | None] = {}

    def of(self, record: Record) -> Task | None:
        """The task that made a record."""
        place = record.task, self._given.get(record.run, "")
        if place not in self._loaded:
            self._loaded[place] = _load(*place)
        return self._loaded[place]

    def kind(self, record: Record) -> str:
        """What a record is called: as its task declares it, or by the task's name where that is gone."""
        task = self.of(record)
        return task.declaration.kind if task else record.task


def _load(task: str, folder: str) -> Task | None:
    for named in filter(None, (folder, task)):
        with suppress(UserError):
            loaded = Task.load(named)
            if loaded.name == task:
                return loaded
    return None
