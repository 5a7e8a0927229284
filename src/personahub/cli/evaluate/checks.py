"""``personahub evaluate checks``: how far checks by a model agree with readers."""

from pathlib import Path
from typing import Annotated, Any

import typer

from personahub.cli.options import Json, ModelName, Seed, with_calls

__all__ = ["checks_command"]


@with_calls
def checks_command(
    checks: Annotated[
        str, typer.Option(metavar="A,B,…", help="Which checks: answers, well-posed.")
    ] = "answers,well-posed",
    problems: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help='Your own labelled problems (.jsonl) with problem and fault ("" for a sound one).',
        ),
    ] = None,
    samples: Annotated[
        int, typer.Option(min=1, metavar="K", help="Solutions of a problem by the model.")
    ] = 3,
    program: Annotated[
        bool, typer.Option("--program/--no-program", help="Solve a problem by a program too, in the sandbox.")
    ] = True,
    agree: Annotated[
        int, typer.Option(min=2, metavar="N", help="Solutions of a problem that must have one answer.")
    ] = 2,
    second_model: Annotated[
        str | None, typer.Option(metavar="MODEL", help="Another model that solves each problem once.")
    ] = None,
    readings: Annotated[int, typer.Option(min=1, metavar="K", help="How often the judge is asked.")] = 1,
    threshold: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            metavar="CHANCE",
            help="Chance of the judge's yes from which a problem passes; default: what"
            " evaluate checks has found for the model, else 0.5.",
        ),
    ] = None,
    model: ModelName = "qwen2.5-coder-1.5b",
    seed: Seed = 0,
    json: Json = False,
    *,
    calls: dict[str, Any],
) -> None:
    """Measure how far a model's checks say what readers say of the same problems.

    The problems that come with the package take some six calls each. What is found is remembered: personahub
    verify tells it beside what the model's checks find. The same command asks nothing twice.
    """
    from personahub.cli.display import ProgressWatcher, print_json, say_interrupted
    from personahub.cli.evaluate.tables import print_lines, print_table
    from personahub.workflows.calls import Calls
    from personahub.workflows.checks import Checks, parse_checks
    from personahub.workflows.evaluate.checks import evaluate_checks
    from personahub.workflows.evaluate.checks_report import notes, sections

    watcher = ProgressWatcher()
    try:
        result = evaluate_checks(
            problems,
            checks=Checks(parse_checks(checks), samples, program, agree, readings, threshold, seed=seed),
            model=model,
            second_model=second_model,
            calls=Calls(**calls),
            watcher=watcher,
        )
    finally:
        watcher.close()
    if json:
        print_json(result.to_json())
    elif result.checks:
        for section in sections(result):
            print_table(section.title, section.headings, section.rows, section.right)
        print_lines(*notes(result))
    if result.outcome.interrupted:
        raise typer.Exit(say_interrupted(result.outcome))
