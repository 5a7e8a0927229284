"""The filter: simple rules that set poor descriptions aside, each with a name and its reason.

The rules work on words, so that they hold for any model: what the prompt asks for and a grammar enforces
is checked here all the same. One more, ``not_grounded``, needs the embedding model, and is applied where
that is at hand (:func:`~personahub.personas.closeness`).
"""

from collections.abc import Callable, Sequence

from personahub.personas.quality import content, form
from personahub.personas.quality.case import Case, Finding
from personahub.personas.template import Example, Granularity
from personahub.records import Document

__all__ = ["LEAST_CLOSENESS", "Finding", "find_fault"]

LEAST_CLOSENESS = 0.13
"""A persona that is less close to both its text and its title is not grounded in them: so say readers of five
of the six that this alone sets aside, of 328. Above it, good and poor ones lie side by side."""

_RULES: Sequence[Callable[[Case], str | None]] = (
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
    content.about_the_text,
    content.misfits_relation,
    content.copies_source,
    content.copies_example,
)


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
    case = Case(description, document, examples, relation, language, granularity)
    for rule in _RULES:
        if detail := rule(case):
            return Finding(rule.__name__, detail)
    return None
