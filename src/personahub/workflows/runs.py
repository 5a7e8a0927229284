"""``runs``: the commands that filled a hub: what they made and cost, what failed, and asking that again."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from personahub.completion import Entry, EntryKind, Journal
from personahub.corpus import ReadOptions
from personahub.errors import UserError
from personahub.hub import Hub, Run
from personahub.models import LanguageModel
from personahub.workflows.calls import Calls
from personahub.workflows.curate import curate
from personahub.workflows.prompting import Prompting
from personahub.workflows.running import Outcome, Watcher
from personahub.workflows.selection import Selection
from personahub.workflows.synthesize import synthesize

__all__ = ["list_failures", "list_runs", "retry", "show_run"]


def list_runs(hub: Path | str) -> list[Run]:
    """The commands that filled a hub, the oldest first.

    Raises:
        UserError: no hub.
    """
    return Hub(hub).runs()


def show_run(hub: Path | str, number: int) -> dict[str, Any]:
    """A run with what it spent, from what is on disk.

    Returns:
        The run's fields (``number``, ``verb``, ``status``, ``configuration``, ``fingerprint``, ``counts``, …)
        and ``spent``: for each model the replies, wasted calls, failures by reason, tokens, dollars and how
        many calls' tokens or price are not known; None while the run is at work.

    Raises:
        UserError: no hub, or no such run.
    """
    opened = Hub(hub)
    run = opened.run(number)
    shown = asdict(run)
    try:
        with Journal(opened.journal_path) as journal:
            spent = journal.spent(number)
    except UserError:
        # The process that writes it has it; the run's file is a few seconds old at most.
        return {**shown, "spent": None}
    return {**shown, "spent": {model: asdict(sums) for (_, model), sums in sorted(spent.items())}}


def list_failures(hub: Path | str, number: int, reason: str | None = None) -> Iterator[Entry]:
    """The requests that a run gave up and that nobody answered since, each once.

    Raises:
        UserError: no hub, no such run, or another process is writing the journal.
    """
    opened = Hub(hub)
    opened.run(number)
    with Journal(opened.journal_path) as journal:
        listed: set[str] = set()
        for entry in journal.entries(kind=EntryKind.FAILURE, run=number):
            latest = journal.get(entry.key)
            given_up = latest is not None and latest.kind is EntryKind.FAILURE
            if given_up and entry.key not in listed and reason in {None, entry.reason}:
                listed.add(entry.key)
                yield entry


def retry(
    hub: Path | str,
    number: int,
    *,
    only: Sequence[str] = (),
    model: str | LanguageModel | Sequence[LanguageModel] | None = None,
    calls: Calls | None = None,
    watcher: Watcher | None = None,
) -> Outcome:
    """Ask a run's failed requests again, and make of the replies what the run would have made.

    Args:
        hub: the hub's directory.
        number: the run's number.
        only: the reasons to ask again; all of them by default.
        model: where the model is now, if that has changed; it must be the same model.
        calls: how the calls are made and what they may cost.
        watcher: is told how it goes.

    Raises:
        UserError: no such run, nothing failed for such a reason, or the run cannot be given again.
    """
    run = Hub(hub).run(number)
    reasons = {entry.reason for entry in list_failures(hub, number)}
    if unknown := set(only) - reasons:
        there = ", ".join(sorted(reasons)) or "nothing"
        raise UserError(f"run {number}: nothing failed for {', '.join(sorted(unknown))}; failed for: {there}")
    if not reasons:
        raise UserError(f"run {number}: has no failures to ask again")
    if run.verb in {"verify", "evaluate similarity"}:
        # A verdict or a report stands for its run, so what is asked again is another run's.
        raise UserError(f"run {number}: give its {run.verb} command again, which asks again what failed")
    given = model or run.given.get("model")
    if given is None:
        raise UserError(f"run {number}: was given a model object, so the model must be named again")
    retrying = replace(calls or Calls(), retrying=frozenset(only or reasons))
    return _give_again(run, hub, given, retrying, watcher)


def _give_again(run: Run, hub: Path | str, model: Any, calls: Calls, watcher: Watcher | None) -> Outcome:
    known: Mapping[str, Any] = run.configuration
    if run.verb == "synthesize":
        given = run.given
        return synthesize(
            given["task"],
            hub,
            n=None if known.get("spending") else known["n"],
            spending=known.get("spending"),
            dataset=known["dataset"],
            out=given["out"],
            form=given["form"],
            options=given["options"],
            prompting=Prompting(**known["prompting"]),
            selection=Selection(**known["selection"]),
            samples=known["samples"],
            repetition=known["repetition"],
            model=model,
            language=known["language"],
            seed=known["seed"],
            calls=calls,
            watcher=watcher,
        )
    return curate(
        known["sources"],
        hub,
        model=model,
        limit=known["limit"],
        relations=known["relations"],
        per_relation=known["per_relation"],
        granularity=known["granularity"],
        language=known["language"],
        reading=ReadOptions(**known["reading"]),
        document_tokens=known["document_tokens"],
        skip_bad_rows=bool(run.given.get("skip_bad_rows")),
        seed=known["seed"],
        shard=run.given.get("shard"),
        calls=calls,
        watcher=watcher,
    )
