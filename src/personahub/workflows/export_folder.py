"""``export DATASET --format huggingface``: a folder with Parquet files by split, a card and a manifest."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from personahub.config import read_json
from personahub.errors import UserError
from personahub.hub import Hub
from personahub.records import SCHEMAS, Record
from personahub.release.card import render_card
from personahub.release.manifest import MANIFEST
from personahub.release.signing import check_key
from personahub.release.splits import LEFT_OUT, REST, Groups, Split, parse_shares, split
from personahub.workflows.card import Exported, card_facts
from personahub.workflows.datasets import where_data_set
from personahub.workflows.files import check_new, writing_folder
from personahub.workflows.judged import Judged, TasksOf, chosen_records, judged_records
from personahub.workflows.manifest import add_manifest, statement_of
from personahub.workflows.training import Chats
from personahub.workflows.verdicts import Found, Verdicts
from personahub.workflows.verdicts import told as told_of
from personahub.workflows.views import open_view

__all__ = ["SPLITS", "FolderExport", "export_folder"]

SPLITS = "train=0.9,test=0.1"
_SHARD = 100_000
"""Rows of a Parquet file."""
_BATCH = 1024
_LEAST_AGREEING = 0.66
"""Of a problem's solutions, as the paper's test set has it: two of three."""
_TURN = pa.struct([("role", pa.string()), ("content", pa.string())])


@dataclass
class FolderExport:
    """What an export to a folder came to.

    Attributes:
        dataset: the data set.
        out: the folder.
        splits: how many records each split has.
        left_out: records that checks rejected.
        withheld: records in no split, since their group is in one that they may not be in.
        groups: how many groups of records have nothing in common with each other.
        licence: as the card's metadata name it.
        plots: whether the card has plots; they need matplotlib.
        seconds: wall time.
    """

    dataset: str
    out: str
    splits: dict[str, int] = field(default_factory=dict)
    left_out: int = 0
    withheld: int = 0
    groups: int = 0
    licence: str = ""
    plots: bool = False
    seconds: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """What ``export --format huggingface --json`` prints."""
        return {"form": "huggingface", **asdict(self), "seconds": round(self.seconds, 3)}


def export_folder(
    hub: Path | str,
    name: str,
    out: Path | str,
    *,
    splits: str | None = None,
    seed: int = 0,
    agreed: bool = False,
    sign: Path | str | None = None,
    at: int | None = None,
    told: Callable[[int], None] = lambda _: None,
) -> FolderExport:
    """Write a data set as a folder that ``datasets.load_dataset`` reads, which is there whole or not at all.

    ``data/SPLIT-00000-of-00001.parquet`` have the records that checks did not reject, ``README.md`` is the
    card, ``manifest.json`` has what it was made from and the hashes of all files. Records that share a
    document, a persona, or what they are about are in one split.

    Args:
        hub: the hub's directory.
        name: of the data set.
        out: the folder, which must not be there.
        splits: names and shares, such as "train=0.8,validation=0.1,test=0.1"; None for
            :data:`SPLITS`, and for train alone where no group is small enough for the test.
        seed: by which groups are dealt out.
        agreed: in splits other than train only records of whose problem at least two of three solutions
            agree, as the check ``answers`` found: the paper's held-out test set.
        sign: a private SSH key that signs the manifest.
        at: a run: as it was when that ended; None for the hub as it is.
        told: is called now and then with how many are written.

    Raises:
        UserError: no hub, no such version or data set, a folder that is there, shares that are none or that
            no group fits into, no verdicts where they are needed, or a key that cannot be used.
    """
    start, target = time.monotonic(), Path(out)
    shares, key = parse_shares(splits or SPLITS), None if sign is None else Path(sign)
    if key is not None:
        check_key(key)
    check_new(target)
    opened = Hub(hub, version=at)
    where_data_set(opened, name)
    outcome = FolderExport(name, str(out))
    tasks = TasksOf(opened)
    groups, fit, asked = _grouped(opened, name, agreed, tasks)
    dealt = split(groups, shares, seed, fit=fit)
    empty = [each for each, count in dealt.counts.items() if not count]
    if empty and (agreed or splits is not None):
        raise UserError(_why_empty(empty[0], dealt, agreed))
    if empty:
        dealt = split(groups, {REST: 1.0}, seed)
    outcome.splits, outcome.withheld, outcome.groups = dealt.counts, dealt.left_out, dealt.groups
    with writing_folder(target) as folder:
        records = chosen_records(judged_records(opened, name), outcome, False)
        exported = _write(records, dealt, folder, _schema(opened, name, asked), tasks, told)
        counts = {"records": sum(outcome.splits.values()), "left_out": outcome.left_out}
        counts["withheld"] = outcome.withheld
        how = {"groups": dealt.groups, "largest": dealt.largest, "seed": seed, "left_out": dealt.left_out}
        statement = statement_of(opened, name, counts)
        facts = card_facts(
            opened, name, statement, exported, outcome.splits, {**how, "agreed": agreed}, folder
        )
        (folder / "README.md").write_text(render_card(facts), "utf-8")
        outcome.licence, outcome.plots = facts.licence[0], bool(facts.plots)
        add_manifest(folder / MANIFEST, statement, key)
    outcome.seconds = time.monotonic() - start
    return outcome


def _why_empty(name: str, dealt: Split, agreed: bool) -> str:
    why = (
        f"--split: nothing can be in {name}: the records are {dealt.groups:,} groups that have documents,"
        f" personas or problems in common, the largest of {dealt.largest:,}"
    )
    if agreed:
        why += ", and of those that agree none is small enough"
    return f"{why}; give a larger share, or make records from more texts"


def _grouped(hub: Hub, name: str, agreed: bool, tasks: TasksOf) -> tuple[Any, Any, bool]:
    """Of each record that was not rejected its group, and whether it may be in a test where that is asked.

    And whether a task of theirs makes chats.
    """
    if agreed and not Verdicts(hub, name):
        raise UserError(
            f"--agreed: no record of {name} was checked; personahub verify {name} --checks answers does that"
        )
    counting, view = FolderExport(name, ""), open_view(hub)
    ids = ("id", "leader")
    leaders = dict(zip(*(view.table[column].to_pylist() for column in ids), strict=True)) if view else {}
    groups, fit, asked = Groups(), list[bool](), False
    records = chosen_records(judged_records(hub, name), counting, False)
    while some := list(islice(records, _BATCH)):
        inputs = [read_json(record.inputs) for record, _ in some]
        others = {each["other"]["id"] for each in inputs if "other" in each}
        roots = hub.personas.get(sorted(others), ["id", "document_id"]) if others else {}
        groups.add(
            _keys(record, given, leaders, roots) for (record, _), given in zip(some, inputs, strict=True)
        )
        fit += [_agrees(found) for _, found in some] if agreed else []
        asked = asked or any(task and task.makes_chats for task in (tasks.of(record) for record, _ in some))
    return groups.close(), np.array(fit, bool) if agreed else None, asked


def _keys(
    record: Record,
    inputs: Mapping[str, Any],
    leaders: Mapping[str, str],
    roots: Mapping[str, Mapping[str, str]],
) -> Iterator[str]:
    """What a record shares with others that are from the same: documents, personas, and what it is about."""
    other = str(inputs.get("other", {}).get("id", ""))
    people = [record.persona_id, other, *(leaders.get(id_, "") for id_ in (record.persona_id, other))]
    yield from filter(None, (*people, record.document_id, roots.get(other, {}).get("document_id", "")))
    yield record.id
    # A text may be one record's and what another is about.
    yield f"{record.text}\n"
    for item in (inputs[each] for each in ("item", "seed_item") if each in inputs):
        yield f"{item['text']}\n"
        yield from filter(None, [item.get("record", "")])


def _agrees(found: Found) -> bool:
    answers = found.get("answers")
    return bool(answers and answers["outcome"] == "passed" and (answers["score"] or 0.0) >= _LEAST_AGREEING)


def _schema(hub: Hub, name: str, asked: bool) -> pa.Schema:
    """The columns: of a record, its turns where a task makes chats, its verdicts where there are any."""
    schema = SCHEMAS[Record]
    if asked:
        schema = schema.append(pa.field("messages", pa.list_(_TURN)))
    if Verdicts(hub, name):
        schema = schema.append(pa.field("verdicts", pa.string()))
    return schema.append(pa.field("synthetic", pa.bool_(), nullable=False))


def _write(
    records: Iterator[Judged],
    dealt: Split,
    folder: Path,
    schema: pa.Schema,
    tasks: TasksOf,
    told: Callable[[int], None],
) -> Exported:
    """Write each record into a file of its split."""
    chats, exported = Chats(tasks.of), Exported(schema.names, sum(dealt.counts.values()))
    (folder / "data").mkdir()
    with ExitStack() as held:
        files = [_Shards(folder / "data", each, count, schema) for each, count in dealt.counts.items()]
        for each in files:
            held.callback(each.close)
        for (record, found), number in zip(records, dealt.numbers.tolist(), strict=True):
            if number == LEFT_OUT:
                continue
            row: dict[str, Any] = {"id": record.id, **asdict(record), "synthetic": True}
            if "messages" in exported.columns:
                turns = chats.turns(record)
                row["messages"] = None if isinstance(turns, str) else turns
            if "verdicts" in exported.columns:
                row["verdicts"] = json.dumps(told_of(found), ensure_ascii=False)
            exported.add(row, record, tasks.kind(record))
            files[number].write(row)
            told(exported.count)
    return exported


class _Shards:
    """The Parquet files of one split."""

    def __init__(self, folder: Path, name: str, rows: int, schema: pa.Schema) -> None:
        self._folder, self._name, self._schema = folder, name, schema
        self._files = max(1, -(-rows // _SHARD))
        self._waiting: list[dict[str, Any]] = []
        self._number = self._rows = 0
        self._writer: pq.ParquetWriter | None = None

    def write(self, row: dict[str, Any]) -> None:
        self._waiting.append(row)
        if len(self._waiting) == _BATCH or self._rows + len(self._waiting) == _SHARD:
            self._flush()

    def _flush(self) -> None:
        if self._writer is None:
            file = f"{self._name}-{self._number:05}-of-{self._files:05}.parquet"
            self._writer = pq.ParquetWriter(self._folder / file, self._schema, compression="zstd")
        self._writer.write_table(pa.Table.from_pylist(self._waiting, self._schema))
        self._rows += len(self._waiting)
        self._waiting.clear()
        if self._rows == _SHARD:
            self._writer.close()
            self._writer, self._rows = None, 0
            self._number += 1

    def close(self) -> None:
        if self._waiting:
            self._flush()
        if self._writer is not None:
            self._writer.close()
