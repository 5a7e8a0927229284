"""Rows of files, checked: what is written where, and what is refused before anything is done."""

import csv
import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from commands import Run, one_line_error
from personahub import Checks, UserError, verify
from solvers import rows_of, write_rows

MILL = "The old mill by the river is closed on Mondays and on the first Friday of the month."
FERRY = "Nobody has told the ferryman that the bridge opens in spring and the ferry is to stop."
REPETITION = ("--checks", "repetition")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Three rows of which the last repeats the first."""
    rows = [
        {"text": MILL, "language": "en", "id": 1},
        {"text": FERRY, "language": "en", "id": 2},
        {"text": MILL + "!", "language": "en", "id": 3},
    ]
    return write_rows(tmp_path / "rows.jsonl", rows)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out.jsonl"


def test_every_row_is_written_with_its_verdicts_and_the_file_stays_as_it_is(
    run: Run, file: Path, out: Path
) -> None:
    before = file.read_bytes()
    assert run("verify", file, *REPETITION, "--out", out).code == 0
    rows = rows_of(out)
    assert [{key: row[key] for key in ("text", "language", "id")} for row in rows] == rows_of(file)
    assert [row["verified"] for row in rows] == ["passed", "passed", "failed"]
    verdict = rows[2]["verdicts"]["repetition"]
    assert (verdict["outcome"], verdict["reason"]) == ("failed", "repeats_words")
    assert verdict["evidence"]["of"] == f"{file}:1"
    assert file.read_bytes() == before
    assert not out.with_name("out.rejected.jsonl").exists()


def test_reject_parts_what_passes_from_what_does_not(run: Run, file: Path, out: Path) -> None:
    before = file.read_bytes()
    run("verify", file, *REPETITION, "--out", out, "--reject")
    assert [row["id"] for row in rows_of(out)] == [1, 2]
    assert [row["id"] for row in rows_of(out.with_name("out.rejected.jsonl"))] == [3]
    assert file.read_bytes() == before


def test_reject_leaves_nothing_of_an_earlier_time_beside(file: Path, out: Path, tmp_path: Path) -> None:
    verify(file, out=out, reject=True, checks=Checks(("repetition",)))
    other = write_rows(tmp_path / "other.jsonl", [{"text": FERRY}])
    outcome = verify(other, out=out, reject=True, checks=Checks(("repetition",)))
    assert Path(outcome.rejected).read_text() == ""


def test_what_cannot_be_told_is_not_rejected(file: Path, out: Path) -> None:
    outcome = verify(file, out=out, reject=True, checks=Checks(("fidelity",)))
    assert (outcome.undecided, outcome.failed) == (3, 0)
    assert [row["verified"] for row in rows_of(out)] == ["undecided"] * 3


def test_earlier_verdicts_are_kept_and_count(file: Path, out: Path, tmp_path: Path) -> None:
    verify(file, out=out, checks=Checks(("repetition",)))
    again = tmp_path / "again.jsonl"
    outcome = verify(out, out=again, checks=Checks(("language",)))
    rows = rows_of(again)
    assert [set(row["verdicts"]) for row in rows] == [{"repetition", "language"}] * 3
    assert [row["verified"] for row in rows] == ["passed", "passed", "failed"]
    assert outcome.passed == 3


def test_a_check_made_again_replaces_its_verdict(file: Path, out: Path, tmp_path: Path) -> None:
    rows = rows_of(file)
    rows[0]["verdicts"] = {"repetition": {"outcome": "failed", "reason": "repeats_words"}}
    verify(write_rows(file, rows), out=out, checks=Checks(("repetition",)))
    assert rows_of(out)[0]["verified"] == "passed"


def test_rows_that_cannot_be_read_go_beside_and_are_counted(file: Path, out: Path) -> None:
    with file.open("a") as more:
        more.write('not JSON\n[1]\n{"text": "A last row that is whole."}\n')
    outcome = verify(file, out=out, checks=Checks(("repetition",)))
    assert outcome.unreadable == {"not_json": 2}
    assert len(rows_of(out)) == 4
    beside = rows_of(out.with_name("out.rejected.jsonl"))
    assert [(row["source"], row["row"], row["reason"]) for row in beside] == [
        (str(file), 4, "not_json"),
        (str(file), 5, "not_json"),
    ]


@pytest.mark.parametrize("row", [{"title": "x"}, {"text": ""}, {"text": None}, {"text": 3}])
def test_a_row_without_a_text_is_kept_undecided_with_the_reason(
    tmp_path: Path, out: Path, row: dict[str, Any]
) -> None:
    file = write_rows(tmp_path / "rows.jsonl", [row, {"text": MILL}])
    outcome = verify(file, out=out, checks=Checks(("repetition",)))
    first = rows_of(out)[0]
    assert {key: first[key] for key in row} == row
    assert (first["verified"], first["verdicts"]["text"]["reason"]) == ("undecided", "no_text_field")
    assert (outcome.checked, outcome.unreadable) == (1, {"no_text_field": 1})


def test_the_field_with_the_text_may_be_named(tmp_path: Path, out: Path) -> None:
    file = write_rows(tmp_path / "rows.jsonl", [{"aufgabe": MILL}, {"aufgabe": 3}])
    outcome = verify(file, out=out, text_field="aufgabe", checks=Checks(("repetition",)))
    assert (outcome.checked, outcome.unreadable) == (1, {"not_text": 1})


@pytest.mark.parametrize("name", ["rows.csv", "rows.jsonl.gz", "rows.parquet"])
def test_other_files_of_rows_are_read_too(tmp_path: Path, out: Path, name: str) -> None:
    path, rows = tmp_path / name, [{"text": MILL, "id": "1"}, {"text": FERRY, "id": "2"}]
    if name.endswith("csv"):
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, ["text", "id"])
            writer.writeheader()
            writer.writerows(rows)
    elif name.endswith("gz"):
        path.write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode()))
    else:
        import pyarrow as pa
        import pyarrow.parquet as pq

        pq.write_table(pa.Table.from_pylist(rows), path)
    assert verify(path, out=out, checks=Checks(("repetition",))).passed == 2
    assert [row["id"] for row in rows_of(out)] == ["1", "2"]


def test_the_rows_may_be_written_compressed(file: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl.gz"
    verify(file, out=out, checks=Checks(("repetition",)))
    assert len(gzip.decompress(out.read_bytes()).splitlines()) == 3
    assert (tmp_path / "out.work").is_dir()


def test_one_row_alone_can_be_checked(tmp_path: Path, out: Path) -> None:
    file = write_rows(tmp_path / "one.jsonl", [{"text": MILL, "language": "en", "persona": "A miller"}])
    checks = Checks(("language", "repetition", "fidelity"))
    verify(file, out=out, checks=checks)
    (row,) = rows_of(out)
    assert {name: verdict["outcome"] for name, verdict in row["verdicts"].items()} == {
        "language": "passed",
        "repetition": "passed",
        "fidelity": "undecided",
    }


def test_a_file_without_rows_gives_one_without_rows(tmp_path: Path, out: Path) -> None:
    (tmp_path / "empty.jsonl").touch()
    assert verify(tmp_path / "empty.jsonl", out=out, checks=Checks(("repetition",))).checked == 0
    assert out.read_text() == ""


def test_a_language_that_the_embedding_does_not_know_is_not_compared(tmp_path: Path, out: Path) -> None:
    text = "Mfugaji wa nyuki ana mizinga kumi na miwili kando ya mto."
    row = {"text": text, "language": "sw", "persona": "A beekeeper"}
    file = write_rows(tmp_path / "rows.jsonl", [row, {"text": MILL, "language": "en", "persona": "A miller"}])
    against = write_rows(tmp_path / "bench.jsonl", [{"question": FERRY}])
    verify(file, out=out, checks=Checks(("fidelity", "repetition"), against=(str(against),)))
    verdicts = rows_of(out)[0]["verdicts"]
    assert (verdicts["fidelity"]["outcome"], verdicts["fidelity"]["reason"]) == ("undecided", "not_compared")
    assert (verdicts["repetition"]["outcome"], verdicts["repetition"]["reason"]) == ("passed", "words_alone")


def test_a_leak_of_a_benchmark_is_found_with_its_item(
    run: Run, file: Path, out: Path, tmp_path: Path
) -> None:
    bench = write_rows(
        tmp_path / "bench.jsonl", [{"question": "Which way is it?"}, {"question": f"Q: {FERRY.upper()}"}]
    )
    run("verify", file, "--checks", "contamination", "--against", bench, "--out", out)
    rows = rows_of(out)
    assert [row["verified"] for row in rows] == ["passed", "failed", "passed"]
    evidence = rows[1]["verdicts"]["contamination"]["evidence"]
    assert (evidence["file"], evidence["row"], evidence["n"]) == (str(bench), 2, 13)


def test_a_benchmark_without_texts_is_one_line(run: Run, file: Path, out: Path, tmp_path: Path) -> None:
    bench = write_rows(tmp_path / "bench.jsonl", [{"title": "x"}])
    result = run("verify", file, "--checks", "contamination", "--against", bench, "--out", out)
    error = one_line_error(result)
    assert "no text in problem, question" in error
    assert "--field" not in error


def test_items_of_a_benchmark_without_a_word_are_told(
    run: Run, file: Path, out: Path, tmp_path: Path
) -> None:
    bench = write_rows(tmp_path / "bench.jsonl", [{"question": "Which way is it?"}, {"question": "?!"}])
    result = run("verify", file, "--checks", "contamination", "--against", bench, "--out", out)
    assert "items without a word, of which nothing is found: 1" in result.err


def test_a_long_run_of_words_of_a_corpus_or_of_the_source_is_found(
    run: Run, tmp_path: Path, out: Path
) -> None:
    rows = [
        {"text": f"As they say here: {MILL}"},
        {"text": FERRY, "source_text": f"From the town's paper. {FERRY}"},
        {"text": "A row with words of its own.", "source_text": "Quite another text."},
    ]
    corpus = write_rows(tmp_path / "corpus.jsonl", [{"text": MILL}])
    file = write_rows(tmp_path / "rows.jsonl", rows)
    run("verify", file, "--checks", "copying", "--corpus", corpus, "--out", out)
    reasons = [row["verdicts"]["copying"]["reason"] for row in rows_of(out)]
    assert reasons == ["copies_corpus", "copies_source", ""]


def test_rows_are_checked_by_a_schema_of_the_users(run: Run, file: Path, out: Path, tmp_path: Path) -> None:
    schema = tmp_path / "schema.json"
    schema.write_text(json.dumps({"properties": {"id": {"maximum": 2}}}))
    run("verify", file, "--checks", "schema", "--schema", schema, "--out", out)
    assert [row["verified"] for row in rows_of(out)] == ["passed", "passed", "failed"]


def test_the_files_of_a_folder_or_a_pattern_are_one_input(file: Path, out: Path, tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(3):
        write_rows(folder / f"{number}.jsonl", [{"text": f"{MILL} {number} {FERRY}"[number * 20 :]}])
    assert verify(folder, out=out, checks=Checks(("copying",))).checked == 3
    assert verify(folder / "[01].jsonl", out=out, checks=Checks(("copying",))).checked == 2


def test_json_tells_the_counts_by_check_and_reason(run: Run, file: Path, out: Path) -> None:
    result = run("verify", file, "--checks", "repetition,language", "--out", out, "--json")
    told = json.loads(result.out)
    assert (told["checked"], told["passed"], told["failed"], told["undecided"]) == (3, 2, 1, 0)
    assert told["checks"]["repetition"]["failed"] == {"repeats_words": 1}
    assert told["checks"]["language"]["passed"] == 3
    assert (told["kept"], told["rejected"], told["hub"]) == (str(out), "", str(out.with_name("out.work")))


def test_without_json_it_says_what_came_and_the_report_shows_cases(run: Run, file: Path, out: Path) -> None:
    said = run("verify", file, *REPETITION, "--out", out, "--report").out
    assert "3 checked: 2 passed, 1 failed, 0 undecided" in said
    assert "repetition, repeats_words:" in said
    assert "rows.jsonl:3: The old mill" in said
    assert f"rows: {out}" in said.replace("\n", "")


def test_the_outcome_counts_each_check(file: Path, out: Path) -> None:
    outcome = verify(file, out=out, checks=Checks(("repetition", "language")))
    counts = outcome.checks["repetition"]
    assert (counts.passed, counts.failed, counts.undecided) == (2, Counter(repeats_words=1), Counter())
    assert counts.examples["repeats_words"][0]["name"] == f"{file}:3"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--checks", "spelling"), "--checks spelling: is no check; there are schema"),
        (("--checks", " , "), "--checks: names none"),
        ((), "--checks: say which to make"),
        (("--checks", "contamination"), "needs --against FILE"),
        (("--checks", "paraphrase"), "needs --against FILE"),
        (("--checks", "contamination", "--against", "nowhere.jsonl"), "nowhere.jsonl"),
        (("--checks", "copying", "--corpus", "nowhere.jsonl"), "nowhere.jsonl"),
        (("--checks", "schema", "--schema", "nowhere.json"), "--schema nowhere.json: is no JSON schema"),
        (
            ("--checks", "answers", "--samples", 1, "--no-program"),
            "2 solutions have to agree, and 1 asked for",
        ),
        (("--checks", "answers", "--agree", 5), "5 solutions have to agree, and 4 asked for"),
        (("--checks", "language", "--language", "xx"), "unknown language 'xx'"),
        (("--checks", "language", "--estimate"), "--estimate: is not for verify"),
        (("--checks", "well-posed", "--model", "no-such-model"), "no-such-model"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing_behind(
    run: Run, file: Path, out: Path, arguments: tuple[object, ...], said: str
) -> None:
    assert said in one_line_error(run("verify", file, *arguments, "--out", out))
    assert [path.name for path in file.parent.iterdir()] == ["rows.jsonl"]


@pytest.mark.parametrize("schema", ["[1, 2]", '{"type": "row"}', "{", "3", "true"])
def test_a_schema_that_is_none_is_one_line(
    run: Run, file: Path, out: Path, tmp_path: Path, schema: str
) -> None:
    (tmp_path / "schema.json").write_text(schema)
    result = run("verify", file, "--checks", "schema", "--schema", tmp_path / "schema.json", "--out", out)
    assert "is no JSON schema" in one_line_error(result)


def test_an_out_that_cannot_be_is_one_line(run: Run, file: Path, tmp_path: Path) -> None:
    (tmp_path / "folder.jsonl").mkdir()
    (tmp_path / "link.jsonl").symlink_to(file)
    cases = {
        file: "is the file that is checked, which is never changed",
        tmp_path / "link.jsonl": "is the file that is checked",
        tmp_path / "folder.jsonl": "is a folder; name a file in it",
        tmp_path / "nowhere" / "out.jsonl": "name a file in a folder that is there",
        tmp_path / "out.parquet": "rows of any form are written as JSON Lines",
        tmp_path / "out.txt": "unknown format",
    }
    for out, said in cases.items():
        assert said in one_line_error(run("verify", file, *REPETITION, "--out", out))
    assert "--out FILE says where" in one_line_error(run("verify", file, *REPETITION))
    assert len(rows_of(file)) == 3


def test_the_rejected_of_an_earlier_time_are_not_written_over_when_they_are_checked(
    file: Path, tmp_path: Path
) -> None:
    rejected = file.rename(tmp_path / "out.rejected.jsonl")
    with pytest.raises(UserError, match="which is checked and never changed"):
        verify(rejected, out=tmp_path / "out.jsonl", checks=Checks(("repetition",)))


def test_an_out_in_the_folder_that_is_checked_is_refused(file: Path) -> None:
    with pytest.raises(UserError, match="lies in the folder that is checked"):
        verify(file.parent, out=file.parent / "out.jsonl", checks=Checks(("repetition",)))


def test_something_else_in_the_place_of_the_work_folder_is_left_alone(file: Path, out: Path) -> None:
    out.with_name("out.work").mkdir()
    (out.with_name("out.work") / "mine.txt").touch()
    with pytest.raises(UserError, match=r"out\.work: holds other files"):
        verify(file, out=out, checks=Checks(("repetition",)))


def test_ceilings_mean_nothing_where_nothing_is_called(run: Run, file: Path, out: Path) -> None:
    assert run("verify", file, *REPETITION, "--out", out, "--max-cost", 1, "--max-calls", 1).code == 0
