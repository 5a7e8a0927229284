"""When calls may go to an endpoint, in virtual time."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from personahub.completion import Limits
from personahub.completion.pacing import Pace
from personahub.models import Usage
from virtual_time import run


@dataclass
class Endpoint:
    """A server in virtual time, with workers that call it through a Pace as the engine does.

    Attributes:
        slots: workers, and the most calls in flight.
        latency: seconds of a call, give or take a tenth.
        rate: calls a second that it admits, with a burst of a tenth of a second; None for all.
        refused: share of calls that it refuses (429) for no reason that we know.
        broken: share that ends in an error after the latency.
        hanging: share that ends in an error after two seconds.
        down: whether every call breaks at a time.
    """

    slots: int
    latency: float = 0.1
    rate: float | None = None
    refused: float = 0.0
    broken: float = 0.0
    hanging: float = 0.0
    down: Callable[[float], bool] = lambda _: False
    limits: Limits | None = None
    seed: int = 1
    good: list[float] = field(default_factory=list)
    refusals: int = 0
    breaks: int = 0
    sent: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self.allowance, self.refilled = (self.rate or 0.0) / 10, 0.0

    def work(self, seconds: float) -> Pace:
        """Call it as fast as the Pace lets through, for so long."""
        pace: Pace = run(self.called(seconds))
        return pace

    async def called(self, seconds: float) -> Pace:
        pace = Pace(self.slots, self.limits, clock=asyncio.get_running_loop().time)
        workers = [asyncio.create_task(self._call_on(pace)) for _ in range(self.slots)]
        await asyncio.sleep(seconds)
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
        return pace

    async def _call_on(self, pace: Pace) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await pace.admit()
            self.sent.append(loop.time())
            draw = self.chance.random() - self.refused
            if not self._admits(loop.time()) or draw < 0:
                await asyncio.sleep(0.002)
                pace.report(refused=True)
                self.refusals += 1
            elif draw < self.hanging + self.broken or self.down(loop.time()):
                await asyncio.sleep(2.0 if draw < self.hanging else self.latency)
                pace.report(broken=True)
                self.breaks += 1
            else:
                await asyncio.sleep(self.latency * self.chance.uniform(0.9, 1.1))
                pace.report()
                self.good.append(loop.time())

    def _admits(self, now: float) -> bool:
        if self.rate is None:
            return True
        self.allowance = min(self.rate / 10, self.allowance + (now - self.refilled) * self.rate)
        self.refilled = now
        if self.allowance < 1:
            return False
        self.allowance -= 1
        return True

    @property
    def refused_share(self) -> float:
        return self.refusals / len(self.sent)


@pytest.mark.parametrize(("slots", "latency", "rate"), [(512, 0.05, 1000), (512, 0.1, 1000), (64, 0.1, 300)])
def test_a_server_with_a_rate_is_used_and_seldom_refuses(slots: int, latency: float, rate: float) -> None:
    endpoint = Endpoint(slots, latency, rate)
    endpoint.work(20)
    assert len(endpoint.good) / 20 >= 0.9 * rate
    assert endpoint.refused_share <= 0.05


def test_a_server_that_admits_few_of_many_slots_is_found_out_in_two_minutes() -> None:
    endpoint = Endpoint(512, 5.0, 20)
    endpoint.work(180)
    assert len([at for at in endpoint.good if at >= 120]) / 60 >= 0.9 * 20


def test_a_rate_that_falls_and_rises_is_followed() -> None:
    endpoint = Endpoint(128, 0.1, 500)

    async def change() -> None:
        await asyncio.sleep(20)
        endpoint.rate = 100
        await asyncio.sleep(20)
        endpoint.rate = 500

    async def work() -> None:
        await asyncio.gather(endpoint.called(80), change())

    run(work())
    per_second = [sum(start <= at < start + 5 for at in endpoint.good) / 5 for start in (10, 33, 73)]
    assert per_second[0] >= 0.9 * 500
    assert 0.85 * 100 <= per_second[1] <= 105
    assert per_second[2] >= 0.8 * 500


@pytest.mark.parametrize(("slots", "share"), [(64, 0.05), (64, 0.02), (16, 0.05), (4, 0.05)])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_refusals_by_chance_hardly_slow_an_endpoint(slots: int, share: float, seed: int) -> None:
    faulty, whole = Endpoint(slots, refused=share, seed=seed), Endpoint(slots, seed=seed)
    faulty.work(30)
    whole.work(30)
    assert len(faulty.good) >= 0.6 * len(whole.good)


def test_a_mix_of_faults_hardly_slows_an_endpoint() -> None:
    faulty, whole = Endpoint(64, refused=0.05, broken=0.05, hanging=0.01), Endpoint(64)
    faulty.work(20)
    whole.work(20)
    assert len(faulty.good) >= 0.6 * len(whole.good)


@pytest.mark.parametrize("slots", [1, 8, 64])
def test_a_whole_endpoint_has_all_its_slots_at_work(slots: int) -> None:
    endpoint = Endpoint(slots, latency=0.1)
    pace = endpoint.work(20)
    assert len(endpoint.good) >= 0.95 * slots * 20 / 0.1
    assert pace.rests == 0


def test_an_endpoint_that_breaks_rests_and_comes_back() -> None:
    endpoint = Endpoint(64, down=lambda now: 5 <= now < 15)
    pace = endpoint.work(60)
    whole = len([at for at in endpoint.good if at < 5]) / 5
    during = len([at for at in endpoint.sent if 6 <= at < 15]) / 9
    after = len([at for at in endpoint.good if 50 <= at < 60]) / 10
    assert pace.rests > 0
    assert during < 0.05 * whole
    assert after >= 0.95 * whole


def test_an_endpoint_that_is_down_is_tried_less_and_less() -> None:
    endpoint = Endpoint(64, down=lambda _: True)
    endpoint.work(600)
    tries = [sum(start <= at < start + 100 for at in endpoint.sent) for start in range(0, 600, 100)]
    # Rests of half a minute at most, a few calls between them.
    assert tries[-1] < 40
    assert tries[-1] > 0
    assert tries[0] > 2 * tries[-1]


@pytest.mark.parametrize("per_minute", [30.0, 600.0, 30_000.0])
def test_requests_per_minute_are_kept_and_used(per_minute: float) -> None:
    endpoint = Endpoint(256, 0.1, limits=Limits(requests_per_minute=per_minute))
    endpoint.work(120)
    counts = [sum(start <= at < start + 60 for at in endpoint.sent) for start in (0, 10, 30, 60)]
    assert max(counts) <= 1.01 * per_minute + 2
    assert min(counts) >= 0.95 * per_minute - 1


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(1, 3000), min_size=30, max_size=80), st.floats(0.1, 1.0), st.floats(0.05, 3.0))
def test_tokens_per_minute_are_kept_whatever_the_calls_turn_out_to_use(
    sizes: list[int], share: float, latency: float
) -> None:
    per_minute = 6000.0
    used: list[tuple[float, int]] = []

    async def work() -> None:
        loop = asyncio.get_running_loop()
        pace = Pace(4, Limits(tokens_per_minute=per_minute), clock=loop.time)

        async def call(size: int) -> None:
            await pace.admit(size)
            used.append((loop.time(), int(share * size)))
            await asyncio.sleep(latency)
            pace.report()
            pace.give_back(size, Usage(int(share * size), 0, 0))

        await asyncio.gather(*map(call, sizes))

    run(work())
    for start, _ in used:
        in_a_minute = sum(count for at, count in used if start <= at < start + 60)
        # The calls in flight at the end of the minute belong to the next.
        assert in_a_minute <= per_minute + 4 * max(sizes)


def test_tokens_that_were_not_used_are_given_back() -> None:
    """A token is at least a byte, so what is set aside is several times what a call takes."""
    done = 0

    async def work() -> None:
        nonlocal done
        loop = asyncio.get_running_loop()
        pace = Pace(8, Limits(tokens_per_minute=60_000), clock=loop.time)

        async def call() -> None:
            nonlocal done
            while True:
                await pace.admit(2000)
                await asyncio.sleep(0.5)
                pace.report()
                pace.give_back(2000, Usage(400, 0, 100))
                done += 1

        workers = [asyncio.create_task(call()) for _ in range(8)]
        await asyncio.sleep(120)
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)

    run(work())
    # 500 tokens a call make 120 calls a minute; 2,000 would make 30.
    assert 0.8 * 240 <= done <= 1.05 * 240


def in_order(pace_of: Callable[[Callable[[], float]], Pace], count: int) -> list[int]:
    """The order in which callers that came in the order 0, 1, 2, … were let in."""

    async def work() -> list[int]:
        pace = pace_of(asyncio.get_running_loop().time)
        let_in: list[int] = []

        async def call(number: int) -> None:
            await pace.admit(number % 7)
            let_in.append(number)
            await asyncio.sleep(0.01 * (number % 3))
            pace.report(refused=number % 11 == 0, broken=number % 13 == 0)

        await asyncio.gather(*map(call, range(count)))
        return let_in

    order: list[int] = run(work())
    return order


@pytest.mark.parametrize(
    "pace_of",
    [
        lambda clock: Pace(3, clock=clock),
        lambda clock: Pace(50, Limits(requests_per_minute=600), clock=clock),
        lambda clock: Pace(50, Limits(tokens_per_minute=600), clock=clock),
    ],
    ids=["slots", "requests a minute", "tokens a minute"],
)
def test_nobody_starves_who_came_first_goes_first(pace_of: Callable[[Callable[[], float]], Pace]) -> None:
    assert in_order(pace_of, 200) == list(range(200))


def test_a_caller_that_gives_up_waiting_leaves_its_place_to_the_next() -> None:
    async def work() -> None:
        pace = Pace(1, clock=asyncio.get_running_loop().time)
        await pace.admit()
        waiting = [asyncio.create_task(pace.admit()) for _ in range(3)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        pace.report()
        # Let in and cancelled in the same moment.
        waiting[1].cancel()
        await asyncio.sleep(0.01)
        assert waiting[2].done()
        assert not waiting[2].cancelled()
        assert pace.in_flight == 1
        pace.leave()
        assert pace.in_flight == 0

    run(work())


def test_slots_are_never_overdrawn() -> None:
    highest = 0

    async def work() -> None:
        nonlocal highest
        loop = asyncio.get_running_loop()
        pace, chance = Pace(10, clock=loop.time), random.Random(3)

        async def call() -> None:
            nonlocal highest
            for _ in range(50):
                await pace.admit()
                highest = max(highest, pace.in_flight)
                await asyncio.sleep(chance.random() / 10)
                pace.report(broken=chance.random() < 0.3)

        await asyncio.gather(*(call() for _ in range(40)))
        assert pace.in_flight == 0

    run(work())
    assert highest == 10
