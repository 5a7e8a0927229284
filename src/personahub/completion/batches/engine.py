"""Requests in, completions out, through a vendor's batch API: half the price, a day's time, never paid twice.

The input is drawn until a batch is full, or the budget has no room, or there is no more. A batch is written
down before it is created, so a command that was stopped, or killed, fetches it when it is given again. What
came back goes into the journal as any reply does; what did not fit, or was not answered, is asked in a later
batch again.
"""

import asyncio
import secrets
import time
from collections import Counter, deque
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Callable,
    Iterable,
    Iterator,
    Sequence,
)
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from personahub.completion.batches.collecting import Collecting, outcomes
from personahub.completion.batches.files import Asked, Draft, read_asked
from personahub.completion.batches.log import BatchLog, Intent, OpenBatch, held_keys
from personahub.completion.batches.source import Source
from personahub.completion.batches.vendor import NotCreatedError, Polling, StoppedError, Vendor
from personahub.completion.budget import Ceiling, most_tokens
from personahub.completion.completions import Completion, Totals
from personahub.completion.journal import Journal
from personahub.completion.ledger import Ledger
from personahub.completion.prices import Price
from personahub.errors import UserError
from personahub.models import Request
from personahub.models.batches import BatchModel, BatchState, BatchStatus

__all__ = ["BatchEngine"]

_LARGEST = 50_000
"""Most requests of a batch: they, and what the caller keeps of them, are in memory while it runs."""
_STRETCH = 1000
"""Requests that the journal is asked about at once."""
_TOLD_EACH = 600.0
"""Seconds between two notices about one batch."""


@dataclass
class BatchEngine:
    """Asks one model through its batch API and a journal, with the surface of the other engine.

    Args:
        model: the model behind the batch API.
        journal: holds what was answered; the batches are written down in its folder.
        run: number of the run that pays.
        price: of the calls in a batch; None where it is unknown.
        ceiling: the most that the run may spend.
        fresh: ask again what earlier runs had answered.
        retrying: reasons for which requests that this run gave up are asked again.
        notice: is told, in a line, what the user should know while the run goes on.
        at_once: how many batches may run at a time.
        polling: how often to ask how far they are.
    """

    model: BatchModel
    journal: Journal
    run: int = 0
    price: Price | None = None
    ceiling: Ceiling = field(default_factory=Ceiling)
    fresh: bool = False
    retrying: frozenset[str] = frozenset()
    notice: Callable[[str], None] = print
    at_once: int = 1
    polling: Polling = field(default_factory=Polling)
    totals: Totals = field(default_factory=Totals)
    stopping: bool = False
    over_budget: str = ""
    """Where a ceiling ended the run: what was spent of it."""

    def __post_init__(self) -> None:
        """Read which batches are open, and set aside what those of this run may still cost."""
        self._log = BatchLog(self.journal.folder, self.run)
        self._ours: dict[str, frozenset[str]] = {}
        """The keys in the open batches of this model here, by the mark of the batch."""
        others = []
        for batch in self._log.open.values():
            if (batch.intent.model, batch.intent.provider) == (self.model.name, self.model.provider):
                self._ours[batch.intent.id] = held_keys(self.journal.folder, [batch])
            else:
                others.append(batch)
        self._ledger = Ledger(
            self.journal,
            self.run,
            self.model.name,
            self.price,
            self.ceiling,
            self.fresh,
            self.retrying,
            held_keys(self.journal.folder, others),
            self.totals,
        )
        for batch in self._running():
            if self._ledger.budget:
                intent = batch.intent
                self._ledger.budget.spend(cost=intent.cost, tokens=intent.tokens, calls=intent.requests)
        self._without = set(self._log.without.get(self.model.name, ()))
        self._largest = _LARGEST
        self._waiting: dict[str, list[Request]] = {}
        """Requests of the input that are not answered, by key."""
        self._backlog: deque[str] = deque()
        """The keys of those that are in no batch."""
        self._no_room = False
        self._vendor: Vendor | None = None

    @property
    def models(self) -> Sequence[BatchModel]:
        """What the caller closes at the end."""
        return [self.model]

    def _open(self) -> list[OpenBatch]:
        """The open batches of this model here, of any run."""
        return [self._log.open[mark] for mark in self._ours]

    def _running(self) -> list[OpenBatch]:
        """Those of them that this run pays."""
        return [batch for batch in self._open() if batch.intent.run == self.run]

    def stop(self) -> None:
        """Leave at once; batches go on at the vendor, and the next engine with this journal fetches them."""
        self.stopping = True
        if self._vendor:
            self._vendor.stop()

    async def complete(
        self, requests: Iterable[Request] | AsyncIterable[Request]
    ) -> AsyncIterator[Completion]:
        """Complete each request once; ends early after :meth:`stop`.

        ``requests`` is drawn from until a batch is full. An error raised by it, or a UserError of the vendor
        or of the journal, ends the run; batches go on at the vendor then.
        """
        source = Source(requests, self.polling.first)
        self._vendor = Vendor(self.model, self.polling, self.notice)
        if self.stopping:
            self._vendor.stop()
        try:
            await self._find_lost(self._vendor)
            wait = self.polling.first
            while True:
                open_before = len(self._ours)
                for batch in self._open():
                    async with aclosing(self._look_at(batch, self._vendor)) as answered:
                        async for completion in answered:
                            yield completion
                async with aclosing(self._fill(source, self._vendor)) as known:
                    async for completion in known:
                        yield completion
                if source.exhausted and not (self._waiting or self._backlog or self._running()):
                    break
                wait = self.polling.after(wait) if len(self._ours) == open_before else self.polling.first
                await self._vendor.pause(wait)
        except StoppedError:
            self.stopping = True
            for batch in self._running():
                self.notice(
                    f"batch {batch.id or batch.intent.id} ({batch.intent.requests:,} requests) goes on at"
                    f" {self.model.provider}; the same command fetches it"
                )
        finally:
            source.close()
            self._vendor = None
            self.journal.sync()

    async def _find_lost(self, vendor: Vendor) -> None:
        """Find the batches for which a crash left an intent and no id, or learn that there are none."""
        for batch in self._open():
            if batch.id:
                continue
            self.notice(f"looking whether a batch of {batch.intent.requests:,} requests was created …")
            found = await vendor.find(batch, self._log.files, self._log.ids)
            if found is None:
                # What was created in the last moment may not be listed yet.
                await vendor.pause(self.polling.first)
                found = await vendor.find(batch, self._log.files, self._log.ids)
            if found is None:
                self._drop(batch, "not found at the vendor")
            else:
                self._created(batch, found)

    # From the input to a batch.

    async def _fill(self, source: Source, vendor: Vendor) -> AsyncGenerator[Completion]:
        """Create batches while there is something to ask and room for it; give what the journal knows."""
        while len(self._running()) < self.at_once and not self.stopping:
            mark, without = secrets.token_hex(8), sorted(self._without)
            draft = Draft(self._log.files, mark, self.model, self._largest, without)
            try:
                while (known := await self._draw(source, draft)) is not None:
                    for completion in known:
                        yield completion
                batch = self._intend(draft)
            except BaseException:
                draft.discard()
                raise
            if batch is None:
                return
            await self._create(batch, vendor)

    async def _draw(self, source: Source, draft: Draft) -> list[Completion] | None:
        """Put the backlog, and then a stretch of the input, into a batch; None where no more can be put in.

        Gives what the journal knows already of that stretch.
        """
        self._no_room = False
        while self._backlog:
            if not self._admit(draft, self._backlog[0]):
                return None
            self._backlog.popleft()
        # Drawing takes seconds, in which an interrupt should be heard.
        await asyncio.sleep(0)
        drawn = [] if self.stopping else await source.next(_STRETCH)
        known = self._ledger.known(drawn)
        for request, completion in zip(drawn, known, strict=True):
            if completion is None:
                self._await(request)
        return [completion for completion in known if completion is not None] if drawn else None

    def _await(self, request: Request) -> None:
        """Have the request asked, unless it is on its way."""
        same = self._waiting.setdefault(request.key, [])
        same.append(request)
        if len(same) == 1 and not any(request.key in keys for keys in self._ours.values()):
            self._backlog.append(request.key)

    def _admit(self, draft: Draft, key: str) -> bool:
        """Put a request into a batch; False where the batch or the budget has no room for it."""
        request = self._waiting[key][0]
        faults = self._log.faults.get(key, Counter())
        prompt, completion = most_tokens(request)
        asked = Asked(key, request.group, request.schema, completion, prompt, faults)
        most = asked.most(self.price)
        if self._ledger.budget and self._ledger.budget.reserve(request) is None:
            self._no_room = True
            return False
        if draft.add(asked, _sent(request, asked.attempts), most):
            return True
        self._ledger.give_back(most)
        if not draft.requests:
            raise UserError(f"a request about {request.group or key} is larger than a whole batch may be")
        return False

    def _intend(self, draft: Draft) -> OpenBatch | None:
        """Write the batch down; None where it would be empty."""
        if not draft.requests or self.stopping:
            draft.discard()
            if self._no_room and not self._running() and not self.stopping and self._ledger.budget:
                self.over_budget = self._ledger.budget.says()
                self.stop()
            return None
        draft.finish()
        self.totals.calls += draft.requests
        self.totals.retried += draft.retried
        batch = self._log.intend(
            Intent(
                draft.mark,
                time.time(),
                self.run,
                self.model.name,
                self.model.provider,
                draft.requests,
                draft.tokens,
                draft.cost,
                draft.without,
            )
        )
        # Its keys need not be kept, since all of them are waited for.
        self._ours[draft.mark] = frozenset()
        return batch

    async def _create(self, batch: OpenBatch, vendor: Vendor) -> None:
        try:
            state = await vendor.create(batch, self._log.files, self._log.ids)
        except NotCreatedError as error:
            self._drop(batch, str(error))
            raise error.why from None
        self._created(batch, state)

    def _created(self, batch: OpenBatch, state: BatchState) -> None:
        self._log.created(batch, state.id)
        cost = f", ${batch.intent.cost:.2f} at most" if self.price else ""
        self.notice(
            f"batch {state.id} of {batch.intent.requests:,} requests{cost} is at work at"
            f" {self.model.provider}; it may take a day; you may leave (Ctrl-C): the same command fetches it"
        )

    def _drop(self, batch: OpenBatch, why: str) -> None:
        """Let go of a batch that was never created, or refused as a whole."""
        asked = read_asked(self._log.files.keys(batch.intent.id))
        if batch.intent.run == self.run:
            for item in asked.values():
                self._ledger.give_back(item.most(self.price))
        self._log.dropped(batch, why)
        del self._ours[batch.intent.id]
        self._backlog.extend(key for key in asked if key in self._waiting)

    # From a batch to completions.

    async def _look_at(self, batch: OpenBatch, vendor: Vendor) -> AsyncGenerator[Completion]:
        """See how far a batch is; hand over its results where it is over."""
        state = await vendor.state(batch.id)
        if state.status is BatchStatus.RUNNING:
            self._tell(batch, state)
        elif state.status is BatchStatus.FAILED:
            self._refused(batch, state)
        else:
            results = self._log.files.results(batch.intent.id)
            # After a crash it may lie there already.
            if not results.exists():
                await vendor.fetch(state, results)
            for number, completion in enumerate(self._collect(batch, state)):
                yield completion
                if number % _STRETCH == 0:
                    await asyncio.sleep(0)

    def _collect(self, batch: OpenBatch, state: BatchState) -> Iterator[Completion]:
        mark = batch.intent.id
        asked = read_asked(self._log.files.keys(mark))
        collecting = Collecting(batch, self._ledger, self.model)
        collecting.begin(self._log)
        later: list[str] = []
        for item, outcome in outcomes(self._log.files.results(mark), asked, self.model, state):
            result = collecting.take(item, outcome)
            # What another run has given up this one has not.
            if item.key in collecting.again if result is None else result.failure and not collecting.own:
                later.append(item.key)
                continue
            for number, request in enumerate(self._waiting.pop(item.key, [])):
                if result is not None:
                    first = collecting.own and not number
                    yield Completion(request, result.value, result.failure, first, result.usage, result.cost)
        self.journal.sync()
        self._log.closed(batch, collecting.again)
        del self._ours[mark]
        self._without |= collecting.fields
        self._backlog.extend(key for key in later if key in self._waiting)
        self.notice(
            f"batch {batch.id}: {collecting.answered:,} of {batch.intent.requests:,} requests answered"
            + (f", {len(later):,} to be asked again" if later else "")
        )
        if collecting.wrong:
            raise collecting.wrong

    def _refused(self, batch: OpenBatch, state: BatchState) -> None:
        """Ask for less at a time where the account's queue is full; else the user must mend what is wrong.

        Raises:
            UserError: the batch was refused for another reason, or the queue takes nothing at all.
        """
        own, requests = batch.intent.run == self.run, batch.intent.requests
        self._drop(batch, state.error)
        if not own:
            return
        if not state.crowded or requests == 1:
            raise UserError(f"{self.model.provider}: refused batch {state.id} as a whole: {state.error}")
        if self._running():
            self.at_once = len(self._running())
        else:
            self._largest = requests // 2
        self.notice(f"batch {state.id} was too much for the account's queue ({state.error}); asking for less")

    def _tell(self, batch: OpenBatch, state: BatchState) -> None:
        if state.done != batch.done and time.monotonic() - batch.told > _TOLD_EACH:
            batch.done, batch.told = state.done, time.monotonic()
            self.notice(f"batch {batch.id}: {state.done:,} of {batch.intent.requests:,} requests done")


def _sent(request: Request, attempts: int) -> Request:
    """What to send: another seed each time, since with the same one the same would come back."""
    if attempts == 1:
        return request
    seed = request.sampling.seed + 7919 * (attempts - 1)
    return replace(request, sampling=replace(request.sampling, seed=seed))
