"""The JSON schemas of replies: those of a task's declaration, for the options a run has."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from personahub.synthesis.wording import evaluate

__all__ = ["candidates_schema", "reply_schema"]


def reply_schema(declared: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of a reply under these options.

    A property with ``when: {option: value}`` is there where the options have these values. ``minItems`` and
    ``maxItems`` may be expressions over the options. Every object asks for all of its properties and allows
    no others, unless the declaration says otherwise.

    Raises:
        UserError: an expression has no value.
    """
    schema = dict(declared)
    for bound in ("minItems", "maxItems"):
        if isinstance(expression := schema.get(bound), str):
            schema[bound] = evaluate(Path("task.yaml"), f"schema: {bound}", expression, settings)
    if isinstance(properties := schema.get("properties"), Mapping):
        there = {
            name: {key: value for key, value in given.items() if key != "when"}
            for name, given in properties.items()
            if all(settings.get(option) == value for option, value in given.get("when", {}).items())
        }
        schema["properties"] = {name: reply_schema(given, settings) for name, given in there.items()}
        wanted = schema.get("required", list(there))
        schema["required"] = [name for name in wanted if name in there]
        schema.setdefault("additionalProperties", False)
    if isinstance(items := schema.get("items"), Mapping):
        schema["items"] = reply_schema(items, settings)
    return schema


def candidates_schema(schema: Mapping[str, Any], count: int) -> dict[str, Any]:
    """The schema of ``count`` replies with their probabilities, in percent."""
    percent = {"type": "integer", "minimum": 1, "maximum": 100}
    candidate = {
        "type": "object",
        "properties": {"reply": schema, "probability": percent},
        "required": ["reply", "probability"],
        "additionalProperties": False,
    }
    return {
        "type": "object",
        "properties": {
            "candidates": {"type": "array", "items": candidate, "minItems": count, "maxItems": count}
        },
        "required": ["candidates"],
        "additionalProperties": False,
    }
