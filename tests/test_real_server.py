"""The engine against a real server of a real model: llama.cpp's own, in a process of its own."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from llama_server import running

CALLS = """
import asyncio, sys
from pathlib import Path
from personahub.completion import Engine, Journal
from personahub.models import Message, Request, Sampling
from personahub.models.http import Server
from personahub.models.openai import OpenAIModel
url, folder = sys.argv[1:]
schema = {"type": "object", "properties": {"age": {"type": "integer", "minimum": 1, "maximum": 99}},
          "required": ["age"], "additionalProperties": False}
asked = [
    Request("smollm2", (Message("user", f"A sailor has seen {n} storms. How old is he?"),),
            Sampling(0.8, 0.95, 24, seed=n), schema)
    for n in range(60)
]
async def work():
    model = OpenAIModel(Server(url, connections=4), "smollm2")
    with Journal(Path(folder)) as journal:
        engine = Engine([model], journal, 1)
        ages = [c.value["age"] async for c in engine.complete(asked) if c.failure is None]
        print(len(ages), engine.totals.calls, engine.totals.answered_before, engine.totals.retried)
    await model.close()
asyncio.run(work())
"""


def replies_in(folder: Path) -> list[str]:
    """The keys answered so far, read as lines because another process has the journal open."""
    live = folder / "live.jsonl"
    lines = live.read_text().split("\n")[:-1] if live.exists() else []
    return [entry["key"] for entry in map(json.loads, lines) if entry["kind"] == "reply"]


@pytest.fixture
def url(small_model: str) -> Iterator[str]:
    """The base address of the server."""
    with running(small_model, "params.n_parallel, params.n_ctx = 4, 4 * 512") as url:
        yield url


@pytest.mark.slow
def test_a_killed_run_against_a_real_server_goes_on_and_asks_nothing_again(url: str, tmp_path: Path) -> None:
    folder = tmp_path / "journal"
    command = [sys.executable, "-c", CALLS, url, str(folder)]
    process = subprocess.Popen(command)
    deadline = time.monotonic() + 300
    while len(replies_in(folder)) < 30:
        assert process.poll() is None
        assert time.monotonic() < deadline, "the server makes no progress"
        time.sleep(0.05)
    process.kill()
    process.wait()
    before = replies_in(folder)
    assert 30 <= len(before) < 60

    done = subprocess.run(command, capture_output=True, text=True, check=True)
    answered, calls, answered_before, retried = map(int, done.stdout.split())
    assert (answered, answered_before) == (60, len(before))
    assert calls == 60 - len(before) + retried
    after = replies_in(folder)
    assert after[: len(before)] == before
    assert len(set(after)) == len(after) == 60
