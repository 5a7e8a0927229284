"""What the prompts that ask for personas have in common: their wording's place, and the form of a reply."""

from collections.abc import Mapping
from importlib.resources import files

__all__ = ["reply_schema", "template_text"]


def template_text(name: str) -> str:
    """The wording of this name, as it comes with the package."""
    return (files("personahub.personas") / "templates" / name).read_text("utf-8")


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
