"""``personahub hub``: whole hubs."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from personahub.cli.options import Json
from personahub.cli.upkeep import check_command, compact_command, migrate_command, versions_command

if TYPE_CHECKING:
    from personahub.workflows.merge import Merged, MergedRun, MergeOutcome

__all__ = ["hub_app"]

hub_app = typer.Typer(
    no_args_is_help=True, help="Whole hubs: put several into one; index, check and tidy one."
)


hub_app.command("check")(check_command)
hub_app.command("compact")(compact_command)
hub_app.command("versions")(versions_command)
hub_app.command("migrate")(migrate_command)


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


@hub_app.command("index")
def index_command(
    hub: Annotated[Path, typer.Argument(metavar="HUB", help="The hub's directory.")],
    embeddings: Annotated[
        bool, typer.Option("--embeddings/--no-embeddings", help="Embed the personas too.")
    ] = True,
    encoder: Annotated[
        str | None,
        typer.Option(
            "--model",
            metavar="MODEL",
            help="Embedding model: openai:NAME or http://HOST:PORT/v1#NAME; default: the built-in one.",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Bring the indexes of words and the embeddings up to date, so that search finds all, and fast."""
    from personahub.cli.display import StepProgress, print_json, this_command
    from personahub.workflows.index import index

    progress = StepProgress()
    progress.began("embedding", None)
    try:
        outcome = index(hub, embeddings=embeddings, encoder=encoder, progress=progress.tell)
    except KeyboardInterrupt:
        print(f"Interrupted; what was embedded is kept. To go on: {this_command()}", file=sys.stderr)
        raise typer.Exit(130) from None
    finally:
        progress.close()
    if json:
        print_json(outcome.to_json())
        return
    print(f"{outcome.personas:,} personas are found by their words,", end=" ")
    print(f"{outcome.embeddings:,} by their meaning ({outcome.embedded:,} embedded now)")
    if outcome.not_compared:
        print(f"{outcome.not_compared:,} are in languages that {outcome.model or 'the model'} does not know")


def _say_source(merged: "Merged") -> None:
    print(f"{merged.source}: {_counted(merged) or 'nothing new'}", file=sys.stderr, flush=True)


def _counted(*merged: "Merged") -> str:
    names = ("documents", "personas", "records", "set_aside", "verdicts", "journal_entries")
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
