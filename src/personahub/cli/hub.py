"""``personahub hub``: whole hubs."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from personahub.cli.options import Json

if TYPE_CHECKING:
    from personahub.workflows.merge import Merged, MergedRun, MergeOutcome

__all__ = ["hub_app"]

hub_app = typer.Typer(no_args_is_help=True, help="Whole hubs: put several into one.")


@hub_app.callback()
def _hub() -> None:
    """Keeps the one command's name: without this, Typer would take it for the group itself."""


@hub_app.command("merge")
def merge_command(
    hub: Annotated[Path, typer.Argument(metavar="HUB", help="The hub that gets it all.")],
    sources: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[FROM…]", help="Hubs to merge; default: all in HUB/shards."),
    ] = None,
    json: Json = False,
) -> None:
    """Put other hubs into one: the shards of a run (curate --shard), or any hubs.

    The others are only read and stay. Merging again adds what is new since and nothing twice.
    """
    from personahub.cli.display import print_json, this_command
    from personahub.workflows.merge import merge

    try:
        outcome = merge(hub, sources or (), told=_say_source)
    except KeyboardInterrupt:
        print(f"Interrupted; what was merged is kept. To go on: {this_command()}", file=sys.stderr)
        raise typer.Exit(130) from None
    if json:
        print_json(outcome.to_json())
    else:
        _say(outcome, hub)


def _say_source(merged: "Merged") -> None:
    print(f"{merged.source}: {_counted(merged) or 'nothing new'}", file=sys.stderr, flush=True)


def _counted(*merged: "Merged") -> str:
    names = ("documents", "personas", "records", "set_aside", "journal_entries")
    sums = {name: sum(getattr(each, name) for each in merged) for name in names}
    return ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in sums.items() if count)


def _say(outcome: "MergeOutcome", hub: Path) -> None:
    from personahub.cli.display import program

    hubs = "1 hub" if len(outcome.sources) == 1 else f"{len(outcome.sources)} hubs"
    print(f"{hubs} merged into {hub}: {_counted(*outcome.sources) or 'nothing new, all was there already'}")
    for run in outcome.runs:
        _say_run(run)
    waiting = sorted({shard for run in outcome.runs for shard in (*run.missing, *run.unfinished)})
    if waiting:
        print(f"next: give the command of shard {waiting[0]} again, then {program()} hub merge {hub}")
    else:
        print(f"next: {program()} stats --hub {hub}")


def _say_run(run: "MergedRun") -> None:
    made = ", ".join(f"{count:,} {name}" for name, count in run.counts.items() if isinstance(count, int))
    print(f"run {run.number} ({run.verb}): {run.status}, {made}")
    if run.missing:
        print(f"  shards that were not merged: {', '.join(run.missing)}")
    if run.unfinished:
        print(f"  shards that did not end: {', '.join(run.unfinished)}")
