"""What ``sample`` and ``show`` say to people: nothing found, imported rows, set-aside cases."""

import json
import re
import shlex
from pathlib import Path

import pytest

from commands import Run, one_line_error
from described import hub_of, persona
from personahub import Hub, add


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
