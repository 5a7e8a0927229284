"""Text-to-persona: who would read or write a text; persona-to-persona: who is around a person; the filter."""

from personahub.personas.persona_to_persona import PersonaToPersona, RelationQuestion
from personahub.personas.relation_template import PersonaToPersonaTemplate, Relation
from personahub.personas.template import DEFAULT_RELATIONS, GRANULARITIES, TextToPersonaTemplate
from personahub.personas.text_to_persona import Question, TextToPersona, closeness, not_grounded

__all__ = [
    "DEFAULT_RELATIONS",
    "GRANULARITIES",
    "PersonaToPersona",
    "PersonaToPersonaTemplate",
    "Question",
    "Relation",
    "RelationQuestion",
    "TextToPersona",
    "TextToPersonaTemplate",
    "closeness",
    "not_grounded",
]
