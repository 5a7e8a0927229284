"""What comes out of the engine."""

from dataclasses import dataclass
from typing import Any, NamedTuple

from personahub.models import NOTHING_TOLD, Request, Usage

__all__ = ["Completion", "Failure", "Totals"]


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a request has no completion."""

    reason: str
    detail: str
    attempts: int
    text: str = ""
    """What came instead, as far as something did."""


class Completion(NamedTuple):  # A frozen dataclass takes four times as long to make.
    """A request with what the model made of it, or with the reason why there is nothing."""

    request: Request
    value: Any = None
    """The reply's text, or where the request has a schema, the JSON value that fits it."""
    failure: Failure | None = None
    asked: bool = True
    """False where the journal knew already."""
    usage: Usage = NOTHING_TOLD
    """Of the call that was answered."""
    cost: float | None = None
    """US dollars of that call; None where nobody knows."""
    seconds: float = 0.0
    """The model's time for it."""


@dataclass(slots=True)
class Totals:
    """What an engine has done so far."""

    calls: int = 0
    """Calls sent, those after faults included; what the journal answered is not among them."""
    answered_before: int = 0
    refused: int = 0
    """Calls that the server would not take (429, 503)."""
    retried: int = 0
    """Further calls for one request, for whatever reason."""
    failures: int = 0
    """Requests given up."""
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    untold: int = 0
    """Calls that may have been billed and whose tokens nobody told."""
    cost: float = 0.0
    """US dollars, as far as they are known."""
    unpriced: int = 0
    """Calls that may have been billed and whose price is unknown."""
    model_seconds: float = 0.0
    """Sum of the times of all calls that were answered."""
