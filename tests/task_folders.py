"""Folders of small tasks, for tests of what works with any task."""

import json
from pathlib import Path

import yaml

from personahub.models import Request
from scripted import problem_reply

__all__ = ["note_reply", "said_by_user", "task_folder"]

_PROMPT = """
{%- macro system() -%}You write notes{% if tone %} in a {{ tone }} tone{% endif %}, as JSON.{%- endmacro -%}
{%- macro user() -%}
{% if persona %}Persona: {{ persona }}. {% endif %}
{%- if other %}With: {{ other }} ({{ relation }}). {% endif %}
{%- if item %}About: {{ item }}. {% endif %}One note in {{ language_name }}{{ angle }}.
{%- endmacro -%}
{%- macro more() -%}Go on from {{ reply.note }} after {{ reply.messages | length }} turns.{%- endmacro -%}
"""
_EXAMPLES = [
    {"language": "en", "reply": {"note": f"The {thing} was found under the {place} again this morning."}}
    for thing, place in (("key", "mat"), ("lamp", "stairs"), ("saw", "bench"), ("letter", "clock"))
]


def task_folder(path: Path, *, examples: bool = True, **changes: object) -> Path:
    """A folder of a task that makes notes; its task.yaml with these changes.

    Its prompt knows an option ``tone``, a thing that varies, ``angle``, and a step ``more``.
    """
    declared: dict[str, object] = {
        "summary": "a note",
        "kind": "short note",
        "options": {"tone": {"help": "tone"}},
        "without_personas": "possible",
        "vary": {"angle": [""]},
        "schema": {"type": "object", "properties": {"note": {"type": "string"}}},
        "text": "{{ note }}",
        "messages": {"note": "user", "rest": "assistant"},
        "steps": {
            "more": {
                "schema": {"type": "object", "properties": {"rest": {"type": "string"}}},
                "max_tokens": 50,
            }
        },
        "max_tokens": 100,
        "checks": ["repetition"],
    }
    path.mkdir()
    (path / "task.yaml").write_text(yaml.safe_dump({**declared, **changes}), "utf-8")
    (path / "prompt.jinja").write_text(_PROMPT, "utf-8")
    if examples:
        (path / "examples.yaml").write_text(yaml.safe_dump(_EXAMPLES), "utf-8")
    return path


def note_reply(request: Request) -> str:
    """A reply to any question of such a task, or a persona, which only the request decides."""
    schema = request.schema or {}
    properties = schema["properties"]
    text = json.loads(problem_reply(request))["problem"]
    if "candidates" in properties:  # type: ignore[operator]
        count = properties["candidates"]["minItems"]  # type: ignore[index]
        candidates = [
            {"reply": {"note": f"{number}: {text}"}, "probability": 10 * number + 1}
            for number in range(count)
        ]
        return json.dumps({"candidates": candidates})
    if "key_points" in properties:  # type: ignore[operator]
        return json.dumps({"key_points": ["rye flour and water", "salt in the morning", "baking at 210"]})
    if "persona" in properties:  # type: ignore[operator]
        return json.dumps(
            {"persona": f"A patient locksmith who knows that {text[2:60]} and keeps spare keys."}
        )
    (name,) = properties
    return json.dumps({name: text})


def said_by_user(request: Request) -> str:
    """The last thing that the request says."""
    return request.messages[-1].content
