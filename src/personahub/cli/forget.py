"""``personahub forget``."""

from typing import Annotated

import typer

from personahub.cli.options import HubDir, Json

__all__ = ["forget_command"]


def forget_command(
    hub: HubDir,
    document: Annotated[
        str,
        typer.Option(
            metavar="URL|ID", help="The text: its address, or an id as show tells it (d…, i… or x…)."
        ),
    ],
    purge: Annotated[
        bool,
        typer.Option("--purge", help="Take it out of old versions of tables and of the journal too."),
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    json: Json = False,
) -> None:
    """Take a text and all that ever came of it out of a hub, and keep it from coming back."""
    from personahub.cli.display import StepProgress, print_json, program
    from personahub.workflows.forget import forget

    progress = StepProgress()
    try:
        outcome = forget(hub, document, purge=purge, dry_run=dry_run, watcher=progress)
    finally:
        progress.close()
    if json:
        print_json(outcome.to_json())
        return
    told = ", ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in outcome.gone.items() if count)
    print(f"{'would be ' if dry_run else ''}forgotten: {told or 'nothing more than before'}")
    if outcome.purged:
        print(f"purged: old versions, indexes, and {outcome.emptied:,} replies and failures of the journal")
    elif not dry_run:
        print("old versions of the tables and the journal still hold its text: --purge takes it out of them")
    if outcome.compare_again:
        print(f"next: {program()} dedup --minhash --hub {hub}: words were compared by estimates")
    if not dry_run:
        print("what was exported before is not touched; trace FILE finds the rows that are forgotten now")
