"""One word out of a few, and how likely each was: what a model leans to says more than the word it says.

A request whose schema is a :func:`choice_schema` is answered by JSON of each word's chance. A 1.5B model
that is asked whether a problem is sound says yes to every one; how nearly it said no tells the faulty ones
from the sound ones (benchmarks/RESULTS.md).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from personahub.config import canonical_json
from personahub.models.protocols import Reply, Request

__all__ = ["TOP", "choice_schema", "choices_of", "first_tokens", "with_chances"]

_MARK = "x-choices"
TOP = 20
"""Tokens whose probability is asked for: the most that hosted models and vLLM tell."""


def choice_schema(words: Sequence[str]) -> dict[str, object]:
    """The schema of a reply that is one of these words, which no other begins with the first letter of."""
    return {
        "type": "object",
        "properties": {word: {"type": "number", "minimum": 0, "maximum": 1} for word in words},
        "required": list(words),
        "additionalProperties": False,
        _MARK: list(words),
    }


def choices_of(schema: Mapping[str, object] | None) -> Sequence[str]:
    """The words that a reply has to be one of; none for any other request."""
    words = (schema or {}).get(_MARK)
    return words if isinstance(words, list) else ()


def with_chances(request: Request, reply: Reply) -> Reply:
    """The reply to a :func:`choice_schema` as JSON with the chance of each word, others as they are.

    The chances are 1 together. Where the server does not tell probabilities, the word that was said has all
    of the chance. A reply that is none of the words stays as it is too, and fits no schema.
    """
    words = choices_of(request.schema)
    if not words:
        return reply
    weights = dict.fromkeys(words, 0.0)
    for token, logarithm in reply.tokens:
        for word in words:
            if _begins(word, token):
                weights[word] += math.exp(logarithm)
    if not any(weights.values()):
        said = reply.text.strip(" \"'*.").casefold()
        weights.update({word: 1.0 for word in words if said.startswith(word)})
    if not (whole := sum(weights.values())):
        return reply
    told = {word: round(weight / whole, 6) for word, weight in weights.items()}
    return replace(reply, text=canonical_json(told))


def first_tokens(choice: Mapping[str, Any]) -> Sequence[tuple[str, float]]:
    """What :attr:`Reply.tokens` is of an OpenAI-style choice; none where it tells nothing of this form."""
    try:
        told = choice["logprobs"]["content"][0]["top_logprobs"]
        return [(str(each["token"]), float(each["logprob"])) for each in told]
    except (TypeError, KeyError, AttributeError, IndexError, ValueError):
        return ()


def _begins(word: str, token: str) -> bool:
    said = token.strip().casefold()
    return bool(said) and word.startswith(said)
