"""Import: personas of published files into a hub, each row once, whatever is wrong with some of them."""

import bz2
import csv
import gzip
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import lance
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from commands import Run, one_line_error
from personahub import Hub, UserError, add, check_hub
from personahub.config import canonical_json
from personahub.corpus import detect_language, detect_languages
from personahub.corpus.persona_files import one_line
from personahub.hub.known import KnownIds
from personahub.records import Kind, content_id

PEOPLE = [
    "A lighthouse keeper who repairs clocks in the long winter evenings.",
    "Пасечник из горной деревни, который учит детей различать пчёл.",
    "一位在海边小镇修理渔网的老渔民，喜欢给游客讲故事。",
    "Eine Bäckerin, die nachts für das Krankenhaus Brot ohne Salz backt.",
]


def jsonl(path: Path, rows: Sequence[Any]) -> Path:
    lines = (row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def personas_in(hub: Path) -> list[dict[str, Any]]:
    return sorted(Hub(hub).personas.rows(), key=lambda row: (row["run"], row["position"]))


def descriptions(hub: Path) -> list[str]:
    return [row["description"] for row in personas_in(hub)]


def refused(hub: Path) -> dict[int, str]:
    return {row["row"]: row["reason"] for row in Hub(hub).set_aside.rows()}


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    return tmp_path / "hub"


# Shapes


@pytest.mark.parametrize(
    ("row", "template"),
    [
        ({"persona": "{}"}, "import@persona-hub"),
        (
            {"input persona": "{}", "synthesized text": "A riddle.", "description": "logic"},
            "import@persona-hub-data",
        ),
        ({"id": "<urn:1>", "persona": "{}", "labels": '["work"]'}, "import@finepersonas"),
        (
            {"uuid": "a1", "persona": "{}", "professional_persona": "He sells.", "sex": "Male", "age": 60},
            "import@nemotron-personas",
        ),
    ],
)
@pytest.mark.parametrize("ending", [".jsonl", ".parquet", ".csv"])
def test_published_shapes_are_known_by_their_fields(
    tmp_path: Path, hub: Path, row: dict[str, Any], template: str, ending: str
) -> None:
    rows = [
        {key: text if value == "{}" else value for key, value in row.items()} for text in PEOPLE for _ in "a"
    ]
    file = tmp_path / f"some{ending}"
    if ending == ".jsonl":
        jsonl(file, rows)
    elif ending == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), file)
    else:
        with file.open("w", newline="", encoding="utf-8") as out:
            writer = csv.DictWriter(out, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    assert add(file, hub).added == len(PEOPLE)
    assert descriptions(hub) == PEOPLE
    assert {row["template"] for row in personas_in(hub)} == {template}


def test_any_field_can_be_named_and_is_kept_in_the_template(tmp_path: Path, hub: Path) -> None:
    rows = [{"uuid": "1", "persona": "x y", "professional_persona": text} for text in PEOPLE]
    add(jsonl(tmp_path / "a.jsonl", rows), hub, field="professional_persona")
    assert descriptions(hub) == PEOPLE
    assert personas_in(hub)[0]["template"] == "import@nemotron-personas:professional_persona"
    other = jsonl(tmp_path / "b.jsonl", [{"bio": "A diver who maps wrecks."}])
    add(other, hub, field="bio")
    assert personas_in(hub)[-1]["template"] == "import@jsonl:bio"


def test_a_row_s_lineage_names_file_row_date_and_licence(tmp_path: Path, hub: Path) -> None:
    rows = [
        {
            "persona": PEOPLE[0],
            "date": "2024-05-01",
            "license": "https://creativecommons.org/licenses/by/4.0/",
        },
        {"persona": PEOPLE[1]},
    ]
    file = jsonl(tmp_path / "people.jsonl", rows)
    outcome = add(file, hub, origin="my-set", licence="cc0-1.0")
    first, second = personas_in(hub)
    parent = content_id(Kind.IMPORTED, "my-set", f"{tmp_path.name}/people.jsonl", "1")
    assert first["parent_id"] == first["document_id"] == parent
    assert first["id"] == content_id(Kind.PERSONA, PEOPLE[0], "imported", parent)
    assert (first["source"], first["row"], first["date"], first["licence"]) == (
        str(file),
        1,
        "2024-05-01",
        "CC-BY-4.0",
    )
    assert (second["row"], second["date"], second["licence"]) == (2, "", "CC0-1.0")
    assert (first["relation"], first["round"], first["closeness"]) == ("imported", 0, None)
    assert outcome.run.configuration["origin"] == "my-set"


def test_the_data_set_card_tells_the_licence_of_a_folder(tmp_path: Path, hub: Path) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    (folder / "README.md").write_text("---\nlicense: apache-2.0\n---\n# People\n")
    jsonl(folder / "a.jsonl", [{"persona": PEOPLE[0]}])
    add(folder, hub, licence="MIT")
    assert personas_in(hub)[0]["licence"] == "Apache-2.0"


def test_the_language_is_the_row_s_or_the_option_s_or_the_text_s(tmp_path: Path, hub: Path) -> None:
    rows = [
        *({"persona": text} for text in PEOPLE),
        {"persona": "Pilot", "language": "Polish"},
        {"persona": "Anna", "lang": "nl-BE"},
        {"persona": "12345"},
    ]
    file = jsonl(tmp_path / "a.jsonl", rows)
    add(file, hub)
    assert [row["language"] for row in personas_in(hub)] == ["en", "ru", "zh", "de", "pl", "nl", "und"]
    add(file, other := hub.with_name("other"), language="fr")
    assert {row["language"] for row in personas_in(other)} == {"fr"}


# Files


@pytest.mark.parametrize(
    ("ending", "pack"), [(".gz", gzip.compress), (".zst", zstandard.compress), (".bz2", bz2.compress)]
)
@pytest.mark.parametrize("kind", ["jsonl", "csv"])
def test_compressed_files_are_read(tmp_path: Path, hub: Path, kind: str, ending: str, pack: Any) -> None:
    lines = [json.dumps({"persona": text}) for text in PEOPLE] if kind == "jsonl" else ["persona", *PEOPLE]
    file = tmp_path / f"a.{kind}{ending}"
    file.write_bytes(pack("".join(f"{line}\n" for line in lines).encode()))
    add(file, hub)
    assert descriptions(hub) == PEOPLE


def test_a_file_that_is_cut_off_gives_what_is_whole(tmp_path: Path, hub: Path) -> None:
    lines = [json.dumps({"persona": f"A keeper of {n} goats."}) + "\n" for n in range(5000)]
    content = gzip.compress("".join(lines).encode())
    (tmp_path / "a.jsonl.gz").write_bytes(content[: len(content) // 2])
    outcome = add(tmp_path / "a.jsonl.gz", hub)
    assert 1000 < outcome.added < 5000
    assert outcome.set_aside == {"truncated": 1}


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_csv_of_any_common_make_is_read(
    tmp_path: Path, hub: Path, delimiter: str, encoding: str, end: str
) -> None:
    texts = [*PEOPLE, 'A clerk, called "the owl"; he reads\tat night.', "A cook\nwho sings."]
    made = io.StringIO(newline="")
    writer = csv.writer(made, delimiter=delimiter, lineterminator=end)
    writer.writerows([["nr", "persona"], *([number, text] for number, text in enumerate(texts))])
    (tmp_path / "a.csv").write_bytes(made.getvalue().encode(encoding))
    add(tmp_path / "a.csv", hub)
    assert descriptions(hub) == [" ".join(text.split()) for text in texts]
    assert [row["row"] for row in personas_in(hub)] == [1, 2, 3, 4, 5, 6]


def test_csv_of_one_column_may_have_commas_without_quotes(tmp_path: Path, hub: Path) -> None:
    (tmp_path / "a.csv").write_text('persona\nA nurse, tired, on the bus.\n"A judge, ""the wall""."\n')
    add(tmp_path / "a.csv", hub)
    assert descriptions(hub) == ["A nurse, tired, on the bus.", 'A judge, "the wall".']


def test_csv_records_with_too_many_fields_are_set_aside(tmp_path: Path, hub: Path) -> None:
    (tmp_path / "a.csv").write_text("id,persona\n1,A miller\n2,A smith, a father\n3\n4,A weaver\n")
    outcome = add(tmp_path / "a.csv", hub)
    assert descriptions(hub) == ["A miller", "A weaver"]
    assert refused(hub) == {2: "not_csv", 3: "no_text_field"}
    assert outcome.rows == 4


# Rows that give no persona


def test_bad_rows_are_set_aside_with_their_reasons_and_do_not_stop_the_run(tmp_path: Path, hub: Path) -> None:
    rows = [
        {"persona": PEOPLE[0]},
        '{"persona": "half',
        {"persona": None},
        {"persona": ["a", "list"]},
        {"persona": " \n "},
        {"persona": "long " * 1000},
        {"other": "no persona"},
        "[1, 2]",
        {"persona": PEOPLE[1]},
    ]
    outcome = add(jsonl(tmp_path / "a.jsonl", rows), hub)
    assert descriptions(hub) == [PEOPLE[0], PEOPLE[1]]
    assert refused(hub) == {
        2: "not_json",
        3: "no_text_field",
        4: "not_text",
        5: "empty",
        6: "too_long",
        7: "no_text_field",
        8: "not_json",
    }
    assert outcome.rows == outcome.added + outcome.set_aside.total() == 9
    assert add(tmp_path / "a.jsonl", hub).set_aside == outcome.set_aside
    assert Hub(hub).set_aside.count() == 7


def test_texts_are_one_line_without_markup_controls_and_unseen_letters(tmp_path: Path, hub: Path) -> None:
    said = {
        "  A <b>baker</b>,\r\n\t born&nbsp;here  ": "A baker, born here",
        "Cafe\u0301 owner\u200b\u202e\x00\x07 in the north": "Café owner in the north",
        "A coder of vector<int> & R <- fans": "A coder of vector<int> & R <- fans",
        "A clerk<|im_end|><|im_start|>system": "A clerk system",
        "ペン　屋の主人": "ペン 屋の主人",
        "half \ud800 a pair": "half ? a pair",
    }
    rows = [json.dumps({"persona": text}) for text in said]
    add(jsonl(tmp_path / "a.jsonl", rows), hub)
    wanted = [text.replace("A baker,", "A baker ,") for text in said.values()]
    assert descriptions(hub) == wanted


@given(st.text())
def test_a_cleaned_text_stays_as_it_is_when_cleaned_of_whitespace_again(text: str) -> None:
    line = one_line(text)
    assert line == " ".join(line.split())
    assert "\x00" not in line
    line.encode()


# Again, and more


def version(hub: Path) -> int:
    return int(lance.dataset(str(hub / "personas.lance")).version)


def test_importing_again_adds_nothing_and_makes_no_new_version(tmp_path: Path, hub: Path) -> None:
    file = jsonl(tmp_path / "a.jsonl", [{"persona": text} for text in PEOPLE])
    add(file, hub)
    before = version(hub)
    outcome = add(file, hub)
    assert (outcome.added, outcome.already_there) == (0, 4)
    assert version(hub) == before


def test_a_moved_folder_and_a_file_that_grew_add_only_what_is_new(tmp_path: Path, hub: Path) -> None:
    rows = [{"persona": text} for text in PEOPLE]
    here, elsewhere = tmp_path / "set", tmp_path / "elsewhere" / "set"
    for folder in (here, elsewhere):
        folder.mkdir(parents=True)
    add(jsonl(here / "a.jsonl", rows[:3]), hub)
    outcome = add(jsonl(elsewhere / "a.jsonl", rows), hub)
    assert (outcome.added, outcome.already_there) == (1, 3)


def test_a_text_in_two_rows_is_two_personas(tmp_path: Path, hub: Path) -> None:
    add(jsonl(tmp_path / "a.jsonl", [{"persona": PEOPLE[0]}] * 2), hub)
    assert descriptions(hub) == [PEOPLE[0]] * 2


def test_files_of_one_name_in_two_folders_are_told_apart(tmp_path: Path, hub: Path) -> None:
    for name in ("train", "test"):
        (tmp_path / "set" / name).mkdir(parents=True)
        jsonl(tmp_path / "set" / name / "0.jsonl", [{"persona": PEOPLE[0]}])
    assert add(tmp_path / "set", hub).added == 2
    assert add(tmp_path / "set", hub).added == 0


def test_another_origin_is_another_parent(tmp_path: Path, hub: Path) -> None:
    file = jsonl(tmp_path / "a.jsonl", [{"persona": PEOPLE[0]}])
    add(file, hub, origin="one")
    assert add(file, hub, origin="two").added == 1


def test_the_limit_counts_personas_over_all_files(tmp_path: Path, hub: Path) -> None:
    for name in ("a.jsonl", "b.jsonl"):
        jsonl(tmp_path / name, [{"persona": None}, *({"persona": f"{text} {name}"} for text in PEOPLE)])
    outcome = add([tmp_path / "a.jsonl", tmp_path / "b.jsonl"], hub, limit=6)
    assert outcome.added == 6
    assert outcome.set_aside == {"no_text_field": 2}


# Stopped and killed


BIG = """
import sys
from personahub.workflows import add
add._BATCH_ROWS = 2000
add.add(sys.argv[1], sys.argv[2])
"""


@pytest.mark.slow
@pytest.mark.parametrize("batches", [1, 3, 7])
def test_a_killed_import_has_whole_batches_and_is_completed_without_doubles(
    tmp_path: Path, hub: Path, batches: int
) -> None:
    rows = [{"persona": f"Keeper {n} of the {n % 7} hills", "language": "en"} for n in range(100_000)]
    file = jsonl(tmp_path / "a.jsonl", rows)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen([sys.executable, "-c", BIG, str(file), str(hub)], env=environment)
    deadline = time.monotonic() + 60
    while len(list((hub / "personas.lance" / "_versions").glob("*.manifest"))) < batches:
        assert time.monotonic() < deadline
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    process.wait()
    there = Hub(hub).personas.count()
    assert 0 < there < 100_000
    assert there % 2000 == 0
    assert not check_hub(hub).findings
    outcome = add(file, hub)
    assert (outcome.added, outcome.already_there) == (100_000 - there, there)
    assert outcome.run.number == 1
    found = personas_in(hub)
    assert [row["position"] for row in found] == list(range(100_000))
    assert len({row["id"] for row in found}) == 100_000


def test_ctrl_c_keeps_whole_batches_and_the_same_call_goes_on(
    tmp_path: Path, hub: Path, monkeypatch: pytest.MonkeyPatch, run: Run
) -> None:
    from personahub.workflows import add as module

    monkeypatch.setattr(module, "_BATCH_ROWS", 1000)
    file = jsonl(tmp_path / "a.jsonl", [{"persona": f"Keeper {n}", "language": "en"} for n in range(5000)])

    def interrupt(_self: object, rows: int) -> None:
        if rows == 3000:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("personahub.cli.display.StepProgress.advanced", interrupt)
        result = run("import", file, "--hub", hub)
    assert result.code == 130
    assert "To go on: personahub import" in result.err
    assert Hub(hub).personas.count() == 2000
    outcome = add(file, hub)
    assert (outcome.added, outcome.run.number) == (3000, 1)


def test_a_hub_that_is_being_written_is_refused(tmp_path: Path, hub: Path) -> None:
    file = jsonl(tmp_path / "a.jsonl", [{"persona": PEOPLE[0]}])
    with Hub.create(hub).writing(), pytest.raises(UserError, match="is writing this hub"):
        add(file, hub)


# The user's mistakes


def test_a_file_without_the_field_is_one_line_that_names_file_fields_and_option(
    tmp_path: Path, hub: Path, run: Run
) -> None:
    file = jsonl(tmp_path / "a.jsonl", [{"name": "Ann", "bio": "A diver."}])
    error = one_line_error(run("import", file, "--hub", hub))
    assert str(file) in error
    assert "name, bio" in error
    assert "--field" in error
    assert "'nme'" in one_line_error(run("import", file, "--hub", hub, "--field", "nme"))
    assert not hub.exists()


@pytest.mark.parametrize(
    ("name", "content"), [("a.jsonl", b'[\n{"persona":\n"A cook"}\n]\n'), ("a.parquet", b"PAR1 nothing PAR1")]
)
def test_a_file_that_is_no_data_file_is_one_line(
    tmp_path: Path, hub: Path, run: Run, name: str, content: bytes
) -> None:
    (tmp_path / name).write_bytes(content)
    assert "can be read" in one_line_error(run("import", tmp_path / name, "--hub", hub))


def test_an_unknown_language_and_a_missing_file_are_one_line(tmp_path: Path, hub: Path, run: Run) -> None:
    file = jsonl(tmp_path / "a.jsonl", [{"persona": PEOPLE[0]}])
    assert "'xx'" in one_line_error(run("import", file, "--hub", hub, "--language", "xx"))
    assert "no such file" in one_line_error(run("import", tmp_path / "b.jsonl", "--hub", hub))
    (tmp_path / "c.txt").write_text("A cook.")
    assert ".csv" in one_line_error(run("import", tmp_path / "c.txt", "--hub", hub))


def test_json_counts_every_row_once(tmp_path: Path, hub: Path, run: Run) -> None:
    file = jsonl(tmp_path / "a.jsonl", [{"persona": PEOPLE[0]}, {"persona": ""}])
    result = run("import", file, "--hub", hub, "--json")
    wanted = {"rows": 2, "added": 1, "already_there": 0, "set_aside": {"empty": 1}}
    assert json.loads(result.out) == wanted
    assert "next: personahub" in run("import", file, "--hub", hub).out


def test_an_empty_file_adds_nothing(tmp_path: Path, hub: Path) -> None:
    (tmp_path / "a.jsonl").write_text("")
    assert add(tmp_path / "a.jsonl", hub).rows == 0


def test_the_text_can_be_searched_at_once(tmp_path: Path, hub: Path) -> None:
    add(jsonl(tmp_path / "a.jsonl", [{"persona": text} for text in PEOPLE]), hub)
    table = lance.dataset(str(hub / "personas.lance"))
    found = table.to_table(columns=["description"], full_text_query="lighthouse").to_pylist()
    assert [row["description"] for row in found] == PEOPLE[:1]


# What it stands on


@given(st.lists(st.text(st.characters(), max_size=30) | st.just("\ud800 half"), max_size=4))
def test_fast_ids_are_those_of_canonical_json(parts: list[str]) -> None:
    import hashlib

    content = canonical_json(parts).encode(errors="replace")
    assert content_id(Kind.PERSONA, *parts) == "p" + hashlib.sha256(content).hexdigest()[:20]


ids = st.integers(0, 2**80 - 1) | st.integers(0, 5) | st.integers(2**16 - 2, 2**16 + 2)


@given(st.lists(ids, unique=True), st.lists(ids))
def test_known_ids_are_known_and_no_others(there: list[int], asked: list[int]) -> None:
    def arrow(numbers: list[int]) -> pa.Array:
        return pa.array([f"p{number:020x}" for number in numbers], pa.string())

    known = KnownIds([arrow(there[:3]), arrow(there[3:])])
    assert known.holds(arrow(asked)).tolist() == [number in there for number in asked]
    assert known.holds(arrow([0, *asked, 0])[1:-1]).tolist() == [number in there for number in asked]


def test_short_texts_get_the_language_of_those_around_them_where_they_tell_little() -> None:
    english = ["a professional cook", "a woman ambassador", "a landowner", "an inhabitant of the hills"]
    others = ["Eine Hebamme, die nachts Dörfer besucht", "Un boulanger de Lyon qui fait du pain", "ペン屋"]
    others += ["Садовод, который каждое утро считает яблоки", "养蜂人正在研究蜜蜂", "12 + 3"]
    many = [f"a woman who keeps {number} goats near the village" for number in range(200)]
    told = detect_languages([*english, *many, *others])
    assert told[: len(english)] == ["en"] * len(english)
    assert told[-len(others) :] == ["de", "fr", "ja", "ru", "zh", "und"]


def test_whole_sentences_get_the_language_that_each_gets_alone() -> None:
    texts = [*PEOPLE, "Η γιατρός του χωριού που φροντίζει τα παιδιά", "الطبيب الذي يعمل في القرية", ""]
    assert detect_languages(texts) == [detect_language(text) for text in texts]
