"""Problems, seeds and key points: of files and of data sets, with what cannot be used told."""

import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubs import hub_of, made_persona, record_of
from personahub import Hub, UserError
from personahub.workflows.items import TEXT_FIELDS, Items, read_items

PROBLEMS = [
    "A baker fills 12 trays with 8 loaves each. How many loaves are there?",
    "Сколько ламп горит на маяке, если каждую третью из сорока двух погасили?",
    "每天清晨修理十二盏灯，一周一共修理几盏？",
]


def write(file: Path, rows: Sequence[Any]) -> str:
    file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return str(file)


def read(named: str | Path, field: str | None = None, hub: Hub | None = None) -> Items:
    return read_items(str(named), hub, field, "--problems")


def texts(items: Items) -> list[str]:
    return [item.text for item in items]


@pytest.fixture
def hub(tmp_path: Path) -> Hub:
    """A hub with two data sets, one of them of three languages."""
    hub, _ = hub_of(tmp_path / "hub", ["A keeper of a lighthouse"])
    keeper = made_persona("A keeper of a lighthouse")
    languages = zip(PROBLEMS, ("en", "ru", "zh"), strict=True)
    hub.records.add([record_of(keeper, text, language=language) for text, language in languages])
    hub.records.add([record_of(None, "What do lamps cost?", dataset="it's", fields='{"topic": "lamps"}')])
    return hub


@pytest.mark.parametrize("name", TEXT_FIELDS)
def test_the_text_is_in_any_of_the_usual_fields(tmp_path: Path, name: str) -> None:
    file = write(tmp_path / "a.jsonl", [{"n": 1, name: text} for text in PROBLEMS])
    assert texts(read(file)) == PROBLEMS


def test_the_first_of_the_usual_fields_with_a_text_counts(tmp_path: Path) -> None:
    rows = [{"text": "b", "problem": "a"}, {"problem": " ", "prompt": None, "text": "c"}]
    assert texts(read(write(tmp_path / "a.jsonl", rows))) == ["a", "c"]


@pytest.mark.parametrize("ending", ["csv", "tsv", "json", "jsonl", "jsonl.gz", "parquet"])
def test_files_of_rows_of_any_kind_are_read(tmp_path: Path, ending: str) -> None:
    file = tmp_path / f"a.{ending}"
    if ending == "parquet":
        pq.write_table(pa.table({"problem": PROBLEMS}), file)
    elif ending in {"csv", "tsv"}:
        sign = "\t" if ending == "tsv" else ","
        file.write_text(f"id{sign}problem\n" + "".join(f'1{sign}"{text}"\n' for text in PROBLEMS))
    else:
        raw = Path(write(tmp_path / "b", [{"problem": text} for text in PROBLEMS])).read_bytes()
        file.write_bytes(gzip.compress(raw) if ending.endswith("gz") else raw)
    items = read(file)
    assert (texts(items), items.count, items.unusable) == (PROBLEMS, 3, {})


def test_a_text_has_an_item_a_line(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("- one\n\n  # два  \r\n三\n", encoding="utf-8")
    items = list(read(tmp_path / "a.txt"))
    assert [(item.text, item.origin["row"]) for item in items] == [("- one", 1), ("# два", 3), ("三", 4)]


def test_a_list_in_markdown_gives_its_points_without_their_marks(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# Points\n\n- one\n  * два\n3. 三\n4-sided figures\n", encoding="utf-8")
    assert texts(read(tmp_path / "a.md")) == ["one", "два", "三", "4-sided figures"]


def test_an_item_knows_its_file_row_and_language(tmp_path: Path) -> None:
    rows = [{"problem": PROBLEMS[0], "licence": "CC BY 4.0"}, *({"problem": text} for text in PROBLEMS[1:])]
    file = write(tmp_path / "a.jsonl", [*rows, {"problem": "2 + 2 = ?", "language": "de"}])
    items = list(read(file))
    assert [item.language for item in items] == ["en", "ru", "zh", "de"]
    assert [item.origin for item in items] == [{"source": file, "row": row} for row in (1, 2, 3, 4)]
    assert [item.lineage["licence"] for item in items[:2]] == ["CC-BY-4.0", "unknown"]


def test_the_items_of_a_data_set_have_their_records_lineage(hub: Hub) -> None:
    items = list(read("math", hub=hub))
    assert [(item.text, item.language) for item in items] == list(
        zip(PROBLEMS, ("en", "ru", "zh"), strict=True)
    )
    row = next(hub.records.rows())
    assert items[0].origin == {"record": row["id"]}
    assert items[0].lineage["persona_id"] == row["persona_id"]
    assert items[0].lineage["source"] == "made.jsonl"


def test_a_data_sets_field_is_one_of_the_models_answer(hub: Hub) -> None:
    assert texts(read("it's", hub=hub)) == ["What do lamps cost?"]
    assert texts(read("it's", "topic", hub)) == ["lamps"]
    with pytest.raises(UserError, match="no field 'shape'; the fields there: topic"):
        read("it's", "shape", hub)


def test_a_file_goes_before_a_data_set_of_its_name(hub: Hub, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "math.jsonl", [{"problem": "of the file"}])
    assert texts(read("math.jsonl", hub=hub)) == ["of the file"]


def test_records_that_come_while_a_data_set_is_read_are_not_of_it(hub: Hub) -> None:
    items = read("math", hub=hub)
    hub.records.add([record_of(None, "A later one?")])
    assert texts(items) == PROBLEMS
    assert read("math", hub=hub).digest != items.digest


def test_rows_that_cannot_be_used_are_told_and_stop_nothing(tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl", [{"problem": 7}, {"problem": "x" * 20_001}, {"problem": "good"}])
    with Path(file).open("ab") as more:
        more.write(b'{"problem": "\xff"}\n{torn\n')
    items = read(file)
    assert (texts(items), items.count) == (["good"], 1)
    cases = list(items.set_aside(7))
    assert [case.reason for case in cases] == ["no_text_field", "too_long", "not_utf8", "not_json"]
    assert items.unusable == {case.reason: 1 for case in cases}
    case = cases[1]
    assert (case.kind, case.source, case.row, case.run) == ("record", file, 2, 7)


def test_the_named_field_alone_is_looked_at(tmp_path: Path) -> None:
    rows = [{"q": "one", "text": "no"}, {"text": "no"}, {"q": ["two"]}, {"q": "三"}]
    items = read(write(tmp_path / "a.jsonl", rows), "q")
    assert texts(items) == ["one", "三"]
    assert items.unusable == {"no_text_field": 1, "not_text": 1}


@pytest.mark.parametrize(
    ("rows", "field", "message"),
    [
        ([], None, "is empty; give a file with a text in each row or line"),
        (
            [{"a": "x", "b": 1}],
            None,
            "its only row has no text that can be used (row 1: no text in problem, question",
        ),
        ([{"a": "x", "b": 1}] * 2, None, "none of its 2 rows has a text"),
        ([{"a": "x", "b": 1}], "c", "no field 'c'; the fields there: a, b"),
        ([{"problem": "x", "b": 1}], "b", "the field 'b' holds no text"),
    ],
)
def test_a_file_without_items_is_one_line(
    tmp_path: Path, rows: Sequence[Any], field: str | None, message: str
) -> None:
    file = write(tmp_path / "a.jsonl", rows)
    with pytest.raises(UserError) as error:
        read(file, field)
    assert message in str(error.value)
    assert str(error.value).startswith(f"--problems {file}: ")
    assert "\n" not in str(error.value)


def test_a_blank_text_is_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(" \n\n")
    with pytest.raises(UserError, match="is empty"):
        read(tmp_path / "a.txt")


def test_a_name_of_neither_a_file_nor_a_data_set_lists_the_data_sets(hub: Hub, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"is no file, and no data set .*its data sets: it's, math"):
        read("maths", hub=hub)
    with pytest.raises(UserError, match="which has none yet"):
        read("maths", hub=Hub.create(tmp_path / "empty"))
    with pytest.raises(UserError, match="--problems maths: no such file"):
        read("maths")


def test_a_file_of_another_kind_or_a_field_of_lines_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_text("x")
    with pytest.raises(UserError, match="unknown format"):
        read(tmp_path / "a.pdf")
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(UserError, match="no fields"):
        read(tmp_path / "a.txt", "q")


LISTS = st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), min_size=1, max_size=5)


@given(one=LISTS, other=LISTS)
def test_the_digest_tells_lists_of_other_texts_apart(
    tmp_path_factory: pytest.TempPathFactory, one: list[str], other: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("lists")
    digests, lists = [], []
    for name, given_texts in (("a", one), ("b", other)):
        file = write(folder / f"{name}.jsonl", [{"text": f".{text}."} for text in given_texts])
        items = read(file)
        digests.append(items.digest)
        lists.append(texts(items))
    assert (digests[0] == digests[1]) == (lists[0] == lists[1])
