"""How far checks agree with readers: the labelled problems, what is counted, and what is remembered of it."""

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from commands import Run, one_line_error
from personahub import Checks, UserError, evaluate_checks, verify
from personahub.cli.evaluate.tables import print_table
from personahub.cli.verdicts import print_outcome
from personahub.evaluation.agreement import (
    Agreement,
    agreement_of,
    held_out_thresholds,
    matching_threshold,
)
from personahub.evaluation.labelled import LabelledProblem, read_labelled
from personahub.models import Reply, Request, Usage
from personahub.models.opening import DEFAULT_MODEL
from personahub.verification.equality import same_answer
from personahub.verification.formulas import FormulaJudge
from personahub.workflows.checks import checker_for
from personahub.workflows.evaluate.checks_report import sections
from personahub.workflows.measured import measured_of
from scripted import ScriptedModel

SOUND = "A crate holds 21 lanterns. How many do 2 crates hold?"
LACKING = "A crate holds lanterns. How many do 2 crates hold?"
TELLING = "Ящик с 21 фонарём. В двух ящиках 42 фонаря. Сколько фонарей в двух ящиках?"
UNSEEN = "一箱有 21 盏灯笼，两箱共有 40 盏。三箱有多少盏？"
FAULTS = {LACKING: "missing", TELLING: "answer_inside"}
ANSWERS = {SOUND: "42", LACKING: "none", TELLING: "42", UNSEEN: "60"}
ROWS: Sequence[Mapping[str, Any]] = (
    {"id": "a-sound", "problem": SOUND, "fault": "", "answer": "42", "origin": "one", "given": "42"},
    {"id": "a-planted", "problem": SOUND, "fault": "wrong_answer", "answer": "42", "given": "21"},
    {"id": "b-sound", "problem": SOUND, "fault": "", "answer": "42"},
    {"id": "b-planted", "problem": LACKING, "fault": "missing"},
    {"id": "c-planted", "problem": TELLING, "fault": "answer_inside", "language": "ru"},
    {"id": "d", "problem": UNSEEN, "fault": "contradiction", "language": "zh"},
)


def solver() -> ScriptedModel:
    """Solves by the table above, and reads in each text the fault that is named there."""

    def reply(request: Request) -> str:
        said = request.messages[-1].content
        fields: Any = (request.schema or {})["properties"]
        problem = next((text for text in ANSWERS if text in said), "")
        if "yes" in fields:
            return "no" if problem in FAULTS else "yes"
        if "fault" in fields:
            fault = FAULTS[problem]
            told = {"given": "all of it", "asked": "a number", "reading": "Read as it is.", "fault": fault}
        elif "program" in fields:
            told = {"program": f"print({ANSWERS.get(problem, '7')!r})"}
        else:
            told = {"steps": "2 crates, so twice", "answer": ANSWERS.get(problem, "7"), "unit": ""}
        return json.dumps(told)

    return ScriptedModel(reply)


@pytest.fixture(autouse=True)
def _own_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    path = tmp_path / "labelled.jsonl"
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS), "utf-8")
    return path


def pairs() -> list[tuple[LabelledProblem, LabelledProblem]]:
    known = {each.id: each for each in read_labelled()}
    return [
        (known[each.id.replace("-planted", "-sound")], each)
        for each in known.values()
        if each.id.endswith("-planted")
    ]


def test_at_least_120_problems_come_with_the_package_each_once() -> None:
    problems = [each.problem for each in read_labelled() if each.fault != "wrong_answer"]
    assert len(problems) >= 120
    assert len(set(problems)) == len(problems)


def test_ten_errors_of_each_kind_are_planted_in_three_languages() -> None:
    kinds = ("missing", "contradiction", "wrong_answer", "answer_inside")
    assert Counter(error.fault for _, error in pairs()) == dict.fromkeys(kinds, 10)
    assert Counter(error.language for _, error in pairs()) == {"en": 28, "ru": 6, "zh": 6}
    assert not any(sound.fault for sound, _ in pairs())


def test_only_a_wrong_answer_leaves_its_problem_as_it_is() -> None:
    for sound, error in pairs():
        is_wrong = error.fault == "wrong_answer"
        assert (error.problem == sound.problem) == is_wrong
        assert bool(error.given) == is_wrong


def test_a_wrong_answer_is_never_taken_for_the_right_one() -> None:
    with FormulaJudge() as formulas:
        for sound, error in pairs():
            assert same_answer(sound.answer, sound.answer.split()[0], formulas)
            if error.given:
                assert same_answer(sound.answer, error.given, formulas) is False


def test_the_number_that_is_asked_for_stands_only_in_texts_that_tell_it() -> None:
    for sound, error in pairs():
        number = sound.answer.split()[0]
        if error.fault == "answer_inside":
            assert number in error.problem
            assert number not in sound.problem


def test_what_is_kept_and_found_is_counted_beside_the_readers(rows: Path) -> None:
    found = evaluate_checks(rows, model=solver())
    assert (found.problems, found.sound) == (6, 2)
    answers, judge, together = found.checks
    # It solves what tells its answer, and what contradicts itself, as if nothing were wrong.
    assert answers.agreement == Agreement(2, 0, 2, 2)
    assert answers.faults == {
        "wrong_answer": (1, 1),
        "missing": (1, 1),
        "answer_inside": (1, 0),
        "contradiction": (1, 0),
    }
    assert (answers.told_apart, answers.right) == ((2, 2), (2, 2))
    # A judge sees no answer that came with a problem, so one that is wrong is no fault to it.
    assert judge.agreement == Agreement(3, 0, 1, 2)
    assert judge.faults == {"missing": (1, 1), "answer_inside": (1, 1), "contradiction": (1, 0)}
    assert together.agreement == Agreement(2, 0, 1, 3)
    assert answers.reasons["no_answer"] == (1, 0)
    assert answers.origins == {"one": Agreement(1, 0, 0, 0), "given": Agreement(1, 0, 2, 2)}


def test_calls_and_seconds_are_those_of_what_was_asked(rows: Path) -> None:
    answers, judge, together = evaluate_checks(rows, model=solver()).checks
    assert (answers.counts.calls, judge.counts.calls, together.counts.calls) == (24, 8, 32)
    assert together.counts.tokens == answers.counts.tokens + judge.counts.tokens > 0


def test_the_right_answer_of_the_reader_reaches_no_check(tmp_path: Path) -> None:
    path = tmp_path / "one.jsonl"
    path.write_text(json.dumps({"problem": SOUND, "fault": "", "answer": "17"}), "utf-8")
    found = evaluate_checks(path, checks=Checks(("answers",)), model=solver())
    assert found.checks[0].agreement == Agreement(1, 0, 0, 0)
    assert found.checks[0].right == (0, 1)


def test_a_second_time_it_asks_nothing_and_finds_the_same(rows: Path) -> None:
    model = solver()
    first = evaluate_checks(rows, model=model)
    before = model.calls
    assert evaluate_checks(rows, model=model).checks == first.checks
    assert model.calls == before


def test_what_is_measured_on_the_packages_problems_is_told_by_verify(tmp_path: Path) -> None:
    file, out = tmp_path / "problems.jsonl", tmp_path / "out.jsonl"
    file.write_text(json.dumps({"problem": SOUND}), "utf-8")
    unknown = verify(file, out=out, checks=Checks(("well-posed",)), model=solver())
    assert unknown.checks["well-posed"].measured is None
    measured = evaluate_checks(checks=Checks(("well-posed",)), model=solver())
    known = verify(file, out=out, checks=Checks(("well-posed",)), model=solver()).checks["well-posed"]
    assert known.measured is not None
    assert known.measured.agreement == measured.checks[0].agreement
    other = verify(file, out=out, checks=Checks(("well-posed",), readings=3), model=solver())
    assert other.checks["well-posed"].measured is None


@pytest.mark.parametrize("agree", [2, 4])
def test_what_the_default_model_does_comes_with_the_package(agree: int) -> None:
    """Fails where a wording changed: measure it again, and write down what comes."""
    with ExitStack() as held:
        checks = Checks(("answers", "well-posed"), agree=agree)
        checker = checker_for(("answers", "well-posed"), checks, held, model=DEFAULT_MODEL, encoder=len)  # type: ignore[arg-type]
        found = [measured_of(check, DEFAULT_MODEL) for check in checker.asking]
    for known in found:
        assert known is not None
        assert known.agreement.compared >= 0.9 * len(read_labelled())
    assert found[1].threshold == checker.asking[1].version["threshold"]


def test_ones_own_problems_are_not_taken_for_the_packages(rows: Path, tmp_path: Path) -> None:
    evaluate_checks(rows, checks=Checks(("well-posed",)), model=solver())
    found = verify(rows, out=tmp_path / "out.jsonl", checks=Checks(("well-posed",)), model=solver())
    assert found.checks["well-posed"].measured is None


def test_a_damaged_memory_is_measured_again(tmp_path: Path) -> None:
    (tmp_path / "data" / "personahub").mkdir(parents=True)
    (tmp_path / "data" / "personahub" / "measured.json").write_text("[{", "utf-8")
    evaluate_checks(checks=Checks(("well-posed",)), model=solver())
    kept = json.loads((tmp_path / "data" / "personahub" / "measured.json").read_text("utf-8"))
    assert [row["check"] for row in kept] == ["well-posed"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "line 2: is no JSON"),
        ("[]", "line 2: is no object"),
        ('{"fault": ""}', "line 2: has no problem"),
        ('{"problem": "How many?"}', "line 2: has no fault"),
        ('{"problem": "How many?", "fault": "silly"}', "line 2: fault 'silly' is none of missing"),
        ('{"problem": "How many?", "fault": "", "id": "1"}', "an id is there twice"),
    ],
)
def test_a_row_that_is_no_labelled_problem_is_told_by_its_line(tmp_path: Path, line: str, said: str) -> None:
    path = tmp_path / "labelled.jsonl"
    path.write_text('{"problem": "How much?", "fault": ""}\n' + line, "utf-8")
    with pytest.raises(UserError, match=said):
        evaluate_checks(path, model=solver())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--problems", "nowhere.jsonl"], "nowhere.jsonl: cannot be read"),
        (["--checks", "language"], "only answers, well-posed can"),
        (["--checks", "silly"], "is no check"),
    ],
)
def test_what_cannot_be_measured_is_one_line(run: Run, options: list[str], said: str) -> None:
    assert said in one_line_error(run("evaluate", "checks", *options))


def test_the_line_of_a_measured_check_says_what_it_keeps(
    rows: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evaluate_checks(checks=Checks(("well-posed",)), model=solver())
    checks = Checks(("answers", "well-posed"))
    outcome = verify(rows, out=tmp_path / "out.jsonl", checks=checks, model=solver())
    print_outcome(outcome, str(rows), None, report=True)
    said = capsys.readouterr().out
    assert "well-posed by scripted: of 180 problems that readers judged (" in said
    assert "how far answers by this model can be trusted is not known: personahub evaluate checks" in said


@pytest.mark.slow
def test_a_real_model_is_measured(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "labelled.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS[2:4]), "utf-8")
    asked = ("evaluate", "checks", "--problems", path, "--model", "smollm2-135m", "--samples", 1)
    told = json.loads(run(*asked, "--json").out)
    assert (told["problems"], told["sound"], told["whole"]) == (2, 1, True)
    assert told["checks"]["answers"]["calls"] >= 4
    assert told["checks"]["answers"]["seconds"] > 0


def test_what_was_measured_is_printed(rows: Path, capsys: pytest.CaptureFixture[str]) -> None:
    checks = Checks(("answers", "well-posed"))
    for section in sections(evaluate_checks(rows, checks=checks, model=solver())):
        print_table(section.title, section.headings, section.rows, section.right)
    shown = capsys.readouterr().out
    for heading in ("sound of these", "pairs told apart", "Why problems did not pass"):
        assert heading in shown


@pytest.mark.parametrize(
    ("pairs", "kappa"),
    [
        # Of 50 proposals two readers take 20 and refuse 15 alike; the first takes 5 more, the second 10.
        ([(True, True)] * 20 + [(True, False)] * 5 + [(False, True)] * 10 + [(False, False)] * 15, 0.4),
        ([(True, True), (False, False)], 1.0),
        ([(True, False), (False, True)], -1.0),
        ([(True, True)] * 3, None),
        ([], None),
    ],
)
def test_kappa_is_agreement_beyond_chance(pairs: list[tuple[bool, bool]], kappa: float | None) -> None:
    found = agreement_of(pairs).kappa
    assert found is None if kappa is None else found == pytest.approx(kappa)


def test_the_interval_of_kappa_holds_it_and_narrows_with_more() -> None:
    few, many = Agreement(20, 5, 10, 15), Agreement(200, 50, 100, 150)
    (low, high), (lower, higher) = few.kappa_interval() or (0, 0), many.kappa_interval() or (0, 0)
    assert low < lower < 0.4 < higher < high
    # The usual formula's standard error is 0.13 for 50 (Fleiss, Cohen and Everitt 1969).
    assert high - low == pytest.approx(2 * 1.96 * 0.13, rel=0.15)


@pytest.mark.parametrize(
    ("scores", "sound", "threshold"),
    [
        ([0.1, 0.2, 0.8, 0.9], [False, False, True, True], 0.5),
        ([0.9, 0.1, 0.8, 0.2], [False, True, True, True], pytest.approx(0.15)),
        # One word and no chances: what said yes is kept, though readers found more of them sound.
        ([0.0, 0.0, 1.0, 1.0], [True, False, True, True], 0.5),
        ([0.7, 0.7], [True, False], None),
        ([], [], None),
    ],
)
def test_a_threshold_keeps_as_many_as_readers_found_sound(
    scores: list[float], sound: list[bool], threshold: float | None
) -> None:
    assert matching_threshold(scores, sound) == threshold


def test_nothing_has_a_part_in_its_own_threshold() -> None:
    scores, sound = [0.1, 0.3, 0.5, 0.7, 0.9, 0.95], [False, False, True, True, True, True]
    for place, found in enumerate(held_out_thresholds(scores, sound, list("abcdef"))):
        for other in (True, False):
            changed = [*sound[:place], other, *sound[place + 1 :]]
            moved = [*scores[:place], 0.6, *scores[place + 1 :]]
            assert held_out_thresholds(moved, changed, list("abcdef"))[place] == found


def test_sides_of_a_pair_have_one_threshold_without_both() -> None:
    scores, sound = [0.1, 0.3, 0.5, 0.7], [False, True, False, True]
    found = held_out_thresholds(scores, sound, ["a", "a", "b", "b"])
    assert (
        found
        == [matching_threshold([0.5, 0.7], [False, True])] * 2
        + [matching_threshold([0.1, 0.3], [False, True])] * 2
    )


def test_a_judge_is_measured_by_thresholds_that_others_chose(tmp_path: Path) -> None:
    chances = {"one": 0.9, "two": 0.8, "three": 0.7, "four": 0.3, "five": 0.2}
    path = tmp_path / "labelled.jsonl"
    rows = [
        {"problem": f"Crate {name}?", "fault": "" if p > 0.5 else "missing"} for name, p in chances.items()
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")

    def reply(request: Request) -> Reply:
        said = request.messages[-1].content
        if "fault" in (request.schema or {})["properties"]:  # type: ignore[operator]
            told = {"given": "none", "asked": "a number", "reading": "No number.", "fault": "missing"}
            return Reply(json.dumps(told), "stop", Usage(10, 0, 5), 0.1)
        chance = next(chance for name, chance in chances.items() if name in said)
        tokens = [("yes", math.log(chance)), ("no", math.log(1 - chance))]
        return Reply("yes", "stop", Usage(10, 0, 1), 0.1, tokens)

    found = evaluate_checks(path, checks=Checks(("well-posed",)), model=ScriptedModel(reply))
    assert found.threshold == pytest.approx(0.5)
    assert found.checks[0].agreement == Agreement(3, 0, 0, 2)
    given = Checks(("well-posed",), threshold=0.75)
    assert evaluate_checks(path, checks=given, model=ScriptedModel(reply)).checks[0].agreement.lost == 1
