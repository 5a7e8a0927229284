"""``--estimate``: what a run will come to, from a few real calls, against what it then came to."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from commands import Result, Run, one_line_error
from load_server import LoadServer
from personahub import Calls, synthesize
from personahub import curate as curate_from_python
from scripted import ScriptedModel, any_reply

Command = Callable[..., Result]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Forty texts; their lengths repeat every eight, which a sample at even distances would not see."""
    file = tmp_path / "texts.jsonl"
    rows = [
        f"Ferry {number} was late. " + "Nobody on the quay knew why. " * (number % 8 + 1)
        for number in range(40)
    ]
    file.write_text("".join(json.dumps({"text": row}) + "\n" for row in rows))
    return file


@pytest.fixture
def curate(run: Run, source: Path, tmp_path: Path) -> Command:
    """Runs ``curate`` on them: 160 questions, in Swedish, so that personas may have any form."""
    prices = tmp_path / "prices.yaml"
    prices.write_text("any: {input: 10, output: 30}\n")

    def command(url: str, *more: object) -> Result:
        told = ["--language", "sv", "--no-filters", "--model", f"{url}#any", "--prices", prices]
        return run("curate", source, "--hub", tmp_path / "hub", *told, *more)

    return command


def spent(run: Run, hub: Path) -> dict[str, Any]:
    (sums,) = json.loads(run("runs", "show", 1, "--hub", hub, "--json").out)["spent"].values()
    return dict(sums)


def test_what_the_run_then_comes_to_lies_in_the_ranges(run: Run, curate: Command, tmp_path: Path) -> None:
    with LoadServer() as server:
        estimate = json.loads(curate(server.url, "--estimate", "--json").out)
        curate(server.url)
    told = spent(run, tmp_path / "hub")
    assert (estimate["units"], estimate["sampled"], estimate["failed"]) == (40, 5, 0)
    assert estimate["calls"]["low"] == told["replies"] == 160
    for name, found in (
        ("prompt_tokens", told["prompt_tokens"]),
        ("completion_tokens", told["completion_tokens"]),
        ("cost", told["cost"]),
    ):
        low, high = estimate[name]["low"], estimate[name]["high"]
        assert low <= found <= high
        assert high < 2 * low, f"a range of {name} that says nothing"


def test_the_run_asks_nothing_again_that_the_estimate_asked(curate: Command) -> None:
    with LoadServer() as server:
        curate(server.url, "--estimate")
        assert server.stats()["requests"] == 20
        curate(server.url)
        assert server.stats()["requests"] == 160


def test_an_estimate_is_read_in_words(curate: Command) -> None:
    with LoadServer() as server:
        out = curate(server.url, "--estimate").out
    assert "estimate for 40 documents, from 5 of them:" in out
    assert "calls       160" in out
    assert "cost        $" in out
    assert "failed" not in out


def test_without_a_price_the_cost_is_called_unknown(run: Run, source: Path, tmp_path: Path) -> None:
    with LoadServer() as server:
        model = ["--language", "sv", "--model", f"{server.url}#any"]
        out = run("curate", source, "--hub", tmp_path / "hub", *model, "--estimate").out
    assert "cost        unknown" in out


def test_calls_that_failed_are_told_beside_the_figures(curate: Command) -> None:
    with LoadServer(faults={"400": 0.5}, seed=2) as server:
        out = curate(server.url, "--estimate").out
    assert "of the calls made for it, which are not in these figures" in out


def test_where_all_calls_failed_there_is_no_estimate_but_the_reason(curate: Command) -> None:
    with LoadServer(faults={"400": 1.0}) as server:
        error = one_line_error(curate(server.url, "--estimate"))
    assert "none of the 20 calls made for the estimate was answered (refused 20" in error


def test_records_are_estimated_too(source: Path, tmp_path: Path) -> None:
    model = ScriptedModel(any_reply)
    curate_from_python([source], tmp_path / "hub", model=model, limit=5)
    estimate = synthesize("math", tmp_path / "hub", n=50, model=model, calls=Calls(estimate=True)).estimate
    assert estimate
    assert (estimate.unit, estimate.units, estimate.sampled) == ("records", 50, 5)
    assert estimate.calls.high >= estimate.calls.low >= 50
