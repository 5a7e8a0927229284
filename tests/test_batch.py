"""Batch APIs: everything is answered once and paid once, whatever the vendor, the network or a kill does."""

import asyncio
import json
import sys
from collections import Counter
from collections.abc import AsyncIterator
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batch_run import KEY, MODEL, ONE, SCHEMA, entries, open_model, question, questions, through
from batch_vendor import PROMPT, REPLY, BatchVendor, Outcome, say_hello, serving
from personahub import Calls, Checks, verify
from personahub.cli import main
from personahub.completion import Ceiling, Completion, EntryKind, Journal, find_price
from personahub.completion.batches import Polling, open_batches
from personahub.errors import UserError
from personahub.models import Request, Usage
from personahub.models.batches import BatchLimits
from personahub.models.opening import open_batch_model


def open_left(folder: Path) -> int:
    return len(open_batches(folder))


def keys(requests: list[Request]) -> list[str]:
    return sorted(request.key for request in requests)


def of(completions: list[Completion]) -> list[str]:
    return sorted(completion.request.key for completion in completions)


# The plain way.


def test_every_request_is_answered_once_in_any_order(vendor: BatchVendor, tmp_path: Path) -> None:
    asked = questions(40)
    engine, completions = through(vendor, tmp_path, asked)
    assert of(completions) == keys(asked)
    assert all(c.value == f"re: {c.request.messages[-1].content}" and c.asked for c in completions)
    assert [c.request.key for c in completions] != [r.key for r in asked]
    assert vendor.billed == Counter(keys(asked))
    assert (engine.totals.calls, engine.totals.failures) == (40, 0)
    assert open_left(tmp_path) == 0
    assert not list((tmp_path / "batches").iterdir())


def test_what_was_paid_is_in_the_journal_at_the_price_given(vendor: BatchVendor, tmp_path: Path) -> None:
    engine, _ = through(vendor, tmp_path, questions(10))
    assert engine.totals.cost == pytest.approx(10 * ONE)
    assert sum(entry.cost or 0 for entry in entries(tmp_path)) == pytest.approx(10 * ONE)
    assert {entry.prompt_tokens for entry in entries(tmp_path)} == {PROMPT}
    assert {entry.about for entry in entries(tmp_path)} == {f"doc{number}" for number in range(4)}


def test_the_same_command_later_asks_nothing(vendor: BatchVendor, tmp_path: Path) -> None:
    through(vendor, tmp_path, questions(10))
    calls = vendor.calls.copy()
    engine, completions = through(vendor, tmp_path, questions(10))
    assert of(completions) == keys(questions(10))
    assert vendor.calls == calls
    assert engine.totals.answered_before == 10


def test_openai_gets_the_form_it_documents(openai: BatchVendor, tmp_path: Path) -> None:
    through(openai, tmp_path, questions(3, schema=SCHEMA))
    lines = [json.loads(line) for line in openai.bodies[0].splitlines()]
    assert [line["custom_id"] for line in lines] == [r.key for r in questions(3, schema=SCHEMA)]
    assert {(line["method"], line["url"]) for line in lines} == {("POST", "/v1/chat/completions")}
    assert lines[0]["body"]["response_format"]["json_schema"]["schema"] == SCHEMA
    assert all(headers["authorization"] == f"Bearer {KEY}" for headers in openai.headers)


def test_anthropic_gets_the_form_it_documents(tmp_path: Path) -> None:
    with serving("anthropic") as vendor:
        _, completions = through(vendor, tmp_path, questions(3, schema=SCHEMA))
    body = json.loads(vendor.bodies[0])
    params = body["requests"][0]["params"]
    assert [r["custom_id"][:32] for r in body["requests"]] == [r.key for r in questions(3, schema=SCHEMA)]
    assert (params["system"], params["max_tokens"], params["temperature"]) == ("Be short.", 50, 0.5)
    assert "top_p" not in params
    assert [message["role"] for message in params["messages"]] == ["user"]
    assert '"required":["persona"]' in params["messages"][0]["content"]
    assert {type(c.value) for c in completions} == {dict}
    head = vendor.headers[0]
    assert (head["x-api-key"], head["anthropic-version"]) == (KEY, "2023-06-01")
    assert "authorization" not in head
    assert {entry.cached_tokens for entry in entries(tmp_path)} == {40}


def test_a_batch_keeps_to_the_vendors_limits(vendor: BatchVendor, tmp_path: Path) -> None:
    through(vendor, tmp_path, questions(50), limits=BatchLimits(7, 10**6))
    assert [len(made.items) for made in vendor.made] == [7] * 7 + [1]
    size = 1500
    through(vendor, tmp_path / "other", questions(50), limits=BatchLimits(100, size))
    assert all(len(body) <= size for body in vendor.bodies[8:])
    assert max(len(body) for body in vendor.bodies[8:]) > size / 2
    assert set(vendor.billed.values()) == {2}


def test_a_request_larger_than_a_batch_is_one_line(vendor: BatchVendor, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="doc0 is larger than a whole batch"):
        through(vendor, tmp_path, questions(2), limits=BatchLimits(7, 100))
    assert not vendor.made


def test_several_batches_run_at_once_where_asked(vendor: BatchVendor, tmp_path: Path) -> None:
    vendor.polls = 3
    ran: list[int] = []
    create = vendor.create

    def counted(*given: Any) -> Any:
        ran.append(1 + sum(made.status == "in_progress" for made in vendor.made))
        return create(*given)

    vendor.create = counted  # type: ignore[method-assign]
    _, completions = through(vendor, tmp_path, questions(30), limits=BatchLimits(5, 10**6), at_once=3)
    assert of(completions) == keys(questions(30))
    assert max(ran) == 3


def test_a_request_that_comes_twice_is_asked_once(vendor: BatchVendor, tmp_path: Path) -> None:
    _, completions = through(vendor, tmp_path, [question(1), question(2), question(1)])
    assert len(completions) == 3
    assert sorted(c.asked for c in completions) == [False, True, True]
    assert vendor.billed.total() == 2


def test_an_input_that_waits_for_answers_gets_them(vendor: BatchVendor, tmp_path: Path) -> None:
    news = asyncio.Event()

    class Got(list[Completion]):
        def append(self, completion: Completion) -> None:
            super().append(completion)
            news.set()

    async def chain() -> AsyncIterator[Request]:
        for number in range(3):
            yield question(number)
            await news.wait()
            news.clear()

    got = Got()
    through(vendor, tmp_path, chain(), into=got)
    assert of(got) == keys(questions(3))
    assert len(vendor.made) == 3


# What the vendor does not answer.


def once(outcome: Outcome, *, of_number: int = 0) -> Any:
    """Answer one question badly the first time."""

    def answer(body: dict[str, Any], asked: int) -> Outcome:
        bad = body["messages"][-1]["content"].startswith(f"question {of_number}")
        return outcome if bad and not asked else say_hello(body, asked)

    return answer


@pytest.mark.parametrize(
    "outcome", ["expired", "malformed", "missing", "", (429, "slow down"), (500, "oops")]
)
def test_what_was_not_answered_is_asked_in_the_next_batch(
    vendor: BatchVendor, tmp_path: Path, outcome: Outcome
) -> None:
    vendor.answer = once(outcome)
    engine, completions = through(vendor, tmp_path, questions(5))
    assert of(completions) == keys(questions(5))
    assert not any(c.failure for c in completions)
    assert [len(made.items) for made in vendor.made] == [5, 1]
    paid = sum(entry.kind is not EntryKind.FAILURE for entry in entries(tmp_path))
    assert paid == vendor.billed.total()
    assert engine.totals.retried == 1


def test_an_expired_batch_gives_what_it_has(openai: BatchVendor, tmp_path: Path) -> None:
    openai.ends_as = "expired"
    openai.answer = lambda body, asked: say_hello(body, asked) if asked else "missing"
    openai.billed.clear()
    _, completions = through(openai, tmp_path, questions(5))
    assert not any(c.failure for c in completions)
    # Nobody says that what is missing of an expired batch was answered, so nothing is counted as paid for it.
    assert Counter(entry.kind for entry in entries(tmp_path)) == {EntryKind.REPLY: 5}


def test_output_that_does_not_fit_is_asked_again_and_then_given_up(
    vendor: BatchVendor, tmp_path: Path
) -> None:
    seeds: list[int] = []

    def answer(body: dict[str, Any], asked: int) -> Outcome:
        seeds.append(body.get("seed", asked))
        return "no JSON"

    vendor.answer = answer
    engine, completions = through(vendor, tmp_path, questions(1, schema=SCHEMA))
    assert [c.failure.reason for c in completions if c.failure] == ["invalid_output"]
    assert len(set(seeds)) == 2
    kinds = Counter(entry.kind for entry in entries(tmp_path))
    assert kinds == {EntryKind.WASTED: 2, EntryKind.FAILURE: 1}
    assert engine.totals.cost == pytest.approx(2 * ONE)
    _, failed = through(vendor, tmp_path, questions(1, schema=SCHEMA))
    assert failed[0].failure
    assert not failed[0].asked
    assert len(vendor.made) == 2
    vendor.answer = say_hello
    _, retried = through(
        vendor, tmp_path, questions(1, schema=SCHEMA), retrying=frozenset({"invalid_output"})
    )
    assert retried[0].value["persona"].startswith("re: question 0")


def test_a_refused_prompt_is_given_up_at_once_and_costs_nothing(vendor: BatchVendor, tmp_path: Path) -> None:
    vendor.answer = once((400, "this prompt is too long"))
    engine, completions = through(vendor, tmp_path, questions(3))
    assert [c.failure.reason for c in completions if c.failure] == ["prompt_too_long"]
    assert len(vendor.made) == 1
    assert engine.totals.cost == pytest.approx(2 * ONE)


def test_a_field_that_the_model_refuses_is_left_out_of_the_next_batch(
    openai: BatchVendor, tmp_path: Path
) -> None:
    def modern(body: dict[str, Any], asked: int) -> Outcome:
        if "max_tokens" in body:
            return 400, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."
        return say_hello(body, asked)

    openai.answer = modern
    _, completions = through(openai, tmp_path, questions(5))
    assert not any(c.failure for c in completions)
    assert [len(made.items) for made in openai.made] == [5, 5]
    through(openai, tmp_path, questions(8))
    assert len(openai.made) == 3


def test_a_wrong_model_is_one_line_and_the_rest_is_kept(vendor: BatchVendor, tmp_path: Path) -> None:
    vendor.answer = once((401, "no such key"))
    with pytest.raises(UserError, match="the key was not accepted"):
        through(vendor, tmp_path, questions(5))
    assert len(entries(tmp_path)) == 4
    assert open_left(tmp_path) == 0


def test_a_batch_that_is_refused_as_a_whole_is_one_line(openai: BatchVendor, tmp_path: Path) -> None:
    openai.refuse = lambda _: ("invalid_json_line", "line 3 is broken")
    with pytest.raises(UserError, match="refused batch batch-0 as a whole: line 3 is broken"):
        through(openai, tmp_path, questions(5))
    assert open_left(tmp_path) == 0


def test_a_full_queue_makes_batches_smaller(openai: BatchVendor, tmp_path: Path) -> None:
    full = "token_limit_exceeded", "Enqueued token limit reached"
    openai.refuse = lambda made: full if len(made.items) > 6 else None
    _, completions = through(openai, tmp_path, questions(20))
    assert of(completions) == keys(questions(20))
    assert [len(made.items) for made in openai.made] == [20, 10, 5, 5, 5, 5]
    assert set(openai.billed.values()) == {1}


def test_a_cancelled_batch_gives_what_it_has_and_ends_the_run(openai: BatchVendor, tmp_path: Path) -> None:
    openai.ends_as, openai.answer = "cancelled", once("cancelled")
    got: list[Completion] = []
    with pytest.raises(UserError, match="cancelled there"):
        through(openai, tmp_path, questions(5), into=got)
    assert len(got) == 4
    openai.ends_as = "completed"
    _, completions = through(openai, tmp_path, questions(5))
    assert of(completions) == keys(questions(5))
    assert [len(made.items) for made in openai.made] == [5, 1]


# What the network does.


@pytest.mark.parametrize("step", ["files", "create", "state", "results"])
def test_refusals_and_faults_at_any_step_are_tried_again(
    vendor: BatchVendor, tmp_path: Path, step: str
) -> None:
    vendor.faults = {step: [429, 500, 503, "lost", ("lost", 500)], "list": [429, 500]}
    _, completions = through(vendor, tmp_path, questions(5))
    assert of(completions) == keys(questions(5))
    assert set(vendor.billed.values()) == {1}
    assert len(vendor.made) == 1


def test_a_wrong_key_is_one_line_that_does_not_show_it(vendor: BatchVendor, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="the key was not accepted") as caught:
        through(vendor, tmp_path, questions(5), key="sk-wrong-and-secret")
    assert "wrong-and-secret" not in str(caught.value)
    assert open_left(tmp_path) == 0
    _, completions = through(vendor, tmp_path, questions(5))
    assert len(completions) == 5


def test_a_server_without_a_batch_api_is_one_line(tmp_path: Path) -> None:
    with serving("openai") as server:
        server.faults = {"files": [404]}
        with pytest.raises(UserError, match="has no batch API"):
            through(server, tmp_path, questions(5))


def test_a_server_that_stays_away_is_one_line_and_the_batch_is_kept(
    vendor: BatchVendor, tmp_path: Path
) -> None:
    """It is not known whether the batch was created, so nothing may be created before it was looked for."""
    vendor.faults = {"create": [("lost", 500)], "list": [500] * 6}
    with pytest.raises(UserError, match="give the same command again"):
        through(vendor, tmp_path, questions(5))
    assert open_left(tmp_path) == 1
    _, completions = through(vendor, tmp_path, questions(5))
    assert of(completions) == keys(questions(5))
    assert len(vendor.made) == 1


# The budget.


def most_of_one() -> int:
    from personahub.completion.budget import most_tokens

    return sum(most_tokens(question(1)))


def test_a_batch_is_cut_where_the_ceiling_leaves_room_for_a_part(vendor: BatchVendor, tmp_path: Path) -> None:
    most = most_of_one()
    ceiling = Ceiling(tokens=10 * most + most // 2)
    engine, completions = through(vendor, tmp_path, questions(60), ceiling=ceiling)
    assert len(vendor.made[0].items) == 10
    assert engine.over_budget
    assert engine.stopping
    used = vendor.billed.total() * (PROMPT + REPLY)
    assert ceiling.tokens - most < used <= ceiling.tokens
    assert len(completions) == vendor.billed.total()
    _, rest = through(vendor, tmp_path, questions(60), ceiling=Ceiling(tokens=10**6))
    assert of(rest) == keys(questions(60))
    assert set(vendor.billed.values()) == {1}


def test_a_ceiling_without_room_for_one_call_ends_the_run(vendor: BatchVendor, tmp_path: Path) -> None:
    engine, completions = through(vendor, tmp_path, questions(5), ceiling=Ceiling(cost=1e-9))
    assert (engine.over_budget, completions, vendor.made) == ("$0.0000 of $1e-09", [], [])


def test_the_price_in_a_batch_is_half_where_nobody_says_otherwise(tmp_path: Path) -> None:
    own = tmp_path / "prices.yaml"
    own.write_text("small-model: {input: 2.0, output: 10.0}\n")
    usage = Usage(1000, 0, 100)
    single, batch = (find_price(MODEL, "http://x", own, batch=batch) for batch in (False, True))
    assert single
    assert batch
    assert batch.cost(usage) == pytest.approx((single.cost(usage) or 0) / 2)
    for model, url in [
        ("gpt-4o-mini", "https://api.openai.com/v1"),
        ("claude-sonnet-4-5", "https://api.anthropic.com/v1"),
    ]:
        single, batch = (find_price(model, url, batch=batch) for batch in (False, True))
        assert single
        assert batch
        assert batch.cost(usage) == pytest.approx((single.cost(usage) or 0) / 2)


@pytest.mark.parametrize("name", ["qwen2.5-coder-1.5b", "vllm:some", "unix:/run/x.sock#m"])
def test_a_model_without_a_batch_api_is_one_line(name: str) -> None:
    with pytest.raises(UserError, match="has no batch API; --batch takes openai:NAME"):
        open_batch_model(name)
    with pytest.raises(UserError, match="a batch goes to one address, and these are 2"):
        open_batch_model("http://a/v1,http://b/v1#m")


# All of it at once.

OUTCOMES = ["good"] * 6 + ["bad form", "", "expired", "malformed", "missing", (429, "slow"), (400, "no")]


@settings(max_examples=15, deadline=None)
@given(
    kind=st.sampled_from(["openai", "anthropic"]),
    count=st.integers(0, 25),
    most=st.integers(1, 12),
    at_once=st.integers(1, 3),
    scripted=st.lists(st.sampled_from(OUTCOMES), min_size=1),
    ends_as=st.sampled_from(["completed", "expired"]),
)
def test_whatever_comes_back_each_request_ends_once_and_the_journal_has_the_bill(
    tmp_path_factory: pytest.TempPathFactory,
    kind: Any,
    count: int,
    most: int,
    at_once: int,
    scripted: list[Any],
    ends_as: str,
) -> None:
    folder = tmp_path_factory.mktemp("hub")
    outcomes = cycle(scripted)
    told = 0

    def answer(body: dict[str, Any], asked: int) -> Outcome:
        nonlocal told
        outcome: Any = next(outcomes)
        told += outcome in ("good", "bad form", "")
        return say_hello(body, asked) if outcome == "good" else outcome

    with serving(kind) as vendor:
        vendor.answer, vendor.polls = answer, 0
        vendor.ends_as = ends_as if kind == "openai" else "completed"
        asked = questions(count, schema=SCHEMA)
        engine, completions = through(vendor, folder, asked, limits=BatchLimits(most, 10**6), at_once=at_once)
    assert of(completions) == keys(asked)
    assert engine.totals.failures == sum(c.failure is not None for c in completions)
    assert engine.totals.calls == sum(len(made.items) for made in vendor.made)
    assert engine.totals.cost == pytest.approx(told * ONE)
    assert sum(entry.cost or 0 for entry in entries(folder)) == pytest.approx(told * ONE)


# The command line.


def test_curate_goes_through_a_batch(
    openai: BatchVendor,
    texts: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def answer(body: dict[str, Any], _: int) -> Outcome:
        number = len(json.dumps(body)) % 1000
        sentence = f"A careful baker who weighs {number} loaves of rye bread before every sunrise and notes"
        return json.dumps({"persona": f"{sentence} down what each of them lost in the oven."})

    openai.answer = answer
    monkeypatch.setattr(Polling.__init__, "__defaults__", (0.01, 0.03))
    monkeypatch.setenv("OPENAI_BASE_URL", openai.url)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    prices = tmp_path / "prices.yaml"
    prices.write_text(f"{MODEL}: {{input: 4.0, output: 20.0}}\n")
    hub = tmp_path / "hub"
    command = ["curate", str(texts), "--hub", str(hub), "--model", f"openai:{MODEL}", "--batch", "--json"]
    command += ["--prices", str(prices), "--language", "en"]
    monkeypatch.setattr(sys, "argv", ["personahub", *command])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code in (0, None)
    told = json.loads(capsys.readouterr().out)
    assert (told["documents"], told["calls"], told["failures"]) == (3, 12, 0)
    assert len(openai.made) == 1
    assert sum(entry.cost or 0 for entry in entries(hub / "journal")) == pytest.approx(12 * ONE)


def test_verify_goes_through_a_batch_for_each_round_of_questions(
    vendor: BatchVendor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(body: dict[str, Any], _: int) -> Outcome:
        asked = body["messages"][-1]["content"]
        if "Can it be printed?" in asked:
            return "No." if "lanterns" in asked else "Yes."
        if "What is wrong" in asked:
            return json.dumps(
                {"given": "lanterns", "asked": "how many", "reading": "No number.", "fault": "missing"}
            )
        return json.dumps({"steps": "twice 21 is 42", "answer": "42", "unit": "pears"})

    vendor.answer = answer
    monkeypatch.setattr(Polling.__init__, "__defaults__", (0.01, 0.03))
    for name in ("OPENAI", "ANTHROPIC"):
        monkeypatch.setenv(f"{name}_BASE_URL", vendor.url)
        monkeypatch.setenv(f"{name}_API_KEY", KEY)
    rows = [{"problem": f"A crate holds {what}. How many do two hold?"} for what in ("21 pears", "lanterns")]
    file, out = tmp_path / "rows.jsonl", tmp_path / "out.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    outcome = verify(
        file,
        out=out,
        checks=Checks(("answers", "well-posed"), samples=2, program=False),
        model=f"{vendor.vendor}:{MODEL}",
        calls=Calls(batch=True),
    )
    assert outcome.checks["answers"].passed == 2
    assert outcome.checks["well-posed"].failed == {"missing_data": 1}
    # The solutions and the judge's words; then the reading of what it doubts.
    assert [len(made.items) for made in vendor.made] == [6, 1]


def test_an_estimate_is_not_made_by_batch() -> None:
    with pytest.raises(UserError, match="leave --batch out"):
        Calls(batch=True, estimate=True).open(f"http://127.0.0.1:1/v1#{MODEL}")


def test_a_model_object_of_the_other_kind_is_one_line(openai: BatchVendor, tmp_path: Path) -> None:
    model = open_model("openai", openai.url)
    with Journal(tmp_path) as journal, pytest.raises(UserError, match="goes with --batch"):
        Calls().engine([model], journal, 1, print)
