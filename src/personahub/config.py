"""Where things lie on this machine, and what identifies a configuration."""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

__all__ = ["canonical_json", "data_dir", "fingerprint", "json_bytes", "models_dir", "read_json"]


def models_dir() -> Path:
    """Folder of model weights: ``$PERSONAHUB_MODELS``, else ``personahub/models`` in the cache."""
    if given := os.environ.get("PERSONAHUB_MODELS"):
        return Path(given).expanduser()
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "personahub" / "models"


def data_dir() -> Path:
    """Folder of what is measured once for all hubs, in ``$XDG_DATA_HOME`` or the home folder."""
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "personahub"


def canonical_json(value: object) -> str:
    """One JSON text for equal values: sorted keys, no free whitespace, characters as they are."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def json_bytes(value: object, *, sort_keys: bool = False) -> bytes:
    """Compact JSON in UTF-8, fast; equal values give equal bytes where keys are sorted.

    Half a surrogate pair, which a web page's or a model's escape can make, has no UTF-8 but an escape.
    """
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS if sort_keys else None)
    except TypeError:
        return json.dumps(value, sort_keys=sort_keys, separators=(",", ":")).encode()


def read_json(text: bytes | str) -> Any:
    """The value of a JSON text, fast; half a surrogate pair and NaN are taken as Python's reader takes them.

    Raises:
        ValueError: it is none.
        RecursionError: it is nested too deep.
    """
    try:
        return orjson.loads(text)
    except ValueError:
        return json.loads(text)


def fingerprint(value: Mapping[str, object], *, length: int = 16) -> str:
    """The first ``length`` hexadecimal digits of the SHA-256 of the value's canonical JSON."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()[:length]
