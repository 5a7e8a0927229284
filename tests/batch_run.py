"""Asks some questions through a batch API; run by itself, so that it can be killed.

    python batch_run.py VENDOR URL FOLDER COUNT [KILLED_AFTER]

KILLED_AFTER: after so many entries of the journal it kills itself.
"""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from batch_vendor import PROMPT, REPLY
from personahub.completion import BatchEngine, Completion, Entry, Journal, Price
from personahub.completion.batches import Polling
from personahub.models import Message, Request, Sampling
from personahub.models.batch_anthropic import AnthropicBatches
from personahub.models.batch_openai import OpenAIBatches
from personahub.models.batches import BatchLimits, BatchModel
from personahub.models.http import Server

if TYPE_CHECKING:
    from batch_vendor import BatchVendor

KEY = "key-that-is-secret"
MODEL = "small-model"
PRICE = Price(2.0, 2.0, 10.0)
ONE = (PROMPT * 2.0 + REPLY * 10.0) / 1e6
"""What one call costs at PRICE, in dollars."""
QUICK = Polling(0.01, 0.03)
SCHEMA = {"type": "object", "properties": {"persona": {"type": "string"}}, "required": ["persona"]}


def entries(folder: Path) -> list[Entry]:
    """All that a journal holds, in order of writing."""
    with Journal(folder) as journal:
        return list(journal.entries())


def question(number: int, *, schema: dict[str, object] | None = None) -> Request:
    """One of many questions."""
    messages = (Message("system", "Be short."), Message("user", f"question {number}"))
    return Request(MODEL, messages, Sampling(0.5, 0.9, 50, 1), schema, group=f"doc{number // 3}")


def questions(count: int, *, schema: dict[str, object] | None = None) -> list[Request]:
    """So many questions."""
    return [question(number, schema=schema) for number in range(count)]


def open_model(vendor: str, url: str, *, key: str = KEY, limits: BatchLimits | None = None) -> BatchModel:
    """The vendor's batch API."""
    opened = OpenAIBatches if vendor == "openai" else AnthropicBatches
    model = opened(Server(url, key), MODEL)
    if limits:
        model.limits = limits
    return model


def ask(
    model: BatchModel,
    folder: Path,
    requests: Iterable[Request] | AsyncIterable[Request],
    *,
    into: list[Completion] | None = None,
    **settings: Any,
) -> tuple[BatchEngine, list[Completion]]:
    """The engine at its end, and all completions."""
    completions: list[Completion] = [] if into is None else into

    async def run(engine: BatchEngine) -> None:
        try:
            async for completion in engine.complete(requests):
                completions.append(completion)
        finally:
            await model.close()

    with Journal(folder) as journal:
        settings = {"run": 1, "price": PRICE, "notice": lambda _: None, "polling": QUICK, **settings}
        engine = BatchEngine(model, journal, **settings)
        asyncio.run(run(engine))
    return engine, completions


def through(
    vendor: "BatchVendor",
    folder: Path,
    requests: Iterable[Request] | AsyncIterable[Request],
    *,
    key: str = KEY,
    limits: BatchLimits | None = None,
    **settings: Any,
) -> tuple[BatchEngine, list[Completion]]:
    """The same, at a vendor of the tests."""
    return ask(open_model(vendor.vendor, vendor.url, key=key, limits=limits), folder, requests, **settings)


def _kill_after(count: int) -> None:
    append, written = Journal.append, 0

    def counted(self: Journal, entry: Entry) -> None:
        nonlocal written
        append(self, entry)
        written += 1
        if written == count:
            os.kill(os.getpid(), signal.SIGKILL)

    Journal.append = counted  # type: ignore[method-assign]


if __name__ == "__main__":
    vendor, url, folder, count = sys.argv[1:5]
    if len(sys.argv) > 5:
        _kill_after(int(sys.argv[5]))
    ask(open_model(vendor, url), Path(folder), questions(int(count)))
