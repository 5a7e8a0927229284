"""Requests in, completions out: journal first, faults retried, budget kept, memory bounded.

Each slot of a model takes a *unit*, a few requests in a row that share a long prefix, and asks them one after
another, so that a prefix cache serves all but the first. The rest of a long group waits until its first
request is answered, then goes to whatever slots are free. Completions come in the order they are made; the
caller joins them to its own by key.
"""

import asyncio
import math
import random
import time
from collections.abc import AsyncIterable, AsyncIterator, Callable, Container, Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import Any

from personahub.completion.budget import Budget, Ceiling, Most, most_tokens
from personahub.completion.completions import Completion, Failure, Totals
from personahub.completion.in_flight import InFlight
from personahub.completion.journal import EntryKind, Journal
from personahub.completion.ledger import Ledger
from personahub.completion.output import another_try, read_output
from personahub.completion.pacing import Limits, Pace
from personahub.completion.prices import Price
from personahub.completion.queue import Job, Queue
from personahub.completion.retries import REFUSALS
from personahub.errors import UserError
from personahub.models import LanguageModel, Reply, Request, RequestError
from personahub.models.choices import with_chances

__all__ = ["Engine"]

_BREAKS = frozenset({"connection", "timeout", "server_error"})
_UNREACHABLE = 5, 3.0
"""Faults and seconds after which an address that has never answered is taken to be wrong."""
_LOOK = 0.25
"""Seconds between two looks whether an endpoint that rested has room again."""
_TOLD_EACH = 30.0
"""Seconds between two notices about one endpoint."""
_PATIENCE = 600.0
"""Seconds without one answer after which a run gives up; what was answered is kept."""


@dataclass
class _Lane:
    """One endpoint: its model and its pace."""

    model: LanguageModel
    pace: Pace
    first_slot: int
    """Its place among the slots of all lanes."""
    answered: bool = False
    faults: int = 0
    first_fault: float = 0.0
    told: float = -math.inf


@dataclass
class Engine:
    """Asks one model, at one or several endpoints, through a journal.

    Args:
        models: the endpoints; all serve the same model.
        journal: holds what was answered; a request it holds is never asked again.
        run: number of the run that pays.
        price: of the calls; None where it is unknown.
        ceiling: the most that the run may spend.
        limits: rates to keep at each endpoint.
        fresh: ask again what earlier runs had answered.
        retrying: reasons for which requests that this run gave up are asked again.
        held: keys of requests that are in a batch at a vendor, where they were paid for.
        notice: is told, in a line, what the user should know while the run goes on.
    """

    models: Sequence[LanguageModel]
    journal: Journal
    run: int = 0
    price: Price | None = None
    ceiling: Ceiling = field(default_factory=Ceiling)
    limits: Limits = field(default_factory=Limits)
    fresh: bool = False
    retrying: frozenset[str] = frozenset()
    held: Container[str] = frozenset()
    notice: Callable[[str], None] = print
    totals: Totals = field(default_factory=Totals)
    stopping: bool = False
    over_budget: str = ""
    """Where a ceiling ended the run: what was spent of it."""

    def __post_init__(self) -> None:
        """Open a lane to each endpoint and count what the run spent before."""
        alone = len(self.models) == 1
        firsts = accumulate((model.slots for model in self.models), initial=0)
        self._lanes = [
            _Lane(model, Pace(model.slots, self.limits, patient=alone), first)
            for model, first in zip(self.models, firsts, strict=False)
        ]
        self._ledger = Ledger(
            self.journal,
            self.run,
            self.models[0].name,
            self.price,
            self.ceiling,
            self.fresh,
            self.retrying,
            self.held,
            self.totals,
        )
        self._budget = self._ledger.budget
        self._chance = random.Random(self.run)
        self._queue: Queue | None = None
        self._flying: InFlight | None = None
        """Kept where there is a ceiling."""
        self._companions: list[Engine] = []
        self._error: BaseException | None = None
        self._last_good = time.monotonic()
        self._in_flight = 0
        self._settled = asyncio.Event()

    def beside(self, models: Sequence[LanguageModel], price: Price | None) -> "Engine":
        """An engine for another model of the same run: one purse, the same totals, stopped with this one.

        Args:
            models: the other model's endpoints.
            price: of its calls.

        Raises:
            UserError: there is a ceiling for the cost and no price.
        """
        other = replace(self, models=models, price=price)
        if self._budget:
            other._budget = other._ledger.budget = Budget(self.ceiling, price, self._budget)
        self._companions.append(other)
        return other

    def stop(self) -> None:
        """Send no more requests; those in flight are still answered, journaled and handed over."""
        self.stopping = True
        if self._queue:
            self._queue.stop()
        for other in self._companions:
            other.stop()

    async def complete(
        self, requests: Iterable[Request] | AsyncIterable[Request]
    ) -> AsyncIterator[Completion]:
        """Complete each request once; ends early after :meth:`stop`.

        ``requests`` is drawn from only a little faster than the model answers. An error raised by it, or a
        UserError of the model or of the journal, ends the run after what is in flight has been journaled.
        """
        slots = sum(model.slots for model in self.models)
        queue = self._queue = Queue(requests, takers=slots, known=self._ledger.known)
        if self.stopping:
            queue.stop()
        self._last_good = time.monotonic()
        with InFlight(self.journal, self.run, slots) if self._budget else nullcontext() as self._flying:
            tasks = [asyncio.create_task(self._guarded(queue.fill())), asyncio.create_task(self._sync())]
            tasks += [
                asyncio.create_task(self._guarded(self._work(lane, slot, queue)))
                for lane in self._lanes
                for slot in range(lane.model.slots)
            ]
            try:
                async for batch in queue.batches():
                    for completion in batch:
                        yield completion
                if self._error:
                    raise self._error
            finally:
                for task in tasks:
                    task.cancel()
                # Until the last has let go of the model and the journal, which the caller closes next.
                await asyncio.wait(tasks)
                self._queue = None
                self.journal.sync()

    async def _work(self, lane: _Lane, slot: int, queue: Queue) -> None:
        try:
            while (unit := await queue.take()) is not None:
                for place, job in enumerate(unit):
                    if not self.stopping and not await self._ask(lane, slot, job, queue):
                        queue.put_back(unit[place:])
                        # The run may end, too, while the endpoint rests.
                        while not lane.pace.has_room and not queue.is_over:  # noqa: ASYNC110
                            await asyncio.sleep(_LOOK)
                        break
        finally:
            queue.leave()

    async def _ask(self, lane: _Lane, slot: int, job: Job, queue: Queue) -> bool:
        """Ask one request; False where another endpoint should."""
        most = await self._reserve(job.sent) if self._budget else None
        # A call that waits for its turn counts as well: what is set aside for it is not spent yet.
        self._in_flight += 1
        try:
            return self.stopping or await self._send(lane, slot, job, most, queue)
        finally:
            self._in_flight -= 1
            self._settled.set()

    async def _send(self, lane: _Lane, slot: int, job: Job, most: Most | None, queue: Queue) -> bool:
        tokens = sum(most_tokens(job.sent)) if self.limits.tokens_per_minute else 0
        if not await lane.pace.admit(tokens):
            self._ledger.give_back(most)
            return False
        if self.stopping:
            lane.pace.leave()
            return True
        self.totals.calls += 1
        self.totals.retried += job.tries.made > 0
        job.tries.made += 1
        place = lane.first_slot + slot
        if self._flying and most:
            self._flying.sent(place, most)
        try:
            reply = with_chances(job.request, await lane.model.complete(job.sent, slot=slot))
            value = read_output(job.request, reply)
        except RequestError as error:
            self._fault(lane, job, error, most, queue)
        except BaseException as error:
            lane.pace.report(broken=True)
            if self._flying and isinstance(error, UserError):
                self._flying.settled(place)  # Not even the key was right.
            raise
        else:
            self._answered(lane, job, reply, value, most, queue)
            lane.pace.give_back(tokens, reply.usage)
        if self._flying:
            self._flying.settled(place)
        return True

    async def _reserve(self, request: Request) -> Most | None:
        """Set aside what the call may cost; ends the run where the ceiling leaves no room for it."""
        while (budget := self._budget) and not self.stopping:
            if (most := budget.reserve(request)) is not None:
                return most
            if not self._in_flight:
                self.over_budget = budget.says()
                self.stop()
                return None
            # What is in flight will cost less than what was set aside for it.
            self._settled.clear()
            await self._settled.wait()
        return None

    def _answered(
        self, lane: _Lane, job: Job, reply: Reply, value: Any, most: Most | None, queue: Queue
    ) -> None:
        lane.pace.report()
        lane.answered = True
        self._last_good = time.monotonic()
        entry = self._ledger.reply(reply, **self._of(job))
        self._ledger.pay(entry, most)
        self.totals.model_seconds += reply.seconds
        self.journal.append(entry)
        cost, seconds = entry.cost, reply.seconds
        queue.finish(job, Completion(job.request, value, None, True, reply.usage, cost, seconds))

    def _fault(self, lane: _Lane, job: Job, error: RequestError, most: Most | None, queue: Queue) -> None:
        refused, broken = error.reason in REFUSALS, error.reason in _BREAKS
        rests = lane.pace.rests
        lane.pace.report(refused=refused, broken=broken)
        self.totals.refused += refused
        if lane.pace.rests > rests and time.monotonic() - lane.told > _TOLD_EACH:
            lane.told = time.monotonic()
            where = lane.model.provider or lane.model.name
            self.notice(f"{where}: {error}; the calls that failed are tried again, more slowly")
        if error.usage is not None:
            entry = self._ledger.fault(EntryKind.WASTED, error, **self._of(job))
            self._ledger.pay(entry, most)
            self.journal.append(entry)
        else:
            self._ledger.give_back(most)
        if broken:
            self._check_reachable(lane, error)
        wait = job.tries.again(error, self._chance)
        if wait is None:
            self._give_up(job, error, queue)
        elif not self.stopping:
            job.sent = another_try(job.request, job.sent, error, job.tries.made)
            queue.delay(job, wait)

    def _give_up(self, job: Job, error: RequestError, queue: Queue) -> None:
        self.totals.failures += 1
        failure = Failure(error.reason, str(error), job.tries.made, error.text)
        self.journal.append(self._ledger.fault(EntryKind.FAILURE, error, **self._of(job)))
        queue.finish(job, Completion(job.request, failure=failure))

    def _check_reachable(self, lane: _Lane, error: RequestError) -> None:
        now = time.monotonic()
        lane.first_fault = lane.first_fault or now
        lane.faults += 1
        faults, seconds = _UNREACHABLE
        where = lane.model.provider or lane.model.name
        if error.reason == "connection" and all(
            not lane.answered and lane.faults >= faults and now - lane.first_fault >= seconds
            for lane in self._lanes
        ):
            raise UserError(f"{where}: {error}; is the server running, and is this its address?")
        if now - self._last_good > _PATIENCE:
            raise UserError(
                f"{where}: no answer for {_PATIENCE / 60:.0f} minutes ({error}); everything that was"
                " answered is kept: give the same command again when it is back"
            )

    def _of(self, job: Job) -> dict[str, Any]:
        """What the ledger keeps of a job."""
        request, sent = job.request, job.sent
        return {
            "key": request.key,
            "about": request.group,
            "attempts": job.tries.made,
            "most": lambda: self._ledger.most(sent),
        }

    async def _guarded(self, work: Any) -> None:
        try:
            await work
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            self._error = self._error or error
            self.stop()

    async def _sync(self) -> None:
        while True:
            await asyncio.sleep(1)
            try:
                await asyncio.to_thread(self.journal.sync)
            except UserError as error:
                self._error = self._error or error
                self.stop()
                return
