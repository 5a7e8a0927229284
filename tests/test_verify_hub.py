"""Records of data sets, checked: the verdicts stand beside them, and in a version of their own."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from commands import Run, one_line_error
from hubs import hub_of, made_persona, record_of
from personahub import Checks, UserError, verify
from personahub.hub import Hub
from personahub.records import Document
from scripted import ScriptedModel
from solvers import named_models, rows_of, solver

MILLER = "A miller who grinds rye by an old river"
DIVER = "A diver who repairs harbour walls at night"
TEXTS = [
    "A miller grinds 40 sacks of rye a day for 6 days. How many sacks is that?",
    "A diver mends 3 metres of a harbour wall an hour. How long do 12 metres take?",
    "A miller grinds 40 sacks of rye a day for 6 days! How many sacks is that?",
]


def hub_with(path: Path, texts: Sequence[str] = TEXTS, **fields: Any) -> tuple[Path, list[str]]:
    """A hub with a data set ``math`` of these texts, and the records' ids."""
    hub, _ = hub_of(path, [MILLER, DIVER])
    personas = [made_persona(MILLER, 0), made_persona(DIVER, 1)]
    run = hub.start_run("synthesize", {"dataset": "math"})[0]
    records = [
        record_of(personas[place % 2], text, run=run.number, position=place, **fields)
        for place, text in enumerate(texts)
    ]
    hub.records.add(records)
    run.end("finished", {})
    hub.save_run(run)
    return path, [record.id for record in records]


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    return hub_with(tmp_path / "hub")[0]


def verdicts_of(hub: Path, version: int | None = None) -> dict[tuple[str, str], dict[str, Any]]:
    return {(row["text"], row["check"]): row for row in _joined(Hub(hub, version=version))}


def _joined(hub: Hub) -> list[dict[str, Any]]:
    texts = {row["id"]: row["text"] for row in hub.records.rows()}
    return [{**row, "text": texts[row["record_id"]]} for row in hub.verdicts.rows()]


def test_verdicts_stand_beside_the_records_which_stay_as_they_are(run: Run, hub: Path) -> None:
    before = list(Hub(hub).records.rows())
    assert run("verify", "math", "--hub", hub, "--checks", "repetition,language").code == 0
    assert list(Hub(hub).records.rows()) == before
    found = verdicts_of(hub)
    assert len(found) == 6
    repeated = found[TEXTS[2], "repetition"]
    assert (repeated["outcome"], repeated["reason"], repeated["rejects"]) == (
        "failed",
        "repeats_words",
        False,
    )
    assert json.loads(repeated["evidence"])["of"] == before[0]["id"]
    assert repeated["dataset"] == "math"


def test_the_version_before_has_no_verdicts_and_its_own_has_them(hub: Path) -> None:
    outcome = verify("math", hub, checks=Checks(("language",)))
    assert verdicts_of(hub, outcome.run.number - 1) == {}
    verify("math", hub, checks=Checks(("repetition",)))
    at = verdicts_of(hub, outcome.run.number)
    assert {check for _, check in at} == {"language"}
    assert {check for _, check in verdicts_of(hub)} == {"language", "repetition"}


def test_what_is_rejected_is_left_out_of_exports_and_of_no_version_before(
    run: Run, hub: Path, tmp_path: Path
) -> None:
    verified = json.loads(
        run("verify", "math", "--hub", hub, "--checks", "repetition", "--reject", "--json").out
    )
    assert verified["failed"] == 1
    for more, texts in (([], TEXTS[:2]), (["--rejected"], TEXTS[2:]), (["--at", 2], TEXTS)):
        out = tmp_path / "out.jsonl"
        assert run("export", "math", "--hub", hub, "--out", out, *more).code == 0
        assert [row["text"] for row in rows_of(out)] == texts
    assert "repeats_words" in run("datasets", "show", "math", "--hub", hub).out
    told = json.loads(run("datasets", "show", "math", "--hub", hub, "--json").out)
    assert told["checks"] == {"repetition": {"passed": 2, "failed": {"repeats_words": 1}, "undecided": {}}}
    assert "repeats_words" not in run("datasets", "show", "math", "--hub", hub, "--at", 2).out


def test_reject_is_noted_with_each_verdict(run: Run, hub: Path) -> None:
    run("verify", "math", "--hub", hub, "--checks", "repetition", "--reject")
    assert all(verdict["rejects"] for verdict in verdicts_of(hub).values())
    assert Hub(hub).records.count() == 3


def test_without_checks_named_a_record_gets_those_of_its_task(
    run: Run, hub: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named_models(monkeypatch, solver=ScriptedModel(solver()))
    result = run("verify", "math", "--hub", hub, "--model", "solver", "--no-program", "--json")
    assert result.code == 0
    assert set(json.loads(result.out)["checks"]) == {
        "language",
        "repetition",
        "fidelity",
        "answers",
        "well-posed",
    }
    assert len(verdicts_of(hub)) == 15


def test_each_record_of_a_mixed_data_set_gets_its_own_tasks_checks(tmp_path: Path) -> None:
    path, (first, *_) = hub_with(tmp_path / "hub")
    hub = Hub(path)
    hub.records.add(
        [
            record_of(
                made_persona(DIVER), "Ask the diver.", task="instruction", template="i", method="few-shot"
            )
        ]
    )
    model = ScriptedModel(solver())
    verify("math", path, checks=Checks(program=False), model=model)
    found = [row["check"] for row in _joined(hub) if row["text"] == "Ask the diver."]
    assert "answers" not in found
    assert "language" in found
    assert first in {row["record_id"] for row in hub.verdicts.rows() if row["check"] == "answers"}


def test_what_a_verdict_cost_and_whom_it_asked_stand_with_it(hub: Path) -> None:
    model, second = ScriptedModel(solver(), name="one"), ScriptedModel(solver(), name="two")
    checks = Checks(("answers", "language"), samples=2, program=False)
    verify("math", hub, checks=checks, model=model, second_model=second)
    found = verdicts_of(hub)
    answered, local = found[TEXTS[0], "answers"], found[TEXTS[0], "language"]
    assert (answered["model"], answered["calls"]) == ("one, two", 3)
    assert answered["tokens"] > 0
    assert (local["model"], local["calls"], local["tokens"], local["cost"]) == ("", 0, 0, 0.0)


def test_the_source_of_a_record_is_what_it_must_not_copy(tmp_path: Path) -> None:
    told = (
        "The ferry stops for good when the bridge opens in spring and nobody has told the ferryman of it yet."
    )
    document = Document(told, "en", "t.md", 1)
    path, _ = hub_with(tmp_path / "hub", [TEXTS[0], f"It is said: {told}"], document_id=document.id)
    Hub(path).documents.add([document])
    outcome = verify("math", path, checks=Checks(("copying",)))
    assert outcome.checks["copying"].failed == {"copies_source": 1}
    assert outcome.checks["copying"].passed == 1


def test_a_record_without_a_source_copies_nothing_that_is_known(hub: Path) -> None:
    outcome = verify("math", hub, checks=Checks(("copying",)))
    assert outcome.checks["copying"].undecided == {"no_source": 3}


def test_a_record_is_checked_by_its_tasks_schema(tmp_path: Path) -> None:
    path, _ = hub_with(tmp_path / "hub", TEXTS[:1], fields=json.dumps({"problem": 3}))
    outcome = verify("math", path, checks=Checks(("schema",)))
    assert outcome.checks["schema"].failed == {"misfits_schema": 1}


def test_the_same_command_again_is_a_run_of_its_own_that_asks_nothing(hub: Path) -> None:
    model, checks = ScriptedModel(solver()), Checks(("answers",), program=False)
    first = verify("math", hub, checks=checks, model=model)
    calls = model.calls
    again = verify("math", hub, checks=checks, model=model)
    assert (model.calls, again.run.number) == (calls, first.run.number + 1)
    assert (again.totals.calls, again.totals.answered_before) == (0, calls)
    assert Hub(hub).verdicts.count() == 6


def test_a_hub_with_verdicts_is_sound(run: Run, hub: Path) -> None:
    run("verify", "math", "--hub", hub, "--checks", "repetition")
    assert run("hub", "check", hub).code == 0


def test_one_record_alone_has_nobody_to_be_compared_with(tmp_path: Path) -> None:
    path, _ = hub_with(tmp_path / "hub", TEXTS[:1])
    outcome = verify("math", path, checks=Checks(("fidelity", "repetition")))
    assert outcome.checks["fidelity"].undecided == {"no_other_personas": 1}
    assert (outcome.checks["repetition"].passed, outcome.passed) == (1, 1)


def test_a_name_that_is_a_file_too_means_the_data_set_where_a_hub_is_given(
    hub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "math").mkdir()
    assert verify("math", hub, checks=Checks(("language",))).checked == 3


def test_a_data_set_that_is_not_there_is_one_line(run: Run, hub: Path, tmp_path: Path) -> None:
    checks = ("--checks", "language")
    assert "its data sets: math" in one_line_error(run("verify", "maths", "--hub", hub, *checks))
    assert "no such file; for a data set, --hub" in one_line_error(run("verify", "math", *checks))
    assert "is not there" in one_line_error(run("verify", "math", "--hub", tmp_path / "none", *checks))


def test_a_data_set_takes_no_out_and_a_file_no_hub(hub: Path, tmp_path: Path) -> None:
    checks = Checks(("language",))
    with pytest.raises(UserError, match="a data set of a hub keeps its verdicts there"):
        verify("math", hub, out=tmp_path / "out.jsonl", checks=checks)
    (tmp_path / "rows.jsonl").touch()
    with pytest.raises(UserError, match="is a file, and --hub goes with"):
        verify(tmp_path / "rows.jsonl", hub, out=tmp_path / "out.jsonl", checks=checks)


def test_what_comes_next_is_said(run: Run, hub: Path) -> None:
    said = run("verify", "math", "--hub", hub, "--checks", "repetition").out
    assert "3 checked: 2 passed, 1 failed, 0 undecided" in said
    assert f"datasets show 'math' --hub {hub}" in said.replace("\n", " ")
