"""Text-to-persona: requests from documents, personas from replies.

One call asks for one persona, four calls a text: asked for all four at once, a small model gives the same
vague person four times and takes longer.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from personahub.completion import Completion
from personahub.models import EmbeddingModel, Request, Sampling
from personahub.personas.quality import LEAST_CLOSENESS, find_fault
from personahub.personas.template import DEFAULT_RELATIONS, Granularity, TextToPersonaTemplate
from personahub.records import Document, Persona, SetAside

__all__ = ["Question", "TextToPersona", "closeness", "not_grounded"]


@dataclass(frozen=True, slots=True)
class Question:
    """A request together with what it asks about."""

    request: Request
    document: Document
    relation: str
    language: str
    position: int
    """Place of the answer among those of the run."""


@dataclass(frozen=True)
class TextToPersona:
    """How personas are asked for and judged; knows no hub.

    Attributes:
        model: identity of the language model.
        relations: how the personas stand to the text; any verbs.
        per_relation: how many personas for each relation.
        granularity: how narrow they should be.
        language: their language, ISO 639-1; None for each text's own.
        seed: of the first sample; the n-th uses ``seed + n``.
    """

    model: str
    relations: Sequence[str] = DEFAULT_RELATIONS
    per_relation: int = 1
    granularity: Granularity = "fine"
    language: str | None = None
    seed: int = 0
    template: TextToPersonaTemplate = field(default_factory=TextToPersonaTemplate.load)

    @property
    def per_document(self) -> int:
        """How many personas each document is asked for."""
        return len(self.relations) * self.per_relation

    def ask(self, document: Document, index: int) -> Iterator[Question]:
        """The questions about one document.

        Args:
            document: the text.
            index: its place among the documents of the run.
        """
        language = self.language or document.language
        first = index * self.per_document
        for place in range(self.per_document):
            relation, sample = self.relations[place // self.per_relation], place % self.per_relation
            request = Request(
                model=self.model,
                messages=self.template.messages(
                    document, relation, language=language, granularity=self.granularity
                ),
                sampling=Sampling(
                    temperature=self.template.temperature,
                    top_p=self.template.top_p,
                    max_tokens=self.template.max_tokens(language, self.granularity),
                    seed=self.seed + sample,
                ),
                schema=self.template.schema(language, self.granularity),
                sample=sample,
                group=document.id,
            )
            yield Question(request, document, relation, language, first + place)

    def answer(self, question: Question, completion: Completion, *, run: int) -> Persona | SetAside:
        """The persona of a completion that is no failure, or why it is none; closeness comes later."""
        description = " ".join(completion.value["persona"].split())
        fault = find_fault(
            description,
            document=question.document,
            examples=self.template.examples(question.document, question.language),
            relation=question.relation,
            language=question.language,
            granularity=self.granularity,
        )
        if fault:
            request = question.request.key
            return _set_aside(question.document, fault.reason, fault.detail, description, run, request)
        return Persona(
            description=description,
            language=question.language,
            relation=question.relation,
            parent_id=question.document.id,
            document_id=question.document.id,
            source=question.document.source,
            row=question.document.row,
            date=question.document.date,
            licence=question.document.licence,
            round=0,
            granularity=self.granularity,
            closeness=None,
            model=self.model,
            template=self.template.version,
            seed=question.request.sampling.seed,
            run=run,
            position=question.position,
            request=question.request.key,
        )


def closeness(
    document: Document, descriptions: Sequence[str], language: str, encoder: EmbeddingModel
) -> list[float | None]:
    """Cosine of each description and the document, its text or its title, whichever is closer.

    None where the encoder knows no such language.
    """
    if not {language, document.language} <= encoder.languages:
        return [None] * len(descriptions)
    parts = [document.text, *([document.title] if document.title else [])]
    vectors = encoder.embed([*parts, *descriptions])
    own, others = vectors[: len(parts)], vectors[len(parts) :]
    return [float(max(cosines)) for cosines in others @ own.T]


def not_grounded(persona: Persona, document: Document) -> SetAside | None:
    """The persona set aside, where its closeness is known and too small; else None."""
    if persona.closeness is None or persona.closeness >= LEAST_CLOSENESS:
        return None
    detail = f"closeness to its text {persona.closeness:.2f}, under {LEAST_CLOSENESS}"
    return _set_aside(document, "not_grounded", detail, persona.description, persona.run, persona.request)


def _set_aside(document: Document, reason: str, detail: str, text: str, run: int, request: str) -> SetAside:
    return SetAside(
        kind="persona",
        reason=reason,
        detail=detail,
        text=text,
        parent_id=document.id,
        source=document.source,
        row=document.row,
        run=run,
        request=request,
    )
