"""``personahub evaluate diversity``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from personahub.cli.options import Encoder, Json, Seed

if TYPE_CHECKING:
    from personahub.workflows.evaluate.diversity import Diversity

__all__ = ["diversity_command"]


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
    from personahub.workflows.evaluate.diversity import evaluate_diversity

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


def _print_tables(result: "Diversity") -> None:
    from personahub.cli.evaluate.tables import print_lines, print_table
    from personahub.workflows.evaluate.diversity_report import headings, notes, table

    names = ["", *(each.name for each in result.sets)]
    for form, heading in headings(result).items():
        print_table(heading, names, table(result, form))
    print_lines(
        *notes(result),
        f"In brackets 95 % intervals; ↑ higher is more diverse, ↓ lower is; embeddings {result.embeddings},"
        f" seed {result.seed}",
    )
