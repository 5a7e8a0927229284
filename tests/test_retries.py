"""Which faults are tried again, how often, and after what wait."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from personahub.completion.retries import REFUSALS, Tries
from personahub.models import RequestError

LIMITS = {
    "rate_limited": 30,
    "overloaded": 30,
    "connection": 12,
    "server_error": 5,
    "timeout": 3,
    "malformed_reply": 3,
    "empty_reply": 2,
    "whitespace_loop": 2,
    "cut_off": 1,
    "invalid_output": 1,
}


def waits(reason: str, *, retry_after: float | None = None, seed: int = 1) -> list[float]:
    """All the waits before a fault that keeps coming is final."""
    tries, chance = Tries(), random.Random(seed)
    found = []
    while (wait := tries.again(RequestError(reason, "…", retry_after=retry_after), chance)) is not None:
        found.append(wait)
    return found


@pytest.mark.parametrize(("reason", "limit"), LIMITS.items())
def test_each_kind_of_fault_has_its_limit(reason: str, limit: int) -> None:
    assert len(waits(reason)) == limit


@pytest.mark.parametrize(
    "reason", ["prompt_too_long", "refused", "content_filter", "too_large", "unheard_of"]
)
def test_a_fault_that_would_come_again_is_final(reason: str) -> None:
    assert waits(reason) == []


def test_kinds_are_counted_apart() -> None:
    tries, chance = Tries(), random.Random(1)
    for _ in range(3):
        for reason in ("timeout", "malformed_reply", "server_error"):
            assert tries.again(RequestError(reason, "…"), chance) is not None
    assert tries.again(RequestError("timeout", "…"), chance) is None
    assert tries.again(RequestError("server_error", "…"), chance) is not None


@pytest.mark.parametrize(
    ("reason", "first"), [("rate_limited", 1.0), ("connection", 0.5), ("server_error", 0.2)]
)
def test_waits_double_up_to_half_a_minute(reason: str, first: float) -> None:
    for count, wait in enumerate(waits(reason)):
        longest = min(first * 2**count, 30.0)
        assert longest / 2 <= wait <= longest


def test_a_reply_that_did_not_fit_is_asked_for_again_at_once() -> None:
    assert waits("invalid_output") + waits("cut_off") + waits("empty_reply") == [0.0] * 4


@given(st.floats(0.0, 300.0), st.sampled_from(sorted(REFUSALS)), st.integers())
def test_a_wait_that_the_server_asks_for_is_kept(asked: float, reason: str, seed: int) -> None:
    assert all(asked <= wait <= 1.1 * asked for wait in waits(reason, retry_after=asked, seed=seed))


def test_a_server_that_asks_for_hours_is_asked_again_after_minutes() -> None:
    assert all(300.0 <= wait <= 330.0 for wait in waits("rate_limited", retry_after=86_400.0))


def test_requests_that_failed_together_do_not_come_back_together() -> None:
    chance = random.Random(1)
    again = [Tries().again(RequestError("server_error", "…"), chance) for _ in range(100)]
    assert len(set(again)) == 100
