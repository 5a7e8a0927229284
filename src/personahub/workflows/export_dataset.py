"""``export DATASET``: a data set as a file: with its lineage, or in the form that a trainer takes."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from personahub.errors import UserError
from personahub.hub import Hub
from personahub.release.manifest import manifest_beside
from personahub.release.signing import check_key
from personahub.workflows.datasets import where_data_set
from personahub.workflows.files import check_target, writing_lines
from personahub.workflows.judged import TasksOf, chosen_records, judged_records
from personahub.workflows.manifest import add_manifest, statement_of
from personahub.workflows.recordfiles import FORMS, RecordFile
from personahub.workflows.training import NOT_TRAINED_ON, STRICT, TRAINER_FORMS, Chats, preferences
from personahub.workflows.verdicts import Verdicts, is_rejected
from personahub.workflows.verdicts import told as told_of

__all__ = ["EXPORT_FORMS", "DataSetExport", "export_dataset"]

EXPORT_FORMS = (*FORMS, *TRAINER_FORMS)
"""The forms of a data set's rows."""


@dataclass
class DataSetExport:
    """What an export came to.

    Attributes:
        dataset: the data set.
        out: the file.
        form: of its rows.
        records: how many rows were written; of preferences, pairs.
        left_out: how many records were not: those that checks rejected, or where these were asked for, the
            others.
        without: how many more were not because the form has no row for them, by reason.
        manifest: the file beside it that says what it was made from; empty where there is none.
        seconds: wall time.
    """

    dataset: str
    out: str
    form: str
    records: int = 0
    left_out: int = 0
    without: Counter[str] = field(default_factory=Counter)
    manifest: str = ""
    seconds: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """What ``export --json`` prints."""
        return {**vars(self), "without": dict(self.without), "seconds": round(self.seconds, 3)}


def export_dataset(
    hub: Path | str,
    name: str,
    out: Path | str,
    *,
    form: str = "records",
    rejected: bool = False,
    manifest: bool = False,
    sign: Path | str | None = None,
    at: int | None = None,
    told: Callable[[int], None] = lambda _: None,
) -> DataSetExport:
    """Write a data set to a file, which is there whole or not at all; in the order in which it was made.

    Args:
        hub: the hub's directory.
        name: of the data set.
        out: the file, whose name ends in .jsonl, .jsonl.gz or, with ``records`` and ``personahub``, .parquet.
        form: "records" with all their lineage, and their verdicts where they were checked; "personahub", the
            paper's columns; "messages", "openai", "alpaca" or "sharegpt", chats; "preferences", two answers
            to the same of which a check took one out; "tools", schemas of functions; "npc", characters.
        rejected: write the records that checks rejected, instead of the others.
        manifest: write what it was made from and its hash beside it, as ``OUT.manifest.json``. That is also
            done where the form leaves no room in a row to say that it is synthetic ("openai", "tools").
        sign: a private SSH key that signs the manifest, which is written then.
        at: a run: as it was when that ended; None for the hub as it is.
        told: is called now and then with how many are written.

    Raises:
        UserError: no hub, no such version, data set or form, a form that no record of it has, a file that
            cannot be written, or a key that cannot be used.
    """
    start = time.monotonic()
    if form not in EXPORT_FORMS:
        raise UserError(f"--format {form}: is none of {', '.join(EXPORT_FORMS)}")
    if rejected and form == "preferences":
        raise UserError("--rejected: preferences hold both what checks rejected and what they did not")
    target, key = Path(out), None if sign is None else Path(sign)
    if key is not None:
        check_key(key)
    check_target(target)
    opened = Hub(hub, version=at)
    where_data_set(opened, name)
    outcome = DataSetExport(name, str(out), form)
    if form in FORMS:
        _write_records(opened, target, outcome, rejected, told)
    else:
        _write_rows(opened, target, outcome, rejected, told)
    if manifest or key is not None or form in STRICT:
        counts = {"records": outcome.records, "left_out": outcome.left_out, **outcome.without}
        beside = manifest_beside(target)
        add_manifest(beside, statement_of(opened, name, counts), key)
        outcome.manifest = str(beside)
    outcome.seconds = time.monotonic() - start
    return outcome


def _write_records(
    hub: Hub, target: Path, outcome: DataSetExport, rejected: bool, told: Callable[[int], None]
) -> None:
    tasks, judged = TasksOf(hub), bool(Verdicts(hub, outcome.dataset))
    file = RecordFile(target, outcome.form, tasks.kind, with_verdicts=judged)  # type: ignore[arg-type]
    with file.writing() as write:
        for record, found in chosen_records(judged_records(hub, outcome.dataset), outcome, rejected):
            write(record, told_of(found))
            outcome.records += 1
            told(outcome.records)


def _write_rows(
    hub: Hub, target: Path, outcome: DataSetExport, rejected: bool, told: Callable[[int], None]
) -> None:
    chats = Chats(TasksOf(hub).of)
    judged = judged_records(hub, outcome.dataset)
    rows: Iterator[Mapping[str, Any] | str]
    if outcome.form == "preferences":
        rows = preferences(hub, ((record, is_rejected(found)) for record, found in judged), chats)
    else:
        chosen = chosen_records(judged, outcome, rejected)
        rows = (chats.row(outcome.form, record) for record, _ in chosen)
    with writing_lines(target) as lines:
        for row in rows:
            if isinstance(row, str):
                outcome.without[row] += 1
                continue
            lines.write(row)
            outcome.records += 1
            told(outcome.records)
        if not outcome.records:
            lines.discard()
            raise UserError(_nothing(outcome))


def _nothing(outcome: DataSetExport) -> str:
    """Why the file would be empty, and what to do."""
    told = ", ".join(f"{count:,} {NOT_TRAINED_ON[reason][0]}" for reason, count in outcome.without.items())
    left = f"{outcome.left_out:,} left out by checks" if outcome.left_out else ""
    reason = next(iter(outcome.without), "")
    advice = NOT_TRAINED_ON[reason][1].format(dataset=outcome.dataset) if reason else "--format records"
    found = ", ".join(filter(None, (told, left))) or "it has no records"
    return f"--format {outcome.form}: {outcome.dataset} has nothing of this form ({found}); {advice}"
