"""Batch APIs across kills, interrupts and other commands: what the vendor holds is never asked again."""

import asyncio
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from batch_run import MODEL, ONE, PRICE, entries, open_model, question, questions, through
from batch_vendor import BatchVendor, say_hello
from personahub import Calls
from personahub.completion import BatchEngine, Ceiling, Completion, EntryKind, Journal
from personahub.completion.batches import open_batches
from personahub.errors import UserError
from personahub.models import Request


def keys(requests: list[Request]) -> list[str]:
    return sorted(request.key for request in requests)


def of(completions: list[Completion]) -> list[str]:
    return sorted(completion.request.key for completion in completions)


def killed(
    vendor: BatchVendor, folder: Path, count: int, at: tuple[str, str] | None = None, *more: str
) -> int:
    """Ask in a process that is killed before or after the vendor has done a step; gives its exit code."""
    here = Path(__file__).parent / "batch_run.py"
    command = [sys.executable, str(here), vendor.vendor, vendor.url, str(folder), str(count), *more]
    process = subprocess.Popen(command)

    def kill() -> None:
        process.kill()
        process.wait()

    if at:
        step, when = at
        vendor.faults = {step: [(when, kill)]}
    return process.wait(60)


def left_open(vendor: BatchVendor, folder: Path, count: int = 5) -> None:
    """Leave a batch running at the vendor."""
    vendor.polls = 10**6
    assert killed(vendor, folder, count, ("state", "before")) == -signal.SIGKILL
    vendor.polls = 0


# Kills.


@pytest.mark.parametrize(
    ("step", "when"),
    [
        ("files", "before"),
        ("files", "after"),
        ("create", "before"),
        ("create", "after"),
        ("state", "before"),
        ("results", "before"),
        ("results", "after"),
    ],
)
def test_a_kill_at_any_step_pays_for_nothing_twice(
    vendor: BatchVendor, tmp_path: Path, step: str, when: str
) -> None:
    if vendor.vendor == "anthropic" and step == "files":
        step = "create"
    assert killed(vendor, tmp_path, 30, (step, when)) == -signal.SIGKILL
    _, completions = through(vendor, tmp_path, questions(30))
    assert of(completions) == keys(questions(30))
    assert vendor.billed == Counter(keys(questions(30)))
    # "before create" was sent by the one that was killed, and the vendor does it all the same.
    assert set(vendor.intents.values()) == {1}
    assert len(vendor.made) == 1


@pytest.mark.parametrize("after", [1, 7, 30])
def test_a_kill_while_results_come_in_writes_none_twice(
    vendor: BatchVendor, tmp_path: Path, after: int
) -> None:
    vendor.answer = lambda body, asked: (
        "" if len(body["messages"][-1]["content"]) == 10 else say_hello(body, asked)
    )
    assert killed(vendor, tmp_path, 30, None, str(after)) == -signal.SIGKILL
    before = vendor.calls["results"]
    _, completions = through(vendor, tmp_path, questions(30))
    assert of(completions) == keys(questions(30))
    written = entries(tmp_path)
    assert Counter(e.kind for e in written) == {
        EntryKind.REPLY: 20,
        EntryKind.WASTED: 30,
        EntryKind.FAILURE: 10,
    }
    assert sum(entry.cost or 0 for entry in written) == pytest.approx(vendor.billed.total() * ONE)
    assert vendor.calls["results"] == before + 2


def test_a_second_hub_does_not_take_the_firsts_batch(vendor: BatchVendor, tmp_path: Path) -> None:
    """Both hold the same requests, and the second was killed before its batch was created."""
    left_open(vendor, tmp_path / "first")
    vendor.polls = 10**6
    # The vendor forgets what it was just asked to create.
    assert killed(vendor, tmp_path / "second", 5, ("create", "before")) == -signal.SIGKILL
    vendor.made.pop()
    vendor.billed -= Counter(keys(questions(5)))
    assert [batch.id for batch in open_batches(tmp_path / "second")] == [""]
    vendor.polls = 3
    _, completions = through(vendor, tmp_path / "second", questions(5))
    assert len(completions) == 5
    assert len(vendor.made) == 2
    _, completions = through(vendor, tmp_path / "first", questions(5))
    assert len(completions) == 5
    assert vendor.intents == {made.intent: 1 for made in vendor.made}
    assert set(vendor.billed.values()) == {2}


def test_a_lost_batch_is_found_among_many(vendor: BatchVendor, tmp_path: Path) -> None:
    """Also after others of the same size, some of them newer, page after page."""
    for number in range(2):
        through(vendor, tmp_path / f"before-{number}", questions(5))
    assert killed(vendor, tmp_path / "hub", 5, ("create", "after")) == -signal.SIGKILL
    for number in range(3):
        through(vendor, tmp_path / f"later-{number}", questions(5))
    made = len(vendor.made)
    _, completions = through(vendor, tmp_path / "hub", questions(5))
    assert len(completions) == 5
    assert len(vendor.made) == made


# Leaving, and going on by other means.


def test_stop_leaves_at_once_and_the_next_engine_fetches_the_batch(
    vendor: BatchVendor, tmp_path: Path
) -> None:
    told: list[str] = []
    vendor.polls = 10**6
    model = open_model(vendor.vendor, vendor.url)

    async def run(engine: BatchEngine) -> None:
        async for _ in engine.complete(questions(5)):
            pass
        await model.close()

    def notice(text: str) -> None:
        told.append(text)
        asyncio.get_running_loop().call_later(0.1, engine.stop)

    with Journal(tmp_path) as journal:
        engine = BatchEngine(model, journal, 1, PRICE, notice=notice)
        asyncio.run(asyncio.wait_for(run(engine), 4))
    assert engine.stopping
    assert not engine.over_budget
    assert "the same command fetches it" in told[-1]
    vendor.polls = 0
    _, completions = through(vendor, tmp_path, questions(5))
    assert of(completions) == keys(questions(5))
    assert len(vendor.made) == 1


def test_what_is_in_a_batch_is_not_asked_by_other_means(openai: BatchVendor, tmp_path: Path) -> None:
    left_open(openai, tmp_path)
    calls = Calls()
    models = calls.open(f"{openai.url}#{MODEL}")
    with Journal(tmp_path) as journal:
        with pytest.raises(UserError, match=r"run 1 waits for batch batch-0 .* give --batch"):
            calls.engine(models, journal, 1, print)
        engine = calls.engine(models, journal, 2, print)

        async def run() -> None:
            async for _ in engine.complete([question(100), question(3)]):
                pass

        with pytest.raises(UserError, match="in a batch at the vendor already"):
            asyncio.run(run())


def test_another_run_waits_for_what_it_wants_of_a_batch_and_for_no_more(
    vendor: BatchVendor, tmp_path: Path
) -> None:
    left_open(vendor, tmp_path)
    _, completions = through(vendor, tmp_path, [question(1), question(9)], run=2)
    assert len(completions) == 2
    assert [len(made.items) for made in vendor.made] == [5, 1]
    by_run = Counter(entry.run for entry in entries(tmp_path))
    assert by_run == {1: 5, 2: 1}


def test_another_run_does_not_wait_for_a_batch_it_wants_nothing_of(
    vendor: BatchVendor, tmp_path: Path
) -> None:
    left_open(vendor, tmp_path)
    first, look = vendor.made[0], vendor.look
    vendor.look = lambda made: made if made is first else look(made)  # type: ignore[method-assign]
    _, completions = through(vendor, tmp_path, [question(9)], run=2)
    assert len(completions) == 1
    assert len(open_batches(tmp_path)) == 1


def test_an_open_batch_counts_as_spent(vendor: BatchVendor, tmp_path: Path) -> None:
    left_open(vendor, tmp_path)
    engine, completions = through(vendor, tmp_path, questions(10), ceiling=Ceiling(calls=7))
    assert len(completions) == 7
    assert [len(made.items) for made in vendor.made] == [5, 2]
    assert engine.over_budget == "7 of 7 calls"


# The log.


def test_a_torn_last_line_of_the_log_is_nothing_that_happened(vendor: BatchVendor, tmp_path: Path) -> None:
    left_open(vendor, tmp_path)
    log = tmp_path / "batches.jsonl"
    whole = log.read_bytes()
    # The line with the vendor's id.
    log.write_bytes(whole[:-7])
    _, completions = through(vendor, tmp_path, questions(5))
    assert len(completions) == 5
    assert len(vendor.made) == 1


def test_a_damaged_line_of_the_log_is_one_line_with_a_way_out(vendor: BatchVendor, tmp_path: Path) -> None:
    left_open(vendor, tmp_path)
    log = tmp_path / "batches.jsonl"
    log.write_bytes(b"{]\n" + log.read_bytes())
    with pytest.raises(UserError, match="line 1 is damaged"):
        through(vendor, tmp_path, questions(5))
