"""The completion engine, with a scripted model and a real journal."""

import asyncio
import errno
import itertools
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from personahub.completion import Completion, Engine, Journal
from personahub.errors import UserError
from personahub.models import Message, Reply, Request, RequestError, Sampling
from scripted import ScriptedModel


def request(text: str, group: str = "") -> Request:
    messages = (Message("user", text),)
    return Request("scripted", messages, Sampling(0.0, 1.0, 16, seed=0), group=group)


def requests(count: int) -> list[Request]:
    return [request(f"question {number}") for number in range(count)]


def text_of(request: Request) -> str:
    return request.messages[0].content


def in_turn(request: Request) -> float:
    """Up to 3 ms, different from one request to the next, so that slots overtake each other."""
    return int(request.key[:4], 16) % 4 / 1000


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal(tmp_path / "journal") as opened:
        yield opened


def complete(
    model: ScriptedModel,
    journal: Journal,
    asked: Iterable[Request],
    into: list[Completion] | None = None,
    **settings: Any,
) -> list[Completion]:
    """All completions; ``into`` keeps those that came before an error."""
    handed_over = [] if into is None else into

    async def run() -> None:
        async for completion in Engine([model], journal, **settings).complete(asked):
            handed_over.append(completion)

    asyncio.run(run())
    return handed_over


@pytest.mark.parametrize("slots", [1, 3])
def test_every_request_is_answered_once(journal: Journal, slots: int) -> None:
    model = ScriptedModel(slots=slots, delay=in_turn)
    asked = requests(20)
    completions = complete(model, journal, asked)
    assert sorted(c.request.key for c in completions) == sorted(r.key for r in asked)
    assert model.calls == 20


def test_a_completion_carries_the_reply_to_its_own_request(journal: Journal) -> None:
    model = ScriptedModel(text_of, slots=3, delay=in_turn)
    for completion in complete(model, journal, requests(20)):
        assert completion.value == text_of(completion.request)


def test_no_requests_make_no_completions(journal: Journal) -> None:
    assert complete(ScriptedModel(slots=2), journal, []) == []


def test_what_the_journal_holds_is_not_asked_again(tmp_path: Path) -> None:
    with Journal(tmp_path / "j") as journal:
        first = complete(ScriptedModel(text_of), journal, requests(6))
    with Journal(tmp_path / "j") as journal:
        model = ScriptedModel(text_of)
        second = complete(model, journal, requests(8))
    assert model.calls == 2
    assert [c.value for c in second[:6]] == [c.value for c in first]
    assert [c.asked for c in second] == [False] * 6 + [True] * 2


def test_totals_tell_calls_from_what_was_answered_before(journal: Journal) -> None:
    complete(ScriptedModel(), journal, requests(3))
    engine = Engine([ScriptedModel(text_of)], journal)

    async def run() -> None:
        async for _ in engine.complete(requests(5)):
            pass

    asyncio.run(run())
    totals = engine.totals
    assert (totals.calls, totals.answered_before, totals.failures) == (2, 3, 0)
    assert (totals.prompt_tokens, totals.completion_tokens) == (4, 4)


@pytest.mark.parametrize("slots", [1, 3])
def test_one_slot_serves_a_whole_group_in_its_order(journal: Journal, slots: int) -> None:
    model = ScriptedModel(slots=slots, delay=in_turn)
    asked = [request(f"{group} {place}", group) for group in "abcdefgh" for place in range(4)]
    complete(model, journal, asked)
    assert all(model.served)
    for served in model.served:
        groups = [(name, list(members)) for name, members in itertools.groupby(served, lambda r: r.group)]
        for name, members in groups:
            assert [text_of(member) for member in members] == [f"{name} {place}" for place in range(4)]


def test_slots_work_at_the_same_time(journal: Journal) -> None:
    """Each answer waits for the other's question; one after another would wait for ever."""
    met = asyncio.Barrier(2)

    class Meeting(ScriptedModel):
        async def complete(self, request: Request, *, slot: int = 0) -> Reply:
            await asyncio.wait_for(met.wait(), 5)
            return await super().complete(request, slot=slot)

    assert len(complete(Meeting(slots=2), journal, requests(2))) == 2


@pytest.mark.parametrize("slots", [1, 3])
def test_requests_are_drawn_only_as_fast_as_they_are_taken(journal: Journal, slots: int) -> None:
    drawn = 0

    def endless() -> Iterator[Request]:
        nonlocal drawn
        for number in itertools.count():
            drawn += 1
            yield request(f"question {number}")

    async def take(count: int) -> int:
        taken = 0
        completions = Engine([ScriptedModel(slots=slots)], journal).complete(endless())
        async for _ in completions:
            taken += 1
            await asyncio.sleep(0.002)
            if taken == count:
                break
        await completions.aclose()
        return taken

    assert asyncio.run(take(10)) == 10
    # Completions that were handed over together (64), those that wait (64), one request in each slot, and
    # two batches (of 8 here) that are kept ready.
    assert drawn <= 2 * 64 + slots + 16


def test_a_failed_request_does_not_stop_the_others(journal: Journal) -> None:
    def answer(request: Request) -> str:
        if text_of(request) == "question 2":
            raise RequestError("prompt_too_long", "9 tokens over")
        return "yes"

    completions = complete(ScriptedModel(answer), journal, requests(5))
    assert [c.value for c in completions] == ["yes", "yes", None, "yes", "yes"]
    failure = completions[2].failure
    assert failure is not None
    assert (failure.reason, failure.detail, failure.attempts) == ("prompt_too_long", "9 tokens over", 1)


def test_a_failed_request_is_asked_again_in_another_run_or_on_demand(journal: Journal) -> None:
    def refuse(request: Request) -> str:
        raise RequestError("refused", "not this")

    (failed,) = complete(ScriptedModel(refuse), journal, requests(1), run=1)
    (same_run,) = complete(ScriptedModel(text_of), journal, requests(1), run=1)
    assert same_run.failure == failed.failure
    assert not same_run.asked
    (retried,) = complete(
        ScriptedModel(text_of), journal, requests(1), run=1, retrying=frozenset({"refused"})
    )
    (other_run,) = complete(ScriptedModel(text_of), journal, requests(1), run=2)
    assert (retried.asked, retried.value) == (True, "question 0")
    assert (other_run.asked, other_run.value) == (False, "question 0")


def test_another_run_asks_again_what_an_earlier_one_gave_up(journal: Journal) -> None:
    def refuse(request: Request) -> str:
        raise RequestError("refused", "not this")

    complete(ScriptedModel(refuse), journal, requests(1), run=1)
    (completion,) = complete(ScriptedModel(text_of), journal, requests(1), run=2)
    assert (completion.asked, completion.value) == (True, "question 0")


def test_a_fresh_run_asks_again_what_others_answered_and_goes_on_from_its_own(journal: Journal) -> None:
    complete(ScriptedModel(lambda _: "old"), journal, requests(3), run=1)
    complete(ScriptedModel(lambda _: "new"), journal, requests(2), run=2, fresh=True)
    model = ScriptedModel(lambda _: "newer")
    values = [c.value for c in complete(model, journal, requests(3), run=2, fresh=True)]
    assert sorted(values) == ["new", "new", "newer"]


def test_what_is_asked_twice_at_a_time_is_sent_once(journal: Journal) -> None:
    model = ScriptedModel(text_of, slots=4, delay=0.01)
    asked = [request("the same", group) for group in ("", "a", "b")] + requests(3)
    completions = complete(model, journal, asked)
    assert model.calls == 4
    assert sorted(c.value for c in completions) == [*(text_of(one) for one in requests(3)), *["the same"] * 3]
    assert sum(c.asked for c in completions) == 4
    # Each goes to whom it belongs, though their keys are equal.
    assert sorted(c.request.group for c in completions if c.value == "the same") == ["", "a", "b"]


def test_an_unusable_model_ends_the_run_and_what_was_in_flight_is_kept(journal: Journal) -> None:
    def answer(request: Request) -> str:
        if text_of(request) == "question 1":
            raise UserError("no such key")
        return "yes"

    def slow_but_for_the_bad_one(request: Request) -> float:
        return 0.0 if text_of(request) == "question 1" else 0.03

    model = ScriptedModel(answer, slots=3, delay=slow_but_for_the_bad_one)
    before: list[Completion] = []
    with pytest.raises(UserError, match="no such key"):
        complete(model, journal, requests(50), into=before)
    assert {text_of(c.request) for c in before} == {"question 0", "question 2"}
    assert all(journal.get(c.request.key) for c in before)
    assert model.calls == 3


def test_an_error_of_the_input_is_raised_after_what_came_before_it(journal: Journal) -> None:
    def broken() -> Iterator[Request]:
        yield from requests(40)
        raise UserError("line 41 is broken")

    before: list[Completion] = []
    with pytest.raises(UserError, match="line 41"):
        complete(ScriptedModel(slots=3, delay=in_turn), journal, broken(), into=before)
    # Up to a batch (of 8 here) was drawn and not yet asked.
    assert {text_of(c.request) for c in before} >= {f"question {number}" for number in range(32)}


def test_a_defect_in_the_input_is_raised_as_it_is(journal: Journal) -> None:
    def broken() -> Iterator[Request]:
        yield request("question")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        complete(ScriptedModel(slots=2), journal, broken())


def test_stop_ends_early_and_hands_over_what_is_in_flight(journal: Journal) -> None:
    model = ScriptedModel(slots=3, delay=0.01)
    engine = Engine([model], journal)
    keys = []

    async def run() -> None:
        async for completion in engine.complete(requests(100)):
            keys.append(completion.request.key)
            engine.stop()

    asyncio.run(run())
    served = [request.key for slot in model.served for request in slot]
    assert sorted(keys) == sorted(served)
    assert 1 <= len(served) <= 6


def test_after_stop_no_more_input_is_drawn(journal: Journal) -> None:
    engine = Engine([ScriptedModel(slots=2)], journal)
    drawn = 0

    def counted() -> Iterator[Request]:
        nonlocal drawn
        for one in requests(200):
            drawn += 1
            yield one

    async def run() -> None:
        async for _ in engine.complete(counted()):
            engine.stop()

    asyncio.run(run())
    assert drawn < 20


def test_stop_ends_in_the_middle_of_a_group(journal: Journal) -> None:
    engine = Engine([ScriptedModel()], journal)

    async def run() -> int:
        taken = 0
        async for _ in engine.complete(request(f"question {n}", "all") for n in range(50)):
            taken += 1
            engine.stop()
        return taken

    assert asyncio.run(run()) < 5


def test_a_reply_is_in_the_journal_file_before_it_is_handed_over(journal: Journal) -> None:
    async def run() -> None:
        async for completion in Engine([ScriptedModel(slots=2)], journal).complete(requests(10)):
            written = (journal.folder / "live.jsonl").read_bytes()
            assert completion.request.key.encode() in written

    asyncio.run(run())


def test_leaving_early_waits_until_the_model_has_let_go_of_every_request(journal: Journal) -> None:
    """Otherwise the caller would close a model that is still at work."""
    let_go = 0

    class Slow(ScriptedModel):
        async def complete(self, request: Request, *, slot: int = 0) -> Reply:
            nonlocal let_go
            if slot == 0:
                return await super().complete(request, slot=slot)
            try:
                await asyncio.sleep(60)
            finally:
                await asyncio.sleep(0.01 * slot)
                let_go += 1
            raise AssertionError

    async def run() -> None:
        completions = Engine([Slow(slots=4)], journal).complete(requests(20))
        await anext(completions)
        await completions.aclose()
        assert let_go == 3

    asyncio.run(run())


def test_a_disk_that_cannot_be_synced_ends_the_run(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    model = ScriptedModel(delay=0.02)

    async def run() -> None:
        async for _ in Engine([model], journal).complete(requests(500)):
            pass

    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", fail)
        with pytest.raises(UserError, match="Input/output error"):
            asyncio.run(run())
    assert model.calls < 200
