"""``personahub evaluate``: measurements of what was made."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from personahub.cli.evaluate_coverage import coverage_command
from personahub.cli.evaluate_similarity import similarity_command
from personahub.cli.options import Encoder, Json, Seed

if TYPE_CHECKING:
    from personahub.workflows.evaluate_diversity import Diversity

__all__ = ["evaluate_app", "print_table"]

evaluate_app = typer.Typer(no_args_is_help=True, help="Measure what was made: how diverse it is.")


@evaluate_app.callback()
def _group() -> None:
    """Measure what was made: how diverse it is."""


evaluate_app.command("similarity")(similarity_command)
evaluate_app.command("coverage")(coverage_command)


@evaluate_app.command("diversity")
def diversity_command(
    sets: Annotated[
        list[str],
        typer.Argument(
            metavar="SET…",
            help="Files of texts (.jsonl .csv .tsv .parquet .txt .md, also compressed), folders, patterns, or"
            " data sets of --hub.",
        ),
    ],
    hub: Annotated[
        Path | None, typer.Option("--hub", metavar="DIR", help="The hub whose data sets are meant.")
    ] = None,
    field: Annotated[
        str | None, typer.Option(metavar="NAME", help="Field with the text; default: the usual ones.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="DIR", help="Write diversity.json, .md, .png and .svg there (extra evaluate)."
        ),
    ] = None,
    matched_texts: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="N", help="Texts of each set to match; default: as many as all have, to 10,000."
        ),
    ] = None,
    matched_words: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="N", help="Words to cut them to; default: what half of each set's texts have."
        ),
    ] = None,
    embeddings: Encoder = None,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Measure how diverse sets of texts are: as they are, and at the same count and length."""
    from personahub.cli.display import StepProgress, print_json
    from personahub.workflows.evaluate_diversity import evaluate_diversity

    progress = StepProgress()
    try:
        result = evaluate_diversity(
            *sets,
            hub=hub,
            field=field,
            matched_texts=matched_texts,
            matched_words=matched_words,
            embeddings=embeddings,
            seed=seed,
            out=out,
            watcher=progress,
        )
    finally:
        progress.close()
    if json:
        print_json(result.to_json())
        return
    _print_tables(result)
    if out is not None:
        print(f"\nwritten: {out / 'diversity.json'}, .md, .png, .svg")


def print_table(heading: str, names: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table of several sets: within the width of a terminal, uncut into a file or a pipe.

    Args:
        heading: stands above it.
        names: of the sets, one a column.
        rows: each with what is told, then of each set.
    """
    import sys

    from rich import box
    from rich.console import Console
    from rich.table import Table

    live = sys.stdout.isatty()
    console = Console(width=None if live else 10_000, highlight=False, markup=False)
    console.print(heading, style="bold")
    shown = Table("", *names, box=box.SIMPLE_HEAD if live else None, pad_edge=False)
    for column in shown.columns[1:]:
        column.justify, column.overflow = "right", "fold"
    for row in rows:
        shown.add_row(*row)
    console.print(shown)
    console.print()


def _print_tables(result: "Diversity") -> None:
    from rich.console import Console

    from personahub.workflows.diversity_report import headings, notes, table

    for form, heading in headings(result).items():
        print_table(heading, [each.name for each in result.sets], table(result, form))
    console = Console(highlight=False, markup=False, soft_wrap=True)
    for line in notes(result):
        console.print(line)
    console.print(
        f"In brackets 95 % intervals; ↑ higher is more diverse, ↓ lower is; embeddings {result.embeddings},"
        f" seed {result.seed}"
    )
