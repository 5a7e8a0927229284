"""What ``sample`` and ``show`` say to people: nothing found, imported rows, set-aside cases."""

import json
import re
import shlex
from pathlib import Path

import pytest

from commands import Run, one_line_error
from described import hub_of, persona
from hubs import record_of
from personahub import Hub, add, show, stats


@pytest.fixture
def imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    rows = [{"persona": "A diver who maps wrecks."}, {"persona": " "}, {"persona": "一位修钟的老人。"}]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    monkeypatch.chdir(tmp_path)  # So that no line is so long that it is broken.
    add("a.jsonl", tmp_path / "hub")
    return tmp_path / "hub"


def test_a_sample_that_finds_nothing_says_so_on_stderr(imported: Path, run: Run) -> None:
    result = run("sample", "--hub", imported, "--where", "language = 'ka'")
    assert (result.code, result.out) == (0, "")
    assert f"no persona of {imported} meets that" in result.err
    assert run("sample", "--hub", imported, "-n", 0).err == ""
    assert json.loads(run("sample", "--hub", imported, "--where", "language = 'ka'", "--json").out) == []


@pytest.mark.parametrize("characters", [21, 8])
def test_show_of_an_imported_row_says_what_it_is_and_how_its_persona_is_found(
    imported: Path, run: Run, characters: int
) -> None:
    row = next(Hub(imported).personas.rows("starts_with(description, 'A diver')"))
    error = one_line_error(run("show", row["parent_id"][:characters], "--hub", imported))
    assert "imported row" in error
    command = re.search(r"personahub (sample .*) finds it", error)
    assert command
    assert run(*shlex.split(command[1])).out.startswith(row["id"])


def test_show_of_an_imported_persona_names_no_model(imported: Path, run: Run) -> None:
    row = next(Hub(imported).personas.rows())
    out = run("show", row["id"], "--hub", imported).out
    assert "template import@persona-hub" in out
    assert "model" not in out


def test_show_of_another_persona_names_its_model(tmp_path: Path, run: Run) -> None:
    someone = persona("A keeper.")
    hub_of(tmp_path / "hub", [someone])
    assert "run 1, model scripted, template t" in run("show", someone.id, "--hub", tmp_path / "hub").out


def test_show_of_a_set_aside_case_names_file_and_row(imported: Path, run: Run) -> None:
    case = next(Hub(imported).set_aside.rows())
    out = run("show", case["id"], "--hub", imported).out
    assert "a.jsonl, row 2" in out


def test_a_place_without_a_hub_names_both_ways_to_one(tmp_path: Path, run: Run) -> None:
    error = one_line_error(run("sample", "--hub", tmp_path / "none"))
    assert "personahub curate" in error
    assert "personahub import" in error


@pytest.fixture
def solved(tmp_path: Path) -> tuple[Hub, list[str]]:
    """A hub with a problem, a variation of it and the variation's solution, which has no persona."""
    keeper = persona("Смотритель маяка, который чинит лампы")
    hub = hub_of(tmp_path / "hub", [keeper])
    options = {"difficulty": "school", "focus": "", "with_program": False}
    problem = record_of(keeper, "Сколько ламп [горит]?", inputs={"options": options})
    varied = record_of(None, "几盏灯？", inputs={"seed_item": {"text": problem.text, "record": problem.id}})
    inputs = {"item": {"text": varied.text, "record": varied.id}, "scenario": "a storm"}
    solution = record_of(None, "Three.", dataset="solved", task="solution", inputs=inputs)
    records = [problem, varied, solution]
    hub.records.add(records)
    return hub, [record.id for record in records]


def test_show_of_a_record_without_a_persona_goes_on_with_what_it_was_made_from(
    solved: tuple[Hub, list[str]],
) -> None:
    hub, (problem, varied, solution) = solved
    lineage = show(hub.path, solution).to_json()
    assert [record["id"] for record in lineage["made_from"]] == [varied, problem]
    assert lineage["persona"]["description"].startswith("Смотритель")
    assert lineage["record"]["inputs"]["scenario"] == "a storm"
    assert lineage["made_from"][1]["inputs"]["options"]["difficulty"] == "school"


def test_show_of_a_record_that_nothing_made_has_neither_persona_nor_origin(tmp_path: Path) -> None:
    hub = Hub.create(tmp_path / "hub")
    alone = record_of(None, "Сколько ламп?", inputs={"item": {"text": "lamps", "source": "a.txt", "row": 2}})
    hub.records.add([alone])
    lineage = show(hub.path, alone.id)
    assert (lineage.persona, lineage.document, lineage.made_from) == (None, None, [])


def test_show_tells_in_words_what_a_record_was_made_from(solved: tuple[Hub, list[str]], run: Run) -> None:
    hub, (problem, varied, solution) = solved
    out = run("show", solution, "--hub", hub.path).out
    assert out.index(solution) < out.index(varied) < out.index(problem) < out.index("persona")
    for line in ("solved: solution, zero-shot", "scenario: a storm", "options: difficulty school", "[горит]"):
        assert line in out


def test_show_of_a_problem_counts_what_was_made_of_it(solved: tuple[Hub, list[str]]) -> None:
    hub, (problem, *_) = solved
    assert show(hub.path, problem).below == {"records": 1}


def test_stats_count_records_by_their_data_sets(solved: tuple[Hub, list[str]], run: Run) -> None:
    hub, _ = solved
    assert stats(hub.path)["datasets"] == {"math": 2, "solved": 1}
    assert "data sets      math 2, solved 1" in run("stats", "--hub", hub.path).out
