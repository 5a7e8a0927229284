"""Runs requests against a model: journal first, groups together, memory bounded.

Each slot of the model takes a whole group of requests (those in a row that share a long prefix) and asks
them one after another, so that the slot's prefix cache serves all but the first. Completions come in the
order they are made; the caller joins them to its own by key.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby

from personahub.completion.journal import Journal
from personahub.errors import UserError
from personahub.models import LanguageModel, Reply, Request, RequestError

__all__ = ["Completion", "Engine", "Totals"]


@dataclass(frozen=True, slots=True)
class Completion:
    """A request with its reply, or with the reason why there is none."""

    request: Request
    reply: Reply | None
    failure: RequestError | None = None
    asked: bool = True
    """False where the journal held the reply already."""


@dataclass(slots=True)
class Totals:
    """What an engine has done so far."""

    calls: int = 0
    """Requests sent to the model; those that the journal answered are not among them."""
    answered_before: int = 0
    failures: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    model_seconds: float = 0.0
    """Sum of the model's own times."""


@dataclass
class Engine:
    """Asks a model, through a journal.

    Args:
        model: answers the requests.
        journal: holds what was answered; a request it holds is never asked again.
    """

    model: LanguageModel
    journal: Journal
    totals: Totals = field(default_factory=Totals)
    stopping: bool = False
    _error: BaseException | None = None

    def stop(self) -> None:
        """Send no more requests; those in flight are still answered, journaled and handed over."""
        self.stopping = True

    async def complete(self, requests: Iterable[Request]) -> AsyncIterator[Completion]:
        """Complete each request once; ends early after :meth:`stop`.

        ``requests`` is drawn from only as fast as the model answers. An error raised by it, or a
        UserError of the model or of the journal, ends the run after what is in flight has been journaled.
        """
        groups = groupby(requests, key=lambda request: request.group or request.key)
        done: asyncio.Queue[Completion | None] = asyncio.Queue(maxsize=2 * self.model.slots)
        sync = asyncio.create_task(self._sync_each_second())
        slots = [asyncio.create_task(self._serve(slot, groups, done)) for slot in range(self.model.slots)]
        running = len(slots)
        try:
            while running:
                completion = await done.get()
                if completion is None:
                    running -= 1
                else:
                    yield completion
            if self._error:
                raise self._error
        finally:
            for task in (sync, *slots):
                task.cancel()
            # Until the last of them has let go of the model and the journal, which the caller closes next.
            await asyncio.wait((sync, *slots))
            self.journal.sync()

    async def _serve(
        self,
        slot: int,
        groups: Iterator[tuple[str, Iterator[Request]]],
        done: asyncio.Queue[Completion | None],
    ) -> None:
        try:
            while not self.stopping and (group := next(groups, None)) is not None:
                # A list, because groupby drops what is left of a group once the next one is drawn.
                for request in list(group[1]):
                    if self.stopping:
                        break
                    await done.put(await self._complete_one(request, slot))
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            self._fail(error)
        await done.put(None)

    async def _complete_one(self, request: Request, slot: int) -> Completion:
        if (reply := self.journal.get(request.key)) is not None:
            self.totals.answered_before += 1
            return Completion(request, reply, asked=False)
        self.totals.calls += 1
        try:
            reply = await self.model.complete(request, slot=slot)
        except RequestError as failure:
            self.totals.failures += 1
            return Completion(request, None, failure)
        self.journal.append(request.key, request.model, reply)
        self.totals.prompt_tokens += reply.prompt_tokens
        self.totals.cached_tokens += reply.cached_tokens
        self.totals.completion_tokens += reply.completion_tokens
        self.totals.model_seconds += reply.seconds
        return Completion(request, reply)

    def _fail(self, error: BaseException) -> None:
        self._error = self._error or error
        self.stop()

    async def _sync_each_second(self) -> None:
        while True:
            await asyncio.sleep(1)
            try:
                await asyncio.to_thread(self.journal.sync)
            except UserError as error:
                self._fail(error)
                return
