"""forget: all that came from a text leaves the hub, and with --purge the disk."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import lance
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from lance.file import LanceFileReader

from commands import Run, one_line_error
from grown_hubs import document, findings, persona
from hubs import hub_of, record_of
from personahub import Hub, curate, deduplicate, expand, export_dataset, forget, synthesize, trace
from personahub.completion import Journal
from personahub.models import Request
from personahub.workflows.views import open_view
from scripted import ScriptedModel, any_reply, relative_reply

MARK = "zyxqvorn"
ADDRESS = "https://example.org/zyxqvorn"


def marked_reply(request: Request) -> str:
    """As any model: what the prompt is about comes back in the answer; one of four is set aside."""
    told = request.messages[-1].content
    properties = dict(request.schema or {}).get("properties", {})
    reply = relative_reply(request) if "persona" in properties and '"""' not in told else any_reply(request)
    if MARK not in told.lower():
        return reply
    if "dislike" in told:
        return json.dumps({"persona": f"A {MARK}."})
    return reply.replace(" who ", f" who likes {MARK} and ", 1).replace(
        "How many", f"Beside {MARK}, how many"
    )


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hub of three texts, one of them marked, three rounds deep, with records, views and versions."""
    folder = tmp_path_factory.mktemp("grown")
    rows = [
        {"text": f"Zyxqvorn is a small harbour {'where boats are mended in winter ' * 4}", "url": ADDRESS},
        {"text": "Rye bread is baked before dawn by people who like the quiet of the night. " * 3, "url": ""},
        {"text": "The lift of house three is out of order until the ropes are changed. " * 3, "url": ""},
    ]
    (folder / "texts.jsonl").write_text("\n".join(map(json.dumps, rows)))
    hub = folder / "hub"
    curate([folder / "texts.jsonl"], hub, model=ScriptedModel(marked_reply))
    expand(hub, rounds=3, per_persona=2, limit=60, model=ScriptedModel(marked_reply))
    synthesize("math", hub, n=20, model=ScriptedModel(marked_reply))
    deduplicate(hub)
    shutil.rmtree(folder / "views", ignore_errors=True)
    return hub


@pytest.fixture
def hub(grown: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(grown, tmp_path / "hub"))


def everything(hub: Path) -> dict[str, list[dict[str, object]]]:
    opened = Hub(hub)
    return {table.path.stem: list(table.rows()) for table in opened.tables}


def on_disk(hub: Path) -> Iterator[tuple[Path, str]]:
    """All that can be read of a hub's files: their bytes, and what Lance and Parquet make of them."""
    for path in sorted(hub.rglob("*")):
        if not path.is_file():
            continue
        yield path, path.read_bytes().decode("utf-8", "replace")
        if path.suffix == ".lance":
            yield path, str(LanceFileReader(str(path)).read_all().to_table().to_pylist())
        elif path.suffix == ".parquet":
            yield path, str(pq.read_table(path).to_pylist()) + str(pq.read_metadata(path).metadata)
        elif path.suffix == ".arrow":
            yield path, str(pa.ipc.open_file(pa.BufferReader(path.read_bytes())).read_all().to_pylist())
    for path in hub.glob("*.lance"):
        for version in lance.dataset(str(path)).versions():
            table = lance.dataset(str(path), version=version["version"]).to_table()
            yield path, str(table.to_pylist())


def holding(hub: Path, text: str) -> set[str]:
    return {path.relative_to(hub).parts[0] for path, told in on_disk(hub) if text in told.lower()}


def test_the_marked_text_is_everywhere_before(grown: Path) -> None:
    rows = everything(grown)
    rounds = {row["round"] for row in rows["personas"] if MARK in str(row["description"]).lower()}
    assert rounds == {0, 1, 2, 3}
    assert any(MARK in str(row["text"]).lower() for row in rows["records"])
    assert any(MARK in str(row["text"]).lower() for row in rows["set_aside"])
    assert {"documents.lance", "personas.lance", "records.lance", "set_aside.lance", "journal"} <= holding(
        grown, MARK
    )


def test_all_that_came_from_a_text_is_gone_and_all_else_is_as_it_was(hub: Path, grown: Path) -> None:
    before = everything(grown)
    roots = {row["id"] for row in before["documents"] if row["url"] == ADDRESS}
    outcome = forget(hub, ADDRESS)
    after = everything(hub)
    for name, rows in before.items():
        stay = [row for row in rows if MARK not in str(row).lower() and row.get("document_id") not in roots]
        assert after[name] == stay
        assert outcome.gone[name] == len(rows) - len(stay)
    assert min(outcome.gone[name] for name in ("documents", "personas", "records", "set_aside")) > 0
    assert findings(hub) == ""


def test_versions_are_as_if_the_text_had_never_been_there(hub: Path) -> None:
    forget(hub, ADDRESS)
    for run in Hub(hub).runs():
        then = Hub(hub, version=run.number)
        assert all(MARK not in str(row).lower() for table in then.tables for row in table.rows())
    first = Hub(hub, version=1)
    assert {row["round"] for row in first.personas.rows()} == {0}
    assert first.documents.count() == 2


def test_purged_texts_are_on_disk_no_more(hub: Path) -> None:
    outcome = forget(hub, ADDRESS, purge=True)
    assert outcome.emptied > 0
    assert holding(hub, MARK) == set()
    assert findings(hub) == ""


def test_without_purge_the_journal_still_has_the_replies(hub: Path) -> None:
    forget(hub, ADDRESS)
    assert "journal" in holding(hub, MARK)


def test_what_was_forgotten_can_be_purged_later(hub: Path) -> None:
    forget(hub, ADDRESS)
    assert forget(hub, ADDRESS, purge=True).emptied > 0
    assert holding(hub, MARK) == set()
    assert forget(hub, ADDRESS, purge=True).emptied == 0


def test_a_sealed_part_of_the_journal_is_purged_too(hub: Path) -> None:
    with Journal(hub / "journal", seal_bytes=1) as journal:
        entry = next(journal.entries())
        for number in range(3):
            journal.append(entry._replace(key=f"{number:032x}", about="", text="unrelated"))
        before = journal.spent()
    assert list((hub / "journal").glob("part-*.parquet"))
    forget(hub, ADDRESS, purge=True)
    assert holding(hub, MARK) == set()
    with Journal(hub / "journal") as journal:
        assert journal.spent() == before


def test_that_calls_were_made_and_what_they_cost_stays(hub: Path) -> None:
    with Journal(hub / "journal") as journal:
        before = journal.spent()
    forget(hub, ADDRESS, purge=True)
    with Journal(hub / "journal") as journal:
        assert journal.spent() == before


def test_the_same_command_does_not_bring_it_back(hub: Path, grown: Path) -> None:
    forget(hub, ADDRESS, purge=True)
    model = ScriptedModel(marked_reply)
    outcome = curate([grown.parent / "texts.jsonl"], hub, model=model)
    assert outcome.set_aside["forgotten"] == 1
    assert not any(MARK in str(request.messages).lower() for request in model.asked)
    assert holding(hub, MARK) == set()


def test_a_page_whose_text_changed_does_not_come_back_either(hub: Path, tmp_path: Path) -> None:
    forget(hub, ADDRESS)
    (tmp_path / "new.jsonl").write_text(json.dumps({"text": "Zyxqvorn has a new pier. " * 9, "url": ADDRESS}))
    curate([tmp_path / "new.jsonl"], hub, model=ScriptedModel(marked_reply))
    assert all(MARK not in str(row).lower() for row in everything(hub)["documents"])


def test_a_merge_does_not_bring_it_back(hub: Path, grown: Path) -> None:
    from personahub import merge

    forget(hub, ADDRESS)
    merge(hub, [grown])
    assert all(MARK not in str(rows).lower() for rows in everything(hub).values())


def test_a_view_is_what_a_comparison_of_those_that_stay_gives(tmp_path: Path) -> None:
    texts = ["A baker who counts loaves", "A loaves who counts baker", "a Baker who counts LOAVES!"]
    texts += [f"A nurse who gives injections to {who} in the village clinic on the hill" for who in "abcdef"]
    draw = random.Random(3)
    descriptions = [draw.choice(texts) + ("." if draw.random() < 0.3 else "") for _ in range(120)]
    hub, _ = hub_of(tmp_path / "hub", descriptions)
    deduplicate(hub.path)
    for row in draw.sample(list(hub.personas.rows()), 60):
        forget(hub.path, row["document_id"])
    view = open_view(Hub(hub.path), "0.9/0.9")
    assert view is not None
    anew = Path(shutil.copytree(hub.path, tmp_path / "anew"))
    for made in ("edges.lance", "views"):
        shutil.rmtree(anew / made)
    (anew / "duplicates.json").unlink()
    deduplicate(anew)
    expected = open_view(Hub(anew), "0.9/0.9")
    assert expected is not None
    assert expected.table.num_rows > 10
    assert view.table.sort_by("id").to_pylist() == expected.table.sort_by("id").to_pylist()
    assert findings(hub.path) == ""


def test_later_personas_are_compared_with_those_that_stay_alone(tmp_path: Path) -> None:
    hub, ids = hub_of(tmp_path / "hub", ["A baker of rye bread", "A baker of rye bread", "A sailor at sea"])
    deduplicate(hub.path)
    forget(hub.path, str(hub.personas.get(ids[:1])[ids[0]]["document_id"]))
    from hubs import add_personas

    (new,) = add_personas(hub, ["a baker of rye bread!"])
    deduplicate(hub.path)
    view = open_view(hub)
    assert view is not None
    assert [(row["id"], row["leader"]) for row in view.table.to_pylist()] == [(new, ids[1])]


def test_records_made_of_other_records_go_with_them(tmp_path: Path) -> None:
    hub = Hub.create(tmp_path / "hub")
    one, other = document(0), document(1)
    hub.documents.add([one, other])
    first, second = persona(one, 0), persona(other, 1)
    hub.personas.add([first, second])
    item = record_of(first, "A problem")
    answer = record_of(second, "Its answer", inputs=json.dumps({"item": {"record": item.id}}))
    variation = record_of(second, "Another", inputs=json.dumps({"seed_item": {"record": answer.id}}))
    alone = record_of(second, "Alone", inputs=json.dumps({"other": {"id": second.id}}))
    hub.records.add([item, answer, variation, alone])
    outcome = forget(hub.path, one.id)
    assert outcome.gone["records"] == 3
    assert [row["text"] for row in hub.records.rows()] == ["Alone"]


def test_a_kill_at_any_moment_is_mended_by_the_next_command(grown: Path, tmp_path: Path) -> None:
    expected = Path(shutil.copytree(grown, tmp_path / "expected"))
    forget(expected, ADDRESS, purge=True)
    script = (
        "import sys, os, lance\n"
        "from personahub import forget\n"
        "left = int(sys.argv[2])\n"
        "def die(event, _):\n"
        "    global left\n"
        "    if event in ('os.rename', 'os.remove', 'open'):\n"
        "        left -= 1\n"
        "        if not left: os.kill(os.getpid(), 9)\n"
        "delete = lance.LanceDataset.delete\n"
        "def deleting(*args, **named):\n"
        "    die('os.rename', ()); found = delete(*args, **named); die('os.rename', ()); return found\n"
        "lance.LanceDataset.delete = deleting\n"
        "import personahub.workflows.forget as module\n"
        "finish = module.finish\n"
        "def finishing(hub):\n"
        "    sys.addaudithook(die); finish(hub)\n"
        "module.finish = finishing\n"
        f"forget(sys.argv[1], {ADDRESS!r}, purge=True)\n"
    )
    killed = 0
    for moment in (1, 2, 5, 9, 14, 20, 27, 60, 110):
        hub = Path(shutil.copytree(grown, tmp_path / f"hub{moment}"))
        ended = subprocess.run([sys.executable, "-c", script, hub, str(moment)], env=os.environ, check=False)
        killed += ended.returncode == -signal.SIGKILL
        forget(hub, ADDRESS, purge=True)
        assert everything(hub) == everything(expected)
        assert holding(hub, MARK) == set()
        assert findings(hub) == ""
        shutil.rmtree(hub)
    assert killed >= 6


def test_exports_after_leave_it_out_and_rows_exported_before_are_found(hub: Path, tmp_path: Path) -> None:
    export_dataset(hub, "math", tmp_path / "before.jsonl")
    outcome = forget(hub, ADDRESS)
    export_dataset(hub, "math", tmp_path / "after.jsonl")
    assert MARK not in (tmp_path / "after.jsonl").read_text().lower()
    traced = trace(tmp_path / "before.jsonl", hub)
    assert traced.broken["record"] == outcome.gone["records"]
    assert "was forgotten by run" in traced.first[0].detail
    assert not trace(tmp_path / "after.jsonl", hub).broken


def test_the_command_says_what_went_and_what_is_left(run: Run, hub: Path) -> None:
    would = run("forget", "--document", ADDRESS, "--hub", hub, "--dry-run")
    assert would.out.startswith("would be forgotten: documents 1, personas ")
    assert MARK in str(everything(hub)).lower()
    done = run("forget", "--document", ADDRESS, "--hub", hub, "--json")
    told = json.loads(done.out)
    assert told["gone"]["documents"] == 1
    assert not told["purged"]
    again = one_line_error(run("forget", "--document", ADDRESS, "--hub", hub))
    assert "was forgotten already" in again
    purged = run("forget", "--document", ADDRESS, "--hub", hub, "--purge")
    assert purged.out.startswith("forgotten: nothing more than before\npurged: ")


def test_an_id_of_a_persona_is_told_apart(run: Run, hub: Path) -> None:
    (row,) = list(Hub(hub).personas.rows("round = 3"))[:1]
    assert f"show {row['id']}" in one_line_error(run("forget", "--document", row["id"], "--hub", hub))
    assert "no document of" in one_line_error(run("forget", "--document", "https://x.org/", "--hub", hub))


def test_the_facts_hold_no_texts(hub: Path) -> None:
    forget(hub, ADDRESS)
    facts = "".join(path.read_text() for path in (hub / "forgotten").glob("*"))
    runs = "".join(path.read_text() for path in (hub / "runs").glob("*"))
    assert facts
    assert MARK not in facts + runs
