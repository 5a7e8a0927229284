"""``personahub verify``."""

from pathlib import Path
from typing import Annotated, Any

import typer

from personahub.cli.options import (
    Agree,
    Encoder,
    Json,
    ModelName,
    Program,
    Readings,
    Samples,
    SecondModel,
    Seed,
    Threshold,
    checking,
    with_calls,
)

__all__ = ["verify_command"]


@with_calls
def verify_command(
    what: Annotated[
        str,
        typer.Argument(metavar="FILE|DATASET", help="A file of rows (.jsonl, .csv, .parquet) or a data set."),
    ],
    checks: Annotated[
        str | None,
        typer.Option(metavar="A,B,…", help="Which checks; default: those that the records' tasks want."),
    ] = None,
    hub: Annotated[
        Path | None, typer.Option("--hub", metavar="DIR", help="The hub that holds the data set.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Of a file: where its rows go with their verdicts (.jsonl)."),
    ] = None,
    reject: Annotated[bool, typer.Option("--reject", help="Part what passes from what does not.")] = False,
    report: Annotated[
        bool, typer.Option("--report", help="Show examples of what was rejected, and what each check cost.")
    ] = False,
    samples: Samples = 3,
    program: Program = True,
    agree: Agree = 2,
    second_model: SecondModel = None,
    readings: Readings = 1,
    threshold: Threshold = None,
    against: Annotated[
        list[str] | None,
        checking(metavar="FILE", help="A benchmark whose items must not be among it; may be repeated."),
    ] = None,
    corpus: Annotated[
        list[str] | None,
        checking(metavar="FILE", help="Texts that must not be copied; may be repeated."),
    ] = None,
    schema: Annotated[Path | None, checking(metavar="FILE", help="JSON schema of a file's rows.")] = None,
    field: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The field with a file's texts."),
    ] = None,
    model: ModelName = "qwen2.5-coder-1.5b",
    language: Annotated[
        str | None, typer.Option(metavar="CODE", help="Language of a file's rows that do not tell theirs.")
    ] = None,
    seed: Seed = 0,
    encoder: Encoder = None,
    json: Json = False,
    *,
    calls: dict[str, Any],
) -> None:
    """Check records of a data set, or rows of a file, and keep the evidence with each.

    What is checked is never changed: a data set gets a new version, a file another file. Checks: schema,
    language, repetition, fidelity, contamination, copying and tool need no model; answers, well-posed and
    paraphrase ask one.
    """
    from personahub.cli.display import ProgressWatcher, print_json, say_interrupted
    from personahub.cli.verdicts import print_outcome
    from personahub.workflows.calls import Calls
    from personahub.workflows.checks import Checks, parse_checks
    from personahub.workflows.verify import verify

    watcher = ProgressWatcher()
    try:
        outcome = verify(
            what,
            hub,
            checks=Checks(
                parse_checks(checks) if checks is not None else None,
                samples=samples,
                program=program,
                agree=agree,
                readings=readings,
                threshold=threshold,
                schema=schema,
                against=tuple(against or ()),
                corpus=tuple(corpus or ()),
                seed=seed,
            ),
            out=out,
            reject=reject,
            text_field=field,
            language=language,
            model=model,
            second_model=second_model,
            encoder=encoder,
            calls=Calls(**calls),
            watcher=watcher,
        )
    finally:
        watcher.close()
    if json:
        print_json(outcome.to_json())
    else:
        print_outcome(outcome, what, hub, report=report)
    if outcome.interrupted:
        raise typer.Exit(say_interrupted(outcome))
