"""Terms: what may be done with a model's outputs, as far as it is known."""

import json
from pathlib import Path

import pytest

from commands import Run, one_line_error
from personahub import UserError, export_dataset
from personahub.models.catalog import CATALOG
from personahub.models.terms import Outputs, known_terms, strictest, terms_of


@pytest.mark.parametrize(
    ("model", "outputs"),
    [
        ("qwen2.5-coder-1.5b", "free"),
        ("Qwen/Qwen2.5-7B-Instruct", "free"),
        ("Qwen/Qwen2.5-3B-Instruct", "non-commercial"),
        ("Qwen/Qwen2.5-72B-Instruct", "naming"),
        ("meta-llama/Llama-3.1-8B-Instruct", "naming"),
        ("llama3.1:8b", "naming"),
        ("meta-llama/Meta-Llama-3-8B-Instruct", "no-competing"),
        ("deepseek-ai/DeepSeek-R1-Distill-Llama-8B", "naming"),
        ("deepseek-ai/DeepSeek-R1", "free"),
        ("google/gemma-2-9b-it", "conditions"),
        ("openai/gpt-oss-20b", "free"),
        ("gpt-4o-mini", "no-competing"),
        ("http://localhost:8000/v1#gpt-4o-mini", "no-competing"),
        ("claude-sonnet-4", "no-competing"),
        ("somebody/else-7b", "unknown"),
        ("my-gpt-4", "unknown"),
    ],
)
def test_a_models_terms_are_found_by_its_name(model: str, outputs: str) -> None:
    assert terms_of(model).outputs == outputs


def test_the_models_that_can_be_fetched_by_name_have_the_licence_of_the_catalogue() -> None:
    assert {name: terms_of(name).licence for name in CATALOG} == {
        name: entry.licence for name, entry in CATALOG.items()
    }


def test_every_entry_says_where_and_when_its_terms_were_read() -> None:
    for patterns, terms in known_terms():
        assert terms.source.startswith("https://"), patterns
        assert terms.known, patterns


def test_data_of_several_models_stands_under_the_strictest_terms() -> None:
    named = ["qwen2.5-coder-1.5b", "llama3.1:8b", "gpt-4o"]
    assert [strictest(map(terms_of, named[:n])) for n in (0, 1, 2, 3)] == [None, *map(terms_of, named)]
    unknown = strictest([terms_of("gpt-4o"), terms_of("nobody-knows")])
    assert unknown is not None
    assert unknown.outputs is Outputs.UNKNOWN


def test_own_entries_come_first(tmp_path: Path, run: Run) -> None:
    own = tmp_path / "own.yaml"
    own.write_text("known: '2026-11'\nterms: [{models: [gpt-4o*], licence: Our contract, outputs: free}]\n")
    assert terms_of("gpt-4o", own).outputs == "free"
    assert terms_of("gpt-5", own).outputs == "no-competing"
    (told,) = json.loads(run("models", "terms", "gpt-4o", "--own", own, "--json").out)
    assert (told["licence"], told["known"]) == ("Our contract", "2026-11")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("nothing", "has no list 'terms'"),
        ("terms: [{models: [a]}]", "entry 1: needs models"),
        ("terms: [{models: [a], licence: x, outputs: maybe}]", "outputs 'maybe' is none of free, naming"),
        ("terms: [", "terms cannot be read"),
    ],
)
def test_own_entries_that_are_none_are_one_line(tmp_path: Path, content: str, told: str) -> None:
    (tmp_path / "own.yaml").write_text(content)
    with pytest.raises(UserError, match=told) as error:
        terms_of("gpt-4o", tmp_path / "own.yaml")
    assert "\n" not in str(error.value)


def test_the_command_lists_the_table_and_answers_for_a_name(run: Run) -> None:
    listed = run("models", "terms").out
    assert all(patterns[0] in listed for patterns, _ in known_terms())
    asked = run("models", "terms", "nobody-knows", "gpt-4o").out
    assert "nobody-knows: unknown" in asked
    assert "gpt-4o: no-competing" in asked
    assert "cannot be read" in one_line_error(run("models", "terms", "a", "--own", "nowhere.yaml"))


def test_a_data_sets_manifest_has_the_terms_of_all_its_models(made: Path, tmp_path: Path) -> None:
    export_dataset(made, "math", tmp_path / "m.jsonl", manifest=True)
    terms = json.loads((tmp_path / "m.jsonl.manifest.json").read_text())["terms"]
    assert terms["outputs"] == "unknown"
    assert {each["model"] for each in terms["models"]} == {"scripted"}
