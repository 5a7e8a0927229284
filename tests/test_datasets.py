"""The data sets of a hub: listed, shown and written to files."""

import gzip
import json
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from commands import Run, one_line_error
from hubs import hub_of, made_persona, record_of
from personahub import Hub, UserError, export_dataset, list_datasets, new_task, show_dataset, synthesize
from scripted import ScriptedModel, any_reply

KEEPER = made_persona("Смотритель маяка, который чинит лампы", language="ru")
TEXTS = {"en": "How many lamps burn?", "ru": "Сколько ламп горит на маяке?", "zh": "灯塔上亮着几盏灯？"}


SOLVED = json.dumps(
    {
        "quantities": ["7 bees", "2 hives"],
        "problem": "Solution: 7. How many bees are there?",
    }
)


@pytest.fixture
def hub(tmp_path: Path) -> Hub:
    """A hub with two data sets, the first of them in three languages and of two tasks and runs."""
    hub, _ = hub_of(tmp_path / "hub", [KEEPER.description])
    hub.records.add([record_of(KEEPER, text, language=code) for code, text in TEXTS.items()])
    hub.records.add(
        [record_of(None, "What do lamps cost?", task="gone", method="few-shot", run=2, model="b")]
    )
    hub.records.add([record_of(KEEPER, "它为什么亮着？", dataset="it's", language="zh")])
    return hub


def lines(file: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def test_the_list_tells_what_each_data_set_was_made_of(hub: Hub) -> None:
    its, math = list_datasets(hub.path)
    assert (its.name, its.records, its.languages) == ("it's", 1, {"zh": 1})
    assert (math.name, math.records) == ("math", 4)
    assert math.tasks == {"math": 3, "gone": 1}
    assert math.methods == {"zero-shot": 3, "few-shot": 1}
    assert math.languages == {"en": 2, "ru": 1, "zh": 1}
    assert math.models == {"m": 3, "b": 1}
    assert math.runs == {"1": 3, "2": 1}


def test_a_data_set_knows_when_its_runs_began(made: Path) -> None:
    (math,) = list_datasets(made)
    begun = {str(run.number): run.started for run in Hub(made).runs()}
    (number,) = math.runs
    assert math.first_run == math.last_run == begun[number]


@given(
    made=st.lists(
        st.tuples(st.sampled_from("ab"), st.sampled_from(["en", "ru", "zh"]), st.integers(1, 3)), max_size=30
    )
)
def test_the_numbers_are_those_of_counting_row_by_row(
    tmp_path_factory: pytest.TempPathFactory, made: list[tuple[str, str, int]]
) -> None:
    hub = Hub.create(tmp_path_factory.mktemp("hub") / "hub")
    records = [
        record_of(None, f"text {place}", dataset=name, language=language, run=run)
        for place, (name, language, run) in enumerate(made)
    ]
    if records:
        hub.records.add(records)
    found = {each.name: each for each in list_datasets(hub.path)}
    assert sorted(found) == sorted({record.dataset for record in records})
    for name, each in found.items():
        own = [record for record in records if record.dataset == name]
        assert each.records == len(own)
        assert each.languages == Counter(record.language for record in own)
        assert each.runs == Counter(str(record.run) for record in own)


def test_show_gives_the_first_records_and_what_the_runs_set_aside(curated: Path) -> None:
    synthesize(
        "math", curated, n=1, seed=8, dataset="none", language="en", model=ScriptedModel(lambda _: SOLVED)
    )
    synthesize("math", curated, n=7, seed=5, dataset="more", language="en", model=ScriptedModel(any_reply))
    shown = show_dataset(curated, "more", 3)
    assert [row["id"] for row in shown.first] == list(_ids(curated, "more"))[:3]
    assert set(shown.first[0]) == {"id", "persona", "text"}
    assert not shown.set_aside


def test_what_a_run_that_made_nothing_set_aside_counts_for_its_data_set(curated: Path) -> None:
    synthesize("math", curated, n=1, seed=9, language="en", model=ScriptedModel(lambda _: SOLVED))
    assert show_dataset(curated, "math").set_aside["has_solution"] == 4


def _ids(hub: Path, name: str) -> list[str]:
    return [row["id"] for row in Hub(hub).records.rows(f"dataset = '{name}'")]


def test_an_export_is_what_synthesize_writes(curated: Path, tmp_path: Path) -> None:
    for form in ("records", "personahub"):
        out, exported = tmp_path / "out.jsonl", tmp_path / "exported.jsonl"
        synthesize("math", curated, n=6, dataset="six", out=out, form=form, model=ScriptedModel(any_reply))  # type: ignore[arg-type]
        outcome = export_dataset(curated, "six", exported, form=form)  # type: ignore[arg-type]
        assert outcome.records == 6
        assert exported.read_bytes() == out.read_bytes()


@pytest.mark.parametrize("ending", [".jsonl", ".jsonl.gz", ".parquet"])
def test_a_file_of_any_format_holds_every_record_once(hub: Hub, tmp_path: Path, ending: str) -> None:
    out = tmp_path / f"out{ending}"
    assert export_dataset(hub.path, "math", out).records == 4
    if ending == ".parquet":
        rows = [row | {"fields": json.loads(row["fields"])} for row in pq.read_table(out).to_pylist()]
    else:
        opened = gzip.open if ending.endswith("gz") else open
        with opened(out, "rt", encoding="utf-8") as file:
            rows = [json.loads(line) for line in file]
    assert [row["text"] for row in rows] == [*TEXTS.values(), "What do lamps cost?"]
    assert [row["language"] for row in rows] == ["en", "ru", "zh", "en"]
    assert rows[2]["fields"] == {"problem": TEXTS["zh"]}
    assert {row["id"] for row in rows} == set(_ids(hub.path, "math"))


def test_the_papers_description_is_the_tasks_kind_or_else_its_name(hub: Hub, tmp_path: Path) -> None:
    export_dataset(hub.path, "math", tmp_path / "out.jsonl", form="personahub")
    kinds = [row["description"] for row in lines(tmp_path / "out.jsonl")]
    assert kinds == ["math problem"] * 3 + ["gone"]


def test_the_kind_of_an_own_task_is_read_from_its_folder(curated: Path, tmp_path: Path) -> None:
    folder = new_task("puzzles", tmp_path)
    riddle = json.dumps(
        {
            "thing": "a lamp",
            "clues": ["it burns", "it is lit"],
            "riddle": "I burn and am not hurt. What am I?",
        }
    )
    synthesize(folder, curated, n=1, repetition="off", model=ScriptedModel(lambda _: riddle))
    export_dataset(curated, "puzzles", tmp_path / "out.jsonl", form="personahub")
    assert lines(tmp_path / "out.jsonl")[0]["description"] == "riddle"


def test_an_earlier_run_shows_what_there_was_then(curated: Path, tmp_path: Path) -> None:
    before = Hub(curated).runs()[-1].number
    synthesize("math", curated, n=4, seed=3, model=ScriptedModel(any_reply))
    synthesize("math", curated, n=1, dataset="later", model=ScriptedModel(any_reply))
    assert [each.records for each in list_datasets(curated, at=before)] == [2]
    assert show_dataset(curated, "math", at=before).data_set.records == 2
    assert export_dataset(curated, "math", tmp_path / "out.jsonl", at=before).records == 2
    with pytest.raises(UserError, match="no data set 'later'"):
        show_dataset(curated, "later", at=before)


def test_a_name_that_is_not_there_lists_those_that_are(run: Run, hub: Hub, tmp_path: Path) -> None:
    for command in (["datasets", "show", "logic"], ["export", "logic", "--out", tmp_path / "out.jsonl"]):
        error = one_line_error(run(*command, "--hub", hub.path))
        assert "has no data set 'logic'; its data sets: it's, math" in error
    assert not (tmp_path / "out.jsonl").exists()


def test_a_hub_without_data_sets_says_how_to_make_one(run: Run, tmp_path: Path) -> None:
    Hub.create(tmp_path / "hub")
    shown = run("datasets", "list", "--hub", tmp_path / "hub")
    assert (shown.code, shown.out) == (0, "")
    assert "holds no data sets yet" in shown.err
    assert json.loads(run("datasets", "list", "--hub", tmp_path / "hub", "--json").out) == []
    assert "holds no data sets yet" in one_line_error(run("datasets", "show", "a", "--hub", tmp_path / "hub"))


def test_the_commands_print_what_the_functions_give(run: Run, hub: Hub, tmp_path: Path) -> None:
    listed = json.loads(run("datasets", "list", "--hub", hub.path, "--json").out)
    assert listed == [each.to_json() for each in list_datasets(hub.path)]
    shown = json.loads(run("datasets", "show", "math", "--hub", hub.path, "-n", 1, "--json").out)
    assert [row["text"] for row in shown["first"]] == ["How many lamps burn?"]
    out = tmp_path / "out.jsonl"
    exported = json.loads(run("export", "it's", "--hub", hub.path, "--out", out, "--json").out)
    assert (exported["records"], exported["dataset"]) == (1, "it's")
    text = run("datasets", "list", "--hub", hub.path).out
    assert "math: 4 records" in text
    assert "languages  en 2, ru 1, zh 1" in text
    assert TEXTS["ru"] in run("datasets", "show", "math", "--hub", hub.path).out


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["datasets", "show", "math", "-n", "-1"], "cannot show a negative number"),
        (["export", "math", "--out", "out.csv"], "unknown format"),
        (["export", "math", "--out", "out.jsonl", "--format", "paper"], "is none of records, personahub"),
        (["datasets", "list", "--at", "77"], "has no run 77"),
    ],
)
def test_what_cannot_be_is_one_line(run: Run, hub: Hub, options: list[str], told: str) -> None:
    assert told in one_line_error(run(*options, "--hub", hub.path))
