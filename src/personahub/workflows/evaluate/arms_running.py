"""One method of ``evaluate arms`` at work: its records made, checked, and read from what is on disk."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from personahub.completion import Journal, Spent
from personahub.config import fingerprint
from personahub.hub import Hub, Run, RunStatus
from personahub.hub.tables import quoted
from personahub.models import EmbeddingModel, LanguageModel
from personahub.workflows.calls import Calls
from personahub.workflows.checks import Checks
from personahub.workflows.evaluate.arms_found import checks_found, failed_records
from personahub.workflows.evaluate.arms_result import Arm
from personahub.workflows.prompting import Prompting
from personahub.workflows.running import Outcome, Watcher
from personahub.workflows.selection import Selection
from personahub.workflows.synthesize import synthesize
from personahub.workflows.verify import verify

__all__ = ["PlannedArm", "Study", "run_arm"]


@dataclass(frozen=True)
class PlannedArm:
    """One method, before it is asked."""

    name: str
    prompting: Prompting
    selection: Selection
    dataset: str


@dataclass
class Study:
    """What all methods have in common, and what they have spent so far."""

    task: str | Path
    hub: Hub
    options: Mapping[str, Any]
    calls: int
    model: str | LanguageModel | Sequence[LanguageModel]
    checks: Checks | None
    checking: Mapping[str, Any]
    """All that decides what the checks find."""
    language: str | None
    seed: int
    encoder: str | EmbeddingModel | None
    how: Calls
    watcher: Watcher | None
    spent: dict[int, Spent] = field(default_factory=dict)
    """By run."""

    def note(self, *datasets: str) -> None:
        """Look up what the runs of these data sets have spent, in all their invocations."""
        with Journal(self.hub.journal_path) as journal:
            for run in self.hub.runs():
                if run.configuration.get("dataset") in datasets:
                    self.spent[run.number] = next(iter(journal.spent(run.number).values()), Spent())

    def within(self, runs: Sequence[Run]) -> Calls:
        """How calls are made, under what the other runs have left of the ceilings.

        Args:
            runs: those of which an unfinished one is gone on with, whose engine counts what it has spent.
        """
        own = next((run.number for run in runs if run.status != RunStatus.FINISHED), None)
        others = [spent for number, spent in self.spent.items() if number != own]
        cost = sum(each.cost + each.most_cost for each in others)
        tokens = sum(each.prompt_tokens + each.completion_tokens + each.most_tokens for each in others)
        how = self.how
        return replace(
            how,
            max_cost=None if how.max_cost is None else max(how.max_cost - cost, 0.0),
            max_tokens=None if how.max_tokens is None else max(how.max_tokens - tokens, 0),
        )


def run_arm(study: Study, plan: PlannedArm) -> Arm | Outcome:
    """Make and check what one method gets, or read what it got; or give the run that was cut off."""
    hub, dataset = study.hub, {"dataset": plan.dataset}
    runs = _runs(hub, "synthesize", dataset)
    made = _finished(runs)
    if made is None:
        outcome: Outcome = synthesize(
            study.task,
            hub.path,
            spending=study.calls,
            dataset=plan.dataset,
            options=study.options,
            prompting=plan.prompting,
            selection=plan.selection,
            model=study.model,
            language=study.language,
            seed=study.seed,
            encoder=study.encoder,
            calls=study.within(runs),
            watcher=study.watcher,
        )
        if outcome.interrupted:
            return outcome
        made = outcome.run
        study.note(plan.dataset)
    accepted = hub.records.count(f"dataset = {quoted(plan.dataset)}")
    if not study.checking or not accepted:
        return _arm(study, plan, made, None, accepted)
    runs = _runs(hub, "verify", {**study.checking, **dataset, "records": accepted})
    checked = _finished(runs)
    # Calls that failed are asked again, by a run of their own: a verdict stands for its run.
    if checked is None or checked.counts.get("last_invocation", {}).get("failures"):
        outcome = verify(
            plan.dataset,
            hub.path,
            checks=study.checks,
            reject=True,
            model=study.model,
            encoder=study.encoder,
            calls=study.within(runs),
            watcher=study.watcher,
        )
        if outcome.interrupted:
            return outcome
        checked = outcome.run
        study.note(plan.dataset)
    return _arm(study, plan, made, checked, accepted)


def _runs(hub: Hub, verb: str, wanted: Mapping[str, Any]) -> list[Run]:
    """The runs of a verb whose configurations say this, the latest first."""
    identity = fingerprint(wanted)
    return [
        run
        for run in reversed(hub.runs())
        if run.verb == verb
        and fingerprint({name: run.configuration.get(name) for name in wanted}) == identity
    ]


def _finished(runs: Sequence[Run]) -> Run | None:
    return next((run for run in runs if run.status == RunStatus.FINISHED), None)


def _arm(study: Study, plan: PlannedArm, made: Run, checked: Run | None, accepted: int) -> Arm:
    counts = made.counts
    set_aside = Counter(counts.get("set_aside", {}))
    # The same text of the same persona is one record, however often it was made.
    set_aside["repeats_record"] += counts["records"] - accepted
    checks = checks_found(study.hub, plan.dataset, checked.number) if checked else {}
    failed = len(failed_records(study.hub, plan.dataset, checked.number)) if checked else 0
    return Arm(
        name=plan.name,
        dataset=plan.dataset,
        runs=(made.number, checked.number) if checked else (made.number,),
        spent=study.spent[made.number],
        prepared=counts.get("prepared", 0),
        asked=counts["asked"],
        accepted=accepted,
        set_aside=dict((+set_aside).most_common()),
        checks=checks,
        checks_spent=study.spent[checked.number] if checked else Spent(),
        kept=accepted - failed,
    )
