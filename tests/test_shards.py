"""Shards of a run, each in a hub of its own, and merging them as if one machine had done it all."""

import hashlib
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hubs import record_of
from load_server import LoadServer
from personahub import Calls, Hub, UserError, check_hub, curate, merge, show, stats
from personahub.cli import main
from personahub.completion import Entry, EntryKind, Journal, merge_journal
from personahub.hub import RunStatus, Shard
from personahub.models import Request, RequestError
from personahub.models.sentence_encoder import SentenceEncoder
from personahub.workflows.runs import retry
from scripted import ScriptedModel, sentence

ENCODER = SentenceEncoder()


def reply(request: Request) -> str:
    """A persona; now and then one that is set aside, one that does not fit, or none at all."""
    chance = hashlib.sha256(request.key.encode()).digest()[0]
    if chance < 16:
        raise RequestError("prompt_too_long", "5000 tokens")
    if chance < 32:
        return "no JSON at all"
    if chance < 48:
        page = (
            "A web page that explains to many readers how all of this really works and why it often does not."
        )
        return json.dumps({"persona": page})
    return good_reply(request)


def good_reply(request: Request) -> str:
    who = sentence(request).removesuffix(".").replace("Easter", "sunrise")
    persona = f"{who} and logs the ships that pass the light in the fog."
    return json.dumps({"persona": persona})


def write(file: Path, numbers: Sequence[int]) -> Path:
    """A document for each number; a row that cannot be read for each negative one."""
    rows = [
        json.dumps({"text": f"Log of day {n}: fog in the morning, {n} ships passed the light."})
        if n >= 0
        else "{torn"
        for n in numbers
    ]
    file.write_text("".join(f"{row}\n" for row in rows))
    return file


def run(source: Path, hub: Path, **options: Any) -> None:
    options = {"model": ScriptedModel(reply, slots=2), "relations": ["read", "like"], **options}
    curate([source], hub, encoder=ENCODER, skip_bad_rows=True, **options)


def run_shards(source: Path, hub: Path, of: int, **options: Any) -> None:
    for number in range(1, of + 1):
        run(source, hub, shard=f"{number}/{of}", **options)


def tables(hub: Path) -> list[list[dict[str, Any]]]:
    opened = Hub(hub)
    each = (opened.documents, opened.personas, opened.records, opened.set_aside)
    return [sorted(table.rows(), key=lambda row: row["id"]) for table in each]


def entries(hub: Path) -> Counter[Entry]:
    with Journal(hub / "journal") as journal:
        return Counter(journal.entries())


def counts(hub: Path) -> dict[str, Any]:
    (only,) = Hub(hub).runs()
    assert only.status is RunStatus.FINISHED
    return {name: count for name, count in only.counts.items() if name != "last_invocation"}


def files(hub: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in hub.rglob("*") if path.is_file() and "lock" not in path.parts}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write(tmp_path / "logs.jsonl", range(14))


@settings(max_examples=25, deadline=None)
@given(
    numbers=st.lists(st.integers(-1, 12), min_size=1, max_size=20),
    of=st.integers(1, 6),
    limit=st.none() | st.integers(1, 8),
    per_relation=st.integers(1, 2),
)
@pytest.mark.slow
def test_merged_shards_are_the_unsharded_hub(
    numbers: list[int], of: int, limit: int | None, per_relation: int
) -> None:
    with TemporaryDirectory() as folder:
        source = write(Path(folder, "logs.jsonl"), numbers)
        whole, sharded = Path(folder, "whole"), Path(folder, "sharded")
        run(source, whole, limit=limit, per_relation=per_relation)
        run_shards(source, sharded, of, limit=limit, per_relation=per_relation)
        merge(sharded)
        assert tables(sharded) == tables(whole)
        assert entries(sharded) == entries(whole)
        assert counts(sharded) == counts(whole)
        assert [run.number for run in Hub(sharded).runs()] == [1]
        assert merge(sharded).added == 0
        assert tables(sharded) == tables(whole)
        assert entries(sharded) == entries(whole)


def test_each_shard_is_a_hub_of_its_own(source: Path, tmp_path: Path) -> None:
    run_shards(source, tmp_path / "hub", 3)
    assert sorted(path.name for path in (tmp_path / "hub").iterdir()) == ["shards"]
    found = [Hub(tmp_path / "hub" / "shards" / f"{number}-of-3").documents.count() for number in (1, 2, 3)]
    assert sum(found) == 14


def test_a_shard_has_every_nth_document(source: Path, tmp_path: Path) -> None:
    run(source, tmp_path / "hub", shard="2/3", model=ScriptedModel(good_reply))
    rows = Hub(tmp_path / "hub/shards/2-of-3").documents.rows()
    assert sorted(row["row"] for row in rows) == [2, 5, 8, 11, 14]


def test_limit_counts_the_documents_of_all_shards(source: Path, tmp_path: Path) -> None:
    run_shards(source, tmp_path / "hub", 2, limit=5)
    assert merge(tmp_path / "hub").runs[0].counts["documents"] == 5


def test_a_shard_without_documents_is_finished_and_merges(tmp_path: Path) -> None:
    source = write(tmp_path / "few.jsonl", range(2))
    run_shards(source, tmp_path / "hub", 4)
    outcome = merge(tmp_path / "hub")
    assert [merged.documents for merged in outcome.sources] == [1, 1, 0, 0]
    assert (outcome.runs[0].status, outcome.runs[0].missing) == (RunStatus.FINISHED, [])


def test_a_finished_shard_that_is_given_again_stays_one_run(source: Path, tmp_path: Path) -> None:
    run_shards(source, tmp_path / "hub", 2)
    again = ScriptedModel(reply)
    run(source, tmp_path / "hub", shard="2/2", model=again)
    assert again.calls == 0
    assert len(Hub(tmp_path / "hub/shards/2-of-2").runs()) == 1


def test_a_missing_shard_is_named_and_comes_in_later(source: Path, tmp_path: Path) -> None:
    hub = tmp_path / "hub"
    for number in (1, 3):
        run(source, hub, shard=f"{number}/3")
    early = merge(hub)
    assert (early.runs[0].status, early.runs[0].missing) == (RunStatus.INTERRUPTED, ["2/3"])
    run(source, hub, shard="2/3")
    run(source, tmp_path / "whole")
    late = merge(hub)
    assert [merged.added > 0 for merged in late.sources] == [False, True, False]
    assert tables(hub) == tables(tmp_path / "whole")
    assert entries(hub) == entries(tmp_path / "whole")
    assert counts(hub) == counts(tmp_path / "whole")


def test_a_shard_that_was_merged_half_done_is_merged_again(source: Path, tmp_path: Path) -> None:
    hub = tmp_path / "hub"
    run(source, hub, shard="1/2", calls=Calls(max_calls=5))
    run(source, hub, shard="2/2")
    early = merge(hub)
    assert (early.runs[0].status, early.runs[0].unfinished) == (RunStatus.INTERRUPTED, ["1/2"])
    run(source, hub, shard="1/2")
    merge(hub)
    run(source, tmp_path / "whole")
    assert tables(hub) == tables(tmp_path / "whole")
    assert counts(hub) == counts(tmp_path / "whole")
    assert merge(hub).added == 0


def test_a_missing_shard_can_be_finished_in_the_merged_hub(source: Path, tmp_path: Path) -> None:
    hub, model = tmp_path / "hub", ScriptedModel(good_reply)
    run(source, hub, shard="1/2", model=ScriptedModel(good_reply))
    merge(hub)
    run(source, hub, model=model)
    assert model.calls == 14
    run(source, tmp_path / "whole", model=ScriptedModel(good_reply))
    assert tables(hub) == tables(tmp_path / "whole")
    assert merge(hub).added == 0
    assert counts(hub) == counts(tmp_path / "whole")


def test_a_lost_shard_that_was_done_anew_takes_the_place_of_the_old(source: Path, tmp_path: Path) -> None:
    hub = tmp_path / "hub"
    run_shards(source, hub, 2, model=ScriptedModel(good_reply))
    merge(hub)
    before = tables(hub)
    subprocess.run(["rm", "-r", hub / "shards/2-of-2"], check=True)
    run(source, hub, shard="2/2", model=ScriptedModel(good_reply))
    assert merge(hub).added == 0
    assert tables(hub) == before
    assert counts(hub)["documents"] == 14


def test_shards_of_different_sizes_are_not_mixed(source: Path, tmp_path: Path) -> None:
    hub = tmp_path / "hub"
    run(source, hub, shard="1/2")
    run(source, hub, shard="1/3")
    with pytest.raises(UserError, match="shards of 2 and of 3 of the same run") as error:
        merge(hub)
    assert "\n" not in str(error.value)
    assert Hub(hub).runs() == []
    assert len(merge(hub, [hub / "shards/1-of-3"]).sources) == 1


def test_the_sources_of_a_merge_are_only_read(source: Path, tmp_path: Path) -> None:
    run_shards(source, tmp_path / "hub", 2)
    before = files(tmp_path / "hub/shards")
    merge(tmp_path / "hub")
    assert files(tmp_path / "hub/shards") == before


def test_other_hubs_keep_their_runs_apart(source: Path, tmp_path: Path) -> None:
    other = write(tmp_path / "other.jsonl", range(20, 24))
    run(source, tmp_path / "one")
    run(other, tmp_path / "two")
    run(other, tmp_path / "two", seed=9)
    outcome = merge(tmp_path / "all", [tmp_path / "one", tmp_path / "two"])
    assert [run.number for run in outcome.runs] == [1, 2, 3]
    merged = Hub(tmp_path / "all")
    assert [run.configuration["seed"] for run in merged.runs()] == [0, 0, 9]
    journals = entries(tmp_path / "all")
    assert journals.total() == entries(tmp_path / "one").total() + entries(tmp_path / "two").total()
    for persona in merged.personas.rows():
        document = merged.documents.get([persona["document_id"]])[persona["document_id"]]
        assert merged.run(persona["run"]).configuration["sources"] == [document["source"]]


def test_data_sets_of_one_name_become_one_and_a_record_is_there_once(tmp_path: Path) -> None:
    problem = record_of(None, "几盏灯？")
    told = {"item": {"text": problem.text, "record": problem.id}}
    solution = record_of(None, "Три.", dataset="solved", inputs=told)
    for name, records in (("a", [problem]), ("b", [problem, solution, record_of(None, "Сколько ламп?")])):
        hub = Hub.create(tmp_path / name)
        hub.start_run("synthesize", {})
        hub.records.add(records)
    merge(tmp_path / "all", [tmp_path / "a", tmp_path / "b"])
    assert stats(tmp_path / "all")["datasets"] == {"math": 2, "solved": 1}
    assert [row["id"] for row in show(tmp_path / "all", solution.id).made_from] == [problem.id]
    assert check_hub(tmp_path / "all").findings == []


def test_merged_hubs_can_be_merged_again(source: Path, tmp_path: Path) -> None:
    run_shards(source, tmp_path / "hub", 4)
    shards = [tmp_path / "hub" / "shards" / f"{number}-of-4" for number in (1, 2, 3, 4)]
    merge(tmp_path / "east", shards[:2])
    merge(tmp_path / "west", shards[2:])
    merge(tmp_path / "all", [tmp_path / "east", tmp_path / "west"])
    run(source, tmp_path / "whole")
    assert tables(tmp_path / "all") == tables(tmp_path / "whole")
    assert entries(tmp_path / "all") == entries(tmp_path / "whole")
    assert counts(tmp_path / "all") == counts(tmp_path / "whole")


def test_a_merged_hub_asks_nothing_that_a_shard_was_answered(source: Path, tmp_path: Path) -> None:
    run_shards(source, tmp_path / "hub", 2, model=ScriptedModel(good_reply))
    merge(tmp_path / "hub")
    model = ScriptedModel(good_reply)
    run(source, tmp_path / "hub", model=model)
    assert model.calls == 0


def test_failures_of_a_shard_can_be_retried_in_its_own_hub(source: Path, tmp_path: Path) -> None:
    def refuse(request: Request) -> str:
        raise RequestError("prompt_too_long", "5000 tokens")

    run(source, tmp_path / "hub", shard="2/4", model=ScriptedModel(refuse))
    own = tmp_path / "hub/shards/2-of-4"
    retry(own, 1, model=ScriptedModel(good_reply))
    assert (Hub(own).personas.count(), Hub(own).documents.count()) == (8, 4)
    assert not (own / "shards").exists()


def test_a_source_that_is_being_written_stops_the_merge_with_one_line(source: Path, tmp_path: Path) -> None:
    run_shards(source, tmp_path / "hub", 2)
    running = Hub(tmp_path / "hub/shards/2-of-2")
    with (
        running.writing(),
        pytest.raises(UserError, match=r"2-of-2: another personahub .* is writing") as error,
    ):
        merge(tmp_path / "hub")
    assert "\n" not in str(error.value)
    with Journal(running.journal_path), pytest.raises(UserError, match="is using this journal"):
        merge(tmp_path / "hub")
    run(source, tmp_path / "whole")
    merge(tmp_path / "hub")
    assert tables(tmp_path / "hub") == tables(tmp_path / "whole")


def test_a_hub_of_shards_alone_says_how_to_merge_them(source: Path, tmp_path: Path) -> None:
    run(source, tmp_path / "hub", shard="1/2")
    with pytest.raises(UserError, match="hub merge"):
        Hub(tmp_path / "hub")


# Merging journals.


def entry(number: int, kind: EntryKind = EntryKind.REPLY, run: int = 1, **fields: Any) -> Entry:
    key = hashlib.sha256(str(number).encode()).hexdigest()[:32]
    return Entry(
        key, kind, run, "scripted", **{"text": f"reply {number} of run {run}", "cost": 0.5, **fields}
    )


@settings(max_examples=25, deadline=None)
@given(
    sources=st.lists(
        st.lists(
            st.tuples(st.integers(0, 8), st.sampled_from(EntryKind), st.integers(1, 2), st.text(max_size=3)),
            max_size=20,
        ),
        min_size=1,
        max_size=3,
    ),
    seal_bytes=st.sampled_from([300, 2**20]),
    cut=st.integers(0, 20),
)
def test_journals_are_merged_once_whatever_they_hold(
    sources: list[list[tuple[int, EntryKind, int, str]]], seal_bytes: int, cut: int
) -> None:
    written = [
        [entry(number, kind, run, about=about) for number, kind, run, about in source] for source in sources
    ]
    runs = {1: 5, 2: 3}
    with TemporaryDirectory() as folder:
        for part in (slice(0, cut), slice(cut, None)):
            for number, source in enumerate(written):
                with Journal(Path(folder, str(number)), seal_bytes=seal_bytes) as journal:
                    for each in source[part]:
                        journal.append(each)
        with Journal(Path(folder, "all"), seal_bytes=seal_bytes) as merged:
            for _ in range(2):
                added = [
                    merge_journal(merged, Path(folder, str(number)), source=str(number), runs=runs)
                    for number in range(len(written))
                ]
            assert added == [0] * len(written)
            expected: list[tuple[str, EntryKind, int, str, str]] = []
            replied: set[str] = set()
            for source in written:
                new = [each for each in source if each.kind is not EntryKind.REPLY or each.key not in replied]
                expected += [(e.key, e.kind, runs[e.run], e.text, e.about) for e in new]
                replied |= {each.key for each in source if each.kind is EntryKind.REPLY}
            found = list(merged.entries())
            assert [(e.key, e.kind, e.run, e.text, e.about) for e in found] == expected
            assert sum(sums.cost for sums in merged.spent().values()) == 0.5 * len(expected)
        with Journal(Path(folder, "all")) as reopened:
            assert list(reopened.entries()) == found
            assert len(reopened) == len(replied)


def test_a_journal_that_grew_gives_only_what_is_new(tmp_path: Path) -> None:
    for stretch in (range(5), range(5, 8)):
        with Journal(tmp_path / "one") as one:
            for number in stretch:
                one.append(entry(number, EntryKind.WASTED))
        with Journal(tmp_path / "all") as merged:
            assert merge_journal(merged, tmp_path / "one", source="one", runs={1: 1}) == len(stretch)


def test_a_journal_begun_anew_under_the_same_name_is_merged_from_its_start(tmp_path: Path) -> None:
    with Journal(tmp_path / "all") as merged:
        for folder, numbers in (("old", range(5)), ("new", range(10, 20))):
            with Journal(tmp_path / folder) as journal:
                for number in numbers:
                    journal.append(entry(number))
            assert merge_journal(merged, tmp_path / folder, source="one", runs={1: 1}) == len(numbers)
        assert len(merged) == 15


def test_a_torn_last_line_of_a_source_is_left_where_it_is(tmp_path: Path) -> None:
    with Journal(tmp_path / "one") as one:
        one.append(entry(1))
    live = tmp_path / "one" / "live.jsonl"
    torn = live.read_bytes() + b'{"key": "00'
    live.write_bytes(torn)
    with Journal(tmp_path / "all") as merged:
        assert merge_journal(merged, tmp_path / "one", source="one", runs={1: 1}) == 1
    assert live.read_bytes() == torn


def test_a_file_that_waits_to_be_sealed_in_the_target_keeps_its_number(tmp_path: Path) -> None:
    with Journal(tmp_path / "all") as merged:
        merged.append(entry(1))
    (tmp_path / "all" / "live.jsonl").rename(tmp_path / "all" / "sealing-000001.jsonl")
    with Journal(tmp_path / "one") as one:
        one.append(entry(2))
    with Journal(tmp_path / "all") as merged:
        merge_journal(merged, tmp_path / "one", source="one", runs={1: 1})
    with Journal(tmp_path / "all") as merged:
        assert len(merged) == 2


# Several processes.

SHARD = """
import sys
from pathlib import Path
from test_shards import reply, run
from scripted import ScriptedModel
source, hub, shard = sys.argv[1:]
run(Path(source), Path(hub), shard=shard, model=ScriptedModel(reply, slots=2, delay=0.02))
"""

# Kills itself where the named step is about to be taken for the n-th time.
KILLED_MERGE = """
import os, signal, sys
from pathlib import Path
import lance
from personahub import merge
hub, left = sys.argv[1], int(sys.argv[2])
def killing(step):
    def taken(*args, **options):
        global left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return step(*args, **options)
    return taken
os.fsync = killing(os.fsync)
Path.rename, Path.replace = killing(Path.rename), killing(Path.replace)
lance.write_dataset = killing(lance.write_dataset)
merge(hub)
"""


def start(script: str, *arguments: object) -> subprocess.Popen[bytes]:
    here = Path(__file__).parent
    paths = [str(here), str(here.parent / "benchmarks"), *sys.path]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    return subprocess.Popen([sys.executable, "-c", script, *map(str, arguments)], env=environment)


@pytest.mark.slow
def test_two_shards_run_at_the_same_time(source: Path, tmp_path: Path) -> None:
    started = [start(SHARD, source, tmp_path / "hub", f"{number}/2") for number in (1, 2)]
    assert [process.wait(timeout=120) for process in started] == [0, 0]
    merge(tmp_path / "hub")
    run(source, tmp_path / "whole")
    assert tables(tmp_path / "hub") == tables(tmp_path / "whole")


def test_a_killed_shard_goes_on_and_merges_like_the_others(source: Path, tmp_path: Path) -> None:
    killed = start(SHARD, source, tmp_path / "hub", "1/2")
    journal = tmp_path / "hub/shards/1-of-2/journal/live.jsonl"
    while not (journal.exists() and journal.read_bytes().count(b"\n") >= 4):
        assert killed.poll() is None
    killed.kill()
    killed.wait()
    run_shards(source, tmp_path / "hub", 2)
    merge(tmp_path / "hub")
    run(source, tmp_path / "whole")
    assert tables(tmp_path / "hub") == tables(tmp_path / "whole")
    assert counts(tmp_path / "hub") == counts(tmp_path / "whole")


@pytest.mark.slow
@pytest.mark.parametrize("steps", [3, 5])
def test_a_merge_that_is_killed_again_and_again_gives_the_same(
    source: Path, tmp_path: Path, steps: int
) -> None:
    hub = tmp_path / "hub"
    run_shards(source, hub, 3)
    ends = []
    while not ends or ends[-1] != 0:
        ends.append(start(KILLED_MERGE, hub, steps).wait(timeout=120))
        assert ends[-1] in {0, -signal.SIGKILL}
    assert len(ends) > 3
    run(source, tmp_path / "whole")
    assert tables(hub) == tables(tmp_path / "whole")
    assert entries(hub) == entries(tmp_path / "whole")
    assert counts(hub) == counts(tmp_path / "whole")
    assert merge(hub).added == 0


# The command line.


def command(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    given, sys.argv = sys.argv, ["personahub", *map(str, arguments)]
    try:
        main()
        code: object = 0
    except SystemExit as leaving:
        code = leaving.code or 0
    finally:
        sys.argv = given
    printed = capsys.readouterr()
    return int(str(code)), printed.out, printed.err


@pytest.mark.parametrize(
    ("shard", "said"),
    [
        ("9/8", "of 8 there are 1/8 to 8/8"),
        ("0/8", "of 8 there are 1/8 to 8/8"),
        ("1/0", "is none"),
        ("x", "give the second of eight as 2/8"),
        ("1/2/3", "give the second of eight as 2/8"),
        ("-1/2", "give the second of eight as 2/8"),
    ],
)
def test_a_wrong_shard_is_one_line(
    capsys: pytest.CaptureFixture[str], source: Path, tmp_path: Path, shard: str, said: str
) -> None:
    model = "http://127.0.0.1:9/v1#any"
    code, out, err = command(
        capsys, "curate", source, "--hub", tmp_path / "hub", f"--shard={shard}", "--model", model
    )
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert said in err
    assert not (tmp_path / "hub").exists()


def test_the_command_line_shards_and_merges(
    capsys: pytest.CaptureFixture[str], source: Path, tmp_path: Path
) -> None:
    hub = tmp_path / "hub"
    with LoadServer() as server:
        for number in (1, 2):
            code, out, _ = command(
                *(capsys, "curate", source, "--hub", hub, "--shard", f"{number}/2"),
                *("--model", f"{server.url}#any"),
            )
            assert (code, f"hub merge {hub}" in out) == (0, True)
    code, out, err = command(capsys, "hub", "merge", hub)
    assert code == 0
    assert "2 hubs merged" in out
    assert "run 1 (curate): finished, 14 documents" in out
    assert "1-of-2: 7 documents" in err
    code, out, _ = command(capsys, "hub", "merge", hub)
    assert (code, "nothing new" in out) == (0, True)
    code, out, _ = command(capsys, "hub", "merge", hub, "--json")
    told = json.loads(out)
    assert (code, told["added"], told["runs"][0]["status"]) == (0, 0, "finished")


def test_the_command_line_names_the_shards_that_are_missing(
    capsys: pytest.CaptureFixture[str], source: Path, tmp_path: Path
) -> None:
    run(source, tmp_path / "hub", shard="1/3")
    run(source, tmp_path / "hub", shard="3/3", calls=Calls(max_calls=2))
    _, out, _ = command(capsys, "hub", "merge", tmp_path / "hub")
    assert "shards that were not merged: 2/3" in out
    assert "shards that did not end: 3/3" in out
    assert "give the command of shard 2/3 again" in out


@pytest.mark.parametrize(
    ("sources", "said"),
    [([], "has no shards to merge"), (["hub"], "into itself"), (["nothing"], "is not there")],
)
def test_what_cannot_be_merged_is_one_line_and_makes_nothing(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, sources: list[str], said: str
) -> None:
    if "hub" in sources:
        Hub.create(tmp_path / "hub")
    paths = [tmp_path / name for name in sources]
    code, out, err = command(capsys, "hub", "merge", tmp_path / "hub", *paths)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert said in err
    assert (tmp_path / "hub").exists() == ("hub" in sources)


def test_a_shard_does_not_go_among_other_files(source: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds other files"):
        run(source, tmp_path, shard="1/2")


def test_a_shard_is_named_as_it_was_given() -> None:
    assert str(Shard.parse("2/8")) == "2/8"
    assert [place for place in range(20) if Shard.parse("3/8").takes(place)] == [2, 10, 18]
    assert [Shard.parse("3/8").place(position) for position in range(3)] == [2, 10, 18]
    assert Shard.parse("3/8").count(18) == 2
