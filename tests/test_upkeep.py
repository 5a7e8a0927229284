"""A hub kept in order: its versions and compaction, one writer and many readers, and kill -9."""

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

import lance
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commands import one_line_error
from grown_hubs import document, end_run, grown_hub, persona, rows
from personahub import (
    Hub,
    UserError,
    __version__,
    check_hub,
    compact_hub,
    hub_versions,
    merge,
    sample,
    show,
    stats,
)
from personahub.hub import RunStatus

SOURCE = Path(__file__).parents[1] / "src"


@pytest.fixture
def hub(tmp_path: Path) -> Hub:
    return grown_hub(tmp_path / "hub")


# The program's own version


def test_the_program_says_its_version(run) -> None:
    result = run("--version")
    assert (result.code, result.out) == (0, f"personahub {__version__}\n")


# Versions


def test_a_version_is_the_hub_as_it_was_when_its_run_ended(hub: Hub) -> None:
    ids = [row["id"] for row in hub.personas.rows()]
    for number in (1, 2, 3):
        then = Hub(hub.path, version=number)
        assert [row["id"] for row in then.personas.rows()] == ids[: 3 * number]
        assert then.documents.count() == 2 * number
        assert then.records.count() == 0
        assert len(then.runs()) == number


@settings(max_examples=15, deadline=None)
@given(steps=st.lists(st.sampled_from(["add", "compact", "end"]), min_size=1, max_size=10))
def test_every_version_reads_the_same_after_any_growth_and_compaction(steps: list[str]) -> None:
    with TemporaryDirectory() as folder:
        hub = Hub.create(Path(folder) / "hub")
        known: dict[int, list[int]] = {}
        count = 0
        for step in steps:
            if step == "add":
                hub.documents.add([document(number) for number in range(count, count + 7)])
                count += 7
            elif step == "compact":
                compact_hub(hub.path)
            else:
                known[end_run(hub, str(len(known)))] = list(range(1, count + 1))
        for number, expected in known.items():
            then = Hub(hub.path, version=number).documents
            assert [row["row"] for row in then.rows()] == expected
            assert then.count("row % 2 = 1") == sum(row % 2 for row in expected)
            assert [row["row"] for row in then.rows("row % 2 = 1")] == [row for row in expected if row % 2]


def test_a_run_that_goes_on_moves_its_version(hub: Hub) -> None:
    run, _ = hub.start_run("curate", {"sources": ["0"]}, once=True)
    assert (run.number, Hub(hub.path, version=1).documents.count()) == (1, 2)
    run.end(RunStatus.FINISHED, {})
    hub.save_run(run)
    assert Hub(hub.path, version=1).documents.count() == 6


def test_a_version_cannot_be_written(hub: Hub) -> None:
    with pytest.raises(UserError, match="version 2 of the hub can only be read"):
        Hub(hub.path, version=2).writing().__enter__()


def test_a_version_that_is_not_there_is_one_line(run, hub: Hub) -> None:
    hub.start_run("curate", {"sources": ["killed"]})
    assert "run 4 has not ended" in one_line_error(run("stats", "--hub", hub.path, "--at", 4))
    assert "has no run 9" in one_line_error(run("sample", "--hub", hub.path, "--at", 9))


def test_every_verb_ends_with_a_version(curated: Path) -> None:
    first, second = hub_versions(curated)
    assert (first.run, first.verb, first.tables["personas"]) == (1, "curate", 12)
    assert "records" not in first.tables
    assert (second.verb, second.tables["records"]) == ("synthesize", 2)


def test_versions_are_listed_for_people_and_programs(run, curated: Path) -> None:
    listed = json.loads(run("hub", "versions", curated, "--json").out)
    assert [(one["run"], one["verb"]) for one in listed] == [(1, "curate"), (2, "synthesize")]
    assert listed == [asdict(version) for version in hub_versions(curated)]
    assert re.search(r"1  curate .* 12 personas", run("hub", "versions", curated).out)


def test_sample_show_and_stats_look_at_a_version(run, hub: Hub) -> None:
    late = list(hub.personas.rows())[-1]["id"]
    assert len(sample(hub.path, 100, at=2)) == 6
    assert len(json.loads(run("sample", "--hub", hub.path, "-n", 100, "--at", 2, "--json").out)) == 6
    assert stats(hub.path, at=1)["personas"] == 3
    assert json.loads(run("stats", "--hub", hub.path, "--at", 1, "--json").out)["runs"] == 1
    assert show(hub.path, late, at=3).kind == "persona"
    assert "not in the hub" in one_line_error(run("show", late, "--hub", hub.path, "--at", 2))


def test_merged_runs_have_versions(hub: Hub, tmp_path: Path) -> None:
    merge(tmp_path / "both", [hub.path])
    assert [version.tables["personas"] for version in hub_versions(tmp_path / "both")] == [9, 9, 9]


# Compaction


def test_compaction_keeps_rows_ids_and_order(curated: Path, hub: Hub) -> None:
    for path in (curated, hub.path):
        before = rows(path)
        compact_hub(path)
        assert rows(path) == before
        assert check_hub(path).findings == []


def test_compaction_joins_fragments_and_gives_disk_back(run, hub: Hub) -> None:
    for number in range(100, 140):
        hub.documents.add([document(number)])
    printed = json.loads(run("hub", "compact", hub.path, "--json").out)
    documents = next(table for table in printed["tables"] if table["table"] == "documents")
    assert (documents["fragments_before"], documents["fragments_after"]) == (43, 1)
    assert printed["bytes_after"] < printed["bytes_before"] / 5
    assert [path.suffix for path in (hub.path / "documents.lance" / "data").iterdir()] == [".lance"]
    assert json.loads(run("hub", "compact", hub.path, "--json").out)["bytes_before"] == printed["bytes_after"]
    assert "43 → 1 fragments" not in run("hub", "compact", hub.path).out


def test_compaction_brings_indexes_up_to_date(hub: Hub) -> None:
    table = lance.dataset(str(hub.path / "personas.lance"))
    table.create_scalar_index("description", "INVERTED")
    table.create_scalar_index("id", "BTREE")
    parent = document(0)
    added = [persona(parent, number) for number in range(400, 420)]
    for one in added:
        hub.personas.add([one])
    compact_hub(hub.path)
    table = lance.dataset(str(hub.path / "personas.lance"))
    assert len(table.get_fragments()) == 1
    assert table.stats.index_stats("description_idx")["num_unindexed_rows"] == 0
    assert table.to_table(full_text_query="404").num_rows == 1
    assert hub.personas.get([added[7].id])[added[7].id]["description"] == added[7].description
    assert Hub(hub.path, version=1).personas.count() == 3


def test_compaction_removes_what_killed_writers_left(hub: Hub) -> None:
    orphan = hub.path / "personas.lance" / "data" / "0123456789abcdef.lance"
    draft = hub.path / "runs" / "000009.draft"
    never = hub.path / "records.lance" / "data" / "0.lance"
    never.parent.mkdir(parents=True)
    for file in (orphan, draft, never):
        file.write_bytes(b"x" * 1000)
    compact_hub(hub.path)
    assert not any(file.exists() for file in (orphan, draft, never))
    assert hub.records.count() == 0


def test_a_reader_goes_on_while_the_hub_is_compacted(hub: Hub) -> None:
    for number in range(100, 130):
        hub.documents.add([document(number)])
    expected = list(hub.documents.rows())
    then, filtered = Hub(hub.path, version=2).documents.rows(), hub.documents.rows("row > 3")
    reading = [hub.documents.rows(), then, filtered]
    begun = [[next(each), next(each)] for each in reading]
    compact_hub(hub.path)
    whole, first_four, later = [[*start, *each] for start, each in zip(begun, reading, strict=True)]
    assert whole == expected
    assert first_four == expected[:4]
    assert later == [row for row in expected if row["row"] > 3]


def test_a_full_disk_while_compacting_is_one_line_and_harms_nothing(run, hub: Hub, monkeypatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError("LanceError(IO): No space left on device (os error 28)")

    before = rows(hub.path)
    optimizer = type(lance.dataset(str(hub.path / "personas.lance")).optimize)
    monkeypatch.setattr(optimizer, "compact_files", full)
    assert "the disk is full" in one_line_error(run("hub", "compact", hub.path))
    assert rows(hub.path) == before


# One writer, many readers


@pytest.mark.parametrize("verb", ["check", "compact", "migrate"])
def test_upkeep_waits_for_no_writer_but_says_who_writes(run, hub: Hub, verb: str) -> None:
    with hub.writing():
        assert f"process {os.getpid()}" in one_line_error(run("hub", verb, hub.path))


def test_readers_of_another_process_see_whole_batches_while_one_writes(hub: Hub) -> None:
    parent = document(0)
    with (
        hub.writing(),
        subprocess.Popen(
            [sys.executable, "-c", READER, str(hub.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(SOURCE)},
        ) as reader,
    ):
        assert reader.stdin is not None
        assert reader.stdout is not None
        for number in range(4):
            hub.personas.add([persona(parent, 1000 * number + n) for n in range(1, 101)])
            reader.stdin.write("look\n")
            reader.stdin.flush()
            there = hub.personas.count()
            assert reader.stdout.readline() == f"{there} {there} persona\n"
        reader.stdin.close()


READER = """
import sys
from personahub import sample, show, stats
hub = sys.argv[1]
for _ in sys.stdin:
    drawn = sample(hub, 1000)
    print(len(drawn), stats(hub)["personas"], show(hub, drawn[0]["id"]).kind, flush=True)
"""


# kill -9

GROWER = """
import sys
sys.path.insert(0, sys.argv[3])
from test_upkeep import document, persona
from personahub import Hub
from personahub.hub import RunStatus
hub = Hub.create(sys.argv[1])
print("ready", flush=True)
with hub.writing():
    start = hub.personas.count()
    while True:
        run, _ = hub.start_run("curate", {"start": start})
        texts = [document(n) for n in range(start, start + 50)]
        hub.documents.add(texts)
        hub.personas.add([persona(text, n, run=run.number) for n, text in enumerate(texts)])
        run.end(RunStatus.FINISHED, {})
        hub.save_run(run)
        start += 50
"""

COMPACTOR = """
import sys
from personahub import compact_hub
print("ready", flush=True)
while True:
    compact_hub(sys.argv[1])
    if sys.argv[2] == "once":
        break
"""


def killed_after(seconds: float, program: str, *arguments: object) -> None:
    """Run the program in a process of its own and kill it so long after it is ready."""
    with subprocess.Popen(
        [sys.executable, "-c", program, *map(str, arguments)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
    ) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == b"ready\n"
        time.sleep(seconds)
        running.send_signal(signal.SIGKILL)


@pytest.mark.slow
def test_kill_9_while_growing_leaves_whole_batches_and_a_hub_that_checks(tmp_path: Path) -> None:
    draw = random.Random(5)
    hub = Hub.create(tmp_path / "hub")
    for _ in range(12):
        killed_after(draw.uniform(0.0, 0.4), GROWER, hub.path, "grow", Path(__file__).parent)
        assert check_hub(hub.path).findings == []
        assert hub.documents.count() % 50 == 0
        assert hub.personas.count() % 50 == 0
        for version in hub_versions(hub.path):
            assert set(version.tables) == {"documents", "personas"}
            assert version.tables["documents"] == version.tables["personas"]
    assert hub.personas.count() > 0


@pytest.mark.slow
def test_kill_9_while_compacting_leaves_the_same_rows(tmp_path: Path) -> None:
    draw = random.Random(7)
    hub = grown_hub(tmp_path / "hub", steps=40)
    expected = rows(hub.path)
    versions = hub_versions(hub.path)
    for round_ in range(12):
        extra = document(10_000 + round_)
        hub.documents.add([extra])
        expected["documents"].append({"id": extra.id, **asdict(extra)})
        killed_after(draw.uniform(0.0, 0.15), COMPACTOR, hub.path, "forever")
        assert rows(hub.path) == expected
        assert check_hub(hub.path).findings == []
        assert Hub(hub.path, version=20).personas.count() == 60
    compact_hub(hub.path)
    assert rows(hub.path) == expected
    assert hub_versions(hub.path) == versions
