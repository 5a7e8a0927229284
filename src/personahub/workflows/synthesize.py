"""``synthesize``: one kind of synthetic data, from a hub's personas."""

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from personahub.errors import UserError
from personahub.hub import Hub
from personahub.languages import check_language
from personahub.models import EmbeddingModel, LanguageModel
from personahub.models.opening import DEFAULT_MODEL
from personahub.records import Record
from personahub.synthesis import Synthesizer, Task
from personahub.workflows.briefs import Plan
from personahub.workflows.calls import Calls
from personahub.workflows.checking import Judged
from personahub.workflows.checks import Checks, checker_for, identity_of
from personahub.workflows.estimate import Range
from personahub.workflows.making import Making
from personahub.workflows.preparing import prepare
from personahub.workflows.prompting import Material, Prompting, load_material
from personahub.workflows.record_checks import RecordChecks, told_of, verdicts_from
from personahub.workflows.recordfiles import Form, RecordFile, WriteRecord
from personahub.workflows.repetition import REPETITIONS, Repetition, RepetitionFilter
from personahub.workflows.running import Outcome, Watcher, Work, run_async, working
from personahub.workflows.selection import (
    Selection,
    asks_personas,
    related_only,
    select_personas,
    wants_related,
)

__all__ = ["SynthesizeOutcome", "synthesize"]

_ATTEMPTS = 4
"""Questions for each record asked for, before a run gives up on a model that cannot do the task."""
_RECORDS = 10
"""Records where no number is asked for and no list of items says it."""
_NAME = re.compile(r"\w[\w. -]{0,79}")
_COLUMNS = tuple(Record.__dataclass_fields__)


@dataclass
class SynthesizeOutcome(Outcome):
    """What a ``synthesize`` came to.

    Attributes:
        dataset: the data set that the records are in.
        wanted: how many were asked for.
        asked: how many were made for them, those set aside and failed included.
        prepared: replies to what the method needs before the first record, such as examples' personas.
        ids: of the records, in their order.
        hub: where they are.
    """

    dataset: str = ""
    wanted: int = 0
    asked: int = 0
    prepared: int = 0
    ids: list[str] = field(default_factory=list)
    hub: Hub | None = field(default=None, repr=False)

    @property
    def records(self) -> list[Record]:
        """The records, read from the hub."""
        rows = self.hub.records.get(self.ids) if self.hub else {}
        return [Record(**{name: rows[id_][name] for name in _COLUMNS}) for id_ in self.ids]

    def to_json(self) -> dict[str, Any]:
        """What ``synthesize --json`` prints."""
        made = {"records": len(self.ids), "dataset": self.dataset, "asked": self.asked}
        return {**made, **super().to_json()}


def synthesize(  # noqa: PLR0915  One thing after another, each of which needs those before it.
    task: str | Path,
    hub: Path | str,
    *,
    n: int | None = None,
    spending: int | None = None,
    dataset: str | None = None,
    out: Path | str | None = None,
    form: Form = "records",
    options: Mapping[str, Any] | None = None,
    prompting: Prompting | None = None,
    selection: Selection | None = None,
    samples: int = 1,
    repetition: Repetition | None = None,
    checks: Checks | None = None,
    model: str | LanguageModel | Sequence[LanguageModel] = DEFAULT_MODEL,
    language: str | None = None,
    seed: int = 0,
    encoder: str | EmbeddingModel | None = None,
    calls: Calls | None = None,
    watcher: Watcher | None = None,
) -> SynthesizeOutcome:
    """Make ``n`` records of a task from personas of the hub, and keep them there as a data set.

    What is set aside is made up for by the next personas, up to four questions for each record asked for;
    about a list of items each is asked once, or ``samples`` times. Personas are asked again, for other
    records, where all were asked. An unfinished run of the same is gone on with.

    Args:
        task: the task's name, or the folder of one's own.
        hub: the hub's directory; made where the task needs no personas.
        n: how many records to accept; by default 10, or all that a list of items gives.
        spending: make so many calls instead, and accept what comes of them. That they are made is the run's
            end; what other runs had answered is asked again, so that each run pays for itself.
        dataset: the name of the data set, which may be there already; by default the task's.
        out: a file for the records, .jsonl, .jsonl.gz or .parquet, written whole at the end.
        form: of the file: "records" with all their lineage, or "personahub", the paper's columns.
        options: the task's options, such as focus and difficulty.
        prompting: the method, and what it draws on.
        selection: which personas.
        samples: records about each item, for tasks that ask about items.
        checks: what each record must pass to be accepted; None for nothing. Its names are needed.
        repetition: what is set aside as said already in the data set: "semantic" by words and meanings,
            "surface" by words alone, "off" nothing. By default what the task wants.
        model: a model's name (:mod:`personahub.models.opening` says which there are), or model objects.
        language: of the records, ISO 639-1; None for each persona's own.
        seed: of all that is drawn, and of the sampling.
        encoder: compares meanings, where it is not the built-in model.
        calls: how the calls are made and what they may cost.
        watcher: is told how it goes.

    Raises:
        UserError: whatever the user can mend; nothing was asked then.
    """
    prompting, selection, calls = prompting or Prompting(), selection or Selection(), calls or Calls()
    declared = Task.load(task)
    settings = declared.settings(options or {})
    language = check_language(language) if language else None
    if spending is not None:
        if n is not None or calls.batch or calls.estimate:
            raise UserError("spending: goes with no number of records, no batch and no estimate")
        n, calls = spending, replace(calls, max_calls=spending, fresh=True)
    _check_numbers(n, samples)
    if checks and not checks.names:
        raise UserError("checks: say which a record must pass, such as Checks(('answers', 'language'))")
    dataset = _checked_name(dataset or declared.name)
    how = repetition or ("semantic" if "repetition" in declared.declaration.checks else "off")
    if how not in REPETITIONS:
        raise UserError(f"--repetition {how}: is none of {', '.join(REPETITIONS)}")
    kind = declared.declaration.kind
    file = RecordFile(Path(out), form, lambda _: kind, with_verdicts=bool(checks)) if out else None
    asked = asks_personas(declared, selection)
    target = Hub(hub) if asked else Hub.create(hub)
    material = load_material(target, declared, settings, prompting)
    wanted, limit = _numbers(n, samples, material, len(selection.ids))
    related = wants_related(declared, settings)
    personas: list[str] = []
    if asked:
        # Of those that are better than others only as many as are needed; they are asked again for more.
        tries = limit if selection.is_random else wanted
        chosen = related_only(selection) if related else selection
        count = -(-tries // selection.per_persona)
        personas = select_personas(target, chosen, count, seed=seed, encoder=encoder)
    models = calls.open(model)
    name = models[0].name
    method = prompting.method_for(declared)
    synthesizer = Synthesizer(declared, settings, name, dataset, method, seed, prompting.candidates)
    configuration: dict[str, Any] = {
        "task": declared.name,
        "template": declared.version,
        "dataset": dataset,
        "options": declared.described(settings),
        "prompting": {**asdict(prompting), "method": method},
        "material": material.identity(),
        "selection": asdict(selection),
        "n": n,
        "samples": samples,
        "repetition": how,
        "model": name,
        "language": language,
        "seed": seed,
        "personas": len(personas),
    }
    if spending is not None:
        configuration["spending"] = spending
    given = {
        "task": str(task),
        "options": {name: str(v) if isinstance(v, Path) else v for name, v in (options or {}).items()},
        "out": str(out) if out else None,
        "form": form,
    }
    with ExitStack() as held:
        opened = calls.encoder_when_needed(encoder, held)
        judging = None
        if checks and checks.names and not calls.estimate:
            checker = checker_for(checks.names, checks, held, model=name, encoder=opened)
            judging = RecordChecks(target, checker, checks.names)
            configuration |= identity_of(checks, checks.names, checker)
        work = held.enter_context(
            working(
                target,
                "synthesize",
                configuration,
                model=model,
                models=models,
                calls=calls,
                outcome=SynthesizeOutcome,
                watcher=watcher,
                given=given,
            )
        )
        outcome = work.outcome
        outcome.dataset, outcome.wanted, outcome.hub = dataset, wanted, target
        work.watcher.started("records", wanted, outcome.run, work.resumed)
        _tell(work, material, len(personas), selection, wanted)
        if calls.estimate:
            work.estimating("records", wanted)
        if judging:
            judging.checker.engine = work.engine
            for notice in judging.checker.notices:
                work.watcher.notice(notice)
        plan = Plan(
            hub=target,
            task=declared,
            prompting=prompting,
            material=material,
            personas=personas,
            per_persona=selection.per_persona,
            samples=samples,
            language=language,
            seed=seed,
            rules=declared.rules(settings),
            related=related,
            once=bool(selection.ids) and material.items is None,
        )
        write = held.enter_context(file.writing()) if file and not calls.estimate else None
        run_async(_run(work, plan, synthesizer, how, opened, write, limit, judging, spending))
        if spending is not None and outcome.over_budget and work.calls_made() >= spending:
            outcome.interrupted, outcome.over_budget = False, ""
        if calls.estimate:
            share = max(len(outcome.ids) / max(outcome.asked, 1), 1 / _ATTEMPTS)
            # The share kept is known from a few only, so the high end allows for half as many again.
            work.estimated(Range(1 / share, min(1.5 / share, _ATTEMPTS) if share < 1 else 1.0))
        counts = {"records": len(outcome.ids), "asked": outcome.asked}
        work.ended(counts if spending is None else {**counts, "prepared": outcome.prepared})
        return outcome


def _check_numbers(n: int | None, samples: int) -> None:
    if n is not None and n < 1:
        raise UserError(f"-n {n}: at least one record must be asked for")
    if samples < 1:
        raise UserError(f"--samples {samples}: must be at least 1")


def _checked_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise UserError(
            f"--dataset {name!r}: is no name for a data set; use letters, digits, '-', '_', '.' and spaces,"
            " up to 80"
        )
    return name


def _numbers(n: int | None, samples: int, material: Material, given: int) -> tuple[int, int]:
    """How many records to accept, and how many briefs to try for them.

    Args:
        n: how many are asked for.
        samples: records about each item.
        material: holds the items.
        given: how many personas are given by their ids, each for one record.
    """
    if material.items is None:
        wanted = min(n or given, given) if given else n or _RECORDS
        return wanted, _ATTEMPTS * wanted
    there = material.items.count * samples
    return min(n or there, there), there


def _tell(
    work: Work[SynthesizeOutcome], material: Material, personas: int, selection: Selection, wanted: int
) -> None:
    """What the user should know before anything is paid for; unusable rows are set aside."""
    if personas and personas * selection.per_persona < wanted and material.items is None:
        work.watcher.notice(
            f"{personas:,} personas fit, fewer than {wanted:,} records need: each is asked up to"
            f" {-(-wanted // personas):,} times"
        )
    for items in (material.items, material.seeds):
        if not items or not items.unusable:
            continue
        count = sum(items.unusable.values())
        work.watcher.notice(f"{items.named}: {count:,} rows cannot be used and are set aside")
        work.outcome.set_aside.update(items.unusable)
        for case in items.set_aside(work.outcome.run.number):
            work.buffer.add(case)


async def _run(
    work: Work[SynthesizeOutcome],
    plan: Plan,
    synthesizer: Synthesizer,
    how: Repetition,
    encoder: Callable[[], EmbeddingModel],
    write: WriteRecord | None,
    limit: int,
    judging: RecordChecks | None,
    spending: int | None,
) -> None:
    outcome = work.outcome

    def accept(record: Record, found: Mapping[str, Judged]) -> None:
        outcome.ids.append(record.id)
        plan.accepted(record)
        run = outcome.run.number
        work.buffer.add(*verdicts_from(record.id, record.dataset, found, run=run, rejects=True))
        if write:
            write(record, {check: told_of(judged) for check, judged in found.items()})

    async with work.engaged():
        before = work.calls_made()
        synthesizer = await prepare(work, plan, synthesizer)
        outcome.prepared = work.calls_made() - before + work.engine.totals.answered_before
        with RepetitionFilter(work.hub, synthesizer, how, encoder) as repetition:
            briefs = plan.briefs(limit)
            making = Making(
                work,
                synthesizer,
                briefs,
                repetition,
                outcome.wanted,
                accept,
                judging,
                spending,
                outcome.prepared,
            )
            try:
                await making.run()
            finally:
                outcome.asked = making.asked
