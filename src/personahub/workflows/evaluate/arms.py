"""``evaluate arms``: the methods of a task with the same calls to the same model, and what comes of them.

Every method gets the same personas in the same order. Its calls are all its own: what other runs had answered
is asked again, since a remembered reply would be a call that the method did not pay. What is on disk decides
how far the comparison is, so that a method that is through is only read when the same call is made again.
"""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from personahub.config import fingerprint
from personahub.errors import UserError
from personahub.hub import Hub
from personahub.languages import check_language
from personahub.models import EmbeddingModel, LanguageModel
from personahub.models.opening import DEFAULT_MODEL
from personahub.synthesis import METHODS, Task
from personahub.workflows.calls import Calls
from personahub.workflows.checks import ASKING, Checks, checker_for, identity_of
from personahub.workflows.evaluate.arms_found import with_diversity
from personahub.workflows.evaluate.arms_result import Arms
from personahub.workflows.evaluate.arms_running import PlannedArm, Study, run_arm
from personahub.workflows.evaluate.folders import check_plotting
from personahub.workflows.prompting import Prompting, load_material
from personahub.workflows.running import Outcome, Watcher
from personahub.workflows.selection import Selection, asks_personas, select_personas

__all__ = ["NO_PERSONA", "USUAL_ARMS", "evaluate_arms"]

NO_PERSONA = "no-persona"
"""The task's usual method, asked without a persona: the baseline."""
USUAL_ARMS = ("zero-shot", "few-shot", "persona-enhanced")
"""Those that need no file."""


def evaluate_arms(
    task: str | Path,
    hub: Path | str,
    *,
    methods: Sequence[str] = USUAL_ARMS,
    calls: int = 60,
    options: Mapping[str, Any] | None = None,
    seeds: str | None = None,
    key_points: str | None = None,
    text_field: str | None = None,
    scenario: str | None = None,
    selection: Selection | None = None,
    checks: Checks | None = None,
    model: str | LanguageModel | Sequence[LanguageModel] = DEFAULT_MODEL,
    language: str | None = None,
    seed: int = 0,
    encoder: str | EmbeddingModel | None = None,
    out: Path | str | None = None,
    how: Calls | None = None,
    watcher: Watcher | None = None,
) -> Arms:
    """Give each method of a task the same number of calls to the same model, and compare what comes of them.

    Each method makes a data set of its own in the hub, as :func:`personahub.synthesize` would, from the same
    personas in the same order. The checks come afterwards; their calls are counted apart. The same call
    asks nothing again that it was answered, and finishes what is missing.

    Args:
        task: the task's name, or the folder of one's own.
        hub: the hub's directory.
        methods: of :data:`personahub.synthesis.METHODS`, or "no-persona".
        calls: to the model, for each method; all that it needs counts, also inferring its examples' personas
            and attempts whose replies cannot be used.
        options: the task's options, such as focus and difficulty.
        seeds: items to vary, for the method instance-driven: a file or a data set.
        key_points: for the method key-point-driven: a file or a data set.
        text_field: the field of those that holds the text.
        scenario: as in :class:`personahub.Prompting`.
        selection: which personas.
        checks: what the accepted records are checked for; its names are needed. None for nothing.
        model: a model's name, or model objects; the checks ask it too.
        language: of the records, ISO 639-1; None for each persona's own.
        seed: of everything that is drawn.
        encoder: compares meanings, where it is not the built-in model.
        out: a folder for ``arms.json``, ``arms.md``, ``arms.png`` and ``arms.svg``.
        how: calls are made; its ceilings are for the whole comparison, checks included.
        watcher: is told how each run goes.

    Raises:
        UserError: whatever the user can mend; nothing was asked then.
    """
    how, options = how or Calls(), dict(options or {})
    declared = Task.load(task)
    settings = declared.settings(options)
    language = check_language(language) if language else None
    _check(methods, calls, seeds, key_points, checks, how)
    if out is not None:
        check_plotting(Path(out))
    selection = selection or Selection()
    chosen: list[tuple[str, Prompting, Selection]] = []
    for name in dict.fromkeys(methods):
        prompting = _prompting(name, declared, seeds, key_points, text_field, scenario)
        chosen.append((name, prompting, Selection(select="none") if name == NO_PERSONA else selection))
    wants = [asks_personas(declared, each) for _, _, each in chosen]
    target = Hub(hub) if any(wants) else Hub.create(hub)
    personas = select_personas(target, selection, calls, seed=seed, encoder=encoder) if any(wants) else []
    named = how.open(model)[0].name
    shared = {
        "task": declared.version,
        "options": declared.described(settings),
        "calls": calls,
        "model": named,
        "language": language,
        "seed": seed,
    }
    plans = []
    for (name, prompting, which), asks in zip(chosen, wants, strict=True):
        own = {
            **shared,
            "prompting": asdict(prompting),
            "material": load_material(target, declared, settings, prompting).identity(),
            "selection": asdict(which),
            "personas": personas if asks else [],
        }
        plans.append(PlannedArm(name, prompting, which, _data_set(declared, name, own)))
    checking = _checking(checks, named, how, encoder)
    study = Study(
        task, target, options, calls, model, checks, checking, language, seed, encoder, how, watcher
    )
    result = Arms(declared.name, named, calls, seed, len(personas), (checks and checks.names) or (), ())
    study.note(*(plan.dataset for plan in plans))
    for place, plan in enumerate(plans, 1):
        if watcher:
            watcher.notice(f"{plan.name} ({place} of {len(plans)}): {calls:,} calls")
        done = run_arm(study, plan)
        if isinstance(done, Outcome):
            return replace(result, stopped=done)
        result = replace(result, arms=(*result.arms, done))
    result = with_diversity(target, result, encoder, seed)
    if out is not None:
        from personahub.workflows.evaluate.arms_report import write_report

        write_report(result, Path(out))
    return result


def _check(
    methods: Sequence[str],
    calls: int,
    seeds: str | None,
    key_points: str | None,
    checks: Checks | None,
    how: Calls,
) -> None:
    known = (*METHODS, NO_PERSONA)
    if unknown := [name for name in methods if name not in known]:
        raise UserError(f"--methods {unknown[0]}: is none of {', '.join(known)}")
    if not methods:
        raise UserError(f"--methods: names none; there are {', '.join(known)}")
    if calls < 1:
        raise UserError(f"--calls {calls}: each method needs at least one call")
    if checks and not checks.names:
        raise UserError("checks: say what records are checked for, such as Checks(('answers', 'language'))")
    for given, option, method in (
        (seeds, "--seeds", "instance-driven"),
        (key_points, "--key-points", "key-point-driven"),
    ):
        if given and method not in methods:
            raise UserError(f"{option} {given}: is for the method {method}, which --methods does not name")
    for unfit, why in (
        (how.max_calls, "--max-calls: --calls says how many each method makes; --max-cost and --max-tokens"),
        (how.estimate, "--estimate: is not for evaluate arms; --max-cost and --max-tokens"),
    ):
        if unfit:
            raise UserError(f"{why} bound what all of it spends")
    if how.batch:
        raise UserError("--batch: a batch is asked at once and cannot end after so many calls; leave it out")
    if how.fresh:
        raise UserError("--fresh: each method asks anew as it is; another --seed compares them once more")


def _prompting(
    name: str,
    task: Task,
    seeds: str | None,
    key_points: str | None,
    text_field: str | None,
    scenario: str | None,
) -> Prompting:
    """How an arm's prompts are built; the files go to the methods that are made of them."""
    method = Prompting().method_for(task) if name == NO_PERSONA else name
    from_file = method in {"instance-driven", "key-point-driven"}
    return Prompting(
        method=method,  # type: ignore[arg-type]
        seeds=seeds if method == "instance-driven" else None,
        key_points=key_points if method == "key-point-driven" else None,
        field=text_field if from_file else None,
        scenario=scenario,
    )


def _data_set(task: Task, arm: str, decides: Mapping[str, Any]) -> str:
    """The name of an arm's data set: another one for all that makes other records."""
    return f"arms {task.name} {arm} {fingerprint(decides, length=8)}"


def _checking(
    checks: Checks | None, model: str, how: Calls, encoder: str | EmbeddingModel | None
) -> dict[str, Any]:
    """What identifies the checks; says so where one lacks what it needs, before anything is paid for."""
    if not checks or not checks.names:
        return {}
    with ExitStack() as held:
        opened = how.encoder_when_needed(encoder, held)
        checker = checker_for(checks.names, checks, held, model=model, encoder=opened)
        asks = {"model": model} if any(name in ASKING for name in checks.names) else {}
        return {**identity_of(checks, checks.names, checker), **asks, "reject": True}
