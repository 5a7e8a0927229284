"""Commands that are killed and given again: nothing is asked twice, and the rows are the same."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from personahub import Hub

# Runs curate and synthesize with a scripted model, each call logged to a file before it is answered.
SCRIPT = """
import json, sys
from pathlib import Path
from personahub import curate, synthesize
from scripted import ScriptedModel, any_reply
source, hub, log = sys.argv[1:4]
def logged(request):
    with open(log, "a") as calls:
        calls.write(request.key + "\\n")
    return any_reply(request)
model = ScriptedModel(logged, slots=2, delay=0.01)
outcome = curate([source], hub, model=model)
if outcome.interrupted:
    sys.exit(130)
made = synthesize("math", hub, n=10, out=hub + ".jsonl", model=model)
sys.exit(130 if made.interrupted else 0)
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    file = tmp_path / "logs.jsonl"
    rows = [
        {"text": f"Log of day {n}: fog in the morning, {n} ships passed the light at night."}
        for n in range(40)
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


def start(source: Path, hub: Path, log: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", SCRIPT, str(source), str(hub), str(log)]
    return subprocess.Popen(command, env=environment())


def environment() -> dict[str, str]:
    """This process's, with the tests' own modules to be found."""
    paths = [str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}


def journaled(hub: Path) -> list[str]:
    """The keys so far; read as lines, since another process may have the journal open."""
    journal = hub / "journal" / "live.jsonl"
    lines = journal.read_text().split("\n")[:-1] if journal.exists() else []
    return [json.loads(line)["key"] for line in lines]


def rows_of(hub: Path) -> list[list[dict[str, Any]]]:
    opened = Hub(hub)
    tables = (opened.documents, opened.personas, opened.records, opened.set_aside)
    return [sorted(table.rows(), key=lambda row: row["id"]) for table in tables]


def wait_for_replies(hub: Path, count: int) -> None:
    deadline = time.monotonic() + 60
    while len(journaled(hub)) < count:
        assert time.monotonic() < deadline, "the command makes no progress"
        time.sleep(0.005)


@pytest.mark.parametrize("sent", [signal.SIGKILL, pytest.param(signal.SIGINT, marks=pytest.mark.slow)])
def test_a_stopped_command_goes_on_and_asks_nothing_that_was_answered(
    source: Path, tmp_path: Path, sent: signal.Signals
) -> None:
    hub, log = tmp_path / "hub", tmp_path / "calls.log"
    answered: set[str] = set()
    for replies in (15, 70, 163):
        process = start(source, hub, log)
        wait_for_replies(hub, replies)
        calls_before = len(log.read_text().split())
        process.send_signal(sent)
        process.wait(timeout=60)
        assert calls_before > 0
        answered |= set(journaled(hub))
    asked_before = log.read_text().split()
    assert start(source, hub, log).wait(timeout=120) == 0
    asked_after = log.read_text().split()[len(asked_before) :]
    assert not answered & set(asked_after)

    assert start(source, tmp_path / "whole", tmp_path / "whole.log").wait(timeout=120) == 0
    assert rows_of(hub) == rows_of(tmp_path / "whole")
    assert (tmp_path / "hub.jsonl").read_text() == (tmp_path / "whole.jsonl").read_text()


def test_an_interrupted_run_keeps_its_number(source: Path, tmp_path: Path) -> None:
    hub, log = tmp_path / "hub", tmp_path / "calls.log"
    process = start(source, hub, log)
    wait_for_replies(hub, 20)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == 130
    assert [run.status for run in Hub(hub).runs()] == ["interrupted"]
    assert start(source, hub, log).wait(timeout=120) == 0
    assert [(run.number, run.verb, run.status) for run in Hub(hub).runs()] == [
        (1, "curate", "finished"),
        (2, "synthesize", "finished"),
    ]


def test_ctrl_c_loses_no_reply_in_flight(source: Path, tmp_path: Path) -> None:
    hub, log = tmp_path / "hub", tmp_path / "calls.log"
    process = start(source, hub, log)
    wait_for_replies(hub, 20)
    process.send_signal(signal.SIGINT)
    process.wait(timeout=60)
    assert sorted(log.read_text().split()) == sorted(journaled(hub))


def test_a_full_disk_stops_at_once_and_loses_nothing(source: Path, tmp_path: Path) -> None:
    hub, log = tmp_path / "hub", tmp_path / "calls.log"
    # A limit on a file's size fails a write as a full disk does. The language detector unpacks its model into
    # a temporary file, so it is loaded before.
    limited = (
        "import py3langid, resource, signal; py3langid.classify('text')\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))\n" + SCRIPT
    )
    command = [sys.executable, "-c", limited, str(source), str(hub), str(log)]
    failed = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    assert "cannot write the journal" in failed.stderr
    answered = set(journaled(hub))
    assert answered
    asked_before = log.read_text().split()
    assert start(source, hub, log).wait(timeout=120) == 0
    assert not answered & set(log.read_text().split()[len(asked_before) :])


@pytest.mark.slow
def test_with_llama_cpp_a_killed_deterministic_run_ends_like_an_uninterrupted_one(
    source: Path, tmp_path: Path, small_model: str
) -> None:
    command = [sys.executable, "-m", "personahub", "curate", str(source), "--model", small_model]
    command += ["--limit", "1", "--relations", "read,like,write", "--deterministic", "--json", "--hub"]
    process = subprocess.Popen([*command, str(tmp_path / "hub")], stdout=subprocess.DEVNULL)
    wait_for_replies(tmp_path / "hub", 1)
    process.kill()
    process.wait()
    answered = len(journaled(tmp_path / "hub"))
    end = subprocess.run([*command, str(tmp_path / "hub")], check=True, stdout=subprocess.PIPE)
    whole = subprocess.run([*command, str(tmp_path / "whole")], check=True, stdout=subprocess.PIPE)
    assert json.loads(end.stdout)["calls"] == 3 - answered
    assert json.loads(whole.stdout)["calls"] == 3
    assert rows_of(tmp_path / "hub") == rows_of(tmp_path / "whole")
