"""The command line, as a person or a script uses it."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from commands import one_line_error
from personahub import curate, synthesize
from scripted import ScriptedModel, any_reply


@pytest.fixture
def hub(texts: Path, tmp_path: Path) -> Path:
    """A hub with personas and two problems, made by a scripted model."""
    curate([texts], tmp_path / "hub", model=ScriptedModel(any_reply))
    synthesize("math", tmp_path / "hub", n=2, model=ScriptedModel(any_reply))
    return tmp_path / "hub"


def test_curate_json_prints_the_contract_and_nothing_else(run, texts, tmp_path, small_model) -> None:
    command = ("curate", texts / "bread.md", "--hub", tmp_path / "hub", "--model", small_model)
    result = run(*command, "--relations", "read", "--json")
    assert result.code == 0
    printed = json.loads(result.out)
    assert list(printed) == ["documents", "personas", "set_aside", "calls", "failures"]
    assert printed["documents"] == 1
    # The small model may be cut off, and is asked once more then.
    assert printed["calls"] in {1, 2}
    assert printed["personas"] + sum(printed["set_aside"].values()) + printed["failures"] == 1


@pytest.mark.slow
def test_synthesize_with_the_real_model_writes_jsonl_or_says_why_not(run, hub, tmp_path, small_model) -> None:
    out = tmp_path / "problems.jsonl"
    command = ("synthesize", "math", "--hub", hub, "-n", 1, "--out", out, "--model", small_model)
    result = run(*command, "--max-calls", 1, "--json")
    printed = json.loads(result.out)
    lines = out.read_text().splitlines()
    assert len(lines) == printed["records"]
    assert result.code == (0 if printed["records"] == 1 else 3)
    assert printed["calls"] == 1


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("curate", "missing.txt"), "missing.txt: no such file"),
        (("curate", "empty"), "empty"),
        (("curate", "photo.png"), "unknown format"),
        (("curate", "bad.jsonl"), "bad.jsonl, row 2: not JSON"),
        (("curate", "fields.jsonl"), "the fields there: body, author"),
        (("curate", "good.txt", "--relations", "7!"), "unknown relation"),
        (("curate", "good.txt", "--granularity", "medium"), "unknown granularity"),
        (("curate", "good.txt", "--language", "klingon"), "unknown language"),
        (("curate", "good.txt", "--model", "gpt-17"), "unknown model"),
        (("curate", "good.txt", "--model", "missing.gguf"), "missing.gguf"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing_behind(
    run, tmp_path, monkeypatch, args: tuple[str, ...], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty").mkdir()
    Path("photo.png").write_bytes(b"\x89PNG")
    Path("good.txt").write_text("A lighthouse keeper writes down the wind and the ships of every night.")
    Path("bad.jsonl").write_text('{"text": "A good first row about a garden in spring."}\n{torn\n')
    Path("fields.jsonl").write_text('{"body": "A row without a usual field.", "author": "x"}\n')
    assert message in one_line_error(run(*args, "--hub", "hub"))
    assert not Path("hub").exists()


def test_weights_that_were_not_fetched_are_one_line_with_both_ways_out(
    run, texts, tmp_path, monkeypatch
) -> None:
    monkeypatch.setenv("PERSONAHUB_MODELS", str(tmp_path / "no-models"))
    error = one_line_error(run("curate", texts, "--hub", tmp_path / "hub"))
    assert "personahub models pull qwen2.5-coder-1.5b" in error
    assert "GGUF file" in error


@pytest.mark.parametrize("verb", [("sample",), ("stats",), ("show", "p0123456"), ("runs", "list")])
def test_a_folder_that_is_no_hub_is_one_line(run, texts, verb: tuple[str, ...]) -> None:
    assert "is no hub" in one_line_error(run(*verb, "--hub", texts))


def test_a_hub_is_not_made_among_other_files(run, texts, small_model) -> None:
    error = one_line_error(run("curate", texts, "--hub", texts, "--model", small_model))
    assert "holds other files" in error


def test_an_unknown_task_is_one_line(run, hub, small_model) -> None:
    error = one_line_error(run("synthesize", "poetry", "--hub", hub, "--model", small_model))
    assert "unknown task 'poetry'; known: dialogue, instruction" in error


def test_synthesize_from_an_empty_hub_says_what_to_do_first(run, tmp_path, small_model) -> None:
    from personahub import Hub

    Hub.create(tmp_path / "hub")
    error = one_line_error(run("synthesize", "math", "--hub", tmp_path / "hub", "--model", small_model))
    assert "personahub curate" in error


def test_show_prints_problem_persona_and_text(run, hub) -> None:
    record = json.loads(run("sample", "--hub", hub, "-n", 1, "--json").out)[0]
    from personahub import Hub

    problem = next(Hub(hub).records.rows())
    out = run("show", problem["id"], "--hub", hub).out
    for id_ in (problem["id"], problem["persona_id"], problem["document_id"]):
        assert id_ in out
    assert problem["text"] in " ".join(out.split()) or problem["text"][:40] in out
    assert record["id"].startswith("p")


def test_show_of_an_id_that_is_not_there_is_one_line(run, hub) -> None:
    assert "not in the hub" in one_line_error(run("show", "p00000000", "--hub", hub))


def test_stats_counts_everything(run, hub) -> None:
    counts = json.loads(run("stats", "--hub", hub, "--json").out)
    assert (counts["documents"], counts["personas"], counts["records"]) == (3, 12, 2)
    assert counts["languages"] == {"en": 8, "ru": 4}


def test_set_aside_cases_can_be_listed_by_reason(run, texts, tmp_path) -> None:
    recipe = (
        "A recipe that tells hungry people how to bake bread at home without any oven and without any yeast."
    )
    curate(
        [texts / "lift.txt"], tmp_path / "hub", model=ScriptedModel(lambda _: json.dumps({"persona": recipe}))
    )
    result = run("runs", "set-aside", "--hub", tmp_path / "hub", "--reason", "not_a_person", "--json")
    cases = json.loads(result.out)
    assert len(cases) == 4
    assert {case["text"] for case in cases} == {recipe}


def test_runs_are_listed_with_their_counts(run, hub) -> None:
    runs = json.loads(run("runs", "list", "--hub", hub, "--json").out)
    assert [(one["verb"], one["status"]) for one in runs] == [
        ("curate", "finished"),
        ("synthesize", "finished"),
    ]
    assert runs[0]["counts"]["personas"] == 12


def test_output_to_a_pipe_has_no_colour(hub) -> None:
    from personahub import Hub

    problem = next(Hub(hub).records.rows())
    for args in (["stats"], ["show", problem["id"]], ["sample"]):
        command = [sys.executable, "-m", "personahub", *args, "--hub", str(hub)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert "\x1b" not in done.stdout


def test_help_loads_nothing_heavy() -> None:
    script = (
        "import sys; sys.argv = ['personahub', '--help']\n"
        "from personahub.cli import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        "heavy = ('numpy', 'pyarrow', 'lance', 'xllamacpp', 'jinja2')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_every_option_of_a_verb_has_help() -> None:
    environment = {**os.environ, "COLUMNS": "200"}
    for verb in ("read", "curate", "synthesize", "sample", "show", "stats", "demo"):
        command = [sys.executable, "-m", "personahub", verb, "--help"]
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
        lines = "\n".join(line.strip("│ ") for line in done.stdout.splitlines())
        options = re.findall(r"^[* ]*(--\S.*(?:\n[^-╭╰*\n].*)*)$", lines, re.MULTILINE)
        assert options
        assert all(re.search(r"(?s)[A-Z]\w+.*\.", option) for option in options), (verb, options)


@pytest.mark.slow
def test_the_demo_shows_titles_personas_and_where_to_go_next(run, texts, tmp_path, small_model) -> None:
    hub = tmp_path / "demo"
    result = run("demo", texts / "bread.md", "--hub", hub, "--model", small_model, "--problems", 1)
    assert "Rye bread" in result.out
    assert "Where everything lies" in result.out
    assert "What to try next" in result.out
    assert (hub / "problems.jsonl").exists()
