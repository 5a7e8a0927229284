"""``personahub read``."""

from pathlib import Path
from typing import Annotated, Any

import typer

from personahub.cli.options import Jobs, Json, Sources, with_reading

__all__ = ["read_command"]

_SHOWN = 10


@with_reading
def read_command(
    sources: Sources,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Write the documents there as JSONL.")],
    limit: Annotated[int | None, typer.Option(min=1, metavar="DOCS", help="Most documents.")] = None,
    document_tokens: Annotated[
        int | None,
        typer.Option(min=50, help="Cut longer texts, at paragraph ends, into documents of about so many."),
    ] = None,
    jobs: Jobs = None,
    json: Json = False,
    *,
    reading: dict[str, Any],
) -> None:
    """Read texts of any format into documents, without a model: what curate would ask about."""
    from personahub.cli.display import ReadProgress, counted, print_json, program
    from personahub.corpus import ReadOptions
    from personahub.workflows.read import read

    progress = ReadProgress()
    try:
        outcome = read(
            sources,
            out,
            reading=ReadOptions(**reading),
            document_tokens=document_tokens,
            limit=limit,
            jobs=jobs,
            watcher=progress,
        )
    finally:
        progress.close()
    if json:
        print_json(outcome.to_json())
        return
    rate = outcome.documents / max(outcome.seconds, 1e-9)
    print(f"{outcome.documents} documents, {outcome.characters:,} characters in {out} ({rate:,.0f} a second)")
    print(f"set aside: {counted(outcome.set_aside)}")
    print(f"personal data: {counted(outcome.pii)}")
    print(f"licences: {counted(outcome.licences)}")
    if outcome.orders:
        print(f"documents that try to steer the model: {outcome.orders}")
    print(f"unreadable: {len(outcome.unreadable)}")
    for place in outcome.unreadable[:_SHOWN]:
        print(f"  {place['source']}, byte {place['offset']}: {place['reason']}")
    if len(outcome.unreadable) > _SHOWN:
        print(f"  and {len(outcome.unreadable) - _SHOWN} more; --json lists all")
    print(f"next: {program()} curate {out} --hub my-hub")
