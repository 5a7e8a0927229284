"""Export: personas as a file, the oldest first, whole or not at all."""

import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from commands import Run, one_line_error
from personahub import Hub, UserError, add, export
from personahub.hub import tables
from personahub.records import Document, Persona
from personahub.workflows.views import OpenView

LINEAGE = {"parent_id", "document_id", "source", "row", "date", "model", "template", "seed", "run"}


def persona(number: int, document: Document, **changes: Any) -> Persona:
    fields: dict[str, Any] = {
        "description": f"Keeper {number} of the lamp",
        "language": "en",
        "relation": "read",
        "parent_id": document.id,
        "document_id": document.id,
        "source": document.source,
        "row": document.row,
        "date": "",
        "licence": "CC0-1.0",
        "round": 0,
        "granularity": "fine",
        "closeness": None,
        "model": "a-model",
        "template": "text_to_persona@1",
        "seed": 0,
        "run": 1,
        "position": number,
        "request": "",
    }
    return Persona(**{**fields, **changes})


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    """Personas whose order in the table is none by age."""
    hub = Hub.create(tmp_path / "hub")
    document = Document("A text about lamps.", "en", "a.jsonl", 7, url="https://example.org/a", title="Lamps")
    hub.documents.add([document])
    hub.personas.add([persona(number, document, run=2) for number in (3, 1, 2)])
    hub.personas.add([persona(number, document, round=1, relation="child") for number in (9, 8)])
    hub.personas.add([persona(5, document), persona(4, document, language="ru", description="Смотритель")])
    return hub.path


def rows_of(file: Path) -> list[dict[str, Any]]:
    if file.suffix == ".parquet":
        return list(pq.read_table(file).to_pylist())
    content = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
    return [json.loads(line) for line in content.decode().splitlines()]


@pytest.mark.parametrize("name", ["out.jsonl", "out.jsonl.gz", "out.parquet"])
def test_the_oldest_come_first_with_text_language_relation_and_round(
    hub: Path, tmp_path: Path, name: str
) -> None:
    outcome = export(hub, tmp_path / name)
    rows = rows_of(tmp_path / name)
    assert [row["persona"] for row in rows] == [
        "Смотритель",
        *(f"Keeper {number} of the lamp" for number in (5, 8, 9, 1, 2, 3)),
    ]
    assert list(rows[0]) == ["id", "persona", "language", "relation", "round", "licence"]
    assert (rows[0]["language"], rows[2]["relation"], rows[2]["round"]) == ("ru", "child", 1)
    assert outcome.personas == 7


def test_the_same_hub_gives_the_same_bytes(hub: Path, tmp_path: Path) -> None:
    for name in ("a.jsonl.gz", "b.jsonl.gz"):
        export(hub, tmp_path / name)
    assert (tmp_path / "a.jsonl.gz").read_bytes() == (tmp_path / "b.jsonl.gz").read_bytes()


def test_many_rows_are_sorted_over_all_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "_TAKEN_ROWS", 7)
    hub = Hub.create(tmp_path / "hub")
    document = Document("t", "en", "a", 1)
    order = [number * 37 % 100 for number in range(100)]
    for start in range(0, 100, 10):
        hub.personas.add([persona(number, document) for number in order[start : start + 10]])
    export(hub.path, tmp_path / "o.parquet")
    assert [row["persona"] for row in rows_of(tmp_path / "o.parquet")] == [
        f"Keeper {number} of the lamp" for number in range(100)
    ]


def test_lineage_tells_the_row_the_run_and_the_document(hub: Path, tmp_path: Path) -> None:
    export(hub, tmp_path / "o.jsonl", lineage=True)
    row = rows_of(tmp_path / "o.jsonl")[0]
    assert set(row) == {"id", "persona", "language", "relation", "round", "licence", "title", "url"} | LINEAGE
    assert (row["source"], row["row"], row["licence"]) == ("a.jsonl", 7, "CC0-1.0")
    assert (row["model"], row["template"], row["run"]) == ("a-model", "text_to_persona@1", 1)
    assert (row["title"], row["url"]) == ("Lamps", "https://example.org/a")


def test_imported_personas_have_no_title(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(json.dumps({"persona": "A cook who paints."}))
    add(tmp_path / "a.jsonl", tmp_path / "hub")
    export(tmp_path / "hub", tmp_path / "o.parquet", lineage=True)
    row = rows_of(tmp_path / "o.parquet")[0]
    assert (row["title"], row["url"], row["template"]) == (None, "", "import@persona-hub")


def test_a_condition_chooses(hub: Path, tmp_path: Path) -> None:
    assert export(hub, tmp_path / "o.jsonl", where="language = 'ru' OR round = 1").personas == 3
    assert [row["language"] for row in rows_of(tmp_path / "o.jsonl")] == ["ru", "en", "en"]
    assert export(hub, tmp_path / "o.jsonl", where="closeness > 0.5").personas == 0


def test_a_view_s_duplicates_stay_out(hub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    aside = [row["id"] for row in Hub(hub).personas.rows("round = 1")]
    view = OpenView("0.9/0.9", pa.table({"id": aside}))
    asked = []

    def opened(_hub: Hub, name: str | None) -> OpenView:
        asked.append(name)
        return view

    monkeypatch.setattr("personahub.workflows.export.open_view", opened)
    outcome = export(hub, tmp_path / "o.jsonl", view="0.9/0.9")
    assert asked == ["0.9/0.9"]
    assert (outcome.personas, outcome.view) == (5, "0.9/0.9")
    assert {row["round"] for row in rows_of(tmp_path / "o.jsonl")} == {0}
    assert export(hub, tmp_path / "o.jsonl", where="language = 'en'").personas == 4


@pytest.mark.parametrize("name", ["o.jsonl", "o.jsonl.gz", "o.parquet"])
@pytest.mark.parametrize("lineage", [False, True])
def test_what_was_exported_can_be_imported(hub: Path, tmp_path: Path, name: str, lineage: bool) -> None:
    export(hub, tmp_path / name, lineage=lineage)
    outcome = add(tmp_path / name, tmp_path / "other")
    assert outcome.added == 7
    export(tmp_path / "other", tmp_path / "again.jsonl")
    first, again = rows_of(tmp_path / name), rows_of(tmp_path / "again.jsonl")
    kept = ("persona", "language", "licence")
    assert [[row[name] for name in kept] for row in again] == [[row[name] for name in kept] for row in first]
    assert {row["licence"] for row in again} == {"CC0-1.0"}


@pytest.mark.parametrize("name", ["o.jsonl", "o.jsonl.gz", "o.parquet"])
def test_a_file_is_there_whole_or_not_at_all(
    hub: Path, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / name).write_text("earlier")
    monkeypatch.setattr(tables, "_TAKEN_ROWS", 2)

    def fail(done: int) -> None:
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export(hub, tmp_path / name, told=fail)
    assert (tmp_path / name).read_text() == "earlier"
    assert {file.name for file in tmp_path.iterdir()} == {"hub", name}


def test_an_empty_hub_gives_an_empty_file(tmp_path: Path) -> None:
    Hub.create(tmp_path / "hub")
    assert export(tmp_path / "hub", tmp_path / "o.parquet", lineage=True).personas == 0
    assert rows_of(tmp_path / "o.parquet") == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--out", "o.jsonl", "--where", "langage = 'en'"], "no column langage"),
        (["--out", "o.txt"], ".jsonl, .jsonl.gz, .parquet"),
        (["--out", "nowhere/o.jsonl"], "cannot be written"),
        (["--out", "nowhere/o.parquet"], "cannot be written"),
    ],
)
def test_mistakes_are_one_line(
    hub: Path, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert said in one_line_error(run("export", "--hub", hub, *arguments))


def test_the_command_says_what_it_wrote(hub: Path, tmp_path: Path, run: Run) -> None:
    result = run("export", "--hub", hub, "--out", tmp_path / "o.jsonl", "--json")
    said = json.loads(result.out)
    assert (said["personas"], said["view"]) == (7, "all")
    assert "7 personas in" in run("export", "--hub", hub, "--out", tmp_path / "o.jsonl").out


def test_no_hub_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is not there"):
        export(tmp_path / "none", tmp_path / "o.jsonl")
