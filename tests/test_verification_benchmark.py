"""The benchmark of verification: its planted errors, and what it counts."""

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import verification as benchmark
from personahub.models import Request
from personahub.verification.equality import same_answer
from personahub.verification.formulas import FormulaJudge
from scripted import ScriptedModel

SOUND = "A crate holds 21 lanterns. How many do 2 crates hold?"
LACKING = "A crate holds lanterns. How many do 2 crates hold?"
TELLING = "Ящик с 21 фонарём. В двух ящиках 42 фонаря. Сколько фонарей в двух ящиках?"
UNSEEN = "一箱有 21 盏灯笼，两箱共有 40 盏。三箱有多少盏？"
FAULTS = {LACKING: "missing", TELLING: "answer_inside"}


def model(answers: Mapping[str, str]) -> ScriptedModel:
    """Solves by this table, and reads in each text the fault that is named above."""

    def reply(request: Request) -> str:
        said = request.messages[-1].content
        fields: Any = (request.schema or {})["properties"]
        (problem,) = (text for text in answers if text in said)
        if "fault" in fields:
            fault = FAULTS.get(problem, "none")
            told = {"given": "all of it", "asked": "a number", "reading": "Read as it is.", "fault": fault}
        elif "program" in fields:
            told = {"program": f"print({answers[problem]!r})"}
        else:
            told = {"steps": "2 crates, so twice", "answer": answers[problem], "unit": ""}
        return json.dumps(told)

    return ScriptedModel(reply)


SOLVER = model({SOUND: "42", LACKING: "none", TELLING: "42", UNSEEN: "60"})


def cells(report: str, first: str) -> list[list[str]]:
    """The rows of all tables that begin with this cell."""
    lines = [line.strip("| ").split(" | ") for line in report.splitlines() if line.startswith("|")]
    return [line for line in lines if line[0] == first]


@pytest.fixture(scope="module")
def planted_rows() -> list[dict[str, str]]:
    return [json.loads(line) for line in benchmark.PLANTED.read_text("utf-8").splitlines()]


def test_ten_errors_of_each_kind_are_planted_in_three_languages(planted_rows: list[dict[str, str]]) -> None:
    assert Counter(row["kind"] for row in planted_rows) == dict.fromkeys(benchmark.KINDS, 10)
    assert Counter(row["language"] for row in planted_rows) == {"en": 28, "ru": 6, "zh": 6}
    for field in ("id", "sound", "planted"):
        assert len({row[field] for row in planted_rows}) == 40


def test_only_a_wrong_answer_leaves_its_problem_as_it_is(planted_rows: list[dict[str, str]]) -> None:
    for row in planted_rows:
        is_wrong = row["kind"] == "wrong-answer"
        assert (row["planted"] == row["sound"]) == is_wrong
        assert ("given" in row) == is_wrong


def test_a_wrong_answer_is_never_taken_for_the_right_one(planted_rows: list[dict[str, str]]) -> None:
    with FormulaJudge() as formulas:
        for row in planted_rows:
            assert same_answer(row["answer"], row["answer"].split()[0], formulas)
            if "given" in row:
                assert same_answer(row["answer"], row["given"], formulas) is False


def test_the_number_that_is_asked_for_stands_only_in_texts_that_tell_it(
    planted_rows: list[dict[str, str]],
) -> None:
    for row in planted_rows:
        number = row["answer"].split()[0]
        if row["kind"] == "answer-inside":
            assert number in row["planted"]
            assert number not in row["sound"]


def test_errors_are_counted_by_kind_language_and_check(tmp_path: Path) -> None:
    rows = [
        {"kind": "removed", "language": "en", "sound": SOUND, "planted": LACKING, "answer": "42"},
        {"kind": "contradiction", "language": "zh", "sound": SOUND, "planted": UNSEEN, "answer": "63"},
        {"kind": "answer-inside", "language": "ru", "sound": SOUND, "planted": TELLING, "answer": "42"},
        {**dict.fromkeys(("sound", "planted"), SOUND), "answer": "42", "given": "21"}
        | {"kind": "wrong-answer", "language": "en"},
    ]
    report = benchmark.planted(rows, tmp_path / "work", SOLVER)
    assert cells(report, "removed")[0][1:] == ["1", "1", "1", "1", "1", "0", "0", "0"]
    assert cells(report, "contradiction")[0][1:] == ["1", "0", "0", "0", "0", "0", "0", "0"]
    assert cells(report, "answer-inside")[0][1:] == ["1", "0", "1", "1", "1", "0", "0", "0"]
    assert cells(report, "wrong-answer")[0][1:] == ["1", "1", "0", "1", "1", "0", "0", "0"]
    assert cells(report, "all")[0][1:] == ["4", "2", "2", "3", "3", "0", "0", "0"]
    assert cells(report, "en")[0][1:] == ["2", "2", "1", "2", "2", "0", "0", "0"]
    assert ["removed", "planted", "well-posed", "missing_data", "1"] in cells(report, "removed")
    # Four texts, however often each of them stands in the rows.
    assert [row[1] for name in benchmark.WAYS for row in cells(report, name)[-1:]] == ["16", "4", "20"]


def labels() -> list[dict[str, Any]]:
    return [
        {"id": "1", "problem": SOUND, "well_posed": True, "answer": "42"},
        {"id": "2", "problem": LACKING, "well_posed": False},
        {"id": "3", "problem": TELLING, "well_posed": True, "answer": "42"},
        {"id": "4", "problem": UNSEEN, "well_posed": False},
    ]


def test_what_is_kept_is_counted_beside_the_reader(tmp_path: Path) -> None:
    report = benchmark.labelled(labels(), tmp_path / "work", SOLVER)
    (kept, agreement, *_), (judge_kept, judge_agreement, *_) = (
        cells(report, check) for check in benchmark.CHECKS
    )
    assert kept[1:5] == ["3", "2 of 3: 67% (21% to 94%)", "0 of 2", "0"]
    assert agreement[1:] == ["4", "2", "0", "1", "1", "75%", "0.50"]
    assert judge_kept[1:5] == ["2", "1 of 2: 50% (9% to 91%)", "1 of 2", "0"]
    assert judge_agreement[1:] == ["4", "1", "1", "1", "1", "50%", "0.00"]
    assert "1 of 1: 100%" in report


def test_the_right_answer_of_the_reader_reaches_no_check(tmp_path: Path) -> None:
    rows = [{"id": "1", "problem": SOUND, "well_posed": True, "answer": "17"}]
    report = benchmark.labelled(rows, tmp_path / "work", SOLVER)
    assert cells(report, "together")[0][1:4] == ["1", "1 of 1: 100% (21% to 100%)", "0 of 1"]
    assert "is right: 0 of 1" in report
    rows[0]["given"] = "17"
    report = benchmark.labelled(rows, tmp_path / "work", SOLVER)
    assert cells(report, "together")[0][1:4] == ["0", "0 of 0", "1 of 1"]


def test_a_second_time_it_asks_nothing_and_prints_the_same(tmp_path: Path) -> None:
    first = benchmark.labelled(labels(), tmp_path / "work", SOLVER)
    before = SOLVER.calls
    assert benchmark.labelled(labels(), tmp_path / "work", SOLVER) == first
    assert SOLVER.calls == before


@pytest.mark.parametrize(
    ("pairs", "value"),
    [
        # Of 50 proposals two readers take 20 and refuse 15 alike; the first takes 5 more, the second 10.
        ([(True, True)] * 20 + [(True, False)] * 5 + [(False, True)] * 10 + [(False, False)] * 15, 0.4),
        ([(True, True), (False, False)], 1.0),
        ([(True, False), (False, True)], -1.0),
        ([(True, True)] * 3, None),
    ],
)
def test_kappa_is_agreement_beyond_chance(pairs: list[tuple[bool, bool]], value: float | None) -> None:
    found = benchmark.kappa(pairs)
    assert found is None if value is None else found == pytest.approx(value)
