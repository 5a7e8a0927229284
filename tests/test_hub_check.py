"""hub check: what is missing, torn or changed in a hub is found."""

import json
import random
import re
from dataclasses import replace
from pathlib import Path

import lance
import numpy as np
import pyarrow as pa
import pytest

from grown_hubs import document, findings, grown_hub, persona, rewrite
from hubs import record_of
from personahub import Hub, check_hub
from personahub.records import Kind, SetAside, content_id


@pytest.fixture
def hub(tmp_path: Path) -> Hub:
    return grown_hub(tmp_path / "hub")


# Check


def test_a_hub_that_was_curated_is_whole(run, curated: Path) -> None:
    result = run("hub", "check", curated, "--json")
    printed = json.loads(result.out)
    assert (result.code, printed["whole"], printed["findings"]) == (0, True, [])
    checked = {"documents": 3, "personas": 12, "records": 2, "set_aside": 0, "runs": 2}
    assert printed["checked"].items() >= checked.items()
    assert printed["checked"]["journal_entries"] >= 14
    assert "all is whole" in run("hub", "check", curated).out


def test_an_empty_hub_is_whole(tmp_path: Path) -> None:
    assert check_hub(Hub.create(tmp_path / "hub").path).findings == []


def test_every_kind_of_row_is_checked_by_its_id(hub: Hub) -> None:
    hub.set_aside.add([SetAside("persona", "too_short", "2 words", "Повар", "d1", "a.txt", 1, 1, "0" * 32)])
    assert findings(hub.path) == ""
    for name, column in (("documents", "text"), ("personas", "description"), ("set_aside", "reason")):
        rewrite(hub, name, lambda all_rows, column=column: [{**all_rows[0], column: "歪"}, *all_rows[1:]])
        assert f"{name}.lance: 1 rows whose id is not what they make" in findings(hub.path)


def test_a_record_with_a_changed_text_is_found(curated: Path) -> None:
    rewrite(Hub(curated), "records", lambda found: [{**found[0], "text": "1 + 1?"}, *found[1:]])
    assert "records.lance: 1 rows whose id" in findings(curated)


def test_a_record_may_have_no_persona_but_none_that_is_lost(hub: Hub) -> None:
    hub.records.add([record_of(persona(document(0)), "几盏灯？"), record_of(None, "Сколько ламп?")])
    assert findings(hub.path) == ""
    hub.records.add([record_of(persona(document(0), 99), "How many lamps?")])
    assert "records.lance: 1 records whose persona is not there" in findings(hub.path)


def test_a_record_of_an_older_format_keeps_the_id_it_had(hub: Hub) -> None:
    record = record_of(None, "Сколько ламп?")
    old = content_id(Kind.RECORD, "math", record.text, "")
    hub.records.add([record, record_of(None, "几盏灯？", dataset="lamps")])
    rewrite(hub, "records", lambda found: [{**found[0], "id": old}, found[1]])
    assert findings(hub.path) == ""
    rewrite(hub, "records", lambda found: [{**found[0], "dataset": "lamps"}, found[1]])
    assert "records.lance: 1 rows whose id is not what they make" in findings(hub.path)


def test_an_id_that_stands_there_twice_is_found(hub: Hub) -> None:
    rewrite(hub, "documents", lambda found: [*found, found[0]])
    assert "documents.lance: 1 ids that stand there more than once: d" in findings(hub.path)


def test_personas_without_their_text_or_parent_are_found(hub: Hub) -> None:
    rewrite(hub, "documents", lambda found: found[1:])
    rewrite(hub, "personas", lambda found: found[1:])
    told = findings(hub.path)
    assert "1 personas whose parent, a persona, is not there: p" in told
    assert "documents.lance: has 5 rows, but had 6 when run 3 ended" in told
    rewrite(hub, "documents", lambda found: found[2:])
    assert "personas whose document is not there: p" in findings(hub.path)


def test_a_wrong_round_or_root_is_found(hub: Hub) -> None:
    parent = persona(document(0))
    hub.personas.add([persona(parent, 70, round=5)])
    assert "1 personas that are not one round after their parent" in findings(hub.path)
    hub.personas.add([replace(persona(parent, 71), document_id=document(1).id)])
    assert "1 personas with another root than their parent" in findings(hub.path)


def test_an_imported_persona_has_no_parent_in_the_hub(hub: Hub) -> None:
    row = "i" + "0" * 20
    imported = persona(document(0), 80, parent_id=row, document_id=row)
    hub.personas.add([imported, persona(imported, 81)])
    assert findings(hub.path) == ""
    hub.personas.add([persona(document(0), 82, parent_id="z1", document_id="z1")])
    assert "1 personas whose parent is no document, persona or imported row" in findings(hub.path)


def test_rows_of_a_run_without_a_file_are_found(hub: Hub) -> None:
    (hub.path / "runs" / "000002.json").unlink()
    assert "personas.lance: has rows of runs without a file: 2" in findings(hub.path)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"number": 2}', '{"status": "odd"}'])
def test_a_damaged_run_is_found(hub: Hub, text: str) -> None:
    (hub.path / "runs" / "000002.json").write_text(text)
    assert "000002.json: is no run's file" in findings(hub.path)


def test_a_reply_that_the_journal_lacks_is_found(curated: Path) -> None:
    live = curated / "journal" / "live.jsonl"
    lines = live.read_text().splitlines(keepends=True)
    live.write_text("".join(line for line in lines if '"reply"' not in line) or "\n")
    told = findings(curated)
    assert "lacks the replies of 12 rows of personas.lance" in told
    assert "lacks the replies of 2 rows of records.lance" in told


def test_a_journal_that_is_gone_or_damaged_is_found(curated: Path) -> None:
    live = curated / "journal" / "live.jsonl"
    live.write_text(live.read_text() + "{damaged\n")
    assert "has 1 damaged lines" in findings(curated)
    part = curated / "journal" / "part-000001.parquet"
    part.write_bytes(b"PAR1 no more")
    assert "part-000001.parquet: this part of the journal cannot be read" in findings(curated)
    (curated / "journal").rename(curated.parent / "moved")
    assert "is not there, though rows name its replies" in findings(curated)


@pytest.mark.parametrize("harm", ["gone", "short", "zeros", "footer"])
def test_a_damaged_data_file_is_found(run, hub: Hub, harm: str) -> None:
    file = min((hub.path / "personas.lance" / "data").iterdir())
    raw = file.read_bytes()
    file.unlink()
    if harm != "gone":
        shapes = {"short": raw[: len(raw) // 2], "zeros": bytes(len(raw)), "footer": raw[:-8] + bytes(8)}
        file.write_bytes(shapes[harm])
    result = run("hub", "check", hub.path)
    assert result.code == 1
    assert re.search(r"personas.lance: of \d rows of fragment \d+ only 0 can be read", result.out)
    assert "bring the table back" in result.out


@pytest.mark.parametrize("seed", range(12))
def test_a_table_with_flipped_bytes_is_whole_or_found_but_never_fatal(hub: Hub, seed: int) -> None:
    draw = random.Random(seed)
    file = draw.choice(sorted((hub.path / "personas.lance").rglob("*.*")))
    raw = bytearray(file.read_bytes())
    for _ in range(20):
        raw[draw.randrange(len(raw))] ^= 1 << draw.randrange(8)
    file.write_bytes(raw)
    check_hub(hub.path)


def test_a_table_of_another_schema_is_found(hub: Hub) -> None:
    path = hub.path / "personas.lance"
    table = lance.dataset(str(path)).to_table().drop_columns(["licence"])
    lance.write_dataset(table, str(path), mode="overwrite")
    assert "personas.lance: is no table of this format: lacks licence" in findings(hub.path)


def write_vectors(hub: Hub, ids: list[str], vectors: list[list[float]]) -> None:
    kind = pa.list_(pa.float16(), len(vectors[0]))
    numbers = [np.array(vector, np.float16) for vector in vectors]
    table = pa.table({"id": ids, "vector": pa.array(numbers, kind)})
    lance.write_dataset(table, str(hub.path / "embeddings.lance"), mode="overwrite")


def test_embeddings_are_checked_where_there_are_any(hub: Hub) -> None:
    ids = [row["id"] for row in hub.personas.rows()][:2]
    write_vectors(hub, ids, [[1.0, 0.0], [0.6, 0.8]])
    assert findings(hub.path) == ""
    write_vectors(hub, [ids[0], "p" + "0" * 20], [[1.0, 0.0], [float("nan"), 0.0]])
    told = findings(hub.path)
    assert f"1 embeddings of personas that are not there: p{'0' * 20}" in told
    assert "1 embeddings whose numbers are missing or not finite" in told


def test_edges_are_checked_where_there_are_any(hub: Hub) -> None:
    ids = [row["id"] for row in hub.personas.rows()]

    def write(*edges: tuple[str, str, float]) -> None:
        columns = zip(*edges, strict=True)
        names = ("later", "earlier", "similarity")
        table = pa.table(dict(zip(names, map(list, columns), strict=True)))
        lance.write_dataset(table, str(hub.path / "edges.lance"), mode="overwrite")

    write((ids[1], ids[0], 0.9), (ids[2], ids[0], 1.0))
    assert findings(hub.path) == ""
    write((ids[1], ids[1], 0.9), ("p" + "1" * 20, ids[0], 0.9), (ids[2], ids[0], 7.0))
    told = findings(hub.path)
    assert "1 edges of personas that are not there" in told
    assert "1 edges from a persona to itself" in told
    assert "1 edges whose similarity is none" in told
