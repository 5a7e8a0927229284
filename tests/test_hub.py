"""The hub: a directory of tables, a lock and runs."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import lance
import pytest

from hubs import record_of
from personahub.errors import UserError
from personahub.hub import Hub, RunStatus
from personahub.records import Document, Kind, Persona, SetAside, content_id

SOURCE = Path(__file__).parents[1] / "src"


def document(number: int = 0, *, text: str | None = None, source: str = "a.jsonl") -> Document:
    return Document(text=text or f"text {number}", language="en", source=source, row=number)


def persona(parent: Document, *, description: str = "A baker who …", relation: str = "read") -> Persona:
    return Persona(
        description=description,
        language="en",
        relation=relation,
        parent_id=parent.id,
        document_id=parent.id,
        source="a.jsonl",
        row=1,
        date="",
        licence="unknown",
        round=0,
        granularity="fine",
        closeness=None,
        model="m",
        template="t",
        seed=0,
        run=1,
        position=3,
        request="0" * 32,
    )


def version(hub: Hub) -> int:
    return int(lance.dataset(str(hub.path / "documents.lance")).version)


@pytest.fixture
def hub(tmp_path: Path) -> Hub:
    return Hub.create(tmp_path / "hub")


def one_line_error(path: Path) -> str:
    with pytest.raises(UserError) as error:
        Hub(path)
    assert "\n" not in str(error.value)
    return str(error.value)


# Ids


def test_a_document_is_identified_by_its_text_alone() -> None:
    one = Document("text", "en", "a.txt", 1)
    assert one.id == Document("text", "de", "b.jsonl", 7, title="T", part=2, start=9).id
    assert one.id != Document("Text", "en", "a.txt", 1).id


def test_a_persona_is_identified_by_description_relation_and_parent() -> None:
    parent, other = document(1), document(2)
    ids = {
        persona(parent).id,
        persona(parent, relation="write").id,
        persona(parent, description="A cook who …").id,
        persona(other).id,
    }
    assert len(ids) == 4


def test_neither_run_nor_request_is_part_of_a_persona_s_id() -> None:
    first = persona(document())
    again = Persona(
        **{
            **{name: getattr(first, name) for name in first.__slots__},
            "run": 9,
            "request": "f" * 32,
            "seed": 5,
        }
    )
    assert again.id == first.id


def test_an_id_tells_the_kind_of_its_record() -> None:
    assert (document().id[0], persona(document()).id[0]) == (Kind.DOCUMENT, Kind.PERSONA)


def test_ids_stay_what_they_are_from_one_version_of_the_software_to_the_next() -> None:
    assert document(text="text").id == "d3fe5850a7e2e9ae6b1f2"
    assert content_id(Kind.PERSONA, "ab") == "pf9ca6d378adafba7c7de"


def test_the_parts_of_an_id_are_kept_apart() -> None:
    assert (
        len({content_id(Kind.PERSONA, *parts) for parts in (("ab",), ("a", "b"), ("a", "", "b"), ("", "ab"))})
        == 4
    )


# Tables


def test_a_table_that_was_never_written_is_empty(hub: Hub) -> None:
    assert hub.documents.count() == 0
    assert list(hub.documents.rows()) == []
    assert hub.documents.get(["d1"]) == {}
    assert hub.documents.find("d") == []


def test_what_was_added_is_there_for_another_reader(hub: Hub) -> None:
    one = Document("ein Satz – 句子 🎈", "de", "a.txt", 1, title=None, part=2, start=30)
    assert hub.documents.add([one]) == 1
    assert list(Hub(hub.path).documents.rows()) == [
        {
            "id": one.id,
            "text": "ein Satz – 句子 🎈",
            "language": "de",
            "source": "a.txt",
            "row": 1,
            "offset": 0,
            "url": "",
            "title": None,
            "date": "",
            "licence": "unknown",
            "pii": "{}",
            "orders": 0,
            "part": 2,
            "start": 30,
        }
    ]


def test_every_kind_of_record_has_its_table(hub: Hub) -> None:
    one = persona(document())
    hub.personas.add([one])
    record = record_of(one, "2+2?")
    hub.records.add([record])
    aside = SetAside("persona", "too_short", "2 words", "A cook", "d1", "a.txt", 1, 1, "0" * 32)
    hub.set_aside.add([aside])
    for added in (one, record, aside):
        table = hub.table_of(added.id)
        assert table is not None
        assert [row["id"] for row in table.find(added.id)] == [added.id]


@pytest.mark.parametrize("name", ["", "z123", "?", "É"])
def test_an_id_of_no_kind_has_no_table(hub: Hub, name: str) -> None:
    assert hub.table_of(name) is None


def test_adding_the_same_records_again_adds_none_and_makes_no_version(hub: Hub) -> None:
    batch = [document(n) for n in range(5)]
    assert hub.documents.add(batch) == 5
    before = version(hub)
    assert hub.documents.add(batch) == 0
    assert hub.documents.add([]) == 0
    assert (hub.documents.count(), version(hub)) == (5, before)


def test_of_a_mixed_batch_only_the_new_records_are_added(hub: Hub) -> None:
    hub.documents.add([document(n) for n in range(5)])
    assert hub.documents.add([document(n) for n in range(3, 9)]) == 4
    assert sorted(row["text"] for row in hub.documents.rows()) == [f"text {n}" for n in range(9)]


def test_a_record_twice_in_a_batch_is_added_once(hub: Hub) -> None:
    assert hub.documents.add([document(1), document(2), document(1)]) == 2
    assert hub.documents.add([document(3), document(3)]) == 1


def test_what_is_there_stays_when_the_same_text_comes_from_elsewhere(hub: Hub) -> None:
    hub.documents.add([document(1, source="first")])
    hub.documents.add([document(1, source="second")])
    assert [row["source"] for row in hub.documents.rows()] == ["first"]


def test_a_batch_of_thousands_is_added_and_found_again(hub: Hub) -> None:
    batch = [document(n) for n in range(2500)]
    assert hub.documents.add(batch[:2000]) == 2000
    assert hub.documents.add(batch) == 500
    assert len(hub.documents.get([one.id for one in batch])) == 2500


def test_a_lone_surrogate_is_stored_as_a_question_mark_under_one_id(hub: Hub) -> None:
    one = persona(document(), description="A baker with half a \ud83d")
    assert hub.personas.add([one]) == 1
    (row,) = hub.personas.rows()
    assert row["description"] == "A baker with half a ?"
    assert row["id"] == one.id == persona(document(), description="A baker with half a ?").id


def test_find_takes_the_beginning_of_an_id(hub: Hub) -> None:
    batch = [document(n) for n in range(300)]
    hub.documents.add(batch)
    wanted = batch[7].id
    for length in (2, 4, 21):
        expected = {one.id for one in batch if one.id.startswith(wanted[:length])}
        assert {row["id"] for row in hub.documents.find(wanted[:length])} == expected
    assert len(hub.documents.find(wanted[:2])) > 1


@pytest.mark.parametrize("odd", ["'", "d' OR '1'='1", "%", "_", "d%", "\\", "d_", '"', "';--", "d\n"])
def test_ids_with_quotes_and_wildcards_find_nothing_and_do_no_harm(hub: Hub, odd: str) -> None:
    one = document()
    hub.documents.add([one])
    assert hub.documents.find(odd) == []
    assert list(hub.documents.get([odd, one.id])) == [one.id]
    assert hub.documents.count() == 1


def test_reading_gives_only_the_columns_and_rows_asked_for(hub: Hub) -> None:
    hub.documents.add([document(n) for n in range(10)])
    (batch,) = hub.documents.read(["text", "row"], where="row >= 8")
    assert batch.to_pydict() == {"text": ["text 8", "text 9"], "row": [8, 9]}
    assert hub.documents.count("row < 3") == 3


def test_a_table_whose_first_write_was_cut_off_is_empty_and_can_be_filled(hub: Hub) -> None:
    """A kill in the first write leaves data files and no version that names them."""
    hub.documents.add([document(1)])
    for manifest in (hub.path / "documents.lance" / "_versions").iterdir():
        manifest.unlink()
    (hub.path / "documents.lance" / "_versions").rmdir()
    assert hub.documents.count() == 0
    assert hub.documents.add([document(n) for n in range(3)]) == 3
    assert Hub(hub.path).documents.count() == 3


# The directory


def test_creating_twice_opens_what_is_there(hub: Hub) -> None:
    hub.documents.add([document()])
    assert Hub.create(hub.path).documents.count() == 1


def test_an_empty_folder_may_become_a_hub(tmp_path: Path) -> None:
    assert Hub.create(tmp_path).documents.count() == 0


def test_a_hub_is_made_with_the_folders_above_it(tmp_path: Path) -> None:
    assert Hub.create(tmp_path / "a" / "b").path.is_dir()


def test_a_folder_where_making_the_hub_was_cut_off_may_become_one(tmp_path: Path) -> None:
    Hub.create(tmp_path / "hub")
    mark = tmp_path / "hub" / "hub.json"
    mark.rename(mark.with_name(".hub.json"))
    assert Hub.create(tmp_path / "hub").documents.count() == 0


def test_a_folder_with_other_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(UserError, match="holds other files"):
        Hub.create(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_a_file_is_no_place_for_a_hub(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="is a file"):
        Hub.create(tmp_path / "file")
    with pytest.raises(UserError, match="no hub can be made"):
        Hub.create(tmp_path / "file" / "hub")


def test_a_folder_that_is_not_there_is_no_hub(tmp_path: Path) -> None:
    assert "is not there" in one_line_error(tmp_path / "none")


def test_a_folder_without_a_mark_is_no_hub(tmp_path: Path) -> None:
    assert "is no hub" in one_line_error(tmp_path)


def test_a_file_is_no_hub(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "is no hub" in one_line_error(tmp_path / "file")


def test_a_hub_of_a_newer_format_asks_for_a_newer_version(hub: Hub) -> None:
    mark = hub.path / "hub.json"
    format_ = json.loads(mark.read_text())["format"]
    mark.write_text(json.dumps({"format": format_ + 1}))
    message = one_line_error(hub.path)
    assert f"format {format_ + 1}" in message
    assert "newer" in message


def test_a_hub_of_an_older_format_says_what_to_do(hub: Hub) -> None:
    mark = hub.path / "hub.json"
    mark.write_text('{"format": 1}')
    assert "curate its sources again" in one_line_error(hub.path)
    mark.write_text('{"format": 2}')
    assert f"personahub hub migrate {hub.path}" in one_line_error(hub.path)


@pytest.mark.parametrize("mark", ["", "{", "[]", "7", "{}", '{"format": "x"}', '{"format": null}', "\ud83d"])
def test_a_damaged_mark_is_told_with_its_file(hub: Hub, mark: str) -> None:
    (hub.path / "hub.json").write_bytes(mark.encode(errors="surrogatepass"))
    assert "hub.json" in one_line_error(hub.path)


# One writer, many readers

HOLDER = """
import os, sys
from personahub.hub import Hub
with Hub(sys.argv[1]).writing():
    print(os.getpid(), flush=True)
    sys.stdin.read()
"""


@contextmanager
def process(program: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
    ) as running:
        try:
            yield running
        finally:
            running.kill()


def next_line(running: subprocess.Popen[str]) -> str:
    assert running.stdout is not None
    return running.stdout.readline().strip()


def test_a_second_writer_is_told_which_process_writes(hub: Hub) -> None:
    with process(HOLDER, str(hub.path)) as holder:
        pid = next_line(holder)
        assert pid == str(holder.pid)
        with pytest.raises(UserError, match=rf"process {pid}\)"), hub.writing():
            pass


def test_a_reader_reads_while_another_process_writes(hub: Hub) -> None:
    hub.documents.add([document()])
    with process(HOLDER, str(hub.path)) as holder:
        next_line(holder)
        assert Hub(hub.path).documents.count() == 1


def test_a_killed_writer_leaves_the_hub_free(hub: Hub) -> None:
    with process(HOLDER, str(hub.path)) as holder:
        next_line(holder)
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        with hub.writing():
            pass


def test_a_writer_that_ends_leaves_the_hub_free_even_after_an_error(hub: Hub) -> None:
    with pytest.raises(ZeroDivisionError), hub.writing():
        raise ZeroDivisionError
    with hub.writing():
        assert (hub.path / "lock").read_text() == f"{os.getpid()}\n"


ADDER = """
import sys
from personahub.hub import Hub
from personahub.records import Document
table = Hub(sys.argv[1]).documents
batch = 0
while True:
    numbers = range(100 * batch, 100 * batch + 100)
    table.add([Document(f"text {n}", "en", str(batch), n) for n in numbers])
    print(batch, flush=True)
    batch += 1
"""


@pytest.mark.parametrize("batches", [1, 5, 20])
def test_kill_9_while_adding_leaves_whole_batches_and_all_that_were_reported(hub: Hub, batches: int) -> None:
    with process(ADDER, str(hub.path)) as adder:
        for _ in range(batches):
            next_line(adder)
        adder.send_signal(signal.SIGKILL)
        assert adder.stdout is not None
        reported = batches + sum(line.endswith("\n") for line in adder.stdout.readlines())
    sizes: dict[str, int] = {}
    for row in hub.documents.rows():
        sizes[row["source"]] = sizes.get(row["source"], 0) + 1
    assert set(sizes.values()) == {100}
    assert set(sizes) >= {str(batch) for batch in range(reported)}
    assert hub.documents.add([document(n, source="after") for n in range(200_000, 200_010)]) == 10


# Runs


def test_runs_are_numbered_from_one(hub: Hub) -> None:
    runs = [hub.start_run("curate", {"sources": [name]}) for name in "abc"]
    assert [(run.number, resumed) for run, resumed in runs] == [(1, False), (2, False), (3, False)]


@pytest.mark.parametrize("status", [RunStatus.STARTED, RunStatus.INTERRUPTED])
def test_an_unfinished_run_of_the_same_configuration_goes_on(hub: Hub, status: RunStatus) -> None:
    first, _ = hub.start_run("curate", {"sources": ["a"], "seed": 0})
    first.end(status, {"personas": 3})
    hub.save_run(first)
    again, resumed = Hub(hub.path).start_run("curate", {"seed": 0, "sources": ["a"]})
    assert (again.number, resumed, again.status, again.ended) == (first.number, True, RunStatus.STARTED, None)
    assert again.started == first.started


@pytest.mark.parametrize(
    ("verb", "configuration"), [("curate", {"seed": 1}), ("synthesize", {"seed": 0}), ("curate", {})]
)
def test_another_configuration_or_verb_is_another_run(
    hub: Hub, verb: str, configuration: dict[str, int]
) -> None:
    hub.start_run("curate", {"seed": 0})
    run, resumed = hub.start_run(verb, configuration)
    assert (run.number, resumed) == (2, False)


def test_a_finished_run_is_not_gone_on_with(hub: Hub) -> None:
    first, _ = hub.start_run("curate", {"seed": 0})
    first.end(RunStatus.FINISHED, {})
    hub.save_run(first)
    second, resumed = hub.start_run("curate", {"seed": 0})
    assert (second.number, resumed) == (2, False)


def test_runs_are_listed_oldest_first_with_what_they_came_to(hub: Hub) -> None:
    for name in "ab":
        run, _ = hub.start_run("curate", {"sources": [name]})
        run.end(RunStatus.FINISHED, {"personas": 7})
        hub.save_run(run)
    first, second = Hub(hub.path).runs()
    assert (first.number, second.number) == (1, 2)
    assert first.configuration == {"sources": ["a"]}
    assert (first.status, first.counts) == (RunStatus.FINISHED, {"personas": 7})
    assert first.ended is not None


def test_a_run_whose_writing_was_cut_off_is_not_there(hub: Hub) -> None:
    hub.start_run("curate", {"seed": 0})
    (hub.path / "runs" / "000002.draft").write_text('{"number": 2, "ver')
    assert [run.number for run in hub.runs()] == [1]
    assert hub.start_run("curate", {"seed": 1})[0].number == 2
