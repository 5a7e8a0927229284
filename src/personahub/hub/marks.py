"""The mark that makes a folder a hub: ``hub.json``, with the format of its tables and the hub's own id."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from personahub.errors import UserError

__all__ = ["DRAFT", "FORMAT", "MARK", "check_format", "read_mark", "write_mark"]

MARK = "hub.json"
DRAFT = f".{MARK}"
FORMAT = 4
"""Of the hubs that this software writes."""
OLDEST = 2
"""The oldest format that :mod:`personahub.hub.migrations` leads on from."""


def read_mark(folder: Path) -> dict[str, Any]:
    """What the folder's mark holds; ``format`` is a whole number.

    Raises:
        UserError: it cannot be read.
    """
    mark = folder / MARK
    try:
        marked = json.loads(mark.read_text())
        return {**marked, "format": int(marked["format"])}
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{mark}: cannot be read as a hub's mark ({error})") from error


def write_mark(folder: Path, marked: Mapping[str, Any]) -> None:
    """Write the folder's mark, whole or not at all.

    Raises:
        OSError: the disk is full or cannot be written.
    """
    draft = folder / DRAFT
    with draft.open("w") as out:
        out.write(json.dumps(marked) + "\n")
        out.flush()
        os.fsync(out.fileno())
    draft.replace(folder / MARK)


def check_format(folder: Path, version: int) -> None:
    """See that this software can work with a hub of this format.

    Raises:
        UserError: it is older or newer; says what to do.
    """
    if version > FORMAT:
        raise UserError(
            f"{folder}: a hub of format {version}; this personahub knows up to {FORMAT}: install a newer one"
        )
    if version < OLDEST:
        raise UserError(
            f"{folder}: a hub of format {version}, whose tables lack fields that they have now:"
            " curate its sources again into a new hub"
        )
    if version < FORMAT:
        raise UserError(
            f"{folder}: a hub of format {version}; this personahub writes format {FORMAT}:"
            f" personahub hub migrate {folder} brings it up to date and keeps all it holds"
        )
