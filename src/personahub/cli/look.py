"""``personahub sample``, ``show`` and ``stats``: looking into a hub."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from personahub.cli.options import HubDir, Json, Seed

__all__ = ["sample_command", "show_command", "stats_command"]

_EXCERPT = 280


def sample_command(
    hub: HubDir,
    n: Annotated[int, typer.Option("-n", min=0, help="How many personas.")] = 10,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Draw personas: the same ones for the same seed."""
    from personahub.cli.display import print_json
    from personahub.workflows.sample import sample

    rows = sample(hub, n, seed=seed)
    if json:
        print_json(rows)
        return
    for row in rows:
        print(f"{row['id']}  {row['relation']:8}  {row['description']}")


def show_command(
    record_id: Annotated[
        str,
        typer.Argument(
            metavar="ID", help="Of a record, persona, document or set-aside case, or its beginning."
        ),
    ],
    hub: HubDir,
    json: Json = False,
) -> None:
    """Show one thing with its whole lineage: problem → persona → text."""
    from personahub.cli.display import console, print_json
    from personahub.workflows.show import show

    lineage = show(hub, record_id)
    if json:
        print_json(lineage.to_json())
        return
    from rich.markup import escape
    from rich.tree import Tree

    tree = branch = Tree("", hide_root=True)
    for kind, row, lines in (
        ("record", lineage.record, _record_lines),
        ("set aside", lineage.set_aside, _set_aside_lines),
        ("persona", lineage.persona, _persona_lines),
        ("text", lineage.document, _document_lines),
    ):
        if row is not None:
            text = "\n".join(escape(line) for line in lines(row))
            branch = branch.add(f"[bold]{kind}[/bold] {row['id']}\n{text}")
    for what, count in lineage.below.items():
        branch.add(f"{count} {what} come from it")
    console().print(tree)


def _made_by(row: Mapping[str, Any]) -> str:
    return f"run {row['run']}, model {row['model']}, template {row['template']}, seed {row['seed']}"


def _record_lines(row: Mapping[str, Any]) -> list[str]:
    return [row["text"], f"{row['task']}, {row['method']}; {_made_by(row)}"]


def _set_aside_lines(row: Mapping[str, Any]) -> list[str]:
    return [f"{row['reason']}: {row['detail']}", row["text"]]


def _persona_lines(row: Mapping[str, Any]) -> list[str]:
    close = "not compared" if row["closeness"] is None else f"{row['closeness']:.2f}"
    return [
        row["description"],
        f"relation {row['relation']}, round {row['round']}, closeness to its text {close}",
        _made_by(row),
    ]


def _document_lines(row: Mapping[str, Any]) -> list[str]:
    excerpt = row["text"][:_EXCERPT] + (" …" if len(row["text"]) > _EXCERPT else "")
    part = f", part {row['part']} from character {row['start']}" if row["part"] else ""
    return [row["title"] or "(no title)", f"{row['source']}, row {row['row']}{part}", excerpt]


def stats_command(hub: HubDir, json: Json = False) -> None:
    """Count what a hub holds and what was set aside."""
    from personahub.cli.display import counted, print_json
    from personahub.workflows.stats import stats

    counts = stats(hub)
    if json:
        print_json(counts)
        return
    close = counts["closeness"]
    median = f", median {close['quartiles'][1]:.2f}" if close["compared"] else ""
    for name, value in (
        ("documents", counts["documents"]),
        ("  licences", counted(counts["licences"])),
        ("  personal data", f"{counted(counts['pii'])} (placeholders stand in its place)"),
        ("  orders", f"{counts['orders']} documents try to steer the model"),
        ("personas", counts["personas"]),
        ("  languages", counted(counts["languages"])),
        ("  relations", counted(counts["relations"])),
        ("  closeness", f"{close['compared']} compared, {close['not_compared']} not{median}"),
        ("records", f"{counts['records']} ({counted(counts['tasks'])})"),
        ("set aside", counted(counts["set_aside"])),
        ("runs", counts["runs"]),
    ):
        print(f"{name:15}  {value}")
