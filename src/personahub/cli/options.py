"""Options that several verbs have, written once."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["Deterministic", "HubDir", "Json", "Language", "ModelName", "Seed", "Slots"]

# Written out here because importing the catalogue would slow every --help down.
HubDir = Annotated[Path, typer.Option("--hub", metavar="DIR", help="The hub's directory.")]
ModelName = Annotated[
    str,
    typer.Option("--model", metavar="MODEL", help="A model's name, or the path of a GGUF file."),
]
Language = Annotated[
    str | None,
    typer.Option(metavar="CODE", help="Output language (en, ru, zh, …); default: the input's own."),
]
Seed = Annotated[int, typer.Option(help="Seed of everything that is drawn.")]
Slots = Annotated[int, typer.Option(min=1, max=64, help="Requests a local model takes at a time.")]
Deterministic = Annotated[
    bool,
    typer.Option("--deterministic", help="Repeat replies bit for bit: one slot, no prefix cache."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on stdout and nothing else.")]
