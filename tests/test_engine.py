"""The completion engine, with a scripted model and a real journal."""

import asyncio
import errno
import itertools
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

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
    with Journal(tmp_path / "journal.jsonl") as opened:
        yield opened


def complete(
    model: ScriptedModel, journal: Journal, asked: Iterable[Request], into: list[Completion] | None = None
) -> list[Completion]:
    """All completions; ``into`` keeps those that came before an error."""
    handed_over = [] if into is None else into

    async def run() -> None:
        async for completion in Engine(model, journal).complete(asked):
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
        assert completion.reply is not None
        assert completion.reply.text == text_of(completion.request)


def test_no_requests_make_no_completions(journal: Journal) -> None:
    assert complete(ScriptedModel(slots=2), journal, []) == []


def test_what_the_journal_holds_is_not_asked_again(tmp_path: Path) -> None:
    with Journal(tmp_path / "j") as journal:
        first = complete(ScriptedModel(text_of), journal, requests(6))
    with Journal(tmp_path / "j") as journal:
        model = ScriptedModel(text_of)
        second = complete(model, journal, requests(8))
    assert model.calls == 2
    assert [c.reply for c in second[:6]] == [c.reply for c in first]
    assert [c.asked for c in second] == [False] * 6 + [True] * 2


def test_totals_tell_calls_from_what_was_answered_before(journal: Journal) -> None:
    complete(ScriptedModel(), journal, requests(3))
    engine = Engine(ScriptedModel(text_of), journal)

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
        completions = Engine(ScriptedModel(slots=slots), journal).complete(endless())
        async for _ in completions:
            taken += 1
            await asyncio.sleep(0.002)
            if taken == count:
                break
        await completions.aclose()
        return taken

    assert asyncio.run(take(10)) == 10
    # The completed that wait (two a slot), one in each slot, and one that tells where a group ends.
    assert drawn <= 10 + 2 * slots + 2 * slots


def test_a_failed_request_does_not_stop_the_others(journal: Journal) -> None:
    def answer(request: Request) -> str:
        if text_of(request) == "question 2":
            raise RequestError("prompt_too_long", "9 tokens over")
        return "yes"

    completions = complete(ScriptedModel(answer), journal, requests(5))
    assert [c.reply is not None for c in completions] == [True, True, False, True, True]
    failure = completions[2].failure
    assert failure is not None
    assert (failure.reason, str(failure)) == ("prompt_too_long", "9 tokens over")


def test_a_failed_request_is_asked_again_the_next_time(journal: Journal) -> None:
    def refuse(request: Request) -> str:
        raise RequestError("busy", "try later")

    complete(ScriptedModel(refuse), journal, requests(1))
    (completion,) = complete(ScriptedModel(text_of), journal, requests(1))
    assert completion.asked
    assert completion.reply is not None


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
        yield from requests(4)
        raise UserError("line 5 is broken")

    before: list[Completion] = []
    with pytest.raises(UserError, match="line 5"):
        complete(ScriptedModel(slots=3, delay=in_turn), journal, broken(), into=before)
    # The last one was drawn, and whether its group ends there can no longer be told.
    assert {text_of(c.request) for c in before} >= {f"question {number}" for number in range(3)}


def test_a_defect_in_the_input_is_raised_as_it_is(journal: Journal) -> None:
    def broken() -> Iterator[Request]:
        yield request("question")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        complete(ScriptedModel(slots=2), journal, broken())


def test_stop_ends_early_and_hands_over_what_is_in_flight(journal: Journal) -> None:
    model = ScriptedModel(slots=3, delay=0.01)
    engine = Engine(model, journal)
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
    engine = Engine(ScriptedModel(slots=2), journal)
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
    engine = Engine(ScriptedModel(), journal)

    async def run() -> int:
        taken = 0
        async for _ in engine.complete(request(f"question {n}", "all") for n in range(50)):
            taken += 1
            engine.stop()
        return taken

    assert asyncio.run(run()) < 5


def test_a_reply_is_in_the_journal_file_before_it_is_handed_over(journal: Journal) -> None:
    async def run() -> None:
        async for completion in Engine(ScriptedModel(slots=2), journal).complete(requests(10)):
            assert completion.request.key.encode() in journal.path.read_bytes()

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
        completions = Engine(Slow(slots=4), journal).complete(requests(20))
        await anext(completions)
        await completions.aclose()
        assert let_go == 3

    asyncio.run(run())


def test_a_disk_that_cannot_be_synced_ends_the_run(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    model = ScriptedModel(delay=0.02)

    async def run() -> None:
        async for _ in Engine(model, journal).complete(requests(500)):
            pass

    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", fail)
        with pytest.raises(UserError, match="Input/output error"):
            asyncio.run(run())
    assert model.calls < 200
