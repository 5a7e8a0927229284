"""``personahub hub check``, ``compact``, ``versions`` and ``migrate``: a hub kept in order."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from personahub.cli.options import Json

__all__ = ["check_command", "compact_command", "migrate_command", "versions_command"]

Dir = Annotated[Path, typer.Argument(metavar="DIR", help="The hub's directory.")]


def check_command(hub: Dir, json: Json = False) -> None:
    """Read all that a hub holds and see that it fits together; exit code 1 where something is wrong."""
    from personahub.cli.display import print_json
    from personahub.workflows.check import check

    with _interruptible():
        outcome = check(hub)
    if json:
        print_json(outcome.to_json())
    else:
        for finding in outcome.findings:
            print(f"{finding.where}: {finding.what}; {finding.todo}")
        told = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in outcome.checked.items())
        verdict = f"{len(outcome.findings)} findings" if outcome.findings else "all is whole"
        print(f"{hub}: {verdict}; checked: {told} in {outcome.seconds:.1f} s")
    if outcome.findings:
        raise typer.Exit(1)


def compact_command(hub: Dir, json: Json = False) -> None:
    """Join a hub's small files, bring its indexes up to date and give back the disk nobody needs.

    Nothing is lost: rows keep their ids and order, and the versions of all runs stay.
    """
    from personahub.cli.display import print_json
    from personahub.workflows.upkeep import compact

    with _interruptible():
        outcome = compact(hub)
    if json:
        print_json(outcome.to_json())
        return
    for table in outcome.tables:
        files = f"{table.fragments_before:,} → {table.fragments_after:,} fragments"
        size = _size(table.bytes_before, table.bytes_after)
        print(f"{table.table:12}  {table.rows:>12,} rows  {files}  {size}")
    print(f"{hub}: {_size(outcome.bytes_before, outcome.bytes_after)}")


def _size(before: int, after: int) -> str:
    return f"{before / 1e6:,.1f} → {after / 1e6:,.1f} MB"


def versions_command(hub: Dir, json: Json = False) -> None:
    """List what a hub held when each of its runs ended; --at RUN of other commands reads it so."""
    from dataclasses import asdict

    from personahub.cli.display import print_json
    from personahub.workflows.upkeep import versions

    listed = versions(hub)
    if json:
        print_json([asdict(version) for version in listed])
        return
    for version in listed:
        held = ", ".join(f"{rows:,} {name.replace('_', ' ')}" for name, rows in version.tables.items())
        print(
            f"{version.run:4}  {version.verb:10}  {version.status:11}  {version.ended}  {held or 'nothing'}"
        )


def migrate_command(hub: Dir, json: Json = False) -> None:
    """Bring a hub that an older personahub made up to date, and the hubs of its shards."""
    from dataclasses import asdict

    from personahub.cli.display import print_json
    from personahub.workflows.upkeep import migrate

    with _interruptible():
        migrated = migrate(hub)
    if json:
        print_json([asdict(one) for one in migrated])
        return
    for one in migrated:
        was = f"brought from format {one.was} to {one.now}" if one.was != one.now else "is up to date"
        print(f"{one.hub}: {was}")


@contextmanager
def _interruptible() -> Iterator[None]:
    """Say at Ctrl-C that the hub is whole and how to go on."""
    from personahub.cli.display import this_command

    try:
        yield
    except KeyboardInterrupt:
        print(f"Interrupted; the hub is whole. To go on: {this_command()}", file=sys.stderr)
        raise typer.Exit(130) from None
