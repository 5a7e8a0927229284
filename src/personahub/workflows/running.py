"""What every run has in common: how it is watched, interrupted and counted."""

import asyncio
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

from personahub.completion import Engine, Totals
from personahub.hub import Hub, Run, RunStatus
from personahub.records import Document, Persona, Record, SetAside, Table

__all__ = ["Buffer", "Outcome", "Watcher", "ended", "run_async", "stoppable"]


_T = TypeVar("_T")


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

    def stopping(self) -> None:
        """The user interrupted; what is in flight will still be answered and kept."""


@dataclass
class Outcome:
    """What a run came to.

    Attributes:
        run: the run, with its number and configuration.
        set_aside: how many were set aside, by reason.
        totals: calls, tokens and the model's own time in this invocation.
        seconds: wall time of this invocation.
        interrupted: the user stopped it; the same command goes on.
    """

    run: Run
    set_aside: Counter[str] = field(default_factory=Counter)
    totals: Totals = field(default_factory=Totals)
    seconds: float = 0.0
    interrupted: bool = False


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
    """Run to the end, also where an event loop runs already (a notebook)."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(coroutine)
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()


@contextmanager
def stoppable(engine: Engine, watcher: Watcher) -> Iterator[None]:
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


def ended(hub: Hub, outcome: Outcome, counts: dict[str, Any]) -> None:
    """Write down how the run ended."""
    status = RunStatus.INTERRUPTED if outcome.interrupted else RunStatus.FINISHED
    spent = {"seconds": round(outcome.seconds, 3), **asdict(outcome.totals)}
    outcome.run.end(status, {**counts, "set_aside": dict(outcome.set_aside), "last_invocation": spent})
    hub.save_run(outcome.run)
