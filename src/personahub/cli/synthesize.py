"""``personahub synthesize``."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from personahub.cli.options import Encoder, HubDir, Json, Language, ModelName, Seed, View, Where, with_calls

__all__ = ["OWN_OPTIONS", "leave_unless_all", "say_records", "synthesize_command", "task_options"]

OWN_OPTIONS = {"allow_extra_args": True, "ignore_unknown_options": True}
"""Settings of a command that leaves the options of tasks to :func:`task_options`."""


def _choosing(*names: str, **settings: Any) -> Any:
    return typer.Option(*names, rich_help_panel="Which personas", **settings)


def _prompting(*names: str, **settings: Any) -> Any:
    return typer.Option(*names, rich_help_panel="How prompts are built", **settings)


def task_options(
    task: str, rest: Sequence[str], command: str = "synthesize"
) -> tuple[dict[str, Any], str | None]:
    """What the rest of a command line gives of a task's own options, and of ``--scenario``.

    Args:
        task: the task.
        rest: what the command has no options for.
        command: the command, for what is said of it.

    Raises:
        UserError: an option that neither the task nor the command has, or a value that does not belong.
    """
    from personahub.errors import UserError
    from personahub.synthesis import Task

    if task.startswith("-"):
        raise UserError(f"the task comes first, then its options: personahub {command} TASK {task} …")
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("--scenario", nargs="?", const="")
    declared = Task.load(task)
    for name, option in declared.options.items():
        flag = "--" + name.replace("_", "-")
        # A flag without a value is yes; any other option needs one.
        how: dict[str, Any] = {"action": "store_true", "default": None} if option.type == "flag" else {}
        parser.add_argument(flag, dest=f"option {name}", **how)
    try:
        given, unknown = parser.parse_known_args(list(rest))
    except argparse.ArgumentError as error:
        raise UserError(f"{error}; see personahub task show {task}") from error
    if unknown:
        own = ", ".join("--" + name.replace("_", "-") for name in declared.options) or "none"
        raise UserError(
            f"{unknown[0]}: is no option of {command} (see --help) nor of the task {declared.name}, whose"
            f" options are {own}"
        )
    found = {name.removeprefix("option "): value for name, value in vars(given).items() if value is not None}
    scenario = found.pop("scenario", None)
    return found, scenario


@with_calls
def synthesize_command(
    context: typer.Context,
    task: Annotated[
        str, typer.Argument(help="What to make: a task's name (personahub task list) or its folder.")
    ],
    hub: HubDir,
    n: Annotated[
        int | None,
        typer.Option("-n", help="How many records to accept; default: 10, or all of a list of items."),
    ] = None,
    dataset: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The data set to add them to; default: the task's name."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the records there too: .jsonl, .jsonl.gz or .parquet."),
    ] = None,
    form: Annotated[
        str,
        typer.Option(
            "--format", metavar="FORM", help="Of the file: records, or personahub for the paper's columns."
        ),
    ] = "records",
    repetition: Annotated[
        str | None,
        typer.Option(
            metavar="HOW",
            help="Set aside what the data set says already: semantic, surface or off; default: as the task"
            " wants, mostly semantic.",
        ),
    ] = None,
    checks: Annotated[
        str | None,
        typer.Option(
            metavar="A,B,…", help="Accept only what passes these checks (personahub verify --help)."
        ),
    ] = None,
    against: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE", help="A benchmark for the checks contamination and paraphrase."),
    ] = None,
    samples: Annotated[
        int, typer.Option(metavar="K", help="Records about each item, for tasks that ask about items.")
    ] = 1,
    persona_query: Annotated[
        str | None, _choosing(metavar="TEXT", help='Only those nearest to it: "nurses in rural areas".')
    ] = None,
    where: Where = None,
    view: View = None,
    select: Annotated[
        str | None,
        _choosing(metavar="WAY", help="random, diverse, quota:COLUMN, or none; default: random."),
    ] = None,
    per_persona: Annotated[int, _choosing(metavar="K", help="Records from each persona in a row.")] = 1,
    method: Annotated[
        str | None,
        _prompting(
            metavar="METHOD",
            help="zero-shot, few-shot, persona-enhanced, instance-driven or key-point-driven; default:"
            " few-shot where the task has examples.",
        ),
    ] = None,
    shots: Annotated[int, _prompting(metavar="K", help="Examples in a prompt.")] = 2,
    seeds: Annotated[
        str | None,
        _prompting(metavar="FILE", help="Items to vary (instance-driven): a file or a data set."),
    ] = None,
    key_points: Annotated[
        str | None,
        _prompting(metavar="FILE", help="Key points to build on (key-point-driven): a file or a data set."),
    ] = None,
    key_points_from: Annotated[
        list[str] | None,
        _prompting(metavar="TEXTS", help="Texts of which the model tells the key points first."),
    ] = None,
    points: Annotated[int, _prompting(metavar="K", help="Key points in a prompt.")] = 2,
    field: Annotated[
        str | None, _prompting(metavar="NAME", help="Field of the items, seeds or key points with the text.")
    ] = None,
    verbalized: Annotated[
        int, _prompting(metavar="K", help="Ask for so many candidates with probabilities, and draw one.")
    ] = 1,
    model: ModelName = "qwen2.5-coder-1.5b",
    language: Language = None,
    seed: Seed = 0,
    encoder: Encoder = None,
    json: Json = False,
    *,
    calls: dict[str, Any],
) -> None:
    """Make synthetic data from a hub's personas.

    Each task has options of its own, such as --focus and --difficulty of math: personahub task show TASK
    lists them. --scenario adds a rare or extreme situation for the persona to be in: --scenario alone draws
    one for each record, --scenario TEXT gives it, --scenario @FILE has one a line.

    Give the same command again after an interrupt or a crash: it goes on where it was and asks nothing
    that was answered. Another --seed or a larger -n makes more.
    """
    from personahub.cli.display import ProgressWatcher
    from personahub.workflows.calls import Calls
    from personahub.workflows.checks import Checks, parse_checks
    from personahub.workflows.prompting import Prompting
    from personahub.workflows.selection import Selection
    from personahub.workflows.synthesize import synthesize

    options, scenario = task_options(task, context.args)
    watcher = ProgressWatcher()
    try:
        outcome = synthesize(
            task,
            hub,
            n=n,
            dataset=dataset,
            out=out,
            form=form,  # type: ignore[arg-type]
            options=options,
            prompting=Prompting(
                method=method,  # type: ignore[arg-type]
                shots=shots,
                seeds=seeds,
                key_points=key_points,
                key_points_from=tuple(key_points_from or ()),
                points=points,
                field=field,
                scenario=scenario,
                candidates=verbalized,
            ),
            selection=Selection(persona_query, where, select, view, per_persona),
            samples=samples,
            repetition=repetition,  # type: ignore[arg-type]
            checks=Checks(parse_checks(checks), against=tuple(against or ()), seed=seed) if checks else None,
            model=model,
            language=language,
            seed=seed,
            encoder=encoder,
            calls=Calls(**calls),
            watcher=watcher,
        )
    finally:
        watcher.close()
    say_records(outcome, hub, out, json=json)


def say_records(outcome: Any, hub: Path, out: Path | None, *, json: bool) -> None:
    """Tell what a run made and what to do next; leaves with the exit code where it did not make all."""
    from dataclasses import asdict

    from personahub.cli.display import counted, print_json, program
    from personahub.cli.spending import print_estimate, say_calls

    if outcome.estimate:
        print_json(asdict(outcome.estimate)) if json else print_estimate(outcome.estimate)
        return
    made = len(outcome.ids)
    if json:
        print_json(outcome.to_json())
    else:
        where = f"{out} and in " if out else ""
        print(f"{made} of {outcome.wanted} records in {where}the data set {outcome.dataset} of {hub}")
        print(f"made for them: {outcome.asked}; set aside: {counted(outcome.set_aside)}")
        say_calls(outcome, hub)
        if outcome.ids:
            print(f"next: {program()} show {outcome.ids[0]} --hub {hub}")
    leave_unless_all(outcome, hub)


def leave_unless_all(outcome: Any, hub: Path) -> None:
    """Where a run did not make all its records, say why and leave with the exit code of that."""
    from personahub.cli.display import say_interrupted

    made = len(outcome.ids)
    if outcome.interrupted:
        raise typer.Exit(say_interrupted(outcome))
    if made < outcome.wanted:
        typer.echo(
            f"Only {made} of {outcome.wanted}: the model's replies were set aside or failed too often; see"
            f" personahub runs set-aside --hub {hub} and personahub runs failures {outcome.run.number}"
            f" --hub {hub}",
            err=True,
        )
        raise typer.Exit(1)
