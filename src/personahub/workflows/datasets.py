"""``datasets``: the named data sets of a hub: which there are, and what is in one."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from personahub.errors import UserError
from personahub.hub import Hub
from personahub.hub.tables import gathered, quoted
from personahub.workflows.verdicts import CheckSums, sum_up

__all__ = [
    "DataSet",
    "DataSetDetails",
    "data_set_names",
    "list_datasets",
    "show_dataset",
    "where_data_set",
]

_COUNTED = ("task", "method", "language", "model", "run")


@dataclass(frozen=True)
class DataSet:
    """A data set of a hub, in numbers.

    Attributes:
        name: by which it is asked for.
        records: how many are in it.
        tasks: how many of them each task made, the most first.
        methods: the same for each method.
        languages: the same for each language.
        models: the same for each model.
        runs: the same for each run, by number, the first run first.
        first_run: when the first of its runs began, UTC, ISO 8601; empty where the run's file is not there.
        last_run: when the last of them began.
    """

    name: str
    records: int
    tasks: Mapping[str, int]
    methods: Mapping[str, int]
    languages: Mapping[str, int]
    models: Mapping[str, int]
    runs: Mapping[str, int]
    first_run: str
    last_run: str

    def to_json(self) -> dict[str, Any]:
        """An entry of what ``datasets list --json`` prints."""
        return asdict(self)


@dataclass(frozen=True)
class DataSetDetails:
    """A data set in full.

    Attributes:
        data_set: its numbers.
        set_aside: what its runs set aside, by reason, the most first.
        first: the first records: ``id``, ``persona`` and ``text``.
        checks: what each check found of the records, by its name.
        rejected: how many records checks took out of it.
    """

    data_set: DataSet
    set_aside: Mapping[str, int]
    first: list[Mapping[str, Any]]
    checks: Mapping[str, CheckSums]
    rejected: int

    def to_json(self) -> dict[str, Any]:
        """What ``datasets show --json`` prints."""
        checks = {name: sums.to_json() for name, sums in self.checks.items()}
        found = {"checks": checks, "rejected": self.rejected}
        return {**self.data_set.to_json(), "set_aside": dict(self.set_aside), **found, "first": self.first}


def data_set_names(hub: Hub) -> list[str]:
    """The names of a hub's data sets, in their order."""
    names: set[str] = set()
    for batch in hub.records.read(["dataset"]):
        names.update(batch[0].unique().to_pylist())
    return sorted(names)


def list_datasets(hub: Path | str, *, at: int | None = None) -> list[DataSet]:
    """The data sets of a hub, by name.

    Args:
        hub: the hub's directory.
        at: a run: as they were when that ended; None for the hub as it is.

    Raises:
        UserError: no hub, or no such version.
    """
    opened = Hub(hub, version=at)
    counts = _counted(opened, None)
    return [_data_set(opened, name, counts) for name in sorted({key[0] for key in counts})]


def show_dataset(hub: Path | str, name: str, n: int = 5, *, at: int | None = None) -> DataSetDetails:
    """A data set with what its runs set aside and its first records.

    Args:
        hub: the hub's directory.
        name: of the data set.
        n: how many records to give.
        at: a run: as it was when that ended; None for the hub as it is.

    Raises:
        UserError: no hub, no such version or data set (those there are get listed), or a negative ``n``.
    """
    if n < 0:
        raise UserError(f"-n {n}: cannot show a negative number of records")
    opened = Hub(hub, version=at)
    where = where_data_set(opened, name)
    data_set = _data_set(opened, name, _counted(opened, where))
    first: list[Mapping[str, Any]] = []
    for batch in opened.records.read(["id", "persona", "text"], where) if n else ():
        first += batch.slice(0, n - len(first)).to_pylist()
        if len(first) == n:
            break
    return DataSetDetails(data_set, _set_aside(opened, data_set), first, *sum_up(opened, name))


def where_data_set(hub: Hub, name: str) -> str:
    """The condition that the data set's records meet.

    Raises:
        UserError: there is no such data set.
    """
    where = f"dataset = {quoted(name)}"
    if hub.records.count(where):
        return where
    if not (names := data_set_names(hub)):
        raise UserError(
            f"{hub.path}: holds no data sets yet, so no {name!r}; personahub synthesize TASK --hub {hub.path}"
            " makes one"
        )
    raise UserError(f"{hub.path}: has no data set {name!r}; its data sets: {', '.join(names)}")


_Counts = Counter[tuple[Any, ...]]
"""Records by data set, task, method, language, model and run."""


def _counted(hub: Hub, where: str | None) -> _Counts:
    counts: _Counts = Counter()
    names = ["dataset", *_COUNTED]
    for table in gathered(hub.records.read(names, where)):
        for row in table.group_by(names).aggregate([([], "count_all")]).to_pylist():
            counts[tuple(row[name] for name in names)] += row["count_all"]
    return counts


def _data_set(hub: Hub, name: str, counts: _Counts) -> DataSet:
    own = {key[1:]: count for key, count in counts.items() if key[0] == name}
    sums: dict[str, Counter[Any]] = {column: Counter() for column in _COUNTED}
    for key, count in own.items():
        for column, value in zip(_COUNTED, key, strict=True):
            sums[column][value] += count
    numbers = sorted(sums["run"])
    started = {run.number: run.started for run in hub.runs()}
    return DataSet(
        name=name,
        records=sum(own.values()),
        tasks=dict(sums["task"].most_common()),
        methods=dict(sums["method"].most_common()),
        languages=dict(sums["language"].most_common()),
        models=dict(sums["model"].most_common()),
        runs={str(number): sums["run"][number] for number in numbers},
        first_run=started.get(numbers[0], ""),
        last_run=started.get(numbers[-1], ""),
    )


def _set_aside(hub: Hub, data_set: DataSet) -> dict[str, int]:
    """What the data set's runs set aside, by reason; also of those that made none of its records."""
    numbers = set(map(int, data_set.runs))
    numbers |= {run.number for run in hub.runs() if run.configuration.get("dataset") == data_set.name}
    listed = ", ".join(map(str, sorted(numbers)))
    counts: Counter[str] = Counter()
    for batch in hub.set_aside.read(["reason"], f"kind = 'record' AND run IN ({listed})"):
        counts.update(batch[0].to_pylist())
    return dict(counts.most_common())
