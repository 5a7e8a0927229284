"""The text-to-persona prompt: its wording lives in a YAML file beside this one, its shape here.

What is fixed comes first (instructions, examples), then what the questions about one text share (the text),
then what differs (the relation). So a prefix cache serves all but the first question about a text, and a
set of examples, which stays the same for all of a text's questions, may still be warm from another text.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, Self

import yaml

from personahub.languages import language_name
from personahub.models import Message
from personahub.personas.prompt import reply_schema, template_text
from personahub.records import Document
from personahub.safeguards.fence import fenced

__all__ = ["DEFAULT_RELATIONS", "GRANULARITIES", "Example", "Granularity", "TextToPersonaTemplate"]

Granularity = Literal["fine", "coarse"]
GRANULARITIES: tuple[Granularity, ...] = ("fine", "coarse")
DEFAULT_RELATIONS = ("read", "write", "like", "dislike")


@dataclass(frozen=True, slots=True)
class Example:
    """A short text with a persona for each of the four usual relations, at both granularities."""

    text: str
    personas: Mapping[Granularity, Mapping[str, str]]


class TextToPersonaTemplate:
    """The wording of the text-to-persona prompt.

    Args:
        content: the parsed YAML; ``templates/text_to_persona.yaml`` says what stands where.
        version: identifies the wording; stored with every persona.
    """

    def __init__(self, content: Mapping[str, Any], version: str) -> None:
        """Keep the wording."""
        self._content = content
        self.version = version
        # One object each, so that what is worked out from a schema is found again.
        self._schemas: dict[tuple[str, Granularity], Mapping[str, object]] = {}

    @classmethod
    def load(cls) -> Self:
        """The template that comes with this package; its version is a hash of its wording."""
        text = template_text("text_to_persona.yaml")
        digest = hashlib.sha256(text.encode()).hexdigest()[:8]
        return cls(yaml.safe_load(text), f"text-to-persona@{digest}")

    @cached_property
    def _examples(self) -> Mapping[str, Example]:
        return {
            name: Example(entry["text"], {granularity: entry[granularity] for granularity in GRANULARITIES})
            for name, entry in self._content["examples"].items()
        }

    def _wording(self, language: str) -> Mapping[str, Any]:
        """What stands under the language, or under ``other``."""
        languages: Mapping[str, Mapping[str, Any]] = self._content["languages"]
        return languages.get(language, languages["other"])

    def examples(self, document: Document, language: str) -> list[Example]:
        """The examples that this document's prompts show."""
        sets = self._wording(language).get("sets") or self._wording("en")["sets"]
        # By the document's hash: the same for all its questions, and whatever was read before it.
        return [self._examples[name] for name in sets[int(document.id[1:], 16) % len(sets)]]

    def messages(
        self, document: Document, relation: str, *, language: str, granularity: Granularity
    ) -> tuple[Message, ...]:
        """The chat that asks for one persona who stands in this relation to the document.

        Args:
            document: the text.
            relation: one of the usual relations, or any verb ("translate", "argue with").
            language: the persona's language, ISO 639-1.
            granularity: how narrow the persona should be.
        """
        wording = self._wording(language)
        shown = wording if "sets" in wording else self._wording("en")
        messages = [Message("system", wording["instructions"][granularity])]
        for place, example in enumerate(self.examples(document, language)):
            # Every second example turns the order round, so that no relation always comes first.
            relations = DEFAULT_RELATIONS if place % 2 == 0 else DEFAULT_RELATIONS[::-1]
            for known in relations:
                question = _question(shown, known, granularity)
                if known == relations[0]:
                    question = self._ask(example.text, question)
                answer = {"persona": example.personas[granularity][known]}
                messages.append(Message("user", question))
                messages.append(Message("assistant", json.dumps(answer, ensure_ascii=False)))
        question = _question(wording, relation, granularity, language_name(language))
        messages.append(Message("user", self._ask(document.text, question)))
        return tuple(messages)

    def _ask(self, text: str, question: str) -> str:
        """Fenced, so that the model can tell the text from what is asked of it."""
        return str(self._content["text_block"].format(text=fenced(text), question=question))

    def schema(self, language: str, granularity: Granularity) -> Mapping[str, object]:
        """The JSON schema of a reply: an object with the persona, its form fixed where it can be."""
        if (known := self._schemas.get((language, granularity))) is not None:
            return known
        patterns = self._wording(language).get("pattern", {})
        schema = reply_schema(persona=patterns.get(granularity))
        return self._schemas.setdefault((language, granularity), schema)

    def max_tokens(self, language: str, granularity: Granularity) -> int:
        """Room for a reply."""
        return int(self._wording(language)["max_tokens"][granularity])

    @property
    def temperature(self) -> float:
        """How freely the reply is drawn."""
        return float(self._content["sampling"]["temperature"])

    @property
    def top_p(self) -> float:
        """Share of the probability that the reply is drawn from."""
        return float(self._content["sampling"]["top_p"])


def _question(wording: Mapping[str, Any], relation: str, granularity: Granularity, language: str = "") -> str:
    verb = wording["relations"].get(relation) or wording["own_verb"].format(verb=relation)
    extra = wording["extra"].get(relation, wording["extra"].get("other", ""))
    return str(wording["question"][granularity].format(relation=verb, extra=extra, language=language))
