"""``personahub ask``."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from personahub.cli.options import Encoder, Json, ModelName, Seed, with_calls

if TYPE_CHECKING:
    from personahub.workflows.ask import Answers

__all__ = ["ask_command"]

_WIDTH = 96
"""Columns that answers fill at most."""


@with_calls
def ask_command(
    question: Annotated[str, typer.Argument(help="The question or the topic.")],
    personas: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            help='Who is asked: "a biologist, a teacher, a priest"; semicolons part what has commas inside.'
            " With --hub, each is looked for there; default: any.",
        ),
    ] = None,
    hub: Annotated[
        Path | None,
        typer.Option(
            "--hub",
            metavar="DIR",
            help="Ask personas of this hub; default: those of --personas as they stand, kept in ./ask-hub.",
        ),
    ] = None,
    n: Annotated[
        int | None,
        typer.Option(
            "-n", help="How many answers, with --hub; default: one of each kind, 3 of one kind or of any."
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the records there too: .jsonl, .jsonl.gz or .parquet."),
    ] = None,
    model: ModelName = "qwen2.5-coder-1.5b",
    language: Annotated[
        str | None,
        typer.Option(metavar="CODE", help="Of the answers (en, ru, zh, …); default: the question's own."),
    ] = None,
    seed: Seed = 0,
    encoder: Encoder = None,
    json: Json = False,
    *,
    calls: dict[str, Any],
) -> None:
    """Ask many personas one question, and read an answer of each.

    It is a short form of synthesize perspective --question …: the answers are records of the data set "ask",
    so that show tells where each comes from, and the same command asks nothing twice.
    """
    from personahub.cli.display import ProgressWatcher
    from personahub.workflows.ask import ask
    from personahub.workflows.calls import Calls

    watcher = ProgressWatcher()
    try:
        answers = ask(
            question,
            personas,
            hub=hub,
            n=n,
            out=out,
            model=model,
            language=language,
            seed=seed,
            encoder=encoder,
            calls=Calls(**calls),
            watcher=watcher,
        )
    finally:
        watcher.close()
    _say(answers, json=json)


def _say(answers: "Answers", *, json: bool) -> None:
    from dataclasses import asdict

    from personahub.cli.display import print_json, program
    from personahub.cli.spending import print_estimate
    from personahub.cli.synthesize import leave_unless_all

    outcome, hub = answers.outcome, answers.hub
    if outcome.estimate:
        print_json(asdict(outcome.estimate)) if json else print_estimate(outcome.estimate)
        return
    if json:
        print_json(answers.to_json())
    else:
        _print(answers)
        if answers.answers:
            # What is read goes to stdout alone, so that it can be kept.
            first = answers.answers[0].record_id
            print(f"next: {program()} show {first} --hub {hub}", file=sys.stderr)
    leave_unless_all(outcome, hub)


def _print(answers: "Answers") -> None:
    from rich.text import Text

    from personahub.cli.display import console

    shown = console()
    width = min(shown.width, _WIDTH)
    for answer in answers.answers:
        # Rich breaks lines by the width of characters, and Chinese between any two of them.
        for line in Text(answer.persona).wrap(shown, width):
            shown.print(Text(line.plain.rstrip(), "bold"))
        for line in Text(answer.answer).wrap(shown, width - 2):
            shown.print(Text(f"  {line.plain.rstrip()}"))
        shown.print()
