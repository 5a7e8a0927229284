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

_WINDOW, _LONGEST_WINDOW = 0.5, 3.0
"""Seconds of one count of outcomes; the last two are looked at."""
_ENOUGH = 100
"""Calls that such a count should hold: of fewer, chance makes an endpoint of a few slots look as if it were
over its rate (with 5 % of random refusals 8 slots came to a fifth of their speed)."""
_BAD_SHARE = 0.25
_REST = (0.25, 30.0)
_CUT = 0.97
"""A refusal sets the rate to this share of what was admitted."""
_CUTS = 3
"""Windows in a row; where refusals go on after so many cuts, they are not for the rate."""
_FORGETTING = 0.998
"""How much of that remains after a window."""
_TOLERATED = 0.01
"""Share of refusals that says nothing yet."""
_GROWTH_FAR, _GROWTH_NEAR = 1.3, 1.01
"""How much the rate grows in a window without refusals: far from where the last refusal came, and near it."""
_CATCH_UP = 0.02
"""Seconds of missed turns."""
_GRAIN = 0.005
"""Seconds; a timer for every call would cost more than the call."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Rates to keep, of one endpoint; None for no limit."""

    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None


@dataclass(slots=True)
class _Window:
    start: float
    sent: int = 0
    good: int = 0
    refused: int = 0
    broken: int = 0

    @property
    def admitted(self) -> int:
        return max(self.sent - self.refused, 0)

    @property
    def total(self) -> int:
        # A refusal comes back at once and an answer later, so what is still in flight counts as well.
        return max(self.sent, self.good + self.refused + self.broken)


class Pace:
    """Lets calls through to one endpoint.

    Args:
        slots: most calls in flight.
        limits: rates that the user set.
        patient: whether calls wait out a rest; where there are other endpoints, they should go there.
        clock: seconds that only grow.
    """

    def __init__(
        self,
        slots: int,
        limits: Limits | None = None,
        *,
        patient: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin with all slots open."""
        self.in_flight = 0
        self.rests = 0
        """How often the endpoint had to rest."""
        self._limits = limits or Limits()
        self._patient = patient
        self._clock = clock
        self._slots = slots
        self._open: float = slots
        self._waiting: deque[tuple[int, asyncio.Future[bool]]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        now = clock()
        self._windows = _Window(now - _WINDOW), _Window(now)
        self._rested_until = 0.0
        self._rest = _REST[0]
        self._rate: float | None = None
        self._refused_at = 0.0
        self._tolerated = _TOLERATED
        self._cuts: list[float] = []
        self._next_turn = 0.0
        self._next_tokens = 0.0

    async def admit(self, tokens: int = 0) -> bool:
        """True when a call of at most so many tokens may be sent; :meth:`report` must follow.

        False where it may not and the caller shall not wait, because the endpoint rests.
        """
        if not self._patient and not self.has_room:
            return False
        if not self._waiting and self._ready_at(self._clock()) == 0.0:
            self._enter(tokens)
            return True
        place: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((tokens, place))
        self._let_in()
        try:
            return await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled() and place.result():
                self.leave()
            raise

    @property
    def has_room(self) -> bool:
        """Whether the endpoint does not rest and a slot is open."""
        return self._clock() >= self._rested_until and self.in_flight < self._open

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
        if self._is_over(now):
            self._roll(now)
        self._windows[1].sent += 1
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
                    self._timer = asyncio.get_running_loop().call_later(
                        max(ready - now, _GRAIN), self._let_in
                    )
                return
            self._waiting.popleft()
            self._enter(tokens)
            place.set_result(True)

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
        if self._is_over(now):
            self._roll(now)
        window = self._windows[1]
        if refused or broken:
            window.refused += refused
            window.broken += broken
            self._look_at_health(now, refused)
        else:
            window.good += 1
            self._open = min(self._open + 1, self._slots)

    def _is_over(self, now: float) -> bool:
        window = self._windows[1]
        seconds = now - window.start
        return seconds >= _LONGEST_WINDOW or (seconds >= _WINDOW and window.total >= _ENOUGH)

    def _roll(self, now: float) -> None:
        """A window is over: set the rate by the refusals in it."""
        last = self._windows[1]
        seconds = now - last.start
        expected = self._tolerated * last.total
        # More than chance makes of a few calls.
        if last.refused > expected + 2 * math.sqrt(expected):
            self._slow_down(last.refused / last.total, last.admitted / seconds)
        else:
            self._cuts.clear()
            self._tolerated = max(_TOLERATED, _FORGETTING * self._tolerated)
            if self._rate is not None and last.good:
                near = 0.9 * self._refused_at < self._rate < 1.1 * self._refused_at
                self._rate *= _GROWTH_NEAR if near else _GROWTH_FAR
                if self._rate > 2 * last.total / seconds and self._open >= self._slots:
                    self._rate = None
        if last.good > (last.refused + last.broken):
            self._rest = _REST[0]
        self._windows = last, _Window(now)

    def _slow_down(self, share: float, admitted: float) -> None:
        if len(self._cuts) == _CUTS and share > self._cuts[0] / 2:
            # Going slower did not help, so these refusals are not for the rate.
            self._tolerated = min(1.3 * share, _BAD_SHARE)
            self._cuts.clear()
        elif admitted:
            self._cuts = [*self._cuts[-_CUTS + 1 :], share]
            # The first count holds a slow start, so it says how fast to begin and not where the limit is.
            self._refused_at = admitted if self._rate is not None else 0.0
            self._rate = _CUT * (admitted if self._rate is None else min(admitted, self._rate))

    def _look_at_health(self, now: float, refused: bool) -> None:
        total = sum(window.total for window in self._windows)
        bad = sum(window.refused + window.broken for window in self._windows)
        # Over a quarter by more than chance makes of a few calls.
        if bad <= _BAD_SHARE * total + 1.5 * math.sqrt(total):
            return
        self._rested_until = now + self._rest
        self._rest = min(2 * self._rest, _REST[1])
        self.rests += 1
        self._open = 1
        if not self._patient:
            while self._waiting:
                _, place = self._waiting.popleft()
                if not place.done():
                    place.set_result(False)
        seconds = now - self._windows[0].start
        admitted = sum(window.admitted for window in self._windows)
        if refused and admitted and seconds >= _WINDOW / 5:
            self._refused_at = 0.0
            self._rate = min(_CUT * admitted / seconds, self._rate or math.inf)
            self._open = self._slots
        # What happens before the rest is over says nothing of the rate.
        self._windows = _Window(self._rested_until), _Window(self._rested_until)
