"""From a reply's text to the value it should hold, or to what is wrong with it.

A schema or a grammar should leave nothing to do, but servers ignore it, models wrap JSON in prose, and
small ones loop on whitespace or are cut off in the middle of a string.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

import jsonschema_rs

from personahub.config import canonical_json, read_json
from personahub.errors import UserError
from personahub.models import Message, Reply, Request, RequestError

__all__ = ["another_try", "read_again", "read_output"]

_LOOP = 64
"""Characters of blank at the end of a reply that was cut off: no model pauses that long."""
_TRIED = 1000
"""Most braces looked at; a model that repeats one for megabytes would hold up every other call."""


def read_output(request: Request, reply: Reply) -> Any:
    """The value of a reply: its text, or where a schema was asked for, the JSON that fits it.

    Args:
        request: what was asked.
        reply: what came.

    Raises:
        RequestError: "whitespace_loop", "cut_off" or "invalid_output", with the reply's usage and text.
    """
    if request.schema is None:
        if reply.finish_reason == "length":
            raise _cut_off(request, reply)
        return reply.text
    value, wrong = _fitting(reply.text, request.schema)
    if wrong is None:
        return value
    if reply.finish_reason == "length":
        raise _cut_off(request, reply)
    raise RequestError("invalid_output", wrong, usage=reply.usage, text=reply.text)


def read_again(request: Request, text: str) -> Any:
    """The value of a reply that :func:`read_output` has passed before.

    The schema is part of a request's key, so what fitted once fits again and is not checked: that halves the
    time of a resume.
    """
    if request.schema is None:
        return text
    try:
        return read_json(text)
    except (ValueError, RecursionError):
        return _fitting(text, request.schema)[0]


def _cut_off(request: Request, reply: Reply) -> RequestError:
    if len(reply.text) - len(reply.text.rstrip()) >= _LOOP:
        return RequestError(
            "whitespace_loop", "the reply ends in blanks without end", usage=reply.usage, text=reply.text
        )
    detail = f"no end within {request.sampling.max_tokens} tokens"
    return RequestError("cut_off", detail, usage=reply.usage, text=reply.text)


def _fitting(text: str, schema: Mapping[str, object]) -> tuple[Any, str | None]:
    """The first JSON value in the text that fits, or what is wrong with the one that comes nearest."""
    validator = _validator(schema)
    wrong = "the reply holds no JSON"
    for value in _json_values(text):
        try:
            if validator.is_valid(value):
                return value, None
            error = next(iter(validator.iter_errors(value)))
        except ValueError as unreadable:
            # Half a surrogate pair (an escape can make one, and no file can hold it), or nesting too deep.
            wrong = f"the JSON cannot be used: {unreadable}"[:300]
            continue
        where = "/".join(map(str, error.instance_path)) or "the whole"
        wrong = f"{where}: {error.message}"[:300]
    return None, wrong


def _json_values(text: str) -> list[Any]:
    """The whole text where it is JSON; else every object that stands in it, the outermost first."""
    try:
        return [read_json(text)]
    except (ValueError, RecursionError):
        pass
    # What a model thinks aloud may hold drafts of its answer.
    said = text.rpartition("</think>")[2]
    found: list[Any] = []
    decoder = json.JSONDecoder(strict=False)
    place = said.find("{")
    tried = 0
    while place >= 0 and tried < _TRIED and len(found) < 20:
        tried += 1
        try:
            value, end = decoder.raw_decode(said, place)
        except (ValueError, RecursionError):
            end = place + 1
        else:
            found.append(value)
        place = said.find("{", end)
    return found


_validators: dict[int, tuple[Mapping[str, object], Any]] = {}
"""By the schema's id, with the schema, so that no other can take that id; to write it out costs more."""


def _validator(schema: Mapping[str, object]) -> Any:
    if (known := _validators.get(id(schema))) is not None:
        return known[1]
    if len(_validators) >= 64:
        _validators.clear()
    validator = _compiled(canonical_json(schema))
    _validators[id(schema)] = schema, validator
    return validator


@lru_cache(maxsize=64)
def _compiled(schema: str) -> Any:
    try:
        return jsonschema_rs.validator_for(json.loads(schema))
    except ValueError as error:
        raise UserError(f"the schema of the output cannot be used ({error})") from error


def another_try(request: Request, sent: Request, error: RequestError, tries: int) -> Request:
    """What to send after a fault.

    Invalid output is shown to the model with its error; what was cut off is drawn again with another seed,
    since the same one would be cut off again. After any other fault the same is sent again.

    Args:
        request: what is asked for.
        sent: what was sent for it last.
        error: what was wrong.
        tries: how many calls were sent for it.
    """
    if error.reason == "invalid_output":
        said = (
            f"That does not fit what was asked for ({error}). Reply once more with the corrected JSON object"
            " alone, without any other text."
        )
        shown = error.text[:4000] or "…"
        messages = (*request.messages, Message("assistant", shown), Message("user", said))
        return replace(request, messages=messages)
    if error.reason in {"cut_off", "whitespace_loop", "empty_reply"}:
        return replace(request, sampling=replace(request.sampling, seed=request.sampling.seed + 7919 * tries))
    return sent
