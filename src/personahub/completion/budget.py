"""A budget that is never exceeded: what a call may cost at most is set aside before it is sent."""

from dataclasses import dataclass

from personahub.completion.prices import Price
from personahub.config import json_bytes
from personahub.models import Request, Usage

__all__ = ["Budget", "Ceiling", "Most", "most_tokens"]

_PER_MESSAGE = 16
"""Tokens that a chat template may add to a message, generously."""


@dataclass(frozen=True, slots=True)
class Ceiling:
    """The most that a run may spend; None for no ceiling."""

    cost: float | None = None
    """US dollars."""
    tokens: int | None = None
    """Of prompts and replies together."""
    calls: int | None = None

    def __bool__(self) -> bool:
        """Whether there is any."""
        return (self.cost, self.tokens, self.calls) != (None, None, None)


@dataclass(frozen=True, slots=True)
class Most:
    """What one call can come to at most."""

    tokens: int
    cost: float


def most_tokens(request: Request) -> tuple[int, int]:
    """Upper bounds for the tokens of prompt and reply: a token is at least a byte."""
    size = sum(len(message.content.encode(errors="replace")) for message in request.messages)
    size += _PER_MESSAGE * (len(request.messages) + 1)
    if request.schema is not None:
        size += len(json_bytes(request.schema))
    return size, request.sampling.max_tokens


@dataclass(slots=True)
class _Spent:
    """What is spent and set aside so far."""

    cost: float = 0.0
    tokens: int = 0
    calls: int = 0


class Budget:
    """Keeps a run under its ceiling.

    Args:
        ceiling: what the run may spend, earlier invocations included.
        price: of the model's calls; needed where there is a ceiling for the cost.
        beside: the budget of another model of the same run, which has one purse with this one.
    """

    def __init__(self, ceiling: Ceiling, price: Price | None, beside: "Budget | None" = None) -> None:
        """Begin with nothing spent, or with what the other has."""
        self.ceiling = ceiling
        self._price = price
        self._spent: _Spent = beside._spent if beside else _Spent()

    def spend(self, *, cost: float, tokens: int, calls: int) -> None:
        """Count what earlier invocations of the run spent."""
        self._spent.cost += cost
        self._spent.tokens += tokens
        self._spent.calls += calls

    def reserve(self, request: Request) -> Most | None:
        """Set aside what the call may cost at most; None where that would pass the ceiling."""
        prompt, completion = most_tokens(request)
        most = Most(prompt + completion, self._price.most(prompt, completion) if self._price else 0.0)
        ceiling = self.ceiling
        if (
            (ceiling.calls is not None and self._spent.calls + 1 > ceiling.calls)
            or (ceiling.tokens is not None and self._spent.tokens + most.tokens > ceiling.tokens)
            or (ceiling.cost is not None and self._spent.cost + most.cost > ceiling.cost)
        ):
            return None
        self._spent.calls += 1
        self._spent.tokens += most.tokens
        self._spent.cost += most.cost
        return most

    def settle(self, most: Most, usage: Usage | None, cost: float | None) -> None:
        """Put what the call really came to in the place of what was set aside.

        Args:
            most: what was set aside.
            usage: what the server told; None where it refused the call, so that it cost nothing. Where it
                did not tell, the most stays counted.
            cost: dollars, where they are known.
        """
        if usage is None:
            self._spent.calls -= 1
            self._spent.tokens -= most.tokens
            self._spent.cost -= most.cost
            return
        if usage.prompt_tokens is not None and usage.completion_tokens is not None:
            self._spent.tokens += usage.prompt_tokens + usage.completion_tokens - most.tokens
        if cost is not None:
            self._spent.cost += cost - most.cost

    def says(self) -> str:
        """Which ceiling was reached, in words."""
        parts = []
        if self.ceiling.cost is not None:
            parts.append(f"${self._spent.cost:.4f} of ${self.ceiling.cost:g}")
        if self.ceiling.tokens is not None:
            parts.append(f"{self._spent.tokens:,} of {self.ceiling.tokens:,} tokens")
        if self.ceiling.calls is not None:
            parts.append(f"{self._spent.calls:,} of {self.ceiling.calls:,} calls")
        return ", ".join(parts)
