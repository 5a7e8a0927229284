"""Personas that are given as they stand, added to a hub as imported ones."""

from collections.abc import Sequence
from dataclasses import replace
from importlib.resources import files

import yaml

from personahub.hub import Hub, RunStatus
from personahub.records import Kind, Persona, content_id

__all__ = ["add_given", "add_shipped"]

_RELATION = "imported"


def add_given(hub: Hub, personas: Sequence[tuple[str, str]], source: str) -> list[str]:
    """Add personas that are not there yet, in a run of their own; where all are, nothing is written.

    Args:
        hub: the hub.
        personas: of each its description and its language, each once.
        source: where they are from, which tells them from the same descriptions of other sources.

    Returns:
        The ids of all of them, in their order.

    Raises:
        UserError: another process is writing the hub, or the disk is full.
    """
    made = [_persona(text, language, source, row) for row, (text, language) in enumerate(personas, start=1)]
    ids = [persona.id for persona in made]
    if len(hub.personas.get(ids, ["id"])) == len(set(ids)):
        return ids
    with hub.writing():
        run, _ = hub.start_run("import", {"sources": [source], "personas": ids})
        added = hub.personas.add([replace(persona, run=run.number) for persona in made])
        run.end(RunStatus.FINISHED, {"personas": added})
        hub.save_run(run)
    return ids


def add_shipped(hub: Hub) -> list[str]:
    """Add the few personas that come with the package, to try a task with; gives their ids."""
    shipped = yaml.safe_load((files("personahub.synthesis") / "personas.yaml").read_text("utf-8"))
    return add_given(hub, [(each["description"], each["language"]) for each in shipped], "personahub")


def _persona(description: str, language: str, source: str, row: int) -> Persona:
    parent = content_id(Kind.IMPORTED, source, description)
    return Persona(
        description=description,
        language=language,
        relation=_RELATION,
        parent_id=parent,
        document_id=parent,
        source=source,
        row=row,
        date="",
        licence="unknown",
        round=0,
        granularity="",
        closeness=None,
        model="",
        template=f"import@{source}",
        seed=0,
        run=0,
        position=row - 1,
        request="",
    )
