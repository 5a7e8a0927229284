"""What every run has in common: how it is begun, watched, interrupted and counted."""

import asyncio
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Generic, TypeVar, cast

from personahub.completion import BatchEngine, Engine, Failure, Journal, Totals
from personahub.hub import Hub, Run, RunStatus
from personahub.models import LanguageModel
from personahub.models.batches import BatchModel
from personahub.records import Document, Persona, Record, SetAside, Table, Verdict
from personahub.workflows.calls import Calls
from personahub.workflows.estimate import Estimate, Estimator, Range

__all__ = ["NO_RUN", "Buffer", "Outcome", "Watcher", "Work", "closing", "journaling", "run_async", "working"]


_T = TypeVar("_T")
_O = TypeVar("_O", bound="Outcome")


class Watcher:
    """Is told how a run goes; this one does nothing with it. Override what you want to see."""

    def started(self, unit: str, total: int | None, run: Run, resumed: bool) -> None:
        """The run begins: what it counts, how many of them there are (None: not known)."""

    def advanced(self, done: int, made: int, set_aside: int, totals: Totals) -> None:
        """So many units are done, so much came of them."""

    def document_done(
        self, document: Document, personas: Sequence[Persona], set_aside: Sequence[SetAside]
    ) -> None:
        """All questions about a document are answered."""

    def record_done(self, record: Record) -> None:
        """A record was made."""

    def notice(self, text: str) -> None:
        """The user should know this while the run goes on, such as that a server does not answer."""

    def stopping(self) -> None:
        """The user interrupted; what is in flight will still be answered and kept."""


@dataclass
class Outcome:
    """What a run came to.

    Attributes:
        run: the run, with its number and configuration.
        set_aside: how many were set aside, by reason.
        failures: requests that were given up, by reason.
        totals: calls, tokens and the model's own time in this invocation.
        seconds: wall time of this invocation.
        interrupted: it ended before its end; the same command goes on.
        over_budget: where a ceiling ended it, what was spent.
        estimate: what the whole run will come to, where that was asked for.
    """

    run: Run
    set_aside: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    totals: Totals = field(default_factory=Totals)
    seconds: float = 0.0
    interrupted: bool = False
    over_budget: str = ""
    estimate: Estimate | None = None

    def to_json(self) -> dict[str, Any]:
        """What the verb prints with ``--json``."""
        return {
            "set_aside": dict(sorted(self.set_aside.items())),
            "calls": self.totals.calls,
            "failures": self.totals.failures,
        }


class Buffer:
    """Gathers records for the hub and adds them now and then, in the order of the tables given.

    A kill loses what is in here and no more than that: the replies are in the journal, and the same command
    makes the same records from them.
    """

    def __init__(self, hub: Hub, *, size: int = 1000, seconds: float = 5.0) -> None:
        """Add to the hub after ``size`` records or ``seconds``, whichever comes first."""
        self._tables = {
            Document: hub.documents,
            Persona: hub.personas,
            Record: hub.records,
            SetAside: hub.set_aside,
            Verdict: hub.verdicts,
        }
        self._waiting: dict[type[Table], list[Table]] = {kind: [] for kind in self._tables}
        self._size, self._seconds = size, seconds
        self._last = time.monotonic()

    def add(self, *records: Table) -> None:
        """Take these in; parents go before children, so that no reader sees a child alone."""
        for record in records:
            self._waiting[type(record)].append(record)
        waiting = sum(map(len, self._waiting.values()))
        if waiting >= self._size or time.monotonic() - self._last >= self._seconds:
            self.flush()

    def flush(self) -> None:
        """Add everything to the hub now."""
        for kind, records in self._waiting.items():
            if records:
                self._tables[kind].add(records)
                records.clear()
        self._last = time.monotonic()


def run_async(coroutine: Coroutine[Any, Any, _T]) -> _T:
    """Run to the end, also where an event loop runs already (a notebook).

    uvloop takes an eighth off the CPU of a call over HTTP.
    """
    import uvloop

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return uvloop.run(coroutine)
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(uvloop.run, coroutine).result()


@dataclass
class Work(Generic[_O]):
    """One run at work: its hub, its engine, and what it has come to."""

    hub: Hub
    engine: Engine | BatchEngine
    journal: Journal
    watcher: Watcher
    outcome: _O
    resumed: bool
    estimator: Estimator | None = None
    """Where only an estimate is wanted."""
    buffer: Buffer = field(init=False)
    _saved: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        """Open the buffer."""
        self.buffer = Buffer(self.hub)

    @asynccontextmanager
    async def engaged(self) -> AsyncIterator[None]:
        """While calls are made: interrupts are heard, and at the end everything is kept and closed."""
        start = time.monotonic()
        try:
            with _stoppable(self.engine, self.watcher):
                yield
        finally:
            self.buffer.flush()
            for model in self.engine.models:
                await model.close()
            outcome = self.outcome
            outcome.totals = self.engine.totals
            outcome.seconds = time.monotonic() - start
            outcome.interrupted = self.engine.stopping
            outcome.over_budget = self.engine.over_budget

    def estimating(self, unit: str, units: int | None) -> None:
        """From now on the run is an estimate of so many units (None: nobody knows)."""
        # Calls sees to it that no batch API is asked for an estimate.
        concurrency = sum(model.slots for model in cast(Engine, self.engine).models)
        self.estimator = Estimator(unit, units, concurrency)

    def estimated(self, needed: Range | None = None) -> None:
        """The sample is asked: tell what the whole run comes to, which goes on when given again."""
        if self.estimator:
            totals = self.engine.totals
            answered = max(totals.calls - totals.retried, 1)
            self.outcome.estimate = self.estimator.estimate(
                repeated=max(totals.calls, 1) / answered, needed=needed
            )
            self.outcome.interrupted = True

    def calls_made(self) -> int:
        """Calls that were answered or may have been billed, those of earlier invocations included."""
        spent = self.journal.spent(self.outcome.run.number).values()
        return sum(sums.replies + sums.wasted for sums in spent)

    def failed(self, failure: Failure) -> None:
        """Count a request that was given up; the journal has its reason."""
        self.outcome.failures[failure.reason] += 1

    def advanced(self, done: int, made: int, counts: Mapping[str, int]) -> None:
        """Tell the watcher, and now and then the run's file, how far the run is."""
        self.watcher.advanced(done, made, self.outcome.set_aside.total(), self.engine.totals)
        if time.monotonic() - self._saved >= _SAVED_EACH:
            self._saved = time.monotonic()
            self.outcome.run.counts = self._counts(counts)
            self.hub.save_run(self.outcome.run)

    def ended(self, counts: Mapping[str, int]) -> None:
        """Write down how the run ended."""
        status = RunStatus.INTERRUPTED if self.outcome.interrupted else RunStatus.FINISHED
        self.outcome.run.end(status, self._counts(counts))
        self.hub.save_run(self.outcome.run)

    def _counts(self, counts: Mapping[str, int]) -> dict[str, Any]:
        outcome = self.outcome
        invocation = {"seconds": round(outcome.seconds, 3), **asdict(self.engine.totals)}
        return {
            **counts,
            "set_aside": dict(outcome.set_aside),
            "failures": dict(outcome.failures),
            "last_invocation": invocation,
        }


_SAVED_EACH = 5.0
NO_RUN = 0
"""In the journal, the number of calls that belong to no run."""


@contextmanager
def working(
    hub: Hub,
    verb: str,
    configuration: Mapping[str, Any],
    *,
    model: object,
    models: Sequence[LanguageModel] | Sequence[BatchModel],
    calls: Calls,
    outcome: type[_O],
    watcher: Watcher | None = None,
    given: Mapping[str, Any] | None = None,
    once: bool = False,
) -> Iterator[Work[_O]]:
    """Begin a run, or go on with an unfinished one of the same configuration, as the one writer of the hub.

    Args:
        hub: the hub.
        verb: what is run.
        configuration: all that decides what it makes.
        model: the model as the user gave it; its name is kept, so that the run can be given again.
        models: its endpoints.
        calls: how calls are made.
        outcome: what the run comes to.
        watcher: is told how it goes.
        given: what else the run needs to be given again.
        once: go on with a finished run of the configuration too.

    Raises:
        UserError: another process is writing the hub, or the calls cannot be made as asked.
    """
    watcher = watcher or Watcher()
    named = {"model": model} if isinstance(model, str) else {}
    with hub.writing(), Journal(hub.journal_path) as journal:
        run, resumed = hub.start_run(
            verb,
            configuration,
            given={**(given or {}), **named},
            reopen=bool(calls.retrying),
            once=once and not calls.fresh,
        )
        engine = calls.engine(models, journal, run.number, watcher.notice)
        if journal.unreadable:
            watcher.notice(
                f"{journal.unreadable} damaged lines in {hub.journal_path}: what they held is asked again"
            )
        yield Work(hub, engine, journal, watcher, outcome(run), resumed)


@contextmanager
def journaling(
    hub: Hub,
    verb: str,
    *,
    models: Sequence[LanguageModel] | Sequence[BatchModel],
    calls: Calls,
    watcher: Watcher | None = None,
) -> Iterator[Work[Outcome]]:
    """Make calls that belong to no run: the journal keeps their replies, and the hub gets nothing else.

    What failed in earlier calls of this kind is asked again.

    Args:
        hub: the hub.
        verb: for what they are made.
        models: the model's endpoints.
        calls: how calls are made.
        watcher: is told how it goes.

    Raises:
        UserError: another process is writing the hub, or the calls cannot be made as asked.
    """
    watcher = watcher or Watcher()
    with hub.writing(), Journal(hub.journal_path) as journal:
        spent = journal.spent(NO_RUN).values()
        reasons = frozenset(reason for sums in spent for reason in sums.failures_by_reason)
        engine = replace(calls, retrying=reasons).engine(models, journal, NO_RUN, watcher.notice)
        run = Run(NO_RUN, verb, {}, fingerprint="", started="")
        yield Work(hub, engine, journal, watcher, Outcome(run), resumed=False)


@asynccontextmanager
async def closing(engine: Engine | None) -> AsyncIterator[None]:
    """Close the models of a second engine, where there is one, when what asks it ends."""
    try:
        yield
    finally:
        for model in engine.models if engine else ():
            await model.close()


@contextmanager
def _stoppable(engine: Engine | BatchEngine, watcher: Watcher) -> Iterator[None]:
    """Let Ctrl-C (or SIGTERM) stop the engine gently, and a second one at once.

    Inside a running event loop; does nothing outside the main thread, where no signal arrives.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    signals = (signal.SIGINT, signal.SIGTERM)

    def interrupt(number: signal.Signals) -> None:
        if engine.stopping:
            # The journal holds all that was answered, so nothing is lost by leaving now.
            os._exit(128 + number)
        engine.stop()
        watcher.stopping()

    for number in signals:
        loop.add_signal_handler(number, interrupt, number)
    try:
        yield
    finally:
        for number in signals:
            loop.remove_signal_handler(number)
