"""Trace: each row of a file leads back to its text, and a broken link is found."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lance
import pytest

from commands import Run, one_line_error
from personahub import expand, export, export_dataset, mix, synthesize, trace
from scripted import ScriptedModel, any_reply, relative_reply


@pytest.fixture(scope="module")
def grown(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hub with personas of two rounds, and problems of all of them."""
    hub = Path(shutil.copytree(made, tmp_path_factory.mktemp("grown") / "hub"))
    expand(hub, rounds=2, per_persona=1, model=ScriptedModel(relative_reply))
    synthesize("math", hub, dataset="later", n=4, model=ScriptedModel(any_reply))
    return hub


@pytest.fixture
def hub(grown: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(grown, tmp_path / "hub"))


def rows(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


@pytest.mark.parametrize("name", ["later.jsonl", "later.jsonl.gz", "later.parquet"])
def test_what_was_exported_leads_back_to_its_texts(grown: Path, tmp_path: Path, name: str) -> None:
    outcome = export_dataset(grown, "later", tmp_path / name)
    found = trace(tmp_path / name, grown)
    assert (found.rows, found.broken) == (outcome.records, {})


def test_personas_of_later_rounds_lead_back_too(grown: Path, tmp_path: Path) -> None:
    export(grown, tmp_path / "p.jsonl", view="all")
    found = trace(tmp_path / "p.jsonl", grown)
    assert max(row["round"] for row in rows(tmp_path / "p.jsonl")) == 2
    assert (found.rows, found.broken) == (len(rows(tmp_path / "p.jsonl")), {})


def delete(table: str, where: str) -> Callable[[Path], None]:
    return lambda hub: lance.dataset(str(hub / f"{table}.lance")).delete(where)


def no_runs(hub: Path) -> None:
    for file in (hub / "runs").glob("*.json"):
        file.unlink()


def no_journal(hub: Path) -> None:
    shutil.rmtree(hub / "journal")


@pytest.mark.parametrize(
    ("damage", "link"),
    [
        (delete("records", "true"), "record"),
        (delete("personas", "round = 2"), "persona"),
        (delete("personas", "round = 0"), "persona"),
        (delete("documents", "true"), "document"),
        (no_runs, "run"),
        (no_journal, "completion"),
    ],
)
def test_each_link_that_is_gone_is_found(
    hub: Path, tmp_path: Path, run: Run, damage: Callable[[Path], None], link: str
) -> None:
    export(hub, tmp_path / "p.jsonl", view="all")
    export_dataset(hub, "later", tmp_path / "r.jsonl")
    both = tmp_path / "both.jsonl"
    both.write_text((tmp_path / "p.jsonl").read_text() + (tmp_path / "r.jsonl").read_text())
    assert trace(both, hub).broken == {}
    damage(hub)
    said = run("trace", both, "--hub", hub, "--json")
    assert said.code == 1
    assert set(json.loads(said.out)["broken"]) == {link}


def test_a_row_whose_text_was_changed_is_found_with_its_place(grown: Path, tmp_path: Path, run: Run) -> None:
    export_dataset(grown, "later", tmp_path / "r.jsonl")
    changed = rows(tmp_path / "r.jsonl")
    changed[2]["text"] += " And more."
    (tmp_path / "r.jsonl").write_text("\n".join(map(json.dumps, changed)))
    said = run("trace", tmp_path / "r.jsonl", "--hub", grown)
    assert said.code == 1
    assert f"row 3, {changed[2]['id']}: text: the row's text is not the record's" in said.out


def test_rows_without_an_id_and_broken_lines_are_breaks(grown: Path, tmp_path: Path) -> None:
    (tmp_path / "r.jsonl").write_text('{"text": "a"}\nnot json\n{"id": "r00", "text": "b"}\n')
    assert trace(tmp_path / "r.jsonl", grown).broken == {"id": 1, "row": 1, "record": 1}


def test_real_rows_of_a_mixture_are_counted_and_not_followed(grown: Path, tmp_path: Path) -> None:
    export_dataset(grown, "later", tmp_path / "made.jsonl")
    real = [json.dumps({"text": f"A real text number {i} of {i * i}."}) for i in range(4)]
    (tmp_path / "real.jsonl").write_text("\n".join(real))
    mixture = mix(tmp_path / "real.jsonl", tmp_path / "made.jsonl", tmp_path / "m.jsonl").mixtures[0]
    found = trace(tmp_path / "m.jsonl", grown)
    assert (found.rows, found.real, found.broken) == (mixture.synthetic, mixture.real, {})
    assert found.rows


def test_an_empty_file_is_one_line(grown: Path, tmp_path: Path, run: Run) -> None:
    (tmp_path / "none.jsonl").write_text("")
    assert "holds no rows" in one_line_error(run("trace", tmp_path / "none.jsonl", "--hub", grown))
