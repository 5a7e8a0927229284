"""Requests from personas, records from replies."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from personahub.completion import Completion
from personahub.config import canonical_json
from personahub.languages import language_name
from personahub.models import Request, Sampling
from personahub.records import Record, SetAside
from personahub.synthesis.task import Task

__all__ = ["Question", "Synthesizer"]


@dataclass(frozen=True, slots=True)
class Question:
    """A request together with the persona it was made from."""

    request: Request
    persona: Mapping[str, Any]
    language: str
    position: int


@dataclass(frozen=True)
class Synthesizer:
    """How one task's items are asked for and judged; knows no hub.

    Attributes:
        task: what is made.
        settings: the task's options, whole.
        model: identity of the language model.
        language: of the items, ISO 639-1; None for each persona's own.
        seed: of a persona's first item; its n-th uses ``seed + n``.
    """

    task: Task
    settings: Mapping[str, str]
    model: str
    language: str | None = None
    seed: int = 0
    method: str = "zero-shot"

    def ask(self, persona: Mapping[str, Any], position: int, sample: int = 0) -> Question:
        """The question to one persona.

        Args:
            persona: a row of the personas' table.
            position: place among the questions of the run.
            sample: how many items this persona was asked for before.
        """
        language = self.language or persona["language"]
        sampling = self.task.declaration["sampling"]
        request = Request(
            model=self.model,
            messages=self.task.messages(persona["description"], language_name(language), self.settings),
            sampling=Sampling(
                temperature=float(sampling["temperature"]),
                top_p=float(sampling["top_p"]),
                max_tokens=int(self.task.declaration["max_tokens"]),
                seed=self.seed + sample,
            ),
            schema=self.task.schema,
            sample=sample,
        )
        return Question(request, persona, language, position)

    def answer(self, question: Question, completion: Completion, *, run: int) -> Record | SetAside:
        """The record of a completion that is no failure, or why it is none."""
        fields = completion.value
        text = fields[self.task.text_field].strip()
        if fault := self.task.find_fault(text):
            return self._set_aside(question, *fault, text, run)
        return Record(
            task=self.task.name,
            method=self.method,
            persona=question.persona["description"],
            persona_id=question.persona["id"],
            document_id=question.persona["document_id"],
            text=text,
            language=question.language,
            fields=canonical_json({**fields, "options": dict(self.settings)}),
            model=self.model,
            template=self.task.version,
            seed=question.request.sampling.seed,
            run=run,
            position=question.position,
            request=question.request.key,
        )

    @staticmethod
    def _set_aside(question: Question, reason: str, detail: str, text: str, run: int) -> SetAside:
        return SetAside(
            kind="record",
            reason=reason,
            detail=detail,
            text=text,
            parent_id=question.persona["id"],
            source="",
            row=0,
            run=run,
            request=question.request.key,
        )
