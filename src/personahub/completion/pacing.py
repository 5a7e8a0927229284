"""When the next call may go to an endpoint: its slots, the rates that were asked for, and its health.

A refusal (429) holds back the refused request and slows the endpoint to the rate at which it has been
admitting calls; stopping every worker at one refusal costs several times the throughput. An endpoint
that refuses or breaks more than a quarter of its calls rests, longer each time; after breakage it begins
anew with one call.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from personahub.models import Usage

__all__ = ["Limits", "Pace"]

_WINDOW = 0.5
"""Seconds of one count of outcomes; the last two are looked at."""
_ENOUGH = 8
"""Outcomes that say something about an endpoint's health."""
_BAD_SHARE = 0.25
_REST = (0.25, 30.0)
_CUT, _GROWTH = 0.97, 1.015
"""A refusal sets the rate to this share of what is admitted; each window without one lets it grow so."""
_LONGEST_TURN = 0.5


@dataclass(frozen=True, slots=True)
class Limits:
    """Rates to keep, of one endpoint; None for no limit."""

    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None


@dataclass(slots=True)
class _Window:
    start: float
    good: int = 0
    refused: int = 0
    broken: int = 0

    @property
    def total(self) -> int:
        return self.good + self.refused + self.broken


class Pace:
    """Lets calls through to one endpoint.

    Args:
        slots: most calls in flight.
        limits: rates that the user set.
        clock: seconds that only grow.
    """

    def __init__(
        self, slots: int, limits: Limits | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Begin with all slots open."""
        self.in_flight = 0
        self.rests = 0
        """How often the endpoint had to rest."""
        self._limits = limits or Limits()
        self._clock = clock
        self._slots = slots
        self._open: float = slots
        self._waiting: deque[asyncio.Future[None]] = deque()
        now = clock()
        self._windows = _Window(now - _WINDOW), _Window(now)
        self._rested_until = 0.0
        self._rest = _REST[0]
        self._rate: float | None = None
        self._cut = now
        self._next_turn = 0.0
        self._next_tokens = 0.0

    async def admit(self, tokens: int) -> None:
        """Return when a call of at most so many tokens may be sent; :meth:`report` must follow."""
        while True:
            now = self._clock()
            if now < self._rested_until:
                await asyncio.sleep(self._rested_until - now)
            elif self.in_flight >= self._open:
                place = asyncio.get_running_loop().create_future()
                self._waiting.append(place)
                try:
                    await place
                except asyncio.CancelledError:
                    self._let_in()
                    raise
            elif wait := self._turn(now, tokens):
                await asyncio.sleep(wait)
            else:
                self.in_flight += 1
                return

    def _turn(self, now: float, tokens: int) -> float:
        """Seconds until this call's turn by the rates; 0 takes the turn."""
        limits = self._limits
        asked = limits.requests_per_minute / 60 if limits.requests_per_minute else None
        rate = min((rate for rate in (asked, self._rate) if rate), default=None)
        if rate is None and limits.tokens_per_minute is None:
            return 0.0
        ready = max(self._next_turn if rate else 0.0, self._next_tokens)
        # Within a timer's grain it is time, else half of a fast rate would be lost to waiting.
        if ready > now + 0.002:
            return min(ready - now, _LONGEST_TURN)
        if rate:
            # What was missed in a moment may be made up for, what was missed in a second may not.
            self._next_turn = max(self._next_turn, now - 0.02) + 1 / rate
        if limits.tokens_per_minute:
            self._next_tokens = max(self._next_tokens, now) + 60 * tokens / limits.tokens_per_minute
        return 0.0

    def give_back(self, tokens: int, used: Usage) -> None:
        """Let go of admitted tokens that a call did not use."""
        if self._limits.tokens_per_minute and used.prompt_tokens is not None:
            unused = tokens - used.prompt_tokens - (used.completion_tokens or 0)
            self._next_tokens -= 60 * unused / self._limits.tokens_per_minute

    def leave(self) -> None:
        """An admitted call is not sent after all."""
        self.in_flight -= 1
        self._let_in()

    def report(self, *, refused: bool = False, broken: bool = False) -> None:
        """Say how an admitted call went."""
        self.in_flight -= 1
        now = self._clock()
        if now - self._windows[1].start >= _WINDOW:
            self._roll(now)
        window = self._windows[1]
        if refused or broken:
            window.refused += refused
            window.broken += broken
            if refused:
                self._slow_down(now)
            self._look_at_health(now, broken)
        else:
            window.good += 1
            if self._open < self._slots:
                self._open += 1
                self._let_in()
        self._let_in()

    def _let_in(self) -> None:
        while self._waiting:
            place = self._waiting.popleft()
            if not place.done():
                place.set_result(None)
                return

    def _roll(self, now: float) -> None:
        last = self._windows[1]
        if self._rate is not None and last.good and not last.refused:
            self._rate *= _GROWTH
        if last.good and not (last.refused or last.broken):
            self._rest = _REST[0]
        self._windows = last, _Window(now)

    def _slow_down(self, now: float) -> None:
        """To what it admits, once a window."""
        before, current = self._windows
        seconds = now - before.start
        good = before.good + current.good
        if now - self._cut < _WINDOW or not good or seconds < _WINDOW / 2:
            return
        admitted = good / seconds
        self._cut = now
        self._rate = _CUT * (admitted if self._rate is None else min(admitted, self._rate))

    def _look_at_health(self, now: float, broken: bool) -> None:
        total = sum(window.total for window in self._windows)
        bad = sum(window.refused + window.broken for window in self._windows)
        if total < _ENOUGH or bad <= _BAD_SHARE * total or now < self._rested_until:
            return
        self._rested_until = now + self._rest
        self._rest = min(2 * self._rest, _REST[1])
        self.rests += 1
        if broken:
            self._open = 1
        self._windows = _Window(now), _Window(now)
