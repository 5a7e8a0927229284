"""How a run's calls are made and what they may cost: the same for every verb that calls a model."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import cast

from personahub.completion import BatchEngine, Ceiling, Engine, Journal, Limits, Price, find_price
from personahub.completion.batches import held_keys, open_batches
from personahub.errors import UserError
from personahub.models import EmbeddingModel, LanguageModel
from personahub.models.batches import BatchModel
from personahub.models.opening import (
    Opening,
    open_batch_model,
    open_embedding_model,
    open_language_models,
)

__all__ = ["Calls"]


@dataclass(frozen=True)
class Calls:
    """How calls are made; no part of what a run makes, so it may differ when a run is gone on with.

    Attributes:
        batch: ask through the vendor's batch API, at half the price and within a day.
        concurrency: requests at a time, at each endpoint; by default 1 in this process, else 64. With
            ``batch``: batches at a time, by default 1.
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

    batch: bool = False
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

    def open(
        self, model: str | LanguageModel | Sequence[LanguageModel]
    ) -> Sequence[LanguageModel] | Sequence[BatchModel]:
        """The endpoints of a model, or with ``batch`` the batch API behind it.

        Raises:
            UserError: see :mod:`personahub.models.opening`.
        """
        if self.batch and self.estimate:
            raise UserError(
                "--estimate asks a few questions at once, so leave --batch out of it; a batch costs half of"
                " what it tells, and asks none of them again"
            )
        if self.batch and isinstance(model, str):
            return [open_batch_model(model, self._opening)]
        return open_language_models(model, self._opening)

    def open_encoder(self, encoder: str | EmbeddingModel | None) -> EmbeddingModel:
        """The embedding model of this name; the built-in one for None.

        Raises:
            UserError: see :func:`personahub.models.opening.open_embedding_model`.
        """
        return open_embedding_model(encoder, self._opening)

    def encoder_when_needed(
        self, encoder: str | EmbeddingModel | None, held: ExitStack
    ) -> Callable[[], EmbeddingModel]:
        """What opens the embedding model when it is first asked for; ``held`` closes what it opened."""

        @cache
        def opened() -> EmbeddingModel:
            found = self.open_encoder(encoder)
            if encoder is None or isinstance(encoder, str):
                held.callback(found.close)
            return found

        return opened

    @property
    def _opening(self) -> Opening:
        return Opening(self.concurrency, self.timeout, self.ca_file, self.deterministic)

    def price_of(self, model: LanguageModel | BatchModel) -> Price | None:
        """What a model's calls cost; None where that is not known.

        Raises:
            UserError: the file of prices cannot be read.
        """
        return find_price(model.name, model.provider, self.prices, batch=self.batch)

    def engine(
        self,
        models: Sequence[LanguageModel] | Sequence[BatchModel],
        journal: Journal,
        run: int,
        notice: Callable[[str], None],
    ) -> Engine | BatchEngine:
        """The engine that makes a run's calls.

        Raises:
            UserError: there is a ceiling for the cost and no price, the file of prices cannot be read, or the
                run waits for a batch and shall be gone on with without it.
        """
        model = models[0]
        price = self.price_of(model)
        ceiling = Ceiling(self.max_cost, self.max_tokens, self.max_calls)
        if isinstance(model, BatchModel) != self.batch:
            raise UserError(
                f"{model.name}: a batch API goes with --batch (batch=True), any other model without"
            )
        if isinstance(model, BatchModel):
            return BatchEngine(
                model,
                journal,
                run,
                price=price,
                ceiling=ceiling,
                fresh=self.fresh,
                retrying=self.retrying,
                notice=notice,
                at_once=self.concurrency or 1,
            )
        waiting = open_batches(journal.folder)
        for batch in waiting:
            if batch.intent.run == run:
                raise UserError(
                    f"run {run} waits for batch {batch.id or batch.intent.id} at {batch.intent.provider},"
                    " which is paid for: give --batch to fetch it; where you want it no more, cancel it there"
                    " first"
                )
        return Engine(
            cast(Sequence[LanguageModel], models),
            journal,
            run,
            price=price,
            ceiling=ceiling,
            limits=Limits(self.requests_per_minute, self.tokens_per_minute),
            fresh=self.fresh,
            retrying=self.retrying,
            held=held_keys(journal.folder, waiting),
            notice=notice,
        )
