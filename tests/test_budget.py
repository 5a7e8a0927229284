"""A budget is never exceeded, whatever order calls are sent and answered in."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from load_server import LoadServer
from personahub.completion import Ceiling, Completion, Engine, Entry, EntryKind, Journal, Limits, Price
from personahub.completion.budget import Budget, most_tokens
from personahub.errors import UserError
from personahub.models import Message, Reply, Request, RequestError, Sampling, Usage
from scripted import ScriptedModel

PRICE = Price(3.0, 1.0, 15.0)


def request(text: str, max_tokens: int = 20) -> Request:
    return Request("scripted", (Message("user", text),), Sampling(0.0, 1.0, max_tokens, seed=0))


def requests(count: int) -> list[Request]:
    return [request(f"question {number}") for number in range(count)]


def complete(
    model: ScriptedModel,
    journal: Journal,
    asked: list[Request],
    ceiling: Ceiling,
    *,
    price: Price | None = PRICE,
    limits: Limits | None = None,
    run: int = 1,
) -> tuple[list[Completion], Engine]:
    engine = Engine([model], journal, run, price=price, ceiling=ceiling, limits=limits or Limits())

    async def work() -> list[Completion]:
        return [completion async for completion in engine.complete(asked)]

    return asyncio.run(work()), engine


@given(
    st.lists(
        st.tuples(
            st.booleans(),  # send the next call, else settle one
            st.integers(0, 50),  # which one
            st.floats(0, 1),  # share of the most that it really took
            st.sampled_from(["told", "untold", "refused"]),
        ),
        max_size=200,
    ),
    st.lists(st.tuples(st.text(max_size=200), st.integers(1, 300)), min_size=1, max_size=20),
    st.integers(0, 20_000),
    st.floats(0, 0.05),
    st.integers(0, 40),
)
def test_no_order_of_calls_and_answers_passes_a_ceiling(
    steps: list[tuple[bool, int, float, str]],
    texts: list[tuple[str, int]],
    tokens: int,
    cost: float,
    calls: int,
) -> None:
    budget = Budget(Ceiling(cost=cost, tokens=tokens, calls=calls), PRICE)
    flying = []
    spent_cost, spent_tokens, made = 0.0, 0, 0
    for number, (send, which, share, told) in enumerate(steps):
        if send or not flying:
            one = request(*texts[number % len(texts)])
            if (most := budget.reserve(one)) is not None:
                flying.append((one, most))
                made += 1
        else:
            one, most = flying.pop(which % len(flying))
            if told == "refused":
                budget.settle(most, None, None)
                made -= 1
                continue
            prompt, completion = (int(share * count) for count in most_tokens(one))
            usage = Usage(prompt, 0, completion)
            spent_cost += PRICE.cost(usage) or 0.0
            spent_tokens += prompt + completion
            known = told == "told"
            budget.settle(most, usage if known else Usage(), PRICE.cost(usage) if known else None)
        # Even if all that is in flight takes as much as it can.
        flying_cost = sum(most.cost for _, most in flying)
        flying_tokens = sum(most.tokens for _, most in flying)
        assert spent_cost + flying_cost <= cost + 1e-9
        assert spent_tokens + flying_tokens <= tokens
        assert made <= calls


@given(st.text(), st.integers(1, 1000))
def test_a_token_is_at_least_a_byte(text: str, max_tokens: int) -> None:
    prompt, completion = most_tokens(request(text, max_tokens))
    assert prompt >= len(text.encode(errors="replace"))
    assert completion == max_tokens


def test_a_schema_and_every_message_count() -> None:
    plain = request("Who?")
    with_schema = replace(plain, schema={"type": "object", "description": "x" * 500})
    longer = replace(plain, messages=(*plain.messages, Message("assistant", "")))
    assert most_tokens(with_schema)[0] >= most_tokens(plain)[0] + 500
    assert most_tokens(longer)[0] > most_tokens(plain)[0]


def test_what_was_not_told_stays_counted_at_its_most() -> None:
    one = request("Who?")
    most = sum(most_tokens(one))
    budget = Budget(Ceiling(tokens=2 * most), None)
    for _ in range(2):
        reserved = budget.reserve(one)
        assert reserved is not None
        budget.settle(reserved, Usage(), None)
    assert budget.reserve(one) is None


def test_a_refused_call_costs_nothing() -> None:
    budget = Budget(Ceiling(calls=1), None)
    for _ in range(5):
        reserved = budget.reserve(request("Who?"))
        assert reserved is not None
        budget.settle(reserved, None, None)


def test_no_ceiling_is_false_and_any_is_true() -> None:
    assert not Ceiling()
    assert Ceiling(cost=0.0)
    assert Ceiling(calls=0)


@pytest.mark.parametrize("slots", [1, 7])
def test_a_run_makes_as_many_calls_as_it_may_and_goes_on_with_a_higher_ceiling(
    tmp_path: Path, slots: int
) -> None:
    with Journal(tmp_path / "journal") as journal:
        model = ScriptedModel(slots=slots, delay=0.001)
        first, engine = complete(model, journal, requests(50), Ceiling(calls=20))
        assert (len(first), model.calls) == (20, 20)
        assert engine.stopping
        assert engine.over_budget == "20 of 20 calls"
        second, engine = complete(model, journal, requests(50), Ceiling(calls=50))
        assert (len(second), model.calls) == (50, 50)
        assert not engine.over_budget


def test_another_run_has_a_budget_of_its_own(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal") as journal:
        complete(ScriptedModel(), journal, requests(5), Ceiling(calls=5), run=1)
        completions, _ = complete(ScriptedModel(), journal, requests(10), Ceiling(calls=5), run=2)
    assert len(completions) == 10


def test_calls_that_wait_for_their_turn_are_sent_before_the_budget_ends(tmp_path: Path) -> None:
    """What is set aside for a call that only waits for a slow rate is not spent yet."""
    with Journal(tmp_path / "journal") as journal:
        model = ScriptedModel(slots=8)
        limits = Limits(requests_per_minute=60 * 50)
        completions, engine = complete(model, journal, requests(50), Ceiling(calls=20), limits=limits)
    assert (len(completions), model.calls) == (20, 20)
    assert engine.over_budget


def cost_of_a_thousand_bytes(asked: Request) -> Reply:
    return Reply("yes", "stop", Usage(len(asked.messages[0].content), 0, 1), 0.0)


@pytest.mark.parametrize(
    ("ceiling", "spent"),
    [
        (Ceiling(tokens=20_000), lambda usage: usage[0] + usage[1]),
        (Ceiling(cost=0.05), lambda usage: (3 * usage[0] + 15 * usage[1]) / 1e6),
    ],
)
def test_most_of_a_budget_can_be_spent_because_what_comes_back_makes_room(
    tmp_path: Path, ceiling: Ceiling, spent: Callable[[tuple[int, int]], float]
) -> None:
    asked = [request(f"question {number} " + "x" * 900, max_tokens=300) for number in range(100)]
    with Journal(tmp_path / "journal") as journal:
        model = ScriptedModel(cost_of_a_thousand_bytes, slots=16, delay=0.001)
        _, engine = complete(model, journal, asked, ceiling)
    came_to = spent((engine.totals.prompt_tokens, engine.totals.completion_tokens))
    most = ceiling.tokens or ceiling.cost
    assert most is not None
    # All but less than one call's most.
    assert 0.8 * most < came_to <= most


def test_a_ceiling_for_the_cost_needs_a_price(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal") as journal, pytest.raises(UserError, match="price of scripted is not"):
        complete(ScriptedModel(), journal, requests(1), Ceiling(cost=1.0), price=None)


@pytest.mark.parametrize("name", ["tokens", "cost"])
def test_a_call_that_may_have_been_billed_stays_counted_when_the_run_is_gone_on_with(
    tmp_path: Path, name: str
) -> None:
    asked = requests(10)
    most = most_tokens(asked[0])
    ceiling = Ceiling(**{name: 3 * (sum(most) if name == "tokens" else PRICE.most(*most) + 1e-9)})

    def hang_up(_: Request) -> str:
        raise RequestError("malformed_reply", "half a body", usage=Usage())

    with Journal(tmp_path / "journal") as journal:
        model = ScriptedModel(hang_up)
        for _ in range(4):
            complete(model, journal, asked, ceiling)
        assert model.calls == 3


def test_a_budget_spent_by_failures_is_not_spent_twice(tmp_path: Path) -> None:
    entry = Entry("0" * 32, EntryKind.WASTED, 1, "scripted", prompt_tokens=5, completion_tokens=5, cost=0.01)
    with Journal(tmp_path / "journal") as journal:
        journal.append(entry)
        journal.append(entry._replace(kind=EntryKind.FAILURE, prompt_tokens=None, completion_tokens=None))
        model = ScriptedModel()
        complete(model, journal, requests(10), Ceiling(calls=5))
    assert model.calls == 4


WITH_A_CEILING = """
import asyncio, sys
from pathlib import Path
from personahub.completion import Ceiling, Engine, Journal
from personahub.models import Message, Request, Sampling
from personahub.models.http import Server
from personahub.models.openai import OpenAIModel
async def work():
    model = OpenAIModel(Server(sys.argv[1], connections=8), "any")
    sampling = Sampling(0.5, 0.9, 9, 0)
    asked = (Request("any", (Message("user", f"question {n}"),), sampling) for n in range(500))
    with Journal(Path(sys.argv[2])) as journal:
        async for _ in Engine([model], journal, 1, ceiling=Ceiling(calls=60)).complete(asked):
            pass
    await model.close()
asyncio.run(work())
"""


def test_calls_in_flight_at_a_kill_count_toward_the_ceiling(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WITH_A_CEILING]
    with LoadServer(latency=0.2) as server:
        command += [server.url, str(tmp_path / "journal")]
        for kill in range(1, 4):
            process = subprocess.Popen(command)
            while server.stats()["requests"] < 16 * kill:
                assert process.poll() is None
                time.sleep(0.01)
            process.kill()
            process.wait()
        subprocess.run(command, check=True, timeout=60)
        asked = server.stats()["requests"]
    # Of the eight in flight at a kill some may not have reached the server.
    assert 60 - 3 * 8 < asked <= 60
    with Journal(tmp_path / "journal") as journal:
        sums = journal.spent(1)[1, "any"]
        assert sums.replies + sums.wasted == 60
        assert 0 < sums.wasted <= 3 * 8


def test_after_a_run_that_ended_well_nothing_is_in_flight(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal") as journal:
        complete(ScriptedModel(slots=4), journal, requests(20), Ceiling(calls=30))
        assert not list((tmp_path / "journal").glob("in-flight*"))
        complete(ScriptedModel(slots=4), journal, requests(40), Ceiling(calls=30))
        assert journal.spent(1)[1, "scripted"].replies == 30
