"""From a completion to the fields of its JSON reply, or to the reason why there are none."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from personahub.completion.engine import Completion

__all__ = ["Fault", "read_fields"]


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a reply cannot be used."""

    reason: str
    """A short name, the same for every case of its kind."""
    detail: str
    text: str
    """What the model gave; empty where it gave nothing."""


def read_fields(completion: Completion, text_field: str) -> Mapping[str, Any] | Fault:
    """The fields of a reply that is a whole JSON object with a text in ``text_field``.

    A schema or a grammar should leave no other, but a reply can be cut off, and not every model can be held
    to a form.
    """
    reply = completion.reply
    if reply is None:
        failure = completion.failure
        return Fault(failure.reason if failure else "no_reply", str(failure or ""), "")
    if reply.finish_reason == "length":
        limit = completion.request.sampling.max_tokens
        return Fault("cut_off", f"no end within {limit} tokens", reply.text)
    try:
        fields = json.loads(reply.text)
    except (ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict) or not isinstance(fields.get(text_field), str):
        return Fault("malformed", f"the reply is no JSON object with a {text_field}", reply.text)
    return fields
