"""What the makers of a model allow to be done with its outputs: a small dated table, and one's own entries.

The table says what was known on its date, and no more; what is not in it is unknown, which is never taken for
allowed.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from personahub.errors import UserError

__all__ = ["Outputs", "Terms", "known_terms", "read_terms", "strictest", "terms_of"]


class Outputs(StrEnum):
    """What may be done with outputs, from the freest to the strictest."""

    FREE = "free"
    """Anything that the law allows."""
    NAMING = "naming"
    """Models trained on them have to name this one."""
    CONDITIONS = "conditions"
    """The model's own terms pass on to models trained on them."""
    NON_COMMERCIAL = "non-commercial"
    NO_COMPETING = "no-competing"
    """Not for models that compete with this one."""
    UNKNOWN = "unknown"
    """Nobody wrote it down here; the strictest, since nobody can rely on it."""


@dataclass(frozen=True)
class Terms:
    """The terms of a model.

    Attributes:
        model: its name, as asked for.
        licence: of the weights or the service.
        outputs: what may be done with outputs.
        note: the condition, in one line; may be empty.
        source: where the terms stand.
        known: when they were looked at, as YYYY-MM or YYYY-MM-DD; empty where unknown.
    """

    model: str
    licence: str
    outputs: Outputs
    note: str = ""
    source: str = ""
    known: str = ""

    def to_json(self) -> dict[str, Any]:
        """As manifests and ``models terms --json`` have it."""
        return asdict(self)


@dataclass(frozen=True)
class _Entry:
    patterns: tuple[str, ...]
    terms: Terms


def known_terms() -> list[tuple[tuple[str, ...], Terms]]:
    """The table: for each entry the patterns of names that it is of, and its terms."""
    return [(entry.patterns, entry.terms) for entry in _shipped()]


def terms_of(model: str, own: Path | None = None) -> Terms:
    """The terms of a model by its name, such as "Qwen/Qwen2.5-7B-Instruct", "gpt-4o-mini" or "llama3.1:8b".

    Args:
        model: the name; who publishes it is not looked at, nor are capitals.
        own: a file of one's own entries, which come before the table's; see :func:`read_terms`.

    Raises:
        UserError: the file of own entries cannot be read.
    """
    plain = model.rpartition("#")[2].rpartition("/")[2].lower().replace(":", "-").replace("_", "-")
    entries = (*(read_terms(own) if own else ()), *_shipped())
    for entry in entries:
        if any(fnmatchcase(plain, pattern) or plain == pattern for pattern in entry.patterns):
            terms = entry.terms
            return Terms(model, terms.licence, terms.outputs, terms.note, terms.source, terms.known)
    return Terms(model, "unknown", Outputs.UNKNOWN)


def strictest(terms: Iterable[Terms]) -> Terms | None:
    """The terms under which data made by several models stands; None where no model made it."""
    order = list(Outputs)
    return max(terms, key=lambda each: order.index(each.outputs), default=None)


@cache
def _shipped() -> tuple[_Entry, ...]:
    text = (files("personahub.models") / "terms.yaml").read_text("utf-8")
    return tuple(_entries(yaml.safe_load(text), "the table of terms"))


def read_terms(path: Path) -> tuple[_Entry, ...]:
    """One's own entries: a YAML file of the shape of the table that ships, ``personahub/models/terms.yaml``.

    Raises:
        UserError: it cannot be read, or an entry lacks something or has an unknown value.
    """
    try:
        content = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise UserError(f"{path}: terms cannot be read ({' '.join(str(error).split())})") from error
    return tuple(_entries(content, str(path)))


def _entries(content: Any, where: str) -> Iterable[_Entry]:
    listed = content.get("terms") if isinstance(content, dict) else None
    if not isinstance(listed, list):
        raise UserError(f"{where}: has no list 'terms'; each entry has models, licence and outputs")
    known = str(content.get("known", ""))
    for number, each in enumerate(listed, 1):
        models = each.get("models") if isinstance(each, dict) else None
        if not isinstance(models, list) or not models or "licence" not in each or "outputs" not in each:
            raise UserError(
                f"{where}, entry {number}: needs models (a list of patterns), licence and outputs"
            )
        try:
            outputs = Outputs(each["outputs"])
        except ValueError:
            told = ", ".join(Outputs)
            raise UserError(
                f"{where}, entry {number}: outputs {each['outputs']!r} is none of {told}"
            ) from None
        patterns = tuple(str(model).lower() for model in models)
        note, source = str(each.get("note", "")), str(each.get("source", ""))
        date = str(each.get("known", known))
        yield _Entry(patterns, Terms("", str(each["licence"]), outputs, note, source, date))
