"""Hubs of older formats, brought up to date without losing anything."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import lance
import pyarrow as pa
import pytest

from commands import one_line_error
from hubs import made_persona, record_of
from personahub import Hub, UserError, check_hub, migrate_hub
from personahub.hub import RunStatus
from personahub.records import SCHEMAS, Document, Kind, Persona, Record, content_id

SOURCE = Path(__file__).parents[1] / "src"
ADDED = ["source", "row", "date", "licence"]
"""What the personas of format 2 had not, nor the records of format 3."""
OPTIONS = {"difficulty": "school", "focus": "Brücken und 灯塔"}


def document(number: int) -> Document:
    return Document(
        text=f"Text {number} über 灯塔 и яблони",
        language="en",
        source=f"часть-{number % 3}.jsonl",
        row=number + 1,
        date=f"2023-05-{number % 28 + 1:02}" if number % 4 else "",
        licence="CC-BY-4.0" if number % 2 else "unknown",
    )


def persona(parent: Document, number: int) -> Persona:
    return Persona(
        description=f"每天清晨修理{number}盏灯的灯塔守护人",
        language="zh",
        relation="read",
        parent_id=parent.id,
        document_id=parent.id,
        source=parent.source,
        row=parent.row,
        date=parent.date,
        licence=parent.licence,
        round=0,
        granularity="fine",
        closeness=None,
        model="m",
        template="t",
        seed=0,
        run=1,
        position=number,
        request="",
    )


def current_hub(path: Path, count: int = 12) -> Hub:
    hub = Hub.create(path)
    texts = [document(number) for number in range(count)]
    run, _ = hub.start_run("curate", {})
    for start in range(0, count, 5):
        some = texts[start : start + 5]
        hub.documents.add(some)
        personas = [persona(text, 2 * text.row + place) for text in some for place in (0, 1)]
        hub.personas.add(personas)
        hub.records.add(
            [record_of(one, f"有{one.position}盏灯？", inputs={"options": OPTIONS}) for one in personas]
        )
    run.end(RunStatus.FINISHED, {})
    hub.save_run(run)
    return hub


def make_old(path: Path, format_: int = 2) -> None:
    """Turn a hub into one of format 2, whose personas lacked their origin, or of format 3."""
    if format_ == 2:
        change(path / "personas.lance", lambda table: table.drop_columns(ADDED))
    change(path / "records.lance", old_records)
    mark = json.loads((path / "hub.json").read_text())
    (path / "hub.json").write_text(json.dumps({**mark, "format": format_}))


def change(path: Path, changed: Callable[[pa.Table], pa.Table]) -> None:
    if not path.exists():
        return
    table = changed(lance.dataset(str(path)).to_table())
    shutil.rmtree(path)
    for start in range(0, table.num_rows, 7):
        lance.write_dataset(table.slice(start, 7), str(path), mode="append" if start else "create")


def old_records(table: pa.Table) -> pa.Table:
    """As they were in format 3: no data set, no origin, no inputs; the options stood among the fields."""
    schema = pa.schema([each for each in table.schema if each.name not in {"dataset", "inputs", *ADDED}])
    return pa.Table.from_pylist([{**row, **old_values(row)} for row in table.to_pylist()], schema)


def old_values(row: dict[str, Any]) -> dict[str, str]:
    fields = {**json.loads(row["fields"]), **json.loads(row["inputs"])}
    return {"id": old_id(row), "fields": json.dumps(fields)}


def old_id(row: dict[str, Any]) -> str:
    return content_id(Kind.RECORD, row["task"], row["text"], row["persona_id"])


def format_of(path: Path) -> int:
    return int(json.loads((path / "hub.json").read_text())["format"])


@pytest.fixture
def old(tmp_path: Path) -> Path:
    make_old(current_hub(tmp_path / "hub").path)
    return tmp_path / "hub"


@pytest.mark.parametrize(
    "verb", [("stats", "--hub"), ("sample", "--hub"), ("hub", "check"), ("hub", "compact")]
)
def test_an_old_hub_says_how_to_bring_it_up_to_date(run, old: Path, verb: tuple[str, ...]) -> None:
    error = one_line_error(run(*verb, old))
    assert f"personahub hub migrate {old}" in error


def test_a_migrated_hub_is_what_it_would_be_today(run, old: Path, tmp_path: Path) -> None:
    before = json.loads((old / "hub.json").read_text())
    result = run("hub", "migrate", old, "--json")
    assert json.loads(result.out) == [{"hub": str(old), "was": 2, "now": 4}]
    today = current_hub(tmp_path / "today")
    assert list(Hub(old).personas.rows()) == list(today.personas.rows())
    assert list(Hub(old).documents.rows()) == list(today.documents.rows())
    expected = [{**row, "id": old_id(row)} for row in today.records.rows()]
    assert list(Hub(old).records.rows()) == expected
    assert expected[0]["dataset"] == "math"
    assert lance.dataset(str(old / "personas.lance")).schema.equals(SCHEMAS[Persona])
    assert lance.dataset(str(old / "records.lance")).schema.equals(SCHEMAS[Record])
    assert check_hub(old).findings == []
    assert Hub(old).id == before["id"]


def test_a_hub_of_format_3_is_what_it_would_be_today(tmp_path: Path) -> None:
    today = current_hub(tmp_path / "hub")
    expected = [{**row, "id": old_id(row)} for row in today.records.rows()]
    make_old(today.path, 3)
    assert [one.was for one in migrate_hub(today.path)] == [3]
    assert list(Hub(today.path).records.rows()) == expected
    assert check_hub(today.path).findings == []


def test_a_record_of_an_imported_persona_gets_its_origin_from_the_persona(tmp_path: Path) -> None:
    hub = Hub.create(tmp_path / "hub")
    someone = made_persona("Сторож маяка, который чинит лампы", 4)
    hub.personas.add([someone])
    hub.records.add([record_of(someone, "Сколько ламп?", inputs={"options": OPTIONS})])
    make_old(hub.path, 3)
    migrate_hub(hub.path)
    row = next(Hub(hub.path).records.rows())
    assert [row[name] for name in ADDED] == ["made.jsonl", 5, "", "unknown"]


def test_a_record_whose_text_and_persona_are_gone_keeps_an_unknown_origin(old: Path) -> None:
    shutil.rmtree(old / "documents.lance")
    shutil.rmtree(old / "personas.lance")
    migrate_hub(old)
    row = next(Hub(old).records.rows())
    assert [row[name] for name in ADDED] == ["", 0, "", "unknown"]


def test_a_large_table_of_records_is_migrated_in_parts(old: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("personahub.hub.migrations._BYTES", 1)
    migrate_hub(old)
    rows = current_hub(tmp_path / "today").records.rows()
    assert list(Hub(old).records.rows()) == [{**row, "id": old_id(row)} for row in rows]


def test_versions_of_an_old_hub_stay(old: Path) -> None:
    migrate_hub(old)
    assert Hub(old, version=1).personas.count() == Hub(old, version=1).records.count() == 24


def test_migrating_gives_back_the_old_files(old: Path) -> None:
    migrate_hub(old)
    assert len(list((old / "personas.lance" / "data").iterdir())) == 1


def test_migrating_again_changes_nothing(run, old: Path) -> None:
    migrate_hub(old)
    version = lance.dataset(str(old / "personas.lance")).version
    assert "is up to date" in run("hub", "migrate", old).out
    assert lance.dataset(str(old / "personas.lance")).version == version


def test_a_migrated_hub_goes_on_growing(old: Path) -> None:
    migrate_hub(old)
    hub = Hub(old)
    late = document(90)
    hub.documents.add([late])
    assert hub.personas.add([persona(document(0), 2), persona(late, 90)]) == 1
    assert check_hub(old).findings == []


def test_the_hubs_of_shards_are_migrated_too(run, tmp_path: Path) -> None:
    for name in ("hub", "hub/shards/1-of-2", "hub/shards/2-of-2"):
        make_old(current_hub(tmp_path / name, 3).path)
    assert run("hub", "migrate", tmp_path / "hub").out.count("from format 2 to 4") == 3
    assert [Hub(hub.path).personas.count() for hub in Hub.shards_in(tmp_path / "hub")] == [6, 6]


def test_shards_without_a_hub_of_their_own_are_migrated(tmp_path: Path) -> None:
    make_old(current_hub(tmp_path / "hub/shards/1-of-1", 3).path)
    assert [one.was for one in migrate_hub(tmp_path / "hub")] == [2]


def test_an_empty_old_hub_is_migrated(tmp_path: Path) -> None:
    make_old(Hub.create(tmp_path / "hub").path)
    migrate_hub(tmp_path / "hub")
    assert Hub(tmp_path / "hub").personas.count() == 0


def test_a_persona_without_its_document_keeps_an_unknown_origin(old: Path) -> None:
    documents = old / "documents.lance"
    kept = lance.dataset(str(documents)).to_table().slice(1)
    lance.write_dataset(kept, str(documents), mode="overwrite")
    migrate_hub(old)
    first = next(Hub(old).personas.rows())
    assert [first[name] for name in ADDED] == ["", 0, "", "unknown"]


def test_a_format_older_than_that_or_newer_is_one_line(run, old: Path) -> None:
    (old / "hub.json").write_text('{"format": 1}')
    assert "curate its sources again" in one_line_error(run("hub", "migrate", old))
    (old / "hub.json").write_text('{"format": 99}')
    assert "install a newer one" in one_line_error(run("hub", "migrate", old))


def test_migrating_what_is_no_hub_is_one_line(run, tmp_path: Path) -> None:
    assert "is no hub" in one_line_error(run("hub", "migrate", tmp_path))
    assert "is not there" in one_line_error(run("hub", "migrate", tmp_path / "none"))


def test_a_full_disk_while_migrating_is_one_line_and_harms_nothing(run, old: Path, monkeypatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError("LanceError(IO): No space left on device (os error 28)")

    with monkeypatch.context() as patched:
        patched.setattr("lance.write_dataset", full)
        assert "the disk is full" in one_line_error(run("hub", "migrate", old))
    assert format_of(old) == 2
    migrate_hub(old)
    assert check_hub(old).findings == []


def test_a_migration_that_was_killed_before_its_mark_is_found_done(old: Path) -> None:
    migrate_hub(old)
    mark = json.loads((old / "hub.json").read_text())
    (old / "hub.json").write_text(json.dumps({**mark, "format": 2}))
    with pytest.raises(UserError, match="hub migrate"):
        Hub(old)
    migrate_hub(old)
    assert Hub(old).personas.count() == 24


MIGRATOR = """
import os, signal, sys
import lance
from personahub import migrate_hub
from personahub.hub import migrations
if len(sys.argv) > 2:
    setattr(migrations, sys.argv[2], lambda *_: os.kill(os.getpid(), signal.SIGKILL))
print("ready", flush=True)
migrate_hub(sys.argv[1])
"""


@contextmanager
def migrating(hub: Path, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(
        [sys.executable, "-c", MIGRATOR, str(hub), *arguments],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
    ) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == b"ready\n"
        yield running


@pytest.mark.parametrize("moment", ["_joined", "_in_data_sets", "remove_old_versions", "write_mark"])
def test_a_migration_killed_at_any_of_its_steps_is_gone_on_with(
    old: Path, tmp_path: Path, moment: str
) -> None:
    with migrating(old, moment) as running:
        assert running.wait() == -signal.SIGKILL
    assert format_of(old) == (3 if moment == "_in_data_sets" else 2)
    migrate_hub(old)
    today = current_hub(tmp_path / "today")
    assert list(Hub(old).personas.rows()) == list(today.personas.rows())
    assert list(Hub(old).records.rows()) == [{**row, "id": old_id(row)} for row in today.records.rows()]
    assert check_hub(old).findings == []


@pytest.mark.slow
def test_kill_9_at_random_moments_of_a_migration_loses_nothing(tmp_path: Path) -> None:
    today = current_hub(tmp_path / "today", 400)
    expected = list(today.personas.rows())
    shutil.copytree(today.path, tmp_path / "old")
    make_old(tmp_path / "old")
    draw = random.Random(11)
    for number in range(6):
        hub = Path(shutil.copytree(tmp_path / "old", tmp_path / str(number)))
        with migrating(hub) as running:
            time.sleep(draw.uniform(0.0, 0.15))
            running.send_signal(signal.SIGKILL)
        migrate_hub(hub)
        assert list(Hub(hub).personas.rows()) == expected
        assert check_hub(hub).findings == []
