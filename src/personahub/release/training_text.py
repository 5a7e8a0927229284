"""What a trainer reads of a row: one text, the turns of a chat, or a question and its answer."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from personahub.errors import UserError

__all__ = ["FORMS", "common_form", "training_text"]

FORMS: Sequence[tuple[str, ...]] = (
    ("messages",),
    ("conversations",),
    ("instruction", "input", "output"),
    ("instruction", "output"),
    ("prompt", "chosen", "rejected"),
    ("prompt", "completion"),
    ("prompt", "response"),
    ("question", "answer"),
    ("problem", "solution"),
    ("text",),
    ("content",),
    ("synthesized text",),
    ("problem",),
    ("question",),
    ("prompt",),
    ("instruction",),
)
"""The fields that hold what is trained on, in the forms that data sets have; the first that fits is taken."""


def common_form(named: Mapping[str, Mapping[str, Any]]) -> tuple[str, ...]:
    """The first of the forms that rows of several collections all have.

    Args:
        named: a row of each collection, by the collection's name.

    Raises:
        UserError: there is none.
    """
    for form in FORMS:
        if all(form_field in row for row in named.values() for form_field in form):
            return form
    told = "; ".join(f"{name} has {', '.join(row) or 'no field'}" for name, row in named.items())
    raise UserError(
        f"the fields that are trained on have no name in common ({told}): name them alike, or give --field"
    )


def training_text(fields: Mapping[str, Any], form: Iterable[str]) -> str | None:
    """What these fields of a row hold, in one text; None where one is missing or none holds any text.

    Of a chat it is what was said, turn by turn.
    """
    parts = []
    for name in form:
        if name not in fields:
            return None
        parts += list(_said(fields[name]))
    return "\n".join(part for part in parts if part) or None


def _said(value: object) -> Iterable[str]:
    if isinstance(value, str):
        yield value.strip()
    elif isinstance(value, list):
        for turn in value:
            said = turn.get("content", turn.get("value")) if isinstance(turn, dict) else turn
            if isinstance(said, str | list):
                yield from _said(said)
            elif isinstance(turn, dict) and isinstance(turn.get("text"), str):
                yield turn["text"].strip()
