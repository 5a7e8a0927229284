"""What is to be asked next: drawn from the input in step with the answers, groups kept together.

The input is drawn in batches, so that the journal is asked about many requests at once; a batch is small
while requests have to be asked and grows while the journal answers them all.
"""

import asyncio
import heapq
import time
from collections import OrderedDict, deque
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice

from personahub.completion.completions import Completion
from personahub.completion.retries import Tries
from personahub.models import Request

__all__ = ["Job", "Queue"]

_UNIT = 16
"""Most requests of a group that one slot asks in a row; the next ones may go to other slots."""
_REMEMBERED_GROUPS = 10_000
_SMALLEST_BATCH, _LARGEST_BATCH = 32, 4096
"""Requests; to hash and look up 1,000 that have to be asked would hold all calls up for 30 ms."""


@dataclass(slots=True)
class Job:
    """A request on its way."""

    request: Request
    sent: Request
    """What is sent for it, which differs from the request after a reply that did not fit."""
    tries: Tries = field(default_factory=Tries)
    same: list[Request] = field(default_factory=list)
    """Requests with the same key that came while this one was on its way."""
    leads: str = ""
    """The group that waits for this one to be answered."""


class Queue:
    """Between the input, the slots and the caller.

    Args:
        requests: the input.
        takers: how many take units at a time; each must :meth:`leave` at its end.
        known: tells which requests of a batch are answered already.
    """

    def __init__(
        self,
        requests: Iterable[Request] | AsyncIterable[Request],
        *,
        takers: int,
        known: Callable[[Sequence[Request]], list[Completion | None]],
    ) -> None:
        """Nothing is drawn yet."""
        self._requests = requests
        self._known = known
        self._takers = takers
        self._enough = max(2 * takers, 8)
        self._smallest = min(self._enough // 2, _SMALLEST_BATCH)
        self._batch = self._smallest
        self._bound = max(4 * takers, 64)
        self._ready: deque[list[Job]] = deque()
        self._lying = 0
        """Jobs of the units that are ready."""
        self._delayed: list[tuple[float, int, Job]] = []
        self._drawn = 0
        self._jobs: dict[str, Job] = {}
        # A list holds what waits for a group's first request; None says that its prefix is warm.
        self._groups: OrderedDict[str, list[list[Job]] | None] = OrderedDict()
        self._done: list[Completion] = []
        self._exhausted = False
        self._stopped = False
        self._idle: deque[asyncio.Future[None]] = deque()
        self._news = asyncio.Event()
        self._hungry = asyncio.Event()
        self._hungry.set()
        self._timer: asyncio.TimerHandle | None = None

    # The input's side.

    async def fill(self) -> None:
        """Draw from the input until its end."""
        try:
            last: list[Job] = []
            async for batch in self._drawn_batches():
                units = [last] if last else []
                found = self._known(batch)
                answers = [known for known in found if known is not None]
                self._done += answers
                all_known = len(answers) == len(batch)
                if not all_known:
                    for request, known in zip(batch, found, strict=True):
                        if known is None:
                            self._sort_in(request, units)
                self._batch = min(2 * self._batch, _LARGEST_BATCH) if all_known else self._smallest
                # The next batch may hold more of the last group.
                last = units.pop() if units and units[-1][0].request.group and len(units[-1]) < _UNIT else []
                self._offer(units)
                if answers:
                    self._news.set()
            self._offer([last] if last else [])
        finally:
            self._exhausted = True
            self._check_end()

    async def _drawn_batches(self) -> AsyncIterator[list[Request]]:
        if isinstance(self._requests, AsyncIterable):
            batch: list[Request] = []
            async for request in self._requests:
                batch.append(request)
                if len(batch) >= self._batch:
                    yield batch
                    batch = []
                    if not await self._appetite():
                        return
            if batch:
                yield batch
            return
        requests = iter(self._requests)
        while await self._appetite() and (batch := list(islice(requests, self._batch))):
            yield batch

    async def _appetite(self) -> bool:
        """Wait until more input is wanted; False once it never will be."""
        while not self._stopped and (self._has_enough or len(self._done) >= self._bound):
            self._hungry.clear()
            await self._hungry.wait()
        return not self._stopped

    @property
    def _has_enough(self) -> bool:
        """Whether another batch would be more than shall lie ready."""
        return self._lying > self._enough - self._smallest

    def _sort_in(self, request: Request, units: list[list[Job]]) -> None:
        if (job := self._jobs.get(request.key)) is not None:
            job.same.append(request)
            return
        job = self._jobs[request.key] = Job(request, request)
        last = units[-1] if units else None
        if last and request.group and last[0].request.group == request.group and len(last) < _UNIT:
            last.append(job)
        else:
            units.append([job])

    def _offer(self, units: list[list[Job]]) -> None:
        for unit in units:
            group = unit[0].request.group
            if group and group not in self._groups:
                self._groups[group] = []
                unit[0].leads = group
            elif group and (waiting := self._groups[group]) is not None:
                waiting.append(unit)
                continue
            self._ready.append(unit)
            self._lying += len(unit)
        while len(self._groups) > _REMEMBERED_GROUPS and next(iter(self._groups.values())) is None:
            self._groups.popitem(last=False)
        self._wake(len(units))

    # The slots' side.

    async def take(self) -> list[Job] | None:
        """The next unit; None at the end."""
        while not self._stopped:
            if self._delayed and self._delayed[0][0] <= time.monotonic():
                job = heapq.heappop(self._delayed)[2]
                self._set_timer()
                return [job]
            # A fault that hits everything must not draw the whole input into memory.
            if self._ready and len(self._delayed) < self._bound and len(self._done) < self._bound:
                unit = self._ready.popleft()
                self._lying -= len(unit)
                if not self._has_enough:
                    self._hungry.set()
                return unit
            if self.is_over:
                return None
            self._hungry.set()
            self._set_timer()
            place = asyncio.get_running_loop().create_future()
            self._idle.append(place)
            await place
        return None

    def put_back(self, jobs: list[Job]) -> None:
        """Let another taker have what was taken."""
        self._ready.appendleft(jobs)
        self._lying += len(jobs)
        self._wake(1)

    @property
    def is_over(self) -> bool:
        """Whether there is nothing more to take, now or later."""
        return self._stopped or (self._exhausted and not self._jobs)

    def leave(self) -> None:
        """A taker has ended."""
        self._takers -= 1
        self._news.set()

    def delay(self, job: Job, seconds: float) -> None:
        """Have the job taken again after a while."""
        self._drawn += 1
        heapq.heappush(self._delayed, (time.monotonic() + seconds, self._drawn, job))
        self._lead_on(job)
        self._set_timer()

    def finish(self, job: Job, completion: Completion) -> None:
        """Hand a completion to the caller, and to all who asked the same."""
        del self._jobs[job.request.key]
        self._done.append(completion)
        for request in job.same:
            self._done.append(completion._replace(request=request, asked=False))
        self._lead_on(job)
        self._news.set()
        self._check_end()

    def _lead_on(self, job: Job) -> None:
        """Let the rest of the job's group go."""
        if job.leads:
            waiting, self._groups[job.leads] = self._groups.get(job.leads), None
            job.leads = ""
            self._ready.extendleft(reversed(waiting or []))
            self._lying += sum(map(len, waiting or []))
            self._wake(len(waiting or []))

    def _set_timer(self) -> None:
        """Have an idle taker look when the next delayed job is due; the busy ones look anyway."""
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if self._delayed:
            wait = max(0.0, self._delayed[0][0] - time.monotonic())
            self._timer = asyncio.get_running_loop().call_later(wait, self._wake, 1)

    def _wake(self, count: int) -> None:
        while count > 0 and self._idle:
            place = self._idle.popleft()
            if not place.done():
                place.set_result(None)
                count -= 1

    def _check_end(self) -> None:
        if self._exhausted and not self._jobs:
            self._wake(len(self._idle))

    def stop(self) -> None:
        """No more units."""
        self._stopped = True
        self._hungry.set()
        self._wake(len(self._idle))

    # The caller's side.

    async def batches(self) -> AsyncIterator[list[Completion]]:
        """Completions as they come, until the last taker has left."""
        while True:
            if self._done:
                batch, self._done = self._done, []
                yield batch
                self._hungry.set()
                if len(batch) >= self._bound:
                    # Takers that found no room for what they would have made.
                    self._wake(len(self._ready) + len(self._delayed))
            elif self._takers:
                self._news.clear()
                await self._news.wait()
            else:
                return
