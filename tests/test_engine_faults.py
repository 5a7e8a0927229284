"""The engine with real HTTP calls to servers that fail: everything is answered, and nothing is paid twice."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from load_server import LoadServer
from personahub.completion import Ceiling, Completion, Engine, EntryKind, Journal, Price
from personahub.errors import UserError
from personahub.models import Message, Request, Sampling
from personahub.models.http import Server
from personahub.models.openai import OpenAIModel
from raw_server import completion as said_by_server
from raw_server import serving, whole

SCHEMA = {"type": "object", "properties": {"persona": {"type": "string"}}, "required": ["persona"]}
PRICE = Price(3.0, 3.0, 15.0)


def requests(count: int, group_of: int = 1) -> list[Request]:
    return [
        Request(
            "any",
            (Message("user", f"Who reads text {number}?"),),
            Sampling(0.5, 0.9, 60, seed=1),
            SCHEMA,
            group=f"text {number // group_of}" if group_of > 1 else "",
        )
        for number in range(count)
    ]


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def complete(
    urls: Sequence[str],
    journal: Journal,
    asked: Iterable[Request],
    *,
    concurrency: int = 32,
    timeout: float = 20.0,
    **settings: Any,
) -> tuple[list[Completion], Engine]:
    """All completions, and the engine that made them."""

    async def work() -> tuple[list[Completion], Engine]:
        servers = [Server(url, timeout=timeout, connections=concurrency) for url in urls]
        models = [OpenAIModel(server, "any") for server in servers]
        engine = Engine(models, journal, 1, notice=notices.append, **settings)
        try:
            return [completion async for completion in engine.complete(asked)], engine
        finally:
            for model in models:
                await model.close()

    notices: list[str] = []
    return asyncio.run(work())


@pytest.fixture
def journal(tmp_path: Path) -> Any:
    with Journal(tmp_path / "journal") as opened:
        yield opened


def answered(completions: Sequence[Completion]) -> int:
    return len({completion.request.key for completion in completions if completion.failure is None})


@pytest.mark.parametrize("group_of", [1, 4])
@pytest.mark.slow
def test_every_call_is_answered_through_a_mix_of_faults(journal: Journal, group_of: int) -> None:
    faults = {"429": 0.05, "500": 0.05, "malformed": 0.02, "hang": 0.01}
    with LoadServer(faults=faults, latency=0.01, retry_after=0.1, track=True) as server:
        completions, engine = complete([server.url], journal, requests(2000, group_of), timeout=1.0)
        told = server.stats()
    assert (len(completions), answered(completions)) == (2000, 2000)
    assert sum(told["faults"].values()) > 150
    # Every further call was for a fault, and none for what had been answered.
    assert told["requests"] == engine.totals.calls == 2000 + sum(told["faults"].values())
    assert told["paid_twice"] == 0
    assert engine.totals.retried == engine.totals.calls - 2000
    assert engine.totals.refused == told["faults"]["429"]


def test_what_may_have_been_billed_in_vain_is_in_the_journal(journal: Journal) -> None:
    faults = {"malformed": 0.1, "invalid": 0.1, "empty": 0.1, "500": 0.1}
    with LoadServer(faults=faults) as server:
        completions, engine = complete([server.url], journal, requests(300))
        told = server.stats()["faults"]
    wasted = list(journal.entries(kind=EntryKind.WASTED))
    assert {entry.reason for entry in wasted} == {"malformed_reply", "invalid_output", "empty_reply"}
    assert len(wasted) == told["malformed"] + told["invalid"] + told["empty"]
    # A broken body tells no tokens.
    assert engine.totals.untold == told["malformed"]
    failed = [completion for completion in completions if completion.failure]
    assert len(failed) == len(list(journal.entries(kind=EntryKind.FAILURE)))
    assert answered(completions) == 300 - len(failed)


@pytest.mark.parametrize("group_of", [1, 40])
def test_of_two_endpoints_the_dead_one_holds_nothing_up(journal: Journal, group_of: int) -> None:
    start = time.monotonic()
    with LoadServer(latency=0.05) as server:
        dead = f"http://127.0.0.1:{free_port()}/v1"
        completions, _ = complete([dead, server.url], journal, requests(600, group_of), concurrency=16)
    assert answered(completions) == 600
    assert time.monotonic() - start < 12


@pytest.mark.slow
def test_an_endpoint_that_dies_leaves_its_share_to_the_other(journal: Journal) -> None:
    with LoadServer(latency=0.05) as server, LoadServer(latency=0.05) as other:

        def asked() -> Iterator[Request]:
            for number, request in enumerate(requests(1000)):
                if number == 300:
                    other.process.kill()
                yield request

        start = time.monotonic()
        completions, _ = complete([server.url, other.url], journal, asked(), concurrency=16)
    assert answered(completions) == 1000
    assert time.monotonic() - start < 15


def test_of_two_endpoints_the_fast_one_serves_more(journal: Journal) -> None:
    with LoadServer(latency=0.2) as slow, LoadServer(latency=0.02) as fast:
        completions, _ = complete([slow.url, fast.url], journal, requests(600), concurrency=8)
        by_slow, by_fast = slow.stats()["requests"], fast.stats()["requests"]
    assert answered(completions) == 600
    assert by_slow > 0
    assert by_fast > 4 * by_slow


def test_a_server_that_is_down_stops_the_run_at_once_with_its_address(journal: Journal) -> None:
    url = f"http://127.0.0.1:{free_port()}/v1"
    start = time.monotonic()
    with pytest.raises(UserError, match="is the server running") as error:
        complete([url], journal, requests(100))
    assert time.monotonic() - start < 15
    assert url in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.slow
def test_a_server_that_goes_away_and_comes_back_is_waited_for(journal: Journal) -> None:
    port = free_port()

    async def work() -> list[Completion]:
        model = OpenAIModel(Server(f"http://127.0.0.1:{port}/v1", connections=16), "any")
        engine = Engine([model], journal, 1, notice=lambda _: None)
        completions: list[Completion] = []
        with ExitStack() as stack:
            server = stack.enter_context(LoadServer(port=port, latency=0.05))
            async for completion in engine.complete(requests(600)):
                completions.append(completion)
                if len(completions) == 200:
                    server.__exit__(None, None, None)
                    restarting = asyncio.create_task(comes_back(stack))
            await restarting
        await model.close()
        return completions

    async def comes_back(stack: ExitStack) -> None:
        await asyncio.sleep(3)
        stack.enter_context(LoadServer(port=port, latency=0.05))

    assert answered(asyncio.run(work())) == 600


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"calls": 200}, {"calls": 2000}),
        ({"tokens": 40_000}, {"tokens": 400_000}),
        ({"cost": 0.2}, {"cost": 5.0}),
    ],
)
def test_no_ceiling_is_exceeded_by_the_server_s_own_count_and_more_money_goes_on(
    journal: Journal, first: dict[str, Any], second: dict[str, Any]
) -> None:
    def spent() -> dict[str, float]:
        told = server.stats()
        prompt, completion = told["prompt_tokens"], told["completion_tokens"]
        return {
            "calls": told["by_status"]["200"],
            "tokens": prompt + completion,
            "cost": (3 * prompt + 15 * completion) / 1e6,
        }

    ((name, most),) = first.items()
    faults = {"429": 0.05, "500": 0.02, "malformed": 0.02}
    with LoadServer(latency=0.005, faults=faults, track=True) as server:
        some, engine = complete([server.url], journal, requests(500), price=PRICE, ceiling=Ceiling(**first))
        assert engine.over_budget
        assert 0.5 * most <= spent()[name] <= most
        rest, engine = complete([server.url], journal, requests(500), price=PRICE, ceiling=Ceiling(**second))
        assert not engine.over_budget
        assert spent()[name] <= second[name]
        assert server.stats()["paid_twice"] == 0
    assert answered(some) < 500
    assert answered(rest) == 500
    assert engine.totals.answered_before == answered(some)


def test_fresh_asks_again_and_pays_again(journal: Journal) -> None:
    with LoadServer(track=True) as server:
        complete([server.url], journal, requests(50))
        completions, engine = complete([server.url], journal, requests(50), fresh=True)
        # The same run goes on from its own answers.
        assert (engine.totals.calls, engine.totals.answered_before) == (0, 50)
        assert answered(completions) == 50
        assert server.stats()["paid_twice"] == 0


@pytest.mark.parametrize("status", [200, 400])
def test_a_key_that_the_server_repeats_reaches_neither_journal_nor_failure(
    tmp_path: Path, status: int
) -> None:
    key = "a-key-that-nobody-may-see"

    async def work() -> list[Completion]:
        said = f"no completion, but your key was Bearer {key} / {key}".encode()
        async with serving(whole(status, said, f"X-Key: {key}")) as server:
            model = OpenAIModel(Server(server.url, key=key), "any")
            with Journal(tmp_path / "journal") as journal:
                engine = Engine([model], journal, 1, notice=notices.append)
                completions = [completion async for completion in engine.complete(requests(1))]
            await model.close()
            return completions

    notices: list[str] = []
    (completion,) = asyncio.run(work())
    assert completion.failure
    assert "…" in completion.failure.text + completion.failure.detail
    assert key not in repr(completion) + "".join(notices)
    assert key not in (tmp_path / "journal" / "live.jsonl").read_text()


def test_a_server_that_tells_no_tokens_leaves_them_untold(journal: Journal) -> None:
    async def work() -> Engine:
        async with serving(said_by_server('{"persona": "A cook"}', usage={})) as server:
            model = OpenAIModel(Server(server.url), "any")
            engine = Engine([model], journal, 1, price=PRICE)
            assert answered([one async for one in engine.complete(requests(5))]) == 5
            await model.close()
            return engine

    totals = asyncio.run(work()).totals
    assert (totals.untold, totals.unpriced, totals.cost, totals.prompt_tokens) == (5, 5, 0.0, 0)
    spent = journal.spent(1)[1, "any"]
    assert (spent.replies, spent.untold, spent.unpriced) == (5, 5, 5)


CALLS = """
import asyncio, sys
from pathlib import Path
from test_engine_faults import complete, requests
from personahub.completion import Journal
url, folder = sys.argv[1:]
with Journal(Path(folder)) as journal:
    completions, _ = complete([url], journal, requests(2000, 4), concurrency=32)
sys.exit(0 if len(completions) == 2000 else 1)
"""


def replies_in(folder: Path) -> list[str]:
    """The keys answered so far, read as lines because another process has the journal open."""
    live = folder / "live.jsonl"
    lines = live.read_text().split("\n")[:-1] if live.exists() else []
    return [entry["key"] for entry in map(json.loads, lines) if entry["kind"] == "reply"]


@pytest.mark.slow
def test_a_killed_run_goes_on_and_asks_nothing_again_that_was_answered(tmp_path: Path) -> None:
    folder = tmp_path / "journal"
    paths = [str(Path(__file__).parent), str(Path(__file__).parent.parent / "benchmarks")]
    paths += filter(None, [os.environ.get("PYTHONPATH")])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    with LoadServer(latency=0.03, track=True) as server:
        command = [sys.executable, "-c", CALLS, server.url, str(folder)]
        for wanted in (500, 1200):
            process = subprocess.Popen(command, env=environment)
            deadline = time.monotonic() + 60
            while len(replies_in(folder)) < wanted:
                assert time.monotonic() < deadline, "the run makes no progress"
                time.sleep(0.02)
            process.kill()
            process.wait()
        killed_at = set(replies_in(folder))
        assert 1200 <= len(killed_at) < 2000
        subprocess.run(command, env=environment, check=True)
        told = server.stats()
    replies = replies_in(folder)
    # A reply that was asked for again would be there twice.
    assert len(replies) == len(set(replies)) == 2000
    assert killed_at <= set(replies)
    # At each kill, at most what was in flight.
    assert told["requests"] - 2000 <= 2 * 32
    assert told["distinct_bodies"] == 2000
