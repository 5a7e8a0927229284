"""``hub merge``: several hubs into one, as if one machine had done it all."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from personahub.completion import Journal, merge_journal
from personahub.errors import UserError
from personahub.hub import Hub, Run
from personahub.hub.shares import add_shares, match_runs, shards_of
from personahub.hub.tables import HubTable
from personahub.records import Kind, Verdict, content_id
from personahub.workflows.running import NO_RUN

__all__ = ["MergeOutcome", "Merged", "MergedRun", "merge"]

_TABLES = ("documents", "personas", "records", "set_aside", "verdicts")
"""Parents before children, so that no reader sees a child alone."""


@dataclass(frozen=True)
class Merged:
    """What a source had that was not in the hub before."""

    source: str
    documents: int
    personas: int
    records: int
    set_aside: int
    verdicts: int
    journal_entries: int

    @property
    def added(self) -> int:
        """All of it together."""
        rows = self.documents + self.personas + self.records + self.set_aside + self.verdicts
        return rows + self.journal_entries


@dataclass(frozen=True)
class MergedRun:
    """A run of the hub that the sources had a share in."""

    number: int
    verb: str
    status: str
    counts: Mapping[str, Any]
    missing: Sequence[str]
    """Shards that were not merged yet, such as "3/8"."""
    unfinished: Sequence[str]
    """Shards that were merged before their end."""


@dataclass(frozen=True)
class MergeOutcome:
    """What a merge came to."""

    sources: Sequence[Merged]
    runs: Sequence[MergedRun]

    @property
    def added(self) -> int:
        """Rows and journal entries that were not in the hub before."""
        return sum(source.added for source in self.sources)

    def to_json(self) -> dict[str, Any]:
        """The contract of ``hub merge --json``."""
        return {"added": self.added, **asdict(self)}


def merge(
    hub: Path | str,
    sources: Sequence[Path | str] = (),
    *,
    told: Callable[[Merged], None] = lambda _: None,
) -> MergeOutcome:
    """Put all that other hubs hold into a hub: rows, journals and runs; again changes nothing.

    Rows are known by their id and journal entries by their place, so a merge that was killed is gone on with
    by the same call. Runs of the same configuration become one run; if they are shards, it is finished when
    all shards are. Where rows or replies differ under one id or key, what is there stays, then the earlier
    source's. The sources are only read.

    Args:
        hub: the hub's directory, made where there is none.
        sources: the hubs to merge; by default all in the hub's folder ``shards``.
        told: is called after each source.

    Raises:
        UserError: there is nothing to merge, a source is no hub or is being written, or its shards do not
            fit those that were merged before.
    """
    opened = [Hub(source) for source in sources] if sources else Hub.shards_in(hub)
    if not opened:
        raise UserError(
            f"{hub}: has no shards to merge; personahub curate SOURCE --hub {hub} --shard 1/8 makes one,"
            " or name the hubs to merge"
        )
    opened = list({source.path.resolve(): source for source in opened}.values())
    if any(source.path.resolve() == Path(hub).resolve() for source in opened):
        raise UserError(f"{hub}: cannot be merged into itself; leave it out of the hubs to merge")
    target = Hub.create(hub)
    with target.writing(), Journal(target.journal_path) as journal:
        matched = match_runs(target, opened)
        merged = []
        for source, runs in zip(opened, matched, strict=True):
            with source.at_rest():
                merged.append(_merge_one(target, journal, source, runs))
                add_shares(target, source, runs)
            told(merged[-1])
        target.personas.index_text()
        numbers = {number for runs in matched for number in runs.values()}
        return MergeOutcome(merged, [_told(run) for run in target.runs() if run.number in numbers])


def _merge_one(target: Hub, journal: Journal, source: Hub, runs: Mapping[int, int]) -> Merged:
    # The journal first, so that every row's reply is there when the row is.
    entries = merge_journal(journal, source.journal_path, source=source.id, runs={**runs, NO_RUN: NO_RUN})
    added = {
        name: getattr(target, name).add_rows(_renumbered(getattr(source, name), runs)) for name in _TABLES
    }
    return Merged(str(source.path), journal_entries=entries, **added)


def _renumbered(table: HubTable, runs: Mapping[int, int]) -> Iterator[pa.RecordBatch]:
    column = table.schema.get_field_index("run")
    for batch in table.read():
        if column < 0:
            yield batch
            continue
        try:
            numbers = [runs[run] for run in batch["run"].to_pylist()]
        except KeyError as error:
            raise UserError(
                f"{table.path}: has rows of run {error}, whose file is missing from runs/; bring it back"
            ) from error
        renumbered = batch.set_column(column, table.schema.field(column), pa.array(numbers, pa.int32()))
        yield _named_anew(renumbered) if table.kind is Verdict else renumbered


def _named_anew(verdicts: pa.RecordBatch) -> pa.RecordBatch:
    """Verdicts with the ids that their new run gives them: each run judges anew."""
    parts = [verdicts[name].to_pylist() for name in ("record_id", "check", "run")]
    ids = [
        content_id(Kind.VERDICT, record, check, str(run)) for record, check, run in zip(*parts, strict=True)
    ]
    return verdicts.set_column(0, verdicts.schema.field(0), pa.array(ids, pa.string()))


def _told(run: Run) -> MergedRun:
    missing, unfinished = shards_of(run)
    return MergedRun(run.number, run.verb, run.status, run.counts, missing, unfinished)
