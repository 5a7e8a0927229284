"""When the next call may go to an endpoint: its slots, the rates that were asked for, and its health.

A refusal (429) holds back the refused request and slows the endpoint to the rate at which it has been
admitting calls; stopping every worker at one refusal costs several times the throughput. An endpoint
that refuses or breaks more than a quarter of its calls rests, longer each time; after breakage it begins
anew with one call.
"""

import asyncio
import math
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
_CUT = 0.97
"""A refusal sets the rate to this share of what was admitted."""
_GROWTH_FAR, _GROWTH_NEAR = 1.3, 1.01
"""How much the rate grows in a window without refusals: far from where the last refusal came, and near it."""
_CATCH_UP = 0.02
"""Seconds of missed turns."""


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
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        now = clock()
        self._windows = _Window(now - _WINDOW), _Window(now)
        self._rested_until = 0.0
        self._rest = _REST[0]
        self._rate: float | None = None
        self._refused_at = 0.0
        self._cut = now
        self._next_turn = 0.0
        self._next_tokens = 0.0

    async def admit(self, tokens: int = 0) -> None:
        """Return when a call of at most so many tokens may be sent; :meth:`report` must follow."""
        if not self._waiting and self._ready_at(self._clock()) == 0.0:
            self._enter(tokens)
            return
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((tokens, place))
        self._let_in()
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self.leave()
            raise

    def _ready_at(self, now: float) -> float:
        """0 where a call may go now, else the time at which it may, as far as that is known."""
        if now < self._rested_until:
            return self._rested_until
        if self.in_flight >= self._open:
            return math.inf
        turn = max(self._next_turn if self._pace() else 0.0, self._next_tokens)
        return turn if turn > now else 0.0

    def _pace(self) -> float | None:
        """Calls a second, the slower of what was asked for and what the endpoint admits."""
        asked = self._limits.requests_per_minute
        rates = [rate for rate in (asked and asked / 60, self._rate) if rate]
        return min(rates) if rates else None

    def _enter(self, tokens: int) -> None:
        self.in_flight += 1
        now = self._clock()
        if rate := self._pace():
            # What a late timer missed may be made up for, what was missed in a second may not.
            self._next_turn = max(self._next_turn, now - _CATCH_UP) + 1 / rate
        if self._limits.tokens_per_minute:
            self._next_tokens = max(self._next_tokens, now) + 60 * tokens / self._limits.tokens_per_minute

    def _let_in(self) -> None:
        """Let those in whose turn it is, and look again when the next one's comes."""
        if self._timer:
            self._timer.cancel()
            self._timer = None
        while self._waiting:
            tokens, place = self._waiting[0]
            if place.done():
                self._waiting.popleft()
                continue
            now = self._clock()
            if (ready := self._ready_at(now)) != 0.0:
                if ready < math.inf:
                    self._timer = asyncio.get_running_loop().call_later(ready - now, self._let_in)
                return
            self._waiting.popleft()
            self._enter(tokens)
            place.set_result(None)

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
        if now >= self._rested_until:
            self._count(now, refused, broken)
        # What was sent before a rest and comes back during it is known already.
        if self._waiting:
            self._let_in()

    def _count(self, now: float, refused: bool, broken: bool) -> None:
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
            self._open = min(self._open + 1, self._slots)

    def _roll(self, now: float) -> None:
        last = self._windows[1]
        if self._rate is not None and last.good and not last.refused:
            near = 0.9 * self._refused_at < self._rate < 1.1 * self._refused_at
            self._rate *= _GROWTH_NEAR if near else _GROWTH_FAR
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
        # The first count holds a slow start, so it says how fast to begin and not where the limit is.
        self._refused_at = admitted if self._rate is not None else 0.0
        self._rate = _CUT * (admitted if self._rate is None else min(admitted, self._rate))

    def _look_at_health(self, now: float, broken: bool) -> None:
        total = sum(window.total for window in self._windows)
        bad = sum(window.refused + window.broken for window in self._windows)
        if total < _ENOUGH or bad <= _BAD_SHARE * total or now < self._rested_until:
            return
        self._rested_until = now + self._rest
        self._rest = min(2 * self._rest, _REST[1])
        self.rests += 1
        self._open = 1
        # What happens before the rest is over says nothing of the rate.
        self._windows = _Window(self._rested_until), _Window(self._rested_until)

