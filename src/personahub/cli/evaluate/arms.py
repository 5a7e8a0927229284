"""``personahub evaluate arms``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from personahub.cli.options import Encoder, HubDir, Json, Language, ModelName, Seed, Where, with_calls

if TYPE_CHECKING:
    from personahub.workflows.evaluate.arms_result import Arms

__all__ = ["arms_command"]


@with_calls
def arms_command(
    context: typer.Context,
    hub: HubDir,
    task: Annotated[
        str, typer.Option(metavar="TASK", help="What to make: a task's name or its folder.")
    ] = "math",
    methods: Annotated[
        str,
        typer.Option(
            metavar="A,B,…",
            help="zero-shot, few-shot, persona-enhanced, instance-driven, key-point-driven, or no-persona"
            " (the task's usual method without one).",
        ),
    ] = "zero-shot,few-shot,persona-enhanced",
    each: Annotated[
        int,
        typer.Option(
            "--calls", metavar="N", envvar="PERSONAHUB_EVALUATE_ARMS_CALLS", help="Calls for each method."
        ),
    ] = 60,
    checks: Annotated[
        str | None,
        typer.Option(
            metavar="A,B,…", help="Check the accepted records for these (personahub verify --help)."
        ),
    ] = None,
    against: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE", help="A benchmark for the checks contamination and paraphrase."),
    ] = None,
    seeds: Annotated[
        str | None, typer.Option(metavar="FILE", help="Items that the method instance-driven varies.")
    ] = None,
    key_points: Annotated[
        str | None, typer.Option(metavar="FILE", help="Key points for the method key-point-driven.")
    ] = None,
    field: Annotated[
        str | None, typer.Option(metavar="NAME", help="Field of the items or key points with the text.")
    ] = None,
    where: Where = None,
    model: ModelName = "qwen2.5-coder-1.5b",
    language: Language = None,
    seed: Seed = 0,
    encoder: Encoder = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write arms.json, .md, .png and .svg there (extra evaluate)."),
    ] = None,
    json: Json = False,
    *,
    calls: dict[str, Any],
) -> None:
    """Compare the methods of a task: the same number of calls to the same model, and what comes of them.

    The task's own options go with it, such as --difficulty of math: personahub task show TASK lists them.
    Give the same command again after an interrupt: it goes on where it was.
    """
    from personahub.cli.display import ProgressWatcher, print_json, say_interrupted
    from personahub.cli.synthesize import task_options
    from personahub.workflows.calls import Calls
    from personahub.workflows.checks import Checks, parse_checks
    from personahub.workflows.evaluate.arms import evaluate_arms
    from personahub.workflows.selection import Selection

    options, scenario = task_options(task, context.args, "evaluate arms")
    watcher = ProgressWatcher()
    try:
        result = evaluate_arms(
            task,
            hub,
            methods=[name.strip() for name in methods.split(",") if name.strip()],
            calls=each,
            options=options,
            seeds=seeds,
            key_points=key_points,
            text_field=field,
            scenario=scenario,
            selection=Selection(where=where),
            checks=Checks(parse_checks(checks), against=tuple(against or ()), seed=seed) if checks else None,
            model=model,
            language=language,
            seed=seed,
            encoder=encoder,
            out=out,
            how=Calls(**calls),
            watcher=watcher,
        )
    finally:
        watcher.close()
    if json:
        print_json(result.to_json())
    elif result.arms:
        _print(result)
    if result.stopped:
        raise typer.Exit(say_interrupted(result.stopped))
    if out is not None and not json:
        print(f"\nwritten: {out / 'arms.json'}, .md, .png, .svg")


def _print(result: "Arms") -> None:
    """The tables; of the diversity the matched ones, which compare."""
    from personahub.cli.evaluate.tables import print_lines, print_table
    from personahub.workflows.evaluate.arms_report import heading, measured, notes, rows
    from personahub.workflows.evaluate.diversity_report import headings, table

    print_table(heading(result), ["", *(arm.name for arm in result.arms)], rows(result))
    for what, diversity in measured(result):
        names = ["", *(each.name for each in diversity.sets)]
        print_table(f"{what}. {headings(diversity)['matched']}", names, table(diversity, "matched"))
    told = "In brackets 95 % intervals; ↑ higher is more diverse, ↓ lower is; --json and --out have more"
    print_lines(*notes(result), told)
