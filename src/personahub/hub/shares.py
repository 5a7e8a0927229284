"""Runs of several hubs as runs of one: which belong together, and what they came to.

What one hub did of a run is its *share*, named by the shard, or for a run over the whole source by the hub.
A merged run keeps its shares, so a share that comes again, or further, takes the place of what it was.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from personahub.errors import UserError
from personahub.hub.hub import Hub
from personahub.hub.runs import Run, RunStatus
from personahub.hub.shards import Shard

__all__ = ["add_shares", "match_runs", "shards_of"]

Shares = dict[str, dict[str, Any]]


def match_runs(into: Hub, sources: Sequence[Hub]) -> list[dict[int, int]]:
    """For each source, which number each of its runs has in ``into``, where new ones are begun.

    Runs of one configuration belong together in their order, so a command that was given twice is two runs.

    Raises:
        UserError: shards of different sizes would become one run; nothing was written then.
    """
    runs = {run.number: run for run in into.runs()}
    known, begun = set(runs), max(runs, default=0)
    shares = {number: _shares(into, run) for number, run in runs.items()}
    alike: defaultdict[str, list[int]] = defaultdict(list)
    for run in runs.values():
        alike[run.fingerprint].append(run.number)
    matched: list[dict[int, int]] = []
    for source in sources:
        met: Counter[str] = Counter()
        matched.append({})
        for run in source.runs():
            numbers = alike[run.fingerprint]
            if met[run.fingerprint] == len(numbers):
                begun += 1
                numbers.append(begun)
                runs[begun], shares[begun] = _begun(run, begun), {}
            number = matched[-1][run.number] = numbers[met[run.fingerprint]]
            met[run.fingerprint] += 1
            shares[number] |= _shares(source, run)
            _check_sizes(into, shares[number])
    for number in runs.keys() - known:
        into.save_run(runs[number])
    return matched


def _begun(run: Run, number: int) -> Run:
    given = {name: value for name, value in run.given.items() if name != "shard"}
    return Run(number, run.verb, run.configuration, run.fingerprint, run.started, given=given, shares={})


def _check_sizes(into: Hub, shares: Iterable[str]) -> None:
    sizes = sorted({shard.of for shard in _shards(shares)})
    if len(sizes) > 1:
        raise UserError(
            f"{into.path}: shards of {sizes[0]} and of {sizes[1]} of the same run cannot be merged, since"
            " both cover the whole source; name those of one kind: personahub hub merge HUB SHARD …"
        )


def add_shares(into: Hub, source: Hub, matched: Mapping[int, int]) -> None:
    """Count what a source did, once all it made is in ``into``.

    Args:
        into: the hub that was merged into.
        source: the hub whose rows and replies it has now.
        matched: the source's part of what :func:`match_runs` gave.
    """
    for run in source.runs():
        merged = into.run(matched[run.number])
        before = merged.shares
        merged.shares = _shares(into, merged) | _shares(source, run)
        if merged.shares != before:
            _settle(merged, merged.shares)
            into.save_run(merged)


def shards_of(run: Run) -> tuple[list[str], list[str]]:
    """The shards of a merged run that it has not, and those that are not finished; in order."""
    shares = run.shares or {}
    shards = _shards(shares)
    if run.status is RunStatus.FINISHED or not shards:
        return [], []
    of = shards[0].of
    missing = [str(Shard(number, of)) for number in range(1, of + 1) if Shard(number, of) not in shards]
    return missing, [str(shard) for shard in shards if not _finished([shares[str(shard)]])]


def _shards(shares: Iterable[str]) -> list[Shard]:
    shards = (Shard.parse(name) for name in shares if "/" in name)
    return sorted(shards, key=lambda shard: (shard.of, shard.number))


def _shares(hub: Hub, run: Run) -> Shares:
    if run.shares is not None:
        return dict(run.shares)
    name = run.given.get("shard") or f"{hub.id}-{run.number}"
    share = {"status": run.status, "started": run.started, "ended": run.ended, "counts": run.counts}
    return {name: share}


def _settle(run: Run, shares: Shares) -> None:
    """Make the run what its shares come to."""
    shards = [shares[str(shard)] for shard in _shards(shares)]
    wholes = [share for name, share in shares.items() if "/" not in name]
    complete = bool(shards) and len(shards) == _shards(shares)[0].of
    # All shards did what a run over the whole source did: together they must not be counted twice.
    for counted in (wholes, shards if complete else []):
        if counted and _finished(counted):
            run.status = RunStatus.FINISHED
            break
    else:
        run.status, counted = RunStatus.INTERRUPTED, [*shards, *wholes]
    run.started = min(share["started"] for share in counted)
    run.ended = max(filter(None, (share["ended"] for share in counted)), default=None)
    run.counts = _sum(share["counts"] for share in counted)


def _finished(shares: Iterable[Mapping[str, Any]]) -> bool:
    return all(share["status"] == RunStatus.FINISHED for share in shares)


def _sum(counts: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    total: dict[str, Any] = {}
    for each in counts:
        for name, value in each.items():
            if isinstance(value, Mapping):
                total[name] = _sum([total.get(name, {}), value])
            else:
                total[name] = total.get(name, 0) + value
    return total
