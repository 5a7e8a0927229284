"""``personahub evaluate coverage``: what a hub holds and what it lacks."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from personahub.cli.options import Encoder, HubDir, Json, Seed, View, Where

if TYPE_CHECKING:
    from personahub.workflows.evaluate.coverage_result import Coverage

__all__ = ["coverage_command"]


def coverage_command(
    hub: HubDir,
    occupations: Annotated[
        Path | None,
        typer.Option(
            "--occupations",
            metavar="FILE",
            help="Occupations to look for: a title in each line, or rows with title and group or SOC code"
            " (.csv .tsv .jsonl .parquet); default: a short list of 193.",
        ),
    ] = None,
    topics: Annotated[
        Path | None,
        typer.Option(
            "--topics", metavar="FILE", help="Topics to look for, as a list; default: clusters of meanings."
        ),
    ] = None,
    where: Where = None,
    view: View = None,
    threshold: Annotated[
        float,
        typer.Option(
            metavar="COSINE",
            help="From how near a persona has an occupation: higher is surer and finds fewer.",
        ),
    ] = 0.65,
    looked_at: Annotated[
        int,
        typer.Option(min=1, metavar="N", help="Personas to draw at most; languages are counted of all."),
    ] = 100_000,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="DIR", help="Write coverage.json, .md, .png and .svg there (extra evaluate)."
        ),
    ] = None,
    embeddings: Encoder = None,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Show what a hub holds and lacks: occupations, languages, stated gender and age, topics."""
    from personahub.cli.display import StepProgress, print_json
    from personahub.workflows.evaluate.coverage import evaluate_coverage

    progress = StepProgress()
    try:
        result = evaluate_coverage(
            hub,
            occupations=occupations,
            topics=topics,
            where=where,
            view=view,
            threshold=threshold,
            looked_at=looked_at,
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
        print(f"\nwritten: {out / 'coverage.json'}, .md, .png, .svg")


def _print_tables(result: "Coverage") -> None:
    from personahub.cli.evaluate.tables import print_lines, print_table
    from personahub.workflows.evaluate.coverage_report import notes, sections

    for section in sections(result):
        print_table(section.title, section.headings, section.rows, section.right)
    print_lines(*notes(result))
