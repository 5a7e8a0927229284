"""The filter: simple rules that set poor descriptions aside, each with a name and its reason.

The rules work on words, so that they hold for any model: what the prompt asks for and a grammar enforces
is checked here all the same. One more, ``not_grounded``, needs the embedding model, and is applied where
that is at hand (:func:`~personahub.personas.closeness`).
"""

from collections.abc import Callable, Sequence

from personahub.personas.quality import content, form, relative
from personahub.personas.quality.case import Case, Finding
from personahub.personas.template import Example, Granularity
from personahub.records import Document

__all__ = ["LEAST_CLOSENESS", "Finding", "find_fault", "find_fault_of_relative"]

LEAST_CLOSENESS = 0.13
"""A persona that is less close to both its text and its title is not grounded in them: so say readers of five
of the six that this alone sets aside, of 328. Above it, good and poor ones lie side by side."""

_Rule = Callable[[Case], str | None]
_ON_EVERY_PERSONA: Sequence[_Rule] = (
    form.wrong_language,
    form.too_short,
    form.placeholder,
    form.list_or_heading,
    form.first_person,
    form.cut_off,
    form.several_people,
    content.not_a_person,
    content.named_person,
    content.repeats_itself,
)
_ON_COPIES: Sequence[_Rule] = (content.copies_source, content.copies_example)
_OF_TEXTS = (*_ON_EVERY_PERSONA, content.about_the_text, content.misfits_relation, *_ON_COPIES)
_OF_PERSONAS = (*_ON_EVERY_PERSONA, relative.defined_by_parent, *_ON_COPIES, relative.same_person)


def find_fault(
    description: str,
    *,
    document: Document,
    examples: Sequence[Example],
    relation: str,
    language: str,
    granularity: Granularity,
) -> Finding | None:
    """The first rule that the description breaks, or None.

    Args:
        description: what the model gave.
        document: the text it was asked about.
        examples: what the prompt showed.
        relation: how the persona should stand to the text.
        language: the language it was asked in, ISO 639-1.
        granularity: how narrow it was asked to be.
    """
    return _first(_OF_TEXTS, Case(description, document.text, examples, relation, language, granularity))


def find_fault_of_relative(
    description: str, *, parent: str, examples: Sequence[Example], relation: str, asked: str, language: str
) -> Finding | None:
    """The first rule that the description of somebody around a persona breaks, or None.

    Args:
        description: what the model gave.
        parent: the description of that persona.
        examples: what the prompt showed.
        relation: what the new persona is to that one, as it is stored.
        asked: the same in the words of the prompt.
        language: the language it was asked in, ISO 639-1.
    """
    return _first(_OF_PERSONAS, Case(description, parent, examples, relation, language, "fine", asked))


def _first(rules: Sequence[_Rule], case: Case) -> Finding | None:
    for rule in rules:
        if detail := rule(case):
            return Finding(rule.__name__, detail)
    return None
