"""Hubs with made-up personas, for tests of what works on them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from personahub.hub import Hub
from personahub.records import Kind, Persona, Record, content_id

__all__ = ["add_personas", "hub_of", "made_persona", "record_of"]


def made_persona(description: str, place: int = 0, *, language: str = "en", run: int = 1) -> Persona:
    """A persona of round 0 that came from a row of its own."""
    parent = content_id(Kind.IMPORTED, "made", str(place))
    return Persona(
        description=description,
        language=language,
        relation="imported",
        parent_id=parent,
        document_id=parent,
        source="made.jsonl",
        row=place + 1,
        date="",
        licence="unknown",
        round=0,
        granularity="",
        closeness=None,
        model="",
        template="import@test",
        seed=0,
        run=run,
        position=place,
        request="",
    )


def add_personas(
    hub: Hub, descriptions: Sequence[str | tuple[str, str]], *, closeness: Sequence[float | None] = ()
) -> list[str]:
    """Add a persona for each description, or (description, language), in one run; gives their ids."""
    run = hub.start_run("import", {"made": hub.personas.count()})[0].number
    personas = []
    for place, given in enumerate(descriptions, hub.personas.count()):
        text, language = given if isinstance(given, tuple) else (given, "en")
        personas.append(made_persona(text, place, language=language, run=run))
    if closeness:
        personas = [replace(each, closeness=close) for each, close in zip(personas, closeness, strict=True)]
    hub.personas.add(personas)
    return [persona.id for persona in personas]


def hub_of(path: Path, descriptions: Sequence[str | tuple[str, str]]) -> tuple[Hub, list[str]]:
    """A new hub with these personas, and their ids."""
    hub = Hub.create(path)
    return hub, add_personas(hub, descriptions)


def record_of(
    persona: Persona | None, text: str, *, inputs: Mapping[str, Any] | None = None, **fields: Any
) -> Record:
    """A record of this text that a persona had a part in, or none."""
    values: dict[str, Any] = {
        "dataset": "math",
        "task": "math",
        "method": "zero-shot",
        "persona": persona.description if persona else "",
        "persona_id": persona.id if persona else "",
        "document_id": persona.document_id if persona else "",
        "source": persona.source if persona else "",
        "row": persona.row if persona else 0,
        "date": persona.date if persona else "",
        "licence": persona.licence if persona else "unknown",
        "text": text,
        "language": persona.language if persona else "en",
        "fields": json.dumps({"problem": text}, ensure_ascii=False),
        "inputs": json.dumps(inputs or {}, ensure_ascii=False, separators=(",", ":")),
        "model": "m",
        "template": "t",
        "seed": 0,
        "run": 1,
        "position": 0,
        "request": "",
    }
    return Record(**{**values, **fields})
