"""One entry of the journal and its line of JSON."""

import json
from binascii import unhexlify
from enum import StrEnum
from typing import NamedTuple

import orjson

__all__ = ["TEXT_FIELDS", "Entry", "EntryKind", "from_line", "key_bytes", "to_line"]


class EntryKind(StrEnum):
    """What became of a request."""

    REPLY = "reply"
    """It was answered."""
    WASTED = "wasted"
    """An attempt was billed, or may have been, and gave nothing usable."""
    FAILURE = "failure"
    """It was given up in its run."""
    FORGOTTEN = "forgotten"
    """It was answered, and what was said was taken out since; it will be asked again where it is wanted."""


class Entry(NamedTuple):  # A million are made in a resume; a frozen dataclass takes three times as long.
    """What is kept of one attempt at a request, or of its end. Whole numbers are below 2**53."""

    key: str
    """The request's key: 32 hexadecimal digits."""
    kind: EntryKind
    run: int
    """Number of the run that paid for it."""
    model: str
    text: str = ""
    """The reply, or what came instead."""
    finish_reason: str = ""
    reason: str = ""
    """Of a WASTED or a FAILURE: its short name, as "rate_limited"."""
    detail: str = ""
    about: str = ""
    """Id of the document or the persona that the request was about."""
    attempts: int = 1
    prompt_tokens: int | None = None
    """None, here and below: not told."""
    cached_tokens: int | None = None
    completion_tokens: int | None = None
    cost: float | None = None
    """US dollars; None where the price is not known."""
    seconds: float = 0.0
    most_tokens: int = 0
    """Where its tokens were not told: what they may have come to at most."""
    most_cost: float = 0.0
    """Where its cost is not known for that: what it may have been at most."""


_OPTIONAL = Entry._field_defaults
_TYPES: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(("run", "attempts", "prompt_tokens", "cached_tokens", "completion_tokens"), (int,)),
    "most_tokens": (int,),
    **dict.fromkeys(("cost", "seconds", "most_cost"), (float, int)),
}
TEXT_FIELDS = ("model", "text", "finish_reason", "reason", "detail", "about")
"""The fields that hold any text."""
_TYPES.update(dict.fromkeys(("key", "kind", *TEXT_FIELDS), (str,)))
_LARGEST = 2**53


def key_bytes(*keys: str) -> bytes:
    """The keys' bytes, 16 each, one after another.

    Raises:
        ValueError: one is not 32 hexadecimal digits.
    """
    if any(map((32).__ne__, map(len, keys))):
        raise ValueError("a key is 32 hexadecimal digits")
    return unhexlify("".join(keys))


def to_line(entry: Entry) -> tuple[bytes, bool]:
    """The entry as a line, fields at their default left out; and whether it is strict JSON.

    A line with half a surrogate pair, which a model's escapes can make, is not: no UTF-8 but an escape
    stands for it, which only Python's own reader takes.

    Raises:
        ValueError: a whole number is too large.
    """
    values = {"key": entry.key, "kind": entry.kind, "run": entry.run, "model": entry.model}
    for name, default in _OPTIONAL.items():
        value = getattr(entry, name)
        if value != default:
            values[name] = value
    try:
        return orjson.dumps(values, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_STRICT_INTEGER), True
    except TypeError:
        for name, value in values.items():
            if isinstance(value, int) and abs(value) >= _LARGEST:
                raise ValueError(f"{name} of an entry is {value}, which is too large") from None
        return json.dumps(values).encode() + b"\n", False


def from_line(line: bytes) -> tuple[Entry | None, bool]:
    """The entry of a line, None where it is damaged; and whether the line is an entry in strict JSON."""
    strict = True
    try:
        try:
            found = orjson.loads(line)
        except orjson.JSONDecodeError:
            strict = False
            found = json.loads(line)
        # Fields of a later version are left out; null stands for the default.
        values = {name: found[name] for name in _TYPES if found.get(name) is not None}
        for name, value in values.items():
            if type(value) not in _TYPES[name] or (type(value) is int and abs(value) >= _LARGEST):
                return None, False
        values["key"] = key_bytes(values["key"]).hex()
        values["kind"] = EntryKind(values["kind"])
        return Entry(**values), strict
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None, False
