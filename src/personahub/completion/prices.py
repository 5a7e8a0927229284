"""What a call costs, in US dollars: by the user's own prices, or by those that genai-prices keeps up.

A price that nobody knows is None, never 0; only a model in this process is known to cost nothing.
"""

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from personahub.errors import UserError
from personahub.models import Usage

__all__ = ["Price", "find_price"]


@dataclass(frozen=True)
class Price:
    """Dollars for a million tokens.

    Attributes:
        prompt: tokens of the prompt.
        cached: those of them that a prefix cache served.
        completion: tokens of the reply.
        tiers: genai-prices' model where its prices depend on the prompt's length.
        share: what part of these is paid.
    """

    prompt: float
    cached: float
    completion: float
    tiers: Any = None
    share: float = 1.0

    def cost(self, usage: Usage) -> float | None:
        """Of one call; None where its tokens were not told."""
        if usage.prompt_tokens is None or usage.completion_tokens is None:
            return None
        cached = min(usage.cached_tokens or 0, usage.prompt_tokens)
        if self.tiers is not None:
            return self.share * _tiered(self.tiers, usage.prompt_tokens, cached, usage.completion_tokens)
        fresh = usage.prompt_tokens - cached
        whole = self.prompt * fresh + self.cached * cached + self.completion * usage.completion_tokens
        return self.share * whole / 1e6

    def most(self, prompt_tokens: int, completion_tokens: int) -> float:
        """What so many tokens can cost at most."""
        usage = Usage(prompt_tokens, 0, completion_tokens)
        return self.cost(usage) or 0.0


FREE = Price(0.0, 0.0, 0.0)


_BATCH_SHARE = 0.5
"""What vendors ask for a call in a batch."""


def find_price(model: str, provider: str, file: Path | None = None, *, batch: bool = False) -> Price | None:
    """The price of a model's calls, or None where nobody knows it.

    Args:
        model: the model's name.
        provider: the address of its server; empty for a model in this process, which costs nothing.
        file: YAML with the user's own prices, which come first: ``name: {input: 0.15, cached: 0.075,
            output: 0.6}``, dollars for a million tokens.
        batch: of its calls in a batch, which is half where nobody says otherwise.

    Raises:
        UserError: the file cannot be read, or a price in it is no number.
    """
    own = _read(file).get(model) if file else None
    if own is not None:
        return replace(own, share=_BATCH_SHARE) if batch else own
    return _published(model, provider, batch=batch) if provider else FREE


def _read(file: Path) -> dict[str, Price]:
    try:
        content = yaml.safe_load(file.read_text("utf-8"))
        return {
            str(name): Price(
                _rate(rates["input"]), _rate(rates.get("cached", rates["input"])), _rate(rates["output"])
            )
            for name, rates in content.items()
        }
    except OSError as error:
        raise UserError(f"{file}: the prices cannot be read ({error.strerror})") from error
    except (yaml.YAMLError, AttributeError, TypeError, ValueError, KeyError) as error:
        raise UserError(
            f"{file}: holds no prices ({' '.join(str(error).split())}); each line should be"
            " MODEL: {input: DOLLARS, output: DOLLARS}, for a million tokens"
        ) from error


def _rate(given: object) -> float:
    # With "not a number" a ceiling would have no effect, since nothing is above it.
    if isinstance(given, bool) or not isinstance(given, int | float) or not 0 <= given < math.inf:
        raise ValueError(f"{given!r} is no price")
    return float(given)


def _published(model: str, provider: str, *, batch: bool) -> Price | None:
    # Here, because the table of all prices takes half a second to load.
    from datetime import UTC, datetime

    from genai_prices.data_snapshot import get_snapshot
    from genai_prices.types import TieredPrices

    try:
        _, found = get_snapshot().find_provider_model(model, None, None, provider)
    except LookupError:
        return None
    now = datetime.now(UTC)
    rates, share = found.get_prices(now), 1.0
    if batch:
        in_batch = found.get_prices(now, {"processing": "batch"})
        share = _BATCH_SHARE if in_batch == rates else 1.0
        rates = in_batch
    prompt, completion = rates.input_mtok, rates.output_mtok
    cached = prompt if rates.cache_read_mtok is None else rates.cache_read_mtok
    if prompt is None or cached is None or completion is None:
        return None
    if (
        isinstance(prompt, TieredPrices)
        or isinstance(cached, TieredPrices)
        or isinstance(completion, TieredPrices)
    ):
        return Price(0.0, 0.0, 0.0, tiers=rates, share=share)
    return Price(float(prompt), float(cached), float(completion), share=share)


def _tiered(rates: Any, prompt: int, cached: int, completion: int) -> float:
    from genai_prices import Usage as Counted

    counted = Counted(input_tokens=prompt, cache_read_tokens=cached, output_tokens=completion)
    return float(rates.calc_price(counted)["total_price"])
