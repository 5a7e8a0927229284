"""A data set as a folder for the Hugging Face Hub: files by split, a card with its metadata, a manifest."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import datasets
import pytest
from huggingface_hub import DatasetCard

from commands import Run, one_line_error
from grown_hubs import document, persona
from hubs import record_of
from personahub import Hub, UserError, export_folder, verify_manifest
from personahub.models.terms import Outputs
from personahub.release.licences import licence_of
from test_trainer_forms import solution, verdict


def a_hub(path: Path, texts: int = 20, licence: str = "CC-BY-4.0") -> Hub:
    """A hub of so many texts, two personas of each, a problem of each persona, and a solution of that."""
    hub = Hub.create(path)
    for number in range(texts):
        text = document(number)
        people = [persona(text, 2 * number + more, licence=licence, model="smollm2-135m") for more in (0, 1)]
        problems = [
            record_of(each, f"How many of {number} and {place}?", model="smollm2-135m")
            for place, each in enumerate(people)
        ]
        answers = [
            solution(
                f"As many as {number} and {place}.",
                each.text,
                document_id=each.document_id,
                licence=licence,
                model="smollm2-135m",
            )
            for place, each in enumerate(problems)
        ]
        hub.documents.add([text])
        hub.personas.add(people)
        hub.records.add([*problems, *answers])
    return hub


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return a_hub(tmp_path_factory.mktemp("folder") / "hub").path


@pytest.fixture(scope="module")
def folder(hub: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("exported") / "solutions"
    export_folder(hub, "solutions", out, splits="train=0.7,validation=0.1,test=0.2", seed=3)
    return out


def load(folder: Path, cache: Path) -> Any:
    return datasets.load_dataset(str(folder), cache_dir=str(cache))


def test_the_library_datasets_loads_all_splits_by_the_folders_name(folder: Path, tmp_path: Path) -> None:
    loaded = load(folder, tmp_path)
    assert {name: len(rows) for name, rows in loaded.items()} == {"train": 28, "validation": 4, "test": 8}
    row = loaded["test"][0]
    assert row["synthetic"] is True
    assert [turn["role"] for turn in row["messages"]] == ["user", "assistant"]


def test_no_document_is_in_two_splits(folder: Path, tmp_path: Path) -> None:
    found = [set(rows["document_id"]) for rows in load(folder, tmp_path).values()]
    assert len(set().union(*found)) == sum(map(len, found)) == 20


def test_the_cards_metadata_are_what_the_hub_reads(folder: Path) -> None:
    card = DatasetCard.load(folder / "README.md")
    told = card.data.to_dict()
    assert (told["language"], told["license"], told["size_categories"]) == (["en"], "cc-by-4.0", ["n<1K"])
    assert "synthetic" in told["tags"]
    paths = {each["split"]: each["path"] for each in told["configs"][0]["data_files"]}
    assert all(list(folder.glob(path)) for path in paths.values())


def test_the_card_tells_what_it_is_how_it_was_made_and_how_it_was_split(folder: Path) -> None:
    card = (folder / "README.md").read_text("utf-8")
    for told in (
        "**Synthetic: every text here was written by language models",
        "| texts read | 20 |",
        "| personas of the hub | 40 |",
        "| records made | 40 |",
        "| records in test | 8 |",
        "20 groups, the largest of 2 records",
        "| smollm2-135m | Apache-2.0 | free |",
        "No check was run on these records.",
        "`cc-by-4.0`: that of all sources.",
        "mean cosine of pairs",
    ):
        assert told in card


def test_every_picture_of_the_card_is_there(folder: Path) -> None:
    card = (folder / "README.md").read_text("utf-8")
    pictures = [part.partition(")")[0] for part in card.split("](")[1:] if part.startswith("assets/")]
    assert pictures == ["assets/steps.png", "assets/diversity.png"]
    assert all((folder / path).stat().st_size > 5000 for path in pictures)


def test_a_text_cannot_break_out_of_the_card(tmp_path: Path) -> None:
    hub = Hub.create(tmp_path / "hub")
    hub.records.add(
        [record_of(None, f"| <script>x</script>\n# A heading ``` {number}") for number in range(3)]
    )
    export_folder(hub.path, "math", tmp_path / "out")
    card = (tmp_path / "out" / "README.md").read_text("utf-8")
    assert "<script>" not in card
    assert "\n# A heading" not in card


def test_one_flipped_byte_of_any_file_is_found(folder: Path, tmp_path: Path) -> None:
    assert not verify_manifest(folder, unsigned=True).faults
    for file in sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file()):
        if file.name == "manifest.json":
            continue
        copy = Path(shutil.copytree(folder, tmp_path / file.name))
        content = bytearray((copy / file).read_bytes())
        content[len(content) // 2] ^= 1
        (copy / file).write_bytes(content)
        assert [str(file) in fault for fault in verify_manifest(copy, unsigned=True).faults] == [True]


def test_the_same_hub_and_seed_give_the_same_bytes(hub: Path, folder: Path, tmp_path: Path) -> None:
    again = tmp_path / "solutions"
    export_folder(hub, "solutions", again, splits="train=0.7,validation=0.1,test=0.2", seed=3)
    for file in folder.rglob("*.*"):
        assert (again / file.relative_to(folder)).read_bytes() == file.read_bytes(), file


def test_only_problems_whose_solutions_agree_are_held_out(tmp_path: Path) -> None:
    hub = a_hub(tmp_path / "hub", texts=10)
    rows = list(hub.records.rows("dataset = 'math'"))
    agreeing = {row["id"] for row in rows[::2]}
    passed = verdict(record_of(None, ""), "passed")
    hub.verdicts.add(
        [
            replace(passed, record_id=id_, score=2 / 3 if id_ in agreeing else 0.5)
            for id_ in [row["id"] for row in rows]
        ]
    )
    outcome = export_folder(hub.path, "math", tmp_path / "out", splits="train=0.7,test=0.3", agreed=True)
    loaded = load(tmp_path / "out", tmp_path / "cache")
    assert outcome.splits == {"train": 8, "test": 6}
    assert outcome.withheld == 6
    assert set(loaded["test"]["id"]) <= agreeing
    assert not set(loaded["train"]["document_id"]) & set(loaded["test"]["document_id"])


def test_where_nothing_agrees_the_held_out_set_that_was_asked_for_is_an_error(tmp_path: Path) -> None:
    hub = a_hub(tmp_path / "hub", texts=5)
    failed = verdict(record_of(None, ""), "failed")
    rows = list(hub.records.rows("dataset = 'math'"))
    hub.verdicts.add([replace(failed, record_id=row["id"], rejects=False) for row in rows])
    with pytest.raises(UserError, match=r"nothing can be in test: .* of those that agree none"):
        export_folder(hub.path, "math", tmp_path / "out", agreed=True)
    assert not (tmp_path / "out").exists()


def test_without_a_group_that_fits_there_is_no_test_or_it_is_an_error(tmp_path: Path, run: Run) -> None:
    hub = a_hub(tmp_path / "hub", texts=1)
    out = tmp_path / "out"
    asked = ("export", "math", "--hub", hub.path, "--out", out, "--format", "huggingface")
    told = one_line_error(run(*asked, "--split", "train=0.9,test=0.1"))
    assert "nothing can be in test: the records are 1 groups" in told
    assert not out.exists()
    assert "no test: its records are 1 groups" in run(*asked).out


def test_an_export_that_fails_leaves_no_folder(hub: Path, tmp_path: Path, monkeypatch: Any) -> None:
    def fail(*_: object) -> str:
        raise UserError("the card cannot be written")

    monkeypatch.setattr("personahub.workflows.export_folder.render_card", fail)
    with pytest.raises(UserError, match="the card cannot be written"):
        export_folder(hub, "math", tmp_path / "out")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--agreed"], "--agreed: no record of math was checked"),
        (["--split", "test=1"], "--split test=1: train has to be among them"),
        (["--rejected"], "--rejected: a folder to give away"),
        (["--out", "."], "is there already"),
    ],
)
def test_what_cannot_be_is_one_line(
    run: Run, hub: Path, tmp_path: Path, options: list[str], said: str
) -> None:
    asked = ["export", "math", "--hub", hub, "--out", tmp_path / "out", "--format", "huggingface"]
    assert said in one_line_error(run(*asked, *options))
    assert not (tmp_path / "out").exists()


def test_the_command_prints_what_the_function_gives(run: Run, hub: Path, tmp_path: Path) -> None:
    asked = ["export", "math", "--hub", hub, "--out", tmp_path / "out", "--format", "huggingface", "--json"]
    told = json.loads(run(*asked).out)
    assert told["splits"] == {"train": 36, "test": 4}
    assert (told["licence"], told["groups"], told["plots"]) == ("cc-by-4.0", 20, True)


@pytest.mark.parametrize(
    ("sources", "outputs", "licence"),
    [
        (["CC-BY-4.0"], Outputs.FREE, "cc-by-4.0"),
        (["MIT", "CC0-1.0"], Outputs.NAMING, "mit"),
        (["CC-BY-4.0", "CC-BY-SA-4.0"], Outputs.FREE, "cc-by-sa-4.0"),
        (["CC-BY-SA-4.0", "CC-BY-NC-4.0"], Outputs.FREE, "other"),
        (["CC-BY-SA-4.0", "CC-BY-SA-3.0"], Outputs.FREE, "other"),
        (["CC-BY-NC-4.0", "MIT"], None, "cc-by-nc-4.0"),
        (["CC-BY-ND-4.0"], Outputs.FREE, "other"),
        (["CC-BY-4.0", "unknown"], Outputs.FREE, "unknown"),
        ([], Outputs.FREE, "unknown"),
        (["MIT"], Outputs.UNKNOWN, "unknown"),
        (["MIT"], Outputs.NO_COMPETING, "other"),
        (["MIT"], Outputs.NON_COMMERCIAL, "other"),
    ],
)
def test_a_licence_is_computed_and_never_freer_than_a_source(
    sources: list[str], outputs: Outputs | None, licence: str
) -> None:
    assert licence_of(sources, outputs).name == licence
