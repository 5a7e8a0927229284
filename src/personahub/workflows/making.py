"""Records made of briefs: the questions of each in turn, and what comes of the replies, in order."""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any

from personahub.records import Record, SetAside
from personahub.synthesis import Brief, Synthesizer
from personahub.workflows.asking import Exchange, converse, numbering
from personahub.workflows.checking import Judged
from personahub.workflows.estimate import spread
from personahub.workflows.record_checks import RecordChecks, first_fault
from personahub.workflows.repetition import RepetitionFilter
from personahub.workflows.running import Work

__all__ = ["Making"]

_WAVE = 4096
"""Records asked for at a time: what is held of them until all before them are done stays small."""
_CHECKED = 64
"""The same where each is checked, so that a person sees how it goes."""
_JUDGED = 256
_JUDGED_SECONDS = 0.5
"""So many, or after so long, the records that are due are compared with the data set."""


@dataclass
class Making:
    """Makes records until as many are accepted as are wanted.

    Whether a record repeats another depends on which came first, so each is judged when all before it are:
    what is made does not depend on which reply arrives first. What an interrupt leaves unjudged is in the
    journal.

    Args:
        work: the run.
        synthesizer: asks for them and reads the replies.
        briefs: what they are made from, as many as may be tried.
        repetition: says which are not needed.
        wanted: how many to accept.
        accept: is given each that is.
        checks: says of each that is not repeated whether it passes; None where nothing is checked.
        spending: calls that the run makes, which are its end; None where the records are.
        replied: replies that came before the first record's.
    """

    work: Work[Any]
    synthesizer: Synthesizer
    briefs: Iterator[Brief]
    repetition: RepetitionFilter
    wanted: int
    accept: Callable[[Record, Mapping[str, Judged]], None]
    checks: RecordChecks | None = None
    spending: int | None = None
    replied: int = 0
    made: int = 0
    asked: int = 0
    _numbered: Callable[[Brief], Brief] = field(init=False)
    _unchecked: list[tuple[Brief, Record]] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        """Begin to count the questions that are alike."""
        self._numbered = numbering(self.synthesizer)

    async def run(self) -> None:
        """Ask as many questions as records are missing, then again for those that were not accepted."""
        while (missing := self.wanted - self.made) and not self.work.engine.stopping:
            wave = self._wave(min(missing, _CHECKED if self.checks else _WAVE))
            if self.work.estimator:
                places = spread(self.wanted)
                wave = [wave[place] for place in sorted(places) if place < len(wave)]
            if not wave:
                return
            await self._make([self._numbered(brief) for brief in wave])
            if self.work.estimator:
                return

    def _wave(self, most: int) -> list[Brief]:
        """The next briefs, only so many that all their questions fit into the calls that are left.

        The first question of each is asked before the second of any: of more records than that, none would
        be whole. One is begun in any case, so that it is the engine who says that nothing is left.
        """
        if self.spending is None:
            return list(islice(self.briefs, most))
        wave: list[Brief] = []
        left = self.spending - self.replied
        for brief in islice(self.briefs, most):
            left -= len(self.synthesizer.steps(brief))
            if wave and left < 0:
                self.briefs = chain([brief], self.briefs)
                break
            wave.append(brief)
        return wave

    def _is_spent(self) -> bool:
        spent = self.spending is not None and bool(self.work.engine.over_budget)
        return spent and self.work.calls_made() >= (self.spending or 0)

    async def _make(self, wave: Sequence[Brief]) -> None:
        due = _Due(self, wave)
        async for completion, exchanges in converse(self.work.engine, self.synthesizer, wave):
            self.replied += 1
            for exchange in exchanges:
                if self.work.estimator:
                    self.work.estimator.add(str(exchange.brief.position), completion)
                if exchange.failure:
                    await due.is_done(exchange.brief, None)
                elif exchange.is_whole(self.synthesizer):
                    await due.is_done(exchange.brief, self._answer(exchange))
            if completion.failure:
                self.work.failed(completion.failure)
        # What was paid for counts, also where one before it could not be asked again.
        await due.settle(gaps=self._is_spent())
        await self._check()

    async def _check(self) -> None:
        """Have those checked that repeat nothing; what does not pass still counts as said already."""
        if not self.checks or not self._unchecked:
            return
        waiting, self._unchecked = self._unchecked, []
        # Where the engine is stopped, some have no finding: they are checked when the run goes on.
        judged = await self.checks.check([record for _, record in waiting])
        for (brief, record), found in zip(waiting, judged, strict=True):
            if self.work.engine.stopping:
                return
            if fault := first_fault(found):
                self._set_aside(self.synthesizer.set_aside(brief, *fault, record))
            else:
                self._accept(record, found)
        self._advanced()

    def _accept(self, record: Record, found: Mapping[str, Judged]) -> None:
        self.made += 1
        self.work.buffer.add(record)
        self.accept(record, found)
        self.work.watcher.record_done(record)

    def _advanced(self) -> None:
        self.work.advanced(self.made, self.made, {"records": self.made, "asked": self.asked})

    def _answer(self, exchange: Exchange) -> Record | SetAside:
        run, key = self.work.outcome.run.number, exchange.requests[-1].key
        return self.synthesizer.answer(exchange.brief, exchange.replies, request=key, run=run)

    async def settle(self, ready: Sequence[tuple[Brief, Record | SetAside | None]]) -> None:
        """Take what is done, in the briefs' order; None for what failed."""
        records = [(brief, answer) for brief, answer in ready if isinstance(answer, Record)]
        # In a thread, so that calls go on while meanings are compared.
        faults = iter(await asyncio.to_thread(self.repetition.judge, records) if records else ())
        for brief, answer in ready:
            self.asked += 1
            if isinstance(answer, Record):
                if fault := next(faults):
                    self._set_aside(self.synthesizer.set_aside(brief, *fault, answer))
                elif self.checks:
                    self._unchecked.append((brief, answer))
                else:
                    self._accept(answer, {})
            elif answer:
                self._set_aside(answer)
        self._advanced()

    def _set_aside(self, case: SetAside) -> None:
        self.work.outcome.set_aside[case.reason] += 1
        self.work.buffer.add(case)


class _Due:
    """Holds what is done until everything before it is done too."""

    def __init__(self, making: Making, wave: Sequence[Brief]) -> None:
        self._making = making
        self._wave = wave
        self._done: dict[int, Record | SetAside | None] = {}
        self._next = 0
        self._settled = time.monotonic()

    async def is_done(self, brief: Brief, answer: Record | SetAside | None) -> None:
        self._done[brief.position] = answer
        if len(self._done) >= _JUDGED or time.monotonic() - self._settled >= _JUDGED_SECONDS:
            await self.settle()

    async def settle(self, *, gaps: bool = False) -> None:
        """Hand on what has nothing undone before it, or with ``gaps`` all that is done."""
        ready = []
        while self._next < len(self._wave):
            brief = self._wave[self._next]
            if brief.position in self._done:
                ready.append((brief, self._done.pop(brief.position)))
            elif not gaps:
                break
            self._next += 1
        if ready:
            self._settled = time.monotonic()
            await self._making.settle(ready)
