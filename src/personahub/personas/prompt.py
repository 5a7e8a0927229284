"""What the prompts that ask for personas have in common: the fence around data, and the form of a reply."""

from collections.abc import Mapping
from importlib.resources import files

from personahub.safeguards.orders import neutralise_markup

__all__ = ["fenced", "reply_schema", "template_text"]

_FENCE = '"""'


def template_text(name: str) -> str:
    """The wording of this name, as it comes with the package."""
    return (files("personahub.personas") / "templates" / name).read_text("utf-8")


def fenced(text: str) -> str:
    """The text with nothing in it that could end the fence it stands in, or a chat's turn."""
    return neutralise_markup(text).replace(_FENCE, '"' * 2)


def reply_schema(**patterns: str | None) -> Mapping[str, object]:
    """The JSON schema of a reply: an object of strings, their form fixed where there is a pattern."""
    forms = {
        name: {"type": "string", "pattern": pattern} if pattern else {"type": "string"}
        for name, pattern in patterns.items()
    }
    return {
        "type": "object",
        "properties": forms,
        "required": list(forms),
        "additionalProperties": False,
    }
