"""How a run's calls are made and what they may cost: the same for every verb that calls a model."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from personahub.completion import Ceiling, Engine, Journal, Limits, find_price
from personahub.models import EmbeddingModel, LanguageModel
from personahub.models.opening import Opening, open_embedding_model, open_language_models

__all__ = ["Calls"]


@dataclass(frozen=True)
class Calls:
    """How calls are made; no part of what a run makes, so it may differ when a run is gone on with.

    Attributes:
        concurrency: requests at a time, at each endpoint; by default 1 in this process, else 64.
        deterministic: llama.cpp only: repeat replies bit for bit (slower).
        timeout: seconds that a call over HTTP may take.
        ca_file: certificates to trust beside the system's, in PEM.
        requests_per_minute: rate to keep at each endpoint.
        tokens_per_minute: rate to keep at each endpoint, prompts and replies together.
        max_cost: most US dollars the run may cost, all its invocations together.
        max_tokens: most tokens it may use, prompts and replies together.
        max_calls: most calls it may make.
        prices: YAML with the user's own prices, dollars for a million tokens:
            ``NAME: {input: 0.15, cached: 0.075, output: 0.6}``.
        fresh: ask again what earlier runs had answered.
        estimate: make a few calls only, and tell what the whole run will come to.
        retrying: reasons for which requests that the run gave up are asked again.
    """

    concurrency: int | None = None
    deterministic: bool = False
    timeout: float = 120.0
    ca_file: Path | None = None
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    max_cost: float | None = None
    max_tokens: int | None = None
    max_calls: int | None = None
    prices: Path | None = None
    fresh: bool = False
    estimate: bool = False
    retrying: frozenset[str] = frozenset()

    def open(self, model: str | LanguageModel | Sequence[LanguageModel]) -> list[LanguageModel]:
        """The endpoints of a model.

        Raises:
            UserError: see :func:`personahub.models.opening.open_language_models`.
        """
        return open_language_models(model, self._opening)

    def open_encoder(self, encoder: str | EmbeddingModel | None) -> EmbeddingModel:
        """The embedding model of this name; the built-in one for None.

        Raises:
            UserError: see :func:`personahub.models.opening.open_embedding_model`.
        """
        return open_embedding_model(encoder, self._opening)

    @property
    def _opening(self) -> Opening:
        return Opening(self.concurrency, self.timeout, self.ca_file, self.deterministic)

    def engine(
        self,
        models: Sequence[LanguageModel],
        journal: Journal,
        run: int,
        notice: Callable[[str], None],
    ) -> Engine:
        """The engine that makes a run's calls.

        Raises:
            UserError: there is a ceiling for the cost and no price, or the file of prices cannot be read.
        """
        return Engine(
            models,
            journal,
            run,
            price=find_price(models[0].name, models[0].provider, self.prices),
            ceiling=Ceiling(self.max_cost, self.max_tokens, self.max_calls),
            limits=Limits(self.requests_per_minute, self.tokens_per_minute),
            fresh=self.fresh,
            retrying=self.retrying,
            notice=notice,
        )
