"""``personahub search``: finding personas."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from personahub.cli.options import HubDir, Json, View, Where

__all__ = ["search_command"]


def _filter(*names: str, **settings: Any) -> Any:
    return typer.Option(*names, rich_help_panel="Only personas", **settings)


def search_command(
    hub: HubDir,
    query: Annotated[
        str | None, typer.Argument(metavar="[QUERY]", help="Words or a sentence, in any language.")
    ] = None,
    like: Annotated[
        str | None,
        typer.Option(metavar="ID", help="Instead: the persona, by its id or its beginning, to look like."),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, metavar="K", help="Most to find.")] = 10,
    language: Annotated[str | None, _filter(metavar="CODE", help="In it: en, ru, zh, …")] = None,
    relation: Annotated[
        str | None,
        _filter(metavar="NAME", help="Of it, or of its kind or role: care, patient."),
    ] = None,
    round_: Annotated[int | None, _filter("--round", metavar="N", help="Of this round.")] = None,
    source: Annotated[
        str | None, _filter(metavar="FILE", help="From this file (its path or name) or folder.")
    ] = None,
    date: Annotated[
        str | None, _filter(metavar="DATE", help="Of this year, month or day, such as 2023-05.")
    ] = None,
    since: Annotated[str | None, _filter(metavar="DATE", help="Of this date or later.")] = None,
    until: Annotated[str | None, _filter(metavar="DATE", help="Of this date or earlier.")] = None,
    where: Where = None,
    view: View = None,
    encoder: Annotated[
        str | None,
        typer.Option(
            "--embeddings",
            metavar="MODEL",
            help="The model of the hub's embeddings, where it is not the built-in one.",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Find personas by words and meaning, in any of their languages."""
    from personahub.cli.display import print_json
    from personahub.workflows.search import search

    found = search(
        hub,
        query,
        like=like,
        limit=limit,
        language=language,
        relation=relation,
        round=round_,
        source=source,
        date=date,
        since=since,
        until=until,
        where=where,
        view=view,
        encoder=encoder,
        told=lambda text: print(text, file=sys.stderr, flush=True),
    )
    if json:
        print_json([each.to_json() for each in found])
        return
    for each in found:
        print(f"{each.id}  {each.score:.2f}  {each.description}")
    if not found:
        print(f"no persona of {Path(hub)} meets that", file=sys.stderr)
