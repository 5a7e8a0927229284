"""Methods compared: what the checks and the measures say of their records, and how it is told."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from commands import Run
from hubs import hub_of
from load_server import LoadServer
from personahub import Checks, Hub, evaluate_arms, export_dataset
from personahub.evaluation.arms_plot import ArmBar, ArmMeasures, plot_arms
from personahub.evaluation.measures import METRICS, Measure
from personahub.models import Request, RequestError
from personahub.workflows.calls import Calls
from personahub.workflows.evaluate.arms_report import notes, rows
from personahub.workflows.evaluate.arms_result import Arm, Arms
from scripted import ScriptedModel, any_reply
from task_folders import task_folder

PEOPLE = [
    f"A {who} who paints boats in a harbour town at {when}"
    for who in ("nurse", "miller", "diver", "tailor", "glazier")
    for when in ("dawn", "noon", "dusk", "night", "ebb")
]
ANSWERS = Checks(("language", "answers"), samples=2, program=False)
TWO = ("zero-shot", "few-shot")


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    return hub_of(tmp_path / "hub", PEOPLE)[0].path


def is_solution(request: Request) -> bool:
    return "steps" in str((request.schema or {}).get("properties", {}))


def solving(request: Request) -> str:
    """Problems, and solutions that agree where the first number in the problem is even."""
    if not is_solution(request):
        return any_reply(request)
    number = int(re.findall(r"\d+", request.messages[-1].content)[0])
    # A number that no problem states: an answer that stands in its problem is no answer.
    answer = 7_000_001 + (number if number % 2 == 0 else number + request.sample)
    return json.dumps({"steps": "It is counted.", "answer": str(answer), "unit": ""})


def compared(hub: Path, model: ScriptedModel | None = None, **settings: Any) -> Arms:
    given: dict[str, Any] = {"methods": TWO, "calls": 12, "checks": ANSWERS, **settings}
    return evaluate_arms("math", hub, model=model or ScriptedModel(solving), **given)


def texts_of(hub: Path, arm: Arm) -> list[str]:
    return [row["text"] for row in Hub(hub).records.rows(f"dataset = '{arm.dataset}'")]


def test_what_passes_the_checks_is_kept(hub: Path, tmp_path: Path) -> None:
    for arm in compared(hub).arms:
        even = [text for text in texts_of(hub, arm) if int(re.findall(r"\d+", text)[0]) % 2 == 0]
        found = arm.checks["answers"]
        assert arm.kept == found.passed == len(even)
        assert found.failed == {"no_agreement": arm.accepted - len(even)}
        assert arm.checks["language"].passed == arm.accepted
        assert export_dataset(hub, arm.dataset, tmp_path / f"{arm.name}.jsonl").records == arm.kept


def test_calls_of_the_checks_are_counted_apart(hub: Path) -> None:
    model = ScriptedModel(solving)
    result = compared(hub, model)
    checking = sum(map(is_solution, model.asked))
    assert [arm.calls for arm in result.arms] == [12, 12]
    assert model.calls - checking == 24
    assert sum(arm.checks["answers"].calls for arm in result.arms) == checking
    for arm in result.arms:
        alone, together = arm.for_each_kept(checked=False), arm.for_each_kept(checked=True)
        assert alone is not None
        assert together is not None
        assert alone["calls"] == pytest.approx(12 / arm.kept)
        assert together["calls"] == pytest.approx((12 + arm.checks["answers"].calls) / arm.kept)


def test_checks_that_were_made_are_only_read_again(hub: Path) -> None:
    first = compared(hub)
    runs, model = len(Hub(hub).runs()), ScriptedModel(solving)
    assert compared(hub, model).to_json() == first.to_json()
    assert (model.calls, len(Hub(hub).runs())) == (0, runs)


def test_other_checks_look_at_the_same_records(hub: Path) -> None:
    plain = compared(hub, checks=None)
    model = ScriptedModel(solving)
    checked = compared(hub, model)
    assert all(map(is_solution, model.asked))
    assert [arm.accepted for arm in checked.arms] == [arm.accepted for arm in plain.arms]
    assert [arm.kept for arm in plain.arms] == [arm.accepted for arm in plain.arms]


def test_a_check_that_could_not_be_done_is_told_and_rejects_nothing(hub: Path) -> None:
    def down(request: Request) -> str:
        if is_solution(request):
            raise RequestError("prompt_too_long", "no room")
        return any_reply(request)

    result = compared(hub, ScriptedModel(down), methods=["zero-shot"])
    (arm,) = result.arms
    assert arm.kept == arm.accepted
    assert sum(arm.checks["answers"].undecided.values()) == arm.accepted
    assert any("answers not done (undecided)" in line for line in notes(result))
    # When the model takes them, they are done.
    again = compared(hub, methods=["zero-shot"])
    assert again.arms[0].checks["answers"].passed > 0


def test_methods_with_enough_records_are_measured_and_others_told(hub: Path) -> None:
    def mostly(request: Request) -> str:
        # Examples are turns of the assistant; with them it mostly says nothing that can be used.
        shown = len(request.messages) > 2 and not is_solution(request)
        return '{"quantities": [], "problem": ""}' if shown else solving(request)

    result = compared(hub, ScriptedModel(mostly), calls=25)
    assert result.accepted is not None
    assert [each.name for each in result.accepted.sets] == ["zero-shot"]
    assert result.accepted.sets[0].named == result.arms[0].dataset
    assert result.accepted.sets[0].raw.texts == result.arms[0].accepted >= 20
    assert result.not_measured is not None
    assert result.not_measured["accepted"] == {"few-shot": "0 accepted, and 20 are needed"}
    assert set(result.not_measured["kept"]) == set(TWO)


@pytest.mark.slow
def test_kept_records_are_measured_apart(hub: Path) -> None:
    result = compared(hub, calls=48)
    assert result.accepted is not None
    assert result.kept is not None
    for arm, each in zip(result.arms, result.kept.sets, strict=True):
        assert each.raw.texts == arm.kept
        assert each.matched.measures["vendi"].low is not None
    assert result.kept.matched_texts < result.accepted.matched_texts


def test_a_folder_gets_the_numbers_the_tables_and_the_plot(hub: Path, tmp_path: Path) -> None:
    from matplotlib.image import imread

    result = compared(hub, calls=25, out=tmp_path / "out")
    written = {file.name for file in (tmp_path / "out").iterdir()}
    assert written == {"arms.json", "arms.md", "arms.png", "arms.svg"}
    assert json.loads((tmp_path / "out" / "arms.json").read_text()) == result.to_json()
    table = (tmp_path / "out" / "arms.md").read_text()
    for name, *cells in rows(result):
        assert f"| {' | '.join([name, *cells])} |" in table
    image = imread(tmp_path / "out" / "arms.png")
    assert image.shape[0] > 600
    assert image.shape[1] > 1200
    assert image.std() > 0.05
    drawn = (tmp_path / "out" / "arms.svg").read_text()
    assert drawn.rstrip().endswith("</svg>")


@pytest.mark.parametrize("arms", [1, 2, 6])
def test_any_number_of_methods_is_drawn(tmp_path: Path, arms: int) -> None:
    bars = [
        ArmBar(
            f"短い方法 with a very long name that goes on and on {place}", 60, 5, place, 0, (0.0, 0.0, 0.1)
        )
        for place in range(arms)
    ]
    one = dict.fromkeys(METRICS, Measure(0.5, 0.4, 0.6, 30))
    panels = [ArmMeasures("Records", [one if place else None for place in range(arms)])]
    plot_arms(tmp_path / "arms", "a title <&> $x$ \ue000", bars, panels, checked=True)
    assert (tmp_path / "arms.png").stat().st_size > 10_000


def test_the_command_prints_a_table_and_json(hub: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    model = ScriptedModel(solving)
    monkeypatch.setattr("personahub.workflows.calls.open_language_models", lambda *_: [model])
    command = ("evaluate", "arms", "--hub", hub, "--methods", "zero-shot,few-shot", "--calls", 8)
    command += ("--difficulty", "university", "--checks", "language", "--where", "language = 'en'")
    shown = run(*command)
    assert shown.code == 0, shown.err
    assert "math: 8 calls to scripted for each method, seed 0" in shown.out
    assert re.search(r"language: passed +\d+ +\d+", shown.out)
    assert model.calls == 16
    told = json.loads(run(*command, "--json").out)
    assert model.calls == 16
    assert list(told) == [
        "task",
        "model",
        "calls",
        "seed",
        "personas",
        "checks",
        "finished",
        "arms",
        "diversity",
    ]
    assert list(told["arms"][0]) == [
        "name",
        "dataset",
        "runs",
        "calls",
        "prepared",
        "prompt_tokens",
        "completion_tokens",
        "cost",
        "seconds",
        "failures",
        "asked",
        "accepted",
        "accepted_share",
        "set_aside",
        "checks",
        "kept",
        "kept_share",
        "for_each_kept",
        "for_each_kept_with_checks",
        "seconds_for_each_kept",
    ]
    assert told["diversity"]["accepted"] is None
    assert set(told["diversity"]["not_measured"]["accepted"]) == {"zero-shot", "few-shot"}


def test_the_command_says_how_to_go_on_where_a_ceiling_ended_it(
    hub: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = ScriptedModel(solving)
    monkeypatch.setattr("personahub.workflows.calls.open_language_models", lambda *_: [model])
    command = ("evaluate", "arms", "--hub", hub, "--methods", "zero-shot", "--calls", 30)
    stopped = run(*command, "--max-tokens", 6000)
    assert stopped.code == 3
    assert "--max-tokens HIGHER" in stopped.err
    assert 0 < model.calls < 30
    assert run(*command).code == 0
    assert model.calls == 30


@pytest.mark.slow
def test_a_real_model_is_compared_too(hub: Path, run: Run, tmp_path: Path, small_model: str) -> None:
    command = ("evaluate", "arms", "--hub", hub, "--methods", "zero-shot,few-shot", "--calls", 1)
    result = run(
        *command, "--model", small_model, "--checks", "language", "--out", tmp_path / "out", "--json"
    )
    assert result.code == 0, result.err
    told = json.loads(result.out)
    assert [arm["calls"] for arm in told["arms"]] == [1, 1]
    assert all(arm["completion_tokens"] > 0 and arm["seconds"] > 0 for arm in told["arms"])
    assert (tmp_path / "out" / "arms.png").exists()


@pytest.mark.parametrize("faults", [{}, {"429": 0.2, "500": 0.1, "malformed": 0.1, "invalid": 0.1}])
def test_a_server_is_asked_as_often_for_each_method(
    hub: Path, run: Run, tmp_path: Path, faults: dict[str, float]
) -> None:
    task = task_folder(tmp_path / "notes", checks=[])
    with LoadServer(faults=faults, retry_after=0.01) as server:
        command = ("evaluate", "arms", "--task", task, "--hub", hub, "--calls", 40)
        command += ("--model", f"{server.url}#any", "--json")
        result = run(*command)
        assert result.code == 0, result.err
        told = server.stats()
        assert run(*command).out == result.out
        assert server.stats()["requests"] == told["requests"]
    assert [arm["calls"] for arm in json.loads(result.out)["arms"]] == [40, 40, 40]
    # What the server refused or broke off before it answered is no call.
    assert told["by_status"]["200"] == 120


def test_solutions_that_cannot_be_used_leave_the_cost_known(hub: Path, tmp_path: Path) -> None:
    (tmp_path / "prices.yaml").write_text("scripted: {input: 1.0, output: 2.0}\n")

    def failing(request: Request) -> str:
        return "no JSON" if is_solution(request) and request.sample else solving(request)

    model = ScriptedModel(failing)
    model.provider = "https://models.example"
    how = Calls(prices=tmp_path / "prices.yaml")
    (arm,) = compared(hub, model, methods=["zero-shot"], how=how).arms
    alone, together = arm.for_each_kept(checked=False), arm.for_each_kept(checked=True)
    assert alone is not None
    assert together is not None
    assert 0 < (alone["cost"] or 0) < (together["cost"] or 0)
