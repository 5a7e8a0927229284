"""``personahub trace``."""

from pathlib import Path
from typing import Annotated

import typer

from personahub.cli.options import HubDir, Json

__all__ = ["trace_command"]

_SHOWN = 10


def trace_command(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Exported records or personas, .jsonl .parquet or .csv.")
    ],
    hub: HubDir,
    json: Json = False,
) -> None:
    """Follow each row of a data set's file back to its text; fails where a link is broken."""
    from personahub.cli.display import StepProgress, counted, print_json, program
    from personahub.workflows.trace import trace

    progress = StepProgress()
    try:
        outcome = trace(file, hub, watcher=progress)
    finally:
        progress.close()
    if json:
        print_json(outcome.to_json())
    else:
        real = f", {outcome.real:,} real ones not followed" if outcome.real else ""
        rate = outcome.rows / max(outcome.seconds, 1e-9)
        print(f"{outcome.rows:,} rows followed to their texts{real} ({rate:,.0f} a second)")
        print(f"broken links: {counted(outcome.broken)}")
        for found in outcome.first[:_SHOWN]:
            print(f"  row {found.row}, {found.id or 'no id'}: {found.link}: {found.detail}")
        if outcome.broken:
            print(f"next: {program()} hub check {hub}")
    if outcome.broken:
        raise typer.Exit(1)
