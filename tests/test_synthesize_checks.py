"""Records that are accepted only where they pass checks, and what becomes of verdicts afterwards."""

import json
import re
from pathlib import Path

import pytest

from commands import Run
from hubs import hub_of
from personahub import (
    Checks,
    Hub,
    UserError,
    export_dataset,
    merge,
    show,
    show_dataset,
    synthesize,
    verify,
)
from personahub.models import Request
from personahub.workflows.calls import Calls
from scripted import ScriptedModel, problem_reply

PEOPLE = [f"A {who} who paints boats in a harbour town" for who in ("nurse", "miller", "diver", "tailor")]
ANSWERS = Checks(("answers",), samples=2, program=False)


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    return hub_of(tmp_path / "hub", PEOPLE)[0].path


def solving(request: Request) -> str:
    """Problems, and solutions that agree where the number in the problem is even."""
    if "steps" not in (request.schema or {}).get("properties", {}):  # type: ignore[operator]
        return problem_reply(request)
    number = int(re.findall(r"\d+", request.messages[-1].content)[0])
    answer = 7001 + (number if number % 2 == 0 else number + request.sample)
    return json.dumps({"steps": "It is counted.", "answer": str(answer), "unit": ""})


def ceiling(calls: int) -> Calls:
    return Calls(max_calls=calls)


def is_even(text: str) -> bool:
    return int(re.findall(r"\d+", text)[0]) % 2 == 0


def test_n_counts_what_passes_the_checks(hub: Path) -> None:
    outcome = synthesize("math", hub, n=4, checks=ANSWERS, model=ScriptedModel(solving))
    assert len(outcome.records) == 4
    assert all(is_even(record.text) for record in outcome.records)
    assert outcome.set_aside["no_agreement"] > 0
    assert outcome.asked == 4 + outcome.set_aside.total()


def test_what_did_not_pass_is_kept_with_the_evidence(hub: Path) -> None:
    synthesize("math", hub, n=2, checks=ANSWERS, model=ScriptedModel(solving))
    aside = list(Hub(hub).set_aside.rows("reason = 'no_agreement'"))
    assert aside
    assert not any(is_even(case["text"]) for case in aside)
    check, _, evidence = aside[0]["detail"].partition(": ")
    assert check == "answers"
    assert [each["agrees"] for each in json.loads(evidence)["solutions"]] == [False, False]


def test_the_verdict_goes_with_the_record(hub: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    outcome = synthesize("math", hub, n=1, checks=ANSWERS, out=out, model=ScriptedModel(solving))
    written = json.loads(out.read_text())["verdicts"]["answers"]
    shown = show(hub, outcome.ids[0]).verdicts["answers"]
    for verdict in (written, shown):
        assert (verdict["outcome"], verdict["score"], verdict["calls"]) == ("passed", 1.0, 2)
        assert len(verdict["evidence"]["solutions"]) == 2


def test_checks_that_pass_cost_no_second_question_when_given_again(hub: Path) -> None:
    model = ScriptedModel(solving)
    synthesize("math", hub, n=3, checks=ANSWERS, model=model)
    asked = len(model.asked)
    again = synthesize("math", hub, n=3, checks=ANSWERS, model=model)
    assert (len(model.asked), len(again.ids)) == (asked, 3)


@pytest.mark.parametrize("stop_after", [1, 4, 9])
def test_an_interrupted_run_comes_to_the_same_records(hub: Path, tmp_path: Path, stop_after: int) -> None:
    whole = synthesize("math", hub, n=4, checks=ANSWERS, model=ScriptedModel(solving))
    other = hub_of(tmp_path / "other", PEOPLE)[0].path
    model = ScriptedModel(solving)
    stopped = synthesize("math", other, n=4, checks=ANSWERS, model=model, calls=ceiling(stop_after))
    assert stopped.interrupted
    resumed = synthesize("math", other, n=4, checks=ANSWERS, model=model)
    assert [record.text for record in resumed.records] == [record.text for record in whole.records]
    keys = [request.key for request in model.asked]
    assert len(keys) == len(set(keys))


def test_other_content_of_a_benchmark_is_another_run(hub: Path, tmp_path: Path) -> None:
    (tmp_path / "bench.jsonl").write_text('{"problem": "How many nets are there at the quay in winter?"}\n')
    checks = Checks(("contamination",), against=(str(tmp_path / "bench.jsonl"),))
    stopped = synthesize("math", hub, n=2, checks=checks, model=ScriptedModel(solving), calls=ceiling(1))
    (tmp_path / "bench.jsonl").write_text('{"problem": "How many sails are there at the quay in winter?"}\n')
    other = synthesize("math", hub, n=2, checks=checks, model=ScriptedModel(solving))
    assert stopped.run.number != other.run.number


def test_records_are_checked_against_a_schema_of_the_users(hub: Path, tmp_path: Path) -> None:
    (tmp_path / "schema.json").write_text('{"type": "object", "required": ["colour"]}')
    checks = Checks(("schema",), schema=tmp_path / "schema.json")
    outcome = synthesize("math", hub, n=1, checks=checks, model=ScriptedModel(solving))
    assert (outcome.ids, set(outcome.set_aside)) == ([], {"misfits_schema"})


def test_nothing_is_asked_where_a_check_lacks_what_it_needs(hub: Path) -> None:
    model = ScriptedModel(solving)
    with pytest.raises(UserError, match="contamination: needs --against"):
        synthesize("math", hub, n=1, checks=Checks(("contamination",)), model=model)
    with pytest.raises(UserError, match="say which a record must pass"):
        synthesize("math", hub, n=1, checks=Checks(), model=model)
    assert not model.asked
    assert all(run.verb != "synthesize" for run in Hub(hub).runs())


@pytest.fixture
def judged(hub: Path) -> Path:
    """A hub whose data set of math problems was verified, those that failed rejected."""
    synthesize("math", hub, n=6, model=ScriptedModel(solving))
    verify("math", hub, checks=ANSWERS, reject=True, model=ScriptedModel(solving))
    return hub


def test_an_export_leaves_out_what_was_rejected(judged: Path, tmp_path: Path) -> None:
    kept = export_dataset(judged, "math", tmp_path / "kept.jsonl")
    others = export_dataset(judged, "math", tmp_path / "others.jsonl", rejected=True)
    assert (kept.records, kept.left_out) == (others.left_out, others.records)
    assert kept.records + others.records == 6
    for file, passes in (("kept.jsonl", True), ("others.jsonl", False)):
        rows = [json.loads(line) for line in (tmp_path / file).read_text().splitlines()]
        assert rows
        assert all(is_even(row["text"]) == passes for row in rows)
        assert all((row["verdicts"]["answers"]["outcome"] == "passed") == passes for row in rows)


def test_the_data_set_is_counted_with_its_verdicts(judged: Path, run: Run) -> None:
    details = show_dataset(judged, "math")
    sums = details.checks["answers"]
    assert sums.passed + sums.failed.total() == 6
    assert details.rejected == sums.failed["no_agreement"] > 0
    shown = run("datasets", "show", "math", "--hub", str(judged))
    assert f"rejected   {details.rejected} records" in shown.out
    assert f"{sums.passed} passed, {details.rejected} failed (no_agreement {details.rejected})" in shown.out


def test_an_earlier_version_of_the_hub_has_no_verdicts(judged: Path, tmp_path: Path) -> None:
    before = next(run.number for run in Hub(judged).runs() if run.verb == "synthesize")
    assert show_dataset(judged, "math", at=before).checks == {}
    assert export_dataset(judged, "math", tmp_path / "all.jsonl", at=before).records == 6


def test_the_latest_verdict_of_a_check_counts(judged: Path, tmp_path: Path) -> None:
    def agreeing(request: Request) -> str:
        return re.sub(r'"answer": "\d+"', '"answer": "7000"', solving(request))

    verify("math", judged, checks=ANSWERS, reject=True, model=ScriptedModel(agreeing, name="better"))
    assert show_dataset(judged, "math").rejected == 0
    assert export_dataset(judged, "math", tmp_path / "all.jsonl").left_out == 0


def test_records_that_came_after_a_check_are_kept_without_verdicts(judged: Path, tmp_path: Path) -> None:
    rejected = show_dataset(judged, "math").rejected
    synthesize("math", judged, n=4, seed=9, model=ScriptedModel(solving))
    export = export_dataset(judged, "math", tmp_path / "all.jsonl")
    assert (export.records, export.left_out) == (10 - rejected, rejected)
    rows = [json.loads(line) for line in (tmp_path / "all.jsonl").read_text().splitlines()]
    assert [row["verdicts"] for row in rows[-4:]] == [{}] * 4


def test_a_merged_hub_has_the_verdicts_of_both(judged: Path, tmp_path: Path) -> None:
    merge(tmp_path / "all", [judged])
    assert show_dataset(tmp_path / "all", "math").to_json() == show_dataset(judged, "math").to_json()
    merge(tmp_path / "all", [judged])
    assert Hub(tmp_path / "all").verdicts.count() == 6


def test_the_command_line_takes_checks(run: Run, hub: Path) -> None:
    shown = run("synthesize", "math", "--hub", str(hub), "--checks", "beauty")
    assert shown.code == 2
    assert "--checks beauty: is no check; there are schema, language" in shown.err
