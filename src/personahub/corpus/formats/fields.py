"""Rows of data sets: where their text is, and what their other fields say of it."""

from collections.abc import Mapping
from typing import Any

from personahub.config import read_json

__all__ = ["TEXT_FIELDS", "metadata_of"]

TEXT_FIELDS = ("text", "raw_content", "content")
"""Where a row's text is looked for when no field is named, in this order."""

_NESTED = ("metadata", "meta", "quality_signals")
"""Fields that hold further fields, also as JSON; Dolma, RedPajama and others have them."""


def metadata_of(fields: Mapping[str, Any], more: Mapping[str, Any]) -> Mapping[str, Any]:
    """A row's fields and those in its nested ones, flat; of equal names the outer one counts.

    A quality signal of RedPajama-v2, which is a list of ``[start, end, score]``, becomes its score where it
    is one for the whole text, and is left out where it has one for each line.
    """
    if not more and not any(name in fields for name in _NESTED):
        return fields
    flat: dict[str, Any] = dict(more)
    for name in _NESTED:
        inner = fields.get(name)
        if isinstance(inner, str):
            try:
                inner = read_json(inner)
            except (ValueError, RecursionError):
                continue
        if isinstance(inner, Mapping):
            flat.update(_scores(inner) if name == "quality_signals" else inner)
    flat.update((name, value) for name, value in fields.items() if name not in _NESTED)
    return flat


def _scores(signals: Mapping[str, Any]) -> dict[str, Any]:
    found = {}
    for name, value in signals.items():
        match value:
            case [[_, _, score]]:
                found[name] = score
            case int() | float() | str():
                found[name] = value
    return found
