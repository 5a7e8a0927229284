"""The wording of what checks ask: a YAML file each in ``prompts/``, examples among it."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from personahub.models import Message
from personahub.models.choices import choice_schema
from personahub.safeguards.fence import fenced

__all__ = ["Prompt", "load_prompt"]


@dataclass(frozen=True)
class Prompt:
    """One kind of question: what is fixed, examples, and the schema of the reply or its words."""

    version: str
    """Name and hash of the wording."""
    system: str
    user: str
    """With a place in braces for each thing that differs."""
    schema: Mapping[str, Any]
    max_tokens: int
    examples: Sequence[Mapping[str, Any]]

    def messages(self, **given: str) -> tuple[Message, ...]:
        """The question about one thing; each text is fenced, so that what it says is no order."""
        turns = [
            message
            for example in self.examples
            for message in (
                Message("user", self._said(example["given"])),
                Message("assistant", _replied(example["reply"])),
            )
        ]
        return (Message("system", self.system), *turns, Message("user", self._said(given)))

    def _said(self, given: Mapping[str, str]) -> str:
        said = self.user
        for name, text in given.items():
            said = said.replace("{" + name + "}", fenced(text))
        return said


def _replied(reply: str | Mapping[str, Any]) -> str:
    """One of the words that there are to choose from, or JSON."""
    return reply if isinstance(reply, str) else json.dumps(reply, ensure_ascii=False)


@cache
def load_prompt(name: str) -> Prompt:
    """The prompt of this name, as it comes with the package."""
    text = (files("personahub.verification") / "prompts" / f"{name}.yaml").read_text("utf-8")
    content = yaml.safe_load(text)
    if words := content.get("choices"):
        schema = choice_schema(words)
    else:
        schema = {
            "type": "object",
            "properties": content["reply"],
            "required": list(content["reply"]),
            "additionalProperties": False,
        }
    return Prompt(
        version=f"{name}@{hashlib.sha256(text.encode()).hexdigest()[:8]}",
        system=content["system"].strip(),
        user=content["user"].strip(),
        schema=schema,
        max_tokens=content["max_tokens"],
        examples=content.get("examples", []),
    )
