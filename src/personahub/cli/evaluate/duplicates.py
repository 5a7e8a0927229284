"""``personahub evaluate duplicates``: what other thresholds would keep."""

from pathlib import Path
from typing import Annotated

import typer

from personahub.cli.options import HubDir, Json, View

__all__ = ["duplicates_command"]


def duplicates_command(
    hub: HubDir,
    view: View = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="DIR", help="Write duplicates.json, .md, .png and .svg there (extra evaluate)."
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Show what other thresholds would keep, the largest groups, and pairs on both sides of the thresholds.

    Read from what personahub dedup found; nothing is compared.
    """
    from personahub.cli.display import StepProgress, print_json
    from personahub.cli.evaluate.tables import print_lines, print_table
    from personahub.workflows.evaluate.duplicates import evaluate_duplicates
    from personahub.workflows.evaluate.duplicates_report import notes, sections

    progress = StepProgress()
    try:
        result = evaluate_duplicates(hub, view=view, out=out, watcher=progress)
    finally:
        progress.close()
    if json:
        print_json(result.to_json())
        return
    for section in sections(result):
        print_table(section.title, section.headings, section.rows, section.right)
    print_lines(*notes(result))
    if out is not None:
        print(f"\nwritten: {out / 'duplicates.json'}, .md, .png, .svg")
