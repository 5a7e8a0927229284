"""Import: which files are taken, what a file is known by, and what is no UTF-8."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from commands import Run, one_line_error
from personahub import Hub, UserError, add, check_hub
from personahub.workflows.steps import StepWatcher
from web_server import serving_files

PEOPLE = [
    "A ferry pilot who sketches the clouds above the strait.",
    "Стекольщик, который чинит окна в сельской школе.",
    "一位在山里种茶的年轻人。",
]


def jsonl(path: Path, texts: Sequence[Any], field: str = "persona") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps({field: text}, ensure_ascii=False) + "\n" for text in texts), "utf-8")
    return path


def refused(hub: Path) -> dict[int, str]:
    return {row["row"]: row["reason"] for row in Hub(hub).set_aside.rows()}


def descriptions(hub: Path) -> list[str]:
    return sorted(row["description"] for row in Hub(hub).personas.rows())


class Noting(StepWatcher):
    """Remembers the notices."""

    def __init__(self) -> None:
        self.notices: list[str] = []

    def notice(self, text: str) -> None:
        self.notices.append(text)


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    return tmp_path / "hub"


# What a file is known by


def test_a_file_imported_alone_is_the_same_file_beside_others_of_its_name(tmp_path: Path, hub: Path) -> None:
    first = jsonl(tmp_path / "set" / "train" / "0.jsonl", PEOPLE)
    jsonl(tmp_path / "set" / "test" / "0.jsonl", PEOPLE)
    assert add(first, hub).added == 3
    outcome = add(tmp_path / "set", hub)
    assert (outcome.added, outcome.already_there) == (3, 3)
    assert add([tmp_path / "set" / "test" / "0.jsonl"], hub).added == 0


def test_a_path_from_the_folder_itself_names_the_same_file(
    tmp_path: Path, hub: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = jsonl(tmp_path / "set" / "a.jsonl", PEOPLE)
    add(file, hub)
    monkeypatch.chdir(file.parent)
    assert add("a.jsonl", hub).added == 0
    assert add("./*.jsonl", hub).added == 0
    (file.parent / "below").mkdir()
    monkeypatch.chdir(file.parent / "below")
    assert add("../a.jsonl", hub).added == 0


@pytest.mark.parametrize("origin", [None, "my-set"])
def test_files_that_share_name_and_folder_s_name_give_no_id_twice(
    tmp_path: Path, hub: Path, origin: str | None
) -> None:
    jsonl(tmp_path / "set" / "en" / "data" / "0.jsonl", [PEOPLE[0], PEOPLE[1]])
    jsonl(tmp_path / "set" / "zh" / "data" / "0.jsonl", [PEOPLE[0], PEOPLE[2]])
    told = Noting()
    outcome = add(tmp_path / "set", hub, origin=origin, watcher=told)
    assert (outcome.added, outcome.already_there) == (3, 1)
    assert not check_hub(hub).findings
    assert ["data/0.jsonl" in text and "--origin" in text for text in told.notices] == [True]


def test_another_origin_keeps_such_files_apart(tmp_path: Path, hub: Path) -> None:
    for place in ("one", "two"):
        file = jsonl(tmp_path / place / "data" / "0.jsonl", PEOPLE)
        assert add(file, hub, origin=place).added == 3


def test_a_file_elsewhere_is_known_by_its_whole_address(tmp_path: Path, hub: Path) -> None:
    jsonl(tmp_path / "web" / "one" / "data" / "0.jsonl", PEOPLE)
    jsonl(tmp_path / "web" / "two" / "data" / "0.jsonl", PEOPLE)
    with serving_files(tmp_path / "web") as address:
        one, two = (f"{address.rstrip('/')}/{place}/data/0.jsonl" for place in ("one", "two"))
        assert add(one, hub).added == 3
        outcome = add([one, two], hub)
    assert (outcome.added, outcome.already_there) == (3, 3)


# Files without personas


def test_a_folder_s_file_without_the_field_is_left_out_with_a_notice(tmp_path: Path, hub: Path) -> None:
    jsonl(tmp_path / "set" / "people.jsonl", PEOPLE)
    jsonl(tmp_path / "set" / "index.jsonl", ["a"], field="file_name")
    (tmp_path / "set" / "notes.json").write_text('[\n"no rows"\n]\n')
    told = Noting()
    assert add(tmp_path / "set", hub, watcher=told).added == 3
    index, notes = told.notices
    assert "index.jsonl" in index
    assert "file_name" in index
    assert "notes.json" in notes


def test_a_pattern_s_file_without_the_field_is_left_out_and_told(tmp_path: Path, hub: Path, run: Run) -> None:
    jsonl(tmp_path / "a.jsonl", PEOPLE)
    jsonl(tmp_path / "b.jsonl", ["x"], field="colour")
    result = run("import", tmp_path / "*.jsonl", "--hub", hub)
    assert result.code == 0
    assert "b.jsonl" in result.err
    assert "colour" in result.err
    assert len(descriptions(hub)) == 3


def test_a_file_that_is_named_itself_must_have_the_field(tmp_path: Path, hub: Path) -> None:
    good, bad = jsonl(tmp_path / "a.jsonl", PEOPLE), jsonl(tmp_path / "b.jsonl", ["x"], field="colour")
    with pytest.raises(UserError, match=r"b\.jsonl.*colour"):
        add([good, bad], hub)
    assert not hub.exists()


def test_a_folder_without_any_such_file_is_one_line(tmp_path: Path, hub: Path, run: Run) -> None:
    for name in ("a", "b"):
        jsonl(tmp_path / "set" / f"{name}.jsonl", ["x"], field="colour")
    assert "colour" in one_line_error(run("import", tmp_path / "set", "--hub", hub))
    assert not hub.exists()


@pytest.mark.parametrize(
    ("values", "kind"),
    [([1, 2], "int64"), ([[PEOPLE[0]]], "list"), ([None], "null"), ([1, [2]], "values of several types")],
)
def test_a_field_without_text_is_told_with_what_it_holds(
    tmp_path: Path, hub: Path, values: list[Any], kind: str
) -> None:
    with pytest.raises(UserError, match=rf"field 'persona' holds no text \({kind}"):
        add(jsonl(tmp_path / "a.jsonl", values), hub)


def test_a_parquet_column_of_numbers_is_told_with_its_type(tmp_path: Path, hub: Path) -> None:
    pq.write_table(pa.table({"persona": [1, 2], "name": ["x", "y"]}), tmp_path / "a.parquet")
    with pytest.raises(UserError, match=r"field 'persona' holds no text \(int64\).*persona, name"):
        add(tmp_path / "a.parquet", hub)


# Text that is no UTF-8


@pytest.mark.parametrize("encoding", ["latin-1", "cp1251", "gbk"])
def test_rows_of_json_lines_that_are_no_utf8_are_set_aside(tmp_path: Path, hub: Path, encoding: str) -> None:
    text = {"latin-1": "Un pâtissier d'Orléans", "cp1251": PEOPLE[1], "gbk": PEOPLE[2]}[encoding]
    row = json.dumps({"persona": text}, ensure_ascii=False).encode(encoding)
    whole = json.dumps({"persona": PEOPLE[1]}, ensure_ascii=False).encode()
    (tmp_path / "a.jsonl").write_bytes(whole + b"\n" + row + b"\n")
    outcome = add(tmp_path / "a.jsonl", hub)
    assert (outcome.added, outcome.set_aside) == (1, {"not_utf8": 1})
    assert refused(hub) == {2: "not_utf8"}
    assert descriptions(hub) == [PEOPLE[1]]


def test_records_of_csv_that_are_no_utf8_are_set_aside(tmp_path: Path, hub: Path) -> None:
    rows = [
        b"id,persona\n",
        f"1,{PEOPLE[2]}\n".encode(),
        "2,Un pâtissier d'Orléans\n".encode("latin-1"),
    ]
    (tmp_path / "a.csv").write_bytes(b"".join([*rows, b"3,A potter\n"]))
    assert add(tmp_path / "a.csv", hub).added == 2
    assert refused(hub) == {2: "not_utf8"}
    case = next(Hub(hub).set_aside.rows())
    assert "0xe2" in case["detail"]


def test_a_sign_that_a_source_itself_replaced_is_no_broken_byte(tmp_path: Path, hub: Path) -> None:
    (tmp_path / "a.csv").write_bytes("id,persona\n1,A caf\ufffd owner\n".encode())
    assert add(tmp_path / "a.csv", hub).added == 1


def test_half_a_character_of_utf16_is_set_aside(tmp_path: Path, hub: Path) -> None:
    content = (
        f"id,persona\n1,{PEOPLE[2]}\n2,A potter ".encode("utf-16-le") + b"\x00\xd8" + "\n".encode("utf-16-le")
    )
    (tmp_path / "a.csv").write_bytes(b"\xff\xfe" + content)
    assert add(tmp_path / "a.csv", hub).added == 1
    assert refused(hub) == {2: "not_utf8"}


def test_a_file_in_another_encoding_is_one_line_that_says_so(tmp_path: Path, hub: Path, run: Run) -> None:
    (tmp_path / "a.csv").write_bytes("persona\nПасечник\nВрач\n".encode("cp1251"))
    error = one_line_error(run("import", tmp_path / "a.csv", "--hub", hub))
    assert "no UTF-8" in error
    assert "texts as UTF-8" in error
