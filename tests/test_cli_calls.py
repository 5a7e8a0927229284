"""The command line with models behind servers: what it says when they refuse, and when the money ends."""

import json
from pathlib import Path
from typing import Any

import pytest

from commands import Result, Run, one_line_error
from load_server import LoadServer

KEY = "the-right-key-0123456789"


@pytest.fixture
def curate(run: Run, texts: Path, tmp_path: Path) -> Any:
    """Runs ``curate`` on three texts, 12 questions, in Swedish, whose personas may have any form."""

    def command(model: str, *more: object) -> Result:
        return run("curate", texts, "--hub", tmp_path / "hub", "--language", "sv", "--model", model, *more)

    return command


def test_a_model_behind_a_server_makes_personas(curate: Any) -> None:
    with LoadServer() as server:
        result = curate(f"{server.url}#any", "--json")
        told = server.stats()
    assert result.code == 0
    printed = json.loads(result.out)
    assert (printed["documents"], printed["personas"], printed["failures"]) == (3, 12, 0)
    assert printed["calls"] == told["requests"] == 12


def test_without_json_it_says_what_came_and_what_to_do_next(curate: Any) -> None:
    with LoadServer() as server:
        out = curate(f"{server.url}#any").out
    assert "12 personas of 3 documents" in out
    assert "calls: 12" in out
    assert "next: personahub" in out


def test_two_servers_share_the_calls(curate: Any) -> None:
    with LoadServer(latency=0.05) as one, LoadServer(latency=0.05) as other:
        result = curate(f"{one.url},{other.url}#any", "--json", "--concurrency", 1)
        counts = [server.stats()["requests"] for server in (one, other)]
    assert json.loads(result.out)["personas"] == 12
    assert sum(counts) == 12
    assert min(counts) >= 3


def test_a_server_behind_a_unix_socket_makes_personas(curate: Any, tmp_path: Path) -> None:
    with LoadServer(unix=str(tmp_path / "llm.sock")):
        result = curate(f"unix:{tmp_path / 'llm.sock'}#any", "--json")
    assert json.loads(result.out)["personas"] == 12


def test_a_wrong_key_is_one_line_that_names_the_variable(
    curate: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PERSONAHUB_API_KEY", "the-wrong-key-9876543210")
    with LoadServer(key=KEY) as server:
        error = one_line_error(curate(f"{server.url}#any"))
        assert server.stats()["requests"] <= 64
    assert "PERSONAHUB_API_KEY" in error
    assert "the-wrong-key" not in error


def test_the_key_comes_from_the_environment_and_is_written_nowhere(
    curate: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PERSONAHUB_API_KEY", KEY)
    with LoadServer(key=KEY) as server:
        result = curate(f"{server.url}#any")
    assert result.code == 0
    written = [file for file in (tmp_path / "hub").rglob("*") if file.is_file()]
    assert len(written) > 3
    assert all(KEY.encode() not in file.read_bytes() for file in written)
    assert KEY not in result.out + result.err


def test_a_hosted_model_without_a_key_is_one_line(curate: Any, tmp_path: Path) -> None:
    assert "OPENAI_API_KEY" in one_line_error(curate("openai:gpt-4o-mini"))
    assert not (tmp_path / "hub").exists()


def test_an_unknown_model_is_one_line_that_names_it(curate: Any) -> None:
    with LoadServer(models=("small",)) as server:
        error = one_line_error(curate(f"{server.url}#large"))
    assert "knows no model 'large'" in error
    assert server.url in error


@pytest.mark.parametrize(
    "name", ["http://127.0.0.1:8000/v1", "unix:/run/llm.sock", "http://127.0.0.1:8000/v1#"]
)
def test_an_address_without_a_model_says_how_to_name_one(curate: Any, tmp_path: Path, name: str) -> None:
    error = one_line_error(curate(name))
    assert "names no model" in error
    assert "#NAME" in error
    assert not (tmp_path / "hub").exists()


def test_a_server_that_is_not_there_is_one_line(curate: Any) -> None:
    result = curate("http://127.0.0.1:9/v1#any")
    assert result.code == 2
    assert result.out == ""
    last = result.err.splitlines()[-1]
    assert last.startswith("personahub: error: http://127.0.0.1:9/v1: cannot connect")
    assert "is the server running" in last


@pytest.mark.parametrize("ceiling", [("--max-calls", 5), ("--max-tokens", 10_000), ("--max-cost", 0.08)])
def test_a_budget_that_ends_says_what_was_spent_and_how_to_go_on(
    curate: Any, tmp_path: Path, ceiling: tuple[str, float]
) -> None:
    prices = tmp_path / "prices.yaml"
    prices.write_text("any: {input: 10, output: 10}\n")
    option, most = ceiling
    with LoadServer(track=True) as server:
        first = curate(f"{server.url}#any", "--prices", prices, "--json", option, most)
        paid = server.stats()
        second = curate(f"{server.url}#any", "--prices", prices, "--json", option, 100 * most)
        told = server.stats()
    assert first.code == 3
    assert "Stopped before the budget was passed" in first.err
    assert "To go on, give a higher one: personahub curate" in first.err
    assert 0 < json.loads(first.out)["calls"] < 12
    tokens = paid["prompt_tokens"] + paid["completion_tokens"]
    assert {"--max-calls": paid["requests"], "--max-tokens": tokens, "--max-cost": tokens / 1e5}[
        option
    ] <= most
    assert second.code == 0
    assert json.loads(second.out)["personas"] == 12
    assert (told["requests"], told["paid_twice"]) == (12, 0)


def test_a_ceiling_for_the_cost_of_a_model_without_a_price_is_one_line(curate: Any) -> None:
    error = one_line_error(curate("http://127.0.0.1:9/v1#any", "--max-cost", 1))
    assert "the price of any is not known" in error
    assert "--prices" in error


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--prices", "none.yaml"), "none.yaml: the prices cannot be read"),
        (("--ca-file", "none.pem"), "none.pem: the certificates cannot be read"),
    ],
)
def test_a_file_that_is_not_there_is_one_line(curate: Any, options: tuple[str, str], message: str) -> None:
    assert message in one_line_error(curate("http://127.0.0.1:9/v1#any", *options))


def test_what_calls_cost_is_told_or_said_to_be_unknown(curate: Any, tmp_path: Path) -> None:
    prices = tmp_path / "prices.yaml"
    prices.write_text("any: {input: 10, output: 10}\n")
    with LoadServer() as server:
        unknown = curate(f"{server.url}#any").out
        known = curate(f"{server.url}#any", "--fresh", "--prices", prices).out
    assert "cost unknown" in unknown
    assert "12 (0 answered before" in known
    assert "$0." in known


def test_failures_are_told_with_the_way_to_ask_again(curate: Any) -> None:
    with LoadServer(faults={"400": 1.0}) as server:
        result = curate(f"{server.url}#any")
    assert result.code == 0
    assert "failed: refused 12" in result.out
    assert "0 personas of 3 documents" in result.out


def test_failed_requests_are_asked_again_by_the_next_run(curate: Any) -> None:
    with LoadServer(faults={"400": 1.0}) as server:
        curate(f"{server.url}#any")
        server.control(faults={})
        result = curate(f"{server.url}#any", "--json")
    printed = json.loads(result.out)
    assert (printed["personas"], printed["calls"], printed["failures"]) == (12, 12, 0)


def test_synthesize_takes_the_same_options(run: Run, curate: Any, tmp_path: Path) -> None:
    with LoadServer() as server:
        curate(f"{server.url}#any")
        command = ("synthesize", "math", "--hub", tmp_path / "hub", "-n", 5, "--model", f"{server.url}#any")
        result = run(*command, "--max-calls", 3, "--json")
    assert result.code == 3
    # The server's replies are no math problems; whether one of them was asked for again is the slots' affair.
    printed = json.loads(result.out)
    assert (printed["records"], printed["calls"]) == (0, 3)
