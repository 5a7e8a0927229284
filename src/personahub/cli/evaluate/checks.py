"""``personahub evaluate checks``: how far checks by a model agree with readers."""

from pathlib import Path
from typing import Annotated, Any

import typer

from personahub.cli.options import (
    Agree,
    Json,
    ModelName,
    Program,
    Readings,
    Samples,
    SecondModel,
    Seed,
    Threshold,
    with_calls,
)

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
    samples: Samples = 3,
    program: Program = True,
    agree: Agree = 2,
    second_model: SecondModel = None,
    readings: Readings = 1,
    threshold: Threshold = None,
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
