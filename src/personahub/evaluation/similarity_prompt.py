"""What the similarity study asks: a problem by one persona, worded in ``prompts/similarity.yaml``."""

import hashlib
from functools import cache
from importlib.resources import files

import yaml

from personahub.languages import language_name
from personahub.models import Message, Request, Sampling
from personahub.safeguards.fence import fenced

__all__ = ["problem_request", "prompt_version"]


@cache
def _text() -> str:
    return (files("personahub.evaluation") / "prompts" / "similarity.yaml").read_text("utf-8")


@cache
def _prompt() -> tuple[str, int]:
    content = yaml.safe_load(_text())
    return content["user"].strip(), content["max_tokens"]


def prompt_version() -> str:
    """Name and hash of the wording."""
    return f"similarity@{hashlib.sha256(_text().encode()).hexdigest()[:8]}"


def problem_request(persona: str, language: str, *, model: str, narrow: str = "") -> Request:
    """The question for one persona's problem: greedy, and with nothing that a seed decides.

    Args:
        persona: the persona's description.
        language: of the problem, ISO 639-1.
        model: identity of the model that is asked.
        narrow: what the problem is about, such as "about finance and probability"; empty leaves it open.
    """
    asked, max_tokens = _prompt()
    given = {"narrow": f" {narrow}" if narrow else "", "language": language_name(language)}
    # The persona comes last, so that no brace in it is taken for a place.
    for name, text in {**given, "persona": fenced(persona)}.items():
        asked = asked.replace("{" + name + "}", text)
    sampling = Sampling(temperature=0.0, top_p=1.0, max_tokens=max_tokens, seed=0)
    return Request(model=model, messages=(Message("user", asked),), sampling=sampling)
