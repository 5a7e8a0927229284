"""Text-to-persona: who would read, write, like or dislike a text; and the filter behind it."""

from personahub.personas.template import DEFAULT_RELATIONS, GRANULARITIES, TextToPersonaTemplate
from personahub.personas.text_to_persona import Question, TextToPersona, closeness, not_grounded

__all__ = [
    "DEFAULT_RELATIONS",
    "GRANULARITIES",
    "Question",
    "TextToPersona",
    "TextToPersonaTemplate",
    "closeness",
    "not_grounded",
]
