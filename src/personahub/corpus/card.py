"""Data set cards: a README.md with YAML before its text, which tells the licence of the files beside it."""

import re

import yaml

__all__ = ["CARD", "MAX_CARD_BYTES", "licence_in_card"]

CARD = "README.md"
MAX_CARD_BYTES = 2**16
"""Of a card that are read."""
_FRONT = re.compile(r"\A---\r?\n(.*?)\r?\n---", re.DOTALL)
_UNSAID = {"other", "unknown"}


def licence_in_card(card: bytes) -> str:
    """The licence that a card names, as those of the Hugging Face hub do; empty where it names none."""
    front = _FRONT.match(card.decode("utf-8", "replace"))
    if not front:
        return ""
    try:
        told = yaml.safe_load(front[1])
    except yaml.YAMLError:
        return ""
    named = told.get("license", told.get("licence")) if isinstance(told, dict) else None
    names = [named] if isinstance(named, str) else named if isinstance(named, list) else []
    said = [name for name in names if isinstance(name, str) and name not in _UNSAID]
    return ", ".join(said)
