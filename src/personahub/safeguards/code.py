"""Code within a text, which is in Latin letters in any language."""

import re

__all__ = ["without_code"]

_CODE = re.compile(r"(?ms)^```.*?^```$|`[^`\n]*`|\b\w*[_(]\w*")
"""Fenced code, code in a line, and names of functions."""


def without_code(text: str) -> str:
    """The text with a space for each piece of code in it."""
    return _CODE.sub(" ", text)
