"""Checks that ask models: what is interrupted goes on, what is answered is kept, what is dear is stopped."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from commands import Run
from hubs import hub_of, made_persona, record_of
from personahub import Calls, Checks, UserError, verify
from personahub.hub import Hub
from personahub.models import Request, RequestError
from personahub.workflows import verify as verify_module
from personahub.workflows.running import Watcher
from personahub.workflows.runs import retry
from scripted import ScriptedModel
from solvers import named_models, problems, rows_of, solver, write_rows

ANSWERS = Checks(("answers",), samples=2, program=False)
READINGS = Checks(("well-posed",))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write_rows(tmp_path / "problems.jsonl", problems(6))


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out.jsonl"


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two rows at a time, so that a run has a middle."""
    monkeypatch.setattr(verify_module, "_BATCH", 2)


class StopAfter(Watcher):
    """Interrupts when so many rows are checked."""

    def __init__(self, rows: int) -> None:
        self._rows = rows

    def advanced(self, done: int, *_: object) -> None:
        if done == self._rows:
            signal.raise_signal(signal.SIGINT)


def test_solutions_are_kept_with_each_row_and_cost_what_the_model_was_asked(file: Path, out: Path) -> None:
    model = ScriptedModel(solver())
    outcome = verify(file, out=out, checks=Checks(("answers", "well-posed"), samples=2), model=model)
    assert (outcome.passed, model.calls) == (6, 6 * 4)
    counts = outcome.checks["answers"]
    assert (counts.calls, outcome.checks["well-posed"].calls) == (18, 6)
    verdict = rows_of(out)[0]["verdicts"]["answers"]
    assert [each["by"] for each in verdict["evidence"]["solutions"]] == ["model", "model", "program"]
    assert (verdict["model"], verdict["calls"], verdict["score"]) == ("scripted", 3, 1.0)


def test_a_wrong_answer_that_was_planted_is_found(tmp_path: Path, out: Path) -> None:
    given = [
        {"question": "6 × 7?", "answer": "42"},
        {"question": "6 × 7, told in a long way?", "answer": "Six times seven is #### 42"},
        {"question": "6 × 7, with a wrong answer?", "answer": 43},
        {"question": "6 × 7, with a whole solution?", "answer": "Six times seven. " * 8},
    ]
    file = write_rows(tmp_path / "rows.jsonl", given)
    verify(file, out=out, checks=ANSWERS, model=ScriptedModel(solver()))
    reasons = [row["verdicts"]["answers"]["reason"] for row in rows_of(out)]
    assert reasons == ["", "", "other_answer", ""]


def test_a_paraphrase_of_a_benchmark_is_read_by_a_judge(run: Run, tmp_path: Path, out: Path) -> None:
    item = "A glazier cuts 3 panes of 58 centimetres from a strip of glass. 26 are left. How long was it?"
    text = (
        "Стекольщик отрезал от полосы стекла три куска по 58 см, и осталось 26 см. Какой длины была полоса?"
    )
    rows = [{"text": text, "language": "ru"}, {"text": "The ferry stops in spring.", "language": "en"}]
    file, bench = (
        write_rows(tmp_path / "rows.jsonl", rows),
        write_rows(tmp_path / "b.jsonl", [{"question": item}]),
    )
    model = ScriptedModel(solver())
    checks = Checks(("paraphrase",), against=(str(bench),))
    verify(file, out=out, checks=checks, model=model)
    first, second = (row["verdicts"]["paraphrase"] for row in rows_of(out))
    assert (first["outcome"], first["reason"], first["evidence"]["text"]) == ("failed", "rewords", item)
    assert (second["outcome"], second.get("calls", 0)) == ("passed", 0)
    assert model.calls == 1


def test_a_benchmark_in_an_unknown_language_is_not_compared_by_meaning(
    file: Path, out: Path, tmp_path: Path
) -> None:
    unknown = {"question": "Mfugaji wa nyuki ana mizinga mingapi?", "language": "sw"}
    model = ScriptedModel(solver())
    alone = write_rows(tmp_path / "alone.jsonl", [unknown])
    outcome = verify(file, out=out, checks=Checks(("paraphrase",), against=(str(alone),)), model=model)
    assert outcome.checks["paraphrase"].undecided == {"not_compared": 6}
    mixed = write_rows(
        tmp_path / "mixed.jsonl", [unknown, {"question": "The ferry stops.", "language": "en"}]
    )
    verify(file, out=out, checks=Checks(("paraphrase",), against=(str(mixed),)), model=model)
    verdict = rows_of(out)[0]["verdicts"]["paraphrase"]
    assert (verdict["outcome"], verdict["evidence"]) == ("passed", {"items_not_compared": 1})


def test_the_same_problem_twice_is_asked_about_once(tmp_path: Path, out: Path) -> None:
    file = write_rows(tmp_path / "rows.jsonl", problems(1) * 3)
    model = ScriptedModel(solver())
    assert verify(file, out=out, checks=READINGS, model=model).passed == 3
    assert model.calls == 1


@pytest.mark.usefixtures("small_batches")
def test_an_interrupted_file_is_not_there_and_goes_on_asking_nothing_twice(file: Path, out: Path) -> None:
    model = ScriptedModel(solver())
    stopped = verify(file, out=out, reject=True, checks=READINGS, model=model, watcher=StopAfter(2))
    assert stopped.interrupted
    assert (stopped.kept, out.exists(), out.with_name("out.rejected.jsonl").exists()) == ("", False, False)
    before = model.calls
    assert 0 < before < 6
    outcome = verify(file, out=out, reject=True, checks=READINGS, model=model)
    assert (outcome.run.number, outcome.checked, model.calls) == (stopped.run.number, 6, 6)
    assert outcome.totals.answered_before == before
    assert len({request.key for request in model.asked}) == model.calls
    assert len(rows_of(out)) == 6


@pytest.mark.usefixtures("small_batches")
def test_an_interrupted_data_set_goes_on_in_the_same_run(tmp_path: Path) -> None:
    hub, _ = hub_of(tmp_path / "hub", ["A porter who counts lanterns"])
    persona = made_persona("A porter who counts lanterns")
    hub.records.add([record_of(persona, row["problem"]) for row in problems(6)])
    model = ScriptedModel(solver())
    stopped = verify("math", hub.path, checks=READINGS, model=model, watcher=StopAfter(2))
    before = hub.verdicts.count()
    assert (stopped.interrupted, 0 < before < 6) == (True, True)
    outcome = verify("math", hub.path, checks=READINGS, model=model)
    assert (outcome.run.number, model.calls, hub.verdicts.count()) == (stopped.run.number, 6, 6)


def test_another_file_of_the_same_name_is_another_run(file: Path, out: Path) -> None:
    model = ScriptedModel(solver())
    first = verify(file, out=out, checks=READINGS, model=model)
    write_rows(file, problems(7))
    second = verify(file, out=out, checks=READINGS, model=model)
    assert second.run.number == first.run.number + 1
    assert (second.checked, model.calls) == (7, 7)


def test_another_benchmark_of_the_same_name_is_another_run(file: Path, out: Path, tmp_path: Path) -> None:
    bench = tmp_path / "bench.jsonl"
    checks = Checks(("well-posed", "contamination"), against=(str(bench),))
    write_rows(bench, problems(1))
    stopped = verify(file, out=out, checks=checks, model=ScriptedModel(solver()), calls=Calls(max_calls=3))
    write_rows(bench, problems(2))
    outcome = verify(file, out=out, checks=checks, model=ScriptedModel(solver()))
    assert outcome.run.number == stopped.run.number + 1
    assert outcome.checks["contamination"].failed.total() == 2


def test_a_ceiling_stops_the_run_says_so_and_a_higher_one_goes_on(
    run: Run, file: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = ScriptedModel(solver())
    named_models(monkeypatch, solver=model)
    command = ("verify", file, "--checks", "well-posed", "--model", "solver", "--out", out)
    stopped = run(*command, "--max-calls", 4)
    assert stopped.code == 3
    assert "4 of 4 calls" in stopped.err
    assert not out.exists()
    assert run(*command, "--max-calls", 6).code == 0
    assert (model.calls, len(rows_of(out))) == (6, 6)


@pytest.mark.parametrize("most", [7, 13])
def test_a_second_model_shares_the_ceiling(file: Path, out: Path, most: int) -> None:
    first, second = ScriptedModel(solver(), name="one"), ScriptedModel(solver(), name="two")
    stopped = verify(
        file, out=out, checks=ANSWERS, model=first, second_model=second, calls=Calls(max_calls=most)
    )
    assert stopped.interrupted
    assert f"{most} of {most} calls" in stopped.over_budget
    assert first.calls + second.calls == most
    calls = Calls(max_calls=18)
    outcome = verify(file, out=out, checks=ANSWERS, model=first, second_model=second, calls=calls)
    assert (outcome.interrupted, first.calls, second.calls) == (False, 12, 6)


def test_both_models_are_closed(file: Path, out: Path) -> None:
    first, second = ScriptedModel(solver(), name="one"), ScriptedModel(solver(), name="two")
    verify(file, out=out, checks=ANSWERS, model=first, second_model=second)
    assert first.closed
    assert second.closed


def test_a_model_does_not_agree_with_itself_as_a_second(file: Path, out: Path) -> None:
    first, second = ScriptedModel(solver(), name="one"), ScriptedModel(solver(), name="one")
    with pytest.raises(UserError, match="would agree with itself"):
        verify(file, out=out, checks=ANSWERS, model=first, second_model=second)


def test_a_second_model_that_is_down_is_one_line_and_the_answers_of_the_first_are_kept(
    run: Run, file: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from personahub.completion import engine
    from personahub.models.opening import open_language_models

    monkeypatch.setattr(engine, "_UNREACHABLE", (2, 0.1))
    (down,) = open_language_models("http://127.0.0.1:9/v1#second")
    model = ScriptedModel(solver(), name="one")
    named_models(monkeypatch, one=model, second=down)  # type: ignore[arg-type]
    command = ("verify", file, "--checks", "answers", "--no-program", "--model", "one", "--out", out)
    result = run(*command, "--second-model", "second")
    # Before it a notice may say that the calls are tried again.
    error = result.err.splitlines()[-1]
    assert (result.code, result.out) == (2, "")
    assert error.startswith("personahub: error: http://127.0.0.1:9/v1: ")
    assert "is the server running" in error
    calls = model.calls
    assert (calls, out.exists()) == (18, False)
    named_models(monkeypatch, one=model, second=ScriptedModel(solver(), name="second"))
    assert run(*command, "--second-model", "second").code == 0
    assert model.calls == calls


def test_a_question_that_fails_leaves_its_row_undecided_and_is_asked_again(
    run: Run, file: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refusing(request: Request) -> str:
        if "holds 52" in request.messages[-1].content:
            raise RequestError("refused", "not this one")
        return solver()(request)

    named_models(monkeypatch, solver=ScriptedModel(refusing))
    command = ("verify", file, "--checks", "well-posed", "--model", "solver", "--out", out)
    said = run(*command)
    assert said.code == 0
    assert "calls that failed: 1" in said.out
    row = rows_of(out)[2]
    assert (row["verified"], row["verdicts"]["well-posed"]["reason"]) == ("undecided", "calls_failed")
    with pytest.raises(UserError, match="give its verify command again"):
        retry(out.with_name("out.work"), 1)
    mended = ScriptedModel(solver())
    named_models(monkeypatch, solver=mended)
    assert run(*command).code == 0
    assert mended.calls == 1
    assert rows_of(out)[2]["verified"] == "passed"


def test_the_report_says_what_each_check_cost(
    run: Run, file: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named_models(monkeypatch, solver=ScriptedModel(solver()))
    command = ("verify", file, "--checks", "well-posed,repetition", "--model", "solver", "--out", out)
    said = run(*command, "--report").out
    (line,) = (line for line in said.splitlines() if line.startswith("well-posed"))
    assert line.split()[:5] == ["well-posed", "6", "0", "0", "6"]
    told = json.loads(run(*command, "--json").out)
    assert (told["checks"]["well-posed"]["calls"], told["calls"]) == (6, 0)


def test_what_kind_of_answers_problems_have_is_counted(
    run: Run, tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = {"lanterns": "42", "lamps": "Greta and Olga", "pears": "12; 30", "why": "proof"}
    rows = [{"problem": f"A question about {name}."} for name in answers]
    file = write_rows(tmp_path / "kinds.jsonl", rows)

    def known(request: Request) -> str:
        said = request.messages[-1].content
        return next(answer for name, answer in answers.items() if name in said)

    named_models(monkeypatch, solver=ScriptedModel(solver(known)))
    command = ("verify", file, "--checks", "answers", "--no-program", "--model", "solver", "--out", out)
    told = json.loads(run(*command, "--json").out)["checks"]["answers"]
    assert told["kinds"] == {"number": 1, "text": 1, "several": 1}
    assert told["undecided"] == {"proof": 1}
    assert "what solutions agree on: number 1, several 1, text 1" in run(*command, "--report").out


# Each call is logged before it is answered.
SCRIPT = """
import sys
from personahub import Checks, verify
from scripted import ScriptedModel
from solvers import solver
file, out, log = sys.argv[1:4]
def logged(request):
    with open(log, "a") as calls:
        calls.write(request.key + "\\n")
    return solver()(request)
checks = Checks(("answers", "well-posed"), samples=2, program=False)
verify(file, out=out, checks=checks, model=ScriptedModel(logged, slots=2, delay=0.01))
"""


def environment() -> dict[str, str]:
    """This process's, with the tests' own modules to be found."""
    paths = [str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}


def start(*arguments: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", SCRIPT, *map(str, arguments)], env=environment())


@pytest.mark.slow
def test_a_killed_command_goes_on_and_asks_nothing_that_was_answered(tmp_path: Path) -> None:
    file, log = write_rows(tmp_path / "rows.jsonl", problems(60)), tmp_path / "calls.log"
    out, journal = tmp_path / "out.jsonl", tmp_path / "out.work" / "journal" / "live.jsonl"
    process, deadline = start(file, out, log), time.monotonic() + 60
    while not journal.exists() or journal.read_bytes().count(b"\n") < 40:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    process.kill()
    process.wait()
    assert not out.exists()
    answered = [json.loads(line)["key"] for line in journal.read_text().split("\n")[:-1]]
    before = len(log.read_text().split())
    assert start(file, out, log).wait(timeout=120) == 0
    assert not set(answered) & set(log.read_text().split()[before:])
    assert [row["verified"] for row in rows_of(out)] == ["passed"] * 60
    assert not list(tmp_path.glob(".*.part"))
    assert [run.status for run in Hub(tmp_path / "out.work").runs()] == ["finished"]


@pytest.mark.slow
def test_a_script_of_the_users_runs_once_though_formulas_are_compared(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    file = write_rows(tmp_path / "rows.jsonl", problems(1))
    script.write_text(
        f"""
from personahub import Checks, verify
from scripted import ScriptedModel
from solvers import solver
print("begins")
told = iter(["√8", "2√2"])
checks = Checks(("answers",), samples=2, program=False)
model = ScriptedModel(solver(lambda _: next(told)))
print(verify({str(file)!r}, out={str(tmp_path / "out.jsonl")!r}, checks=checks, model=model).passed)
"""
    )
    command = [sys.executable, script]
    done = subprocess.run(command, check=False, env=environment(), capture_output=True, timeout=120)
    assert (done.stdout.split(), done.stderr) == ([b"begins", b"1"], b"")
