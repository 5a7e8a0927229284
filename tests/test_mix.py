"""Mixing: real and synthetic rows in an asked ratio, exact to the record, nothing of one in the other."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from commands import Run, one_line_error
from personahub import UserError, mix


def rows_of(name: str, count: int, **more: Any) -> list[dict[str, Any]]:
    return [
        {"id": f"{name}{i}", "text": f"{name} {i} counts {i * 7} and {i * i}", **more} for i in range(count)
    ]


def lines(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    return path


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def kinds(rows: list[dict[str, Any]]) -> Counter[str]:
    return Counter(row["origin"]["kind"] for row in rows)


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    return lines(tmp_path / "real.jsonl", rows_of("real", 90)), lines(
        tmp_path / "made.jsonl", rows_of("made", 200)
    )


def test_half_is_real_by_default_and_no_more_than_there_is(files: tuple[Path, Path], tmp_path: Path) -> None:
    mix(*files, tmp_path / "mixed.jsonl")
    assert kinds(read(tmp_path / "mixed.jsonl")) == {"real": 90, "synthetic": 90}


def test_rows_keep_all_fields_and_say_where_they_are_from(files: tuple[Path, Path], tmp_path: Path) -> None:
    mix(*files, tmp_path / "mixed.jsonl")
    for row in read(tmp_path / "mixed.jsonl"):
        origin = row.pop("origin")
        assert read(Path(origin["file"]))[origin["row"] - 1] == row


def test_a_seed_repeats_its_bytes_and_another_does_not(files: tuple[Path, Path], tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        mix(*files, tmp_path / f"{name}.jsonl", n=50, seed=seed)
    first, again, other = ((tmp_path / f"{name}.jsonl").read_bytes() for name in "abc")
    assert first == again != other


def test_a_synthetic_row_that_is_nearly_a_real_one_steps_aside(
    files: tuple[Path, Path], tmp_path: Path
) -> None:
    copied = {"id": "copy", "text": read(files[0])[3]["text"].upper()}
    lines(files[1], [copied, *rows_of("made", 5), {"id": "twice", "text": "made 4 counts 28 and 16"}])
    outcome = mix(*files, tmp_path / "mixed.jsonl", ratio="0:1")
    assert [row["id"] for row in sorted(read(tmp_path / "mixed.jsonl"), key=lambda row: row["id"])] == [
        f"made{i}" for i in range(5)
    ]
    assert (outcome.synthetic.across, outcome.synthetic.duplicates, outcome.real.duplicates) == (1, 1, 0)


def test_each_stratum_has_the_ratio(tmp_path: Path) -> None:
    real = rows_of("real", 30, language="en") + rows_of("echt", 10, language="de")
    made = rows_of("made", 20, language="en") + rows_of("kunst", 30, language="de")
    outcome = mix(
        lines(tmp_path / "r.jsonl", real), lines(tmp_path / "s.jsonl", made), tmp_path / "m.jsonl",
        stratify="language",
    )  # fmt: skip
    found = Counter((row["language"], row["origin"]["kind"]) for row in read(tmp_path / "m.jsonl"))
    assert found == {
        (lang, kind): n for lang, n in (("en", 20), ("de", 10)) for kind in ("real", "synthetic")
    }
    assert outcome.mixtures[0].strata == {"en": (20, 20), "de": (10, 10)}


def test_by_tokens_long_rows_count_more(tmp_path: Path) -> None:
    real = [{"text": f"{i} " + "a long real story " * 40} for i in range(10)]
    outcome = mix(
        lines(tmp_path / "r.jsonl", real), lines(tmp_path / "s.jsonl", rows_of("made", 500)),
        tmp_path / "m.jsonl", by="tokens", threshold=1,
    )  # fmt: skip
    (mixture,) = outcome.mixtures
    assert mixture.synthetic > 10 * mixture.real
    assert abs(mixture.real_tokens - mixture.synthetic_tokens) <= 200


def test_arms_have_one_size_and_smaller_shares_are_part_of_larger_ones(
    files: tuple[Path, Path], tmp_path: Path
) -> None:
    mix(*files, tmp_path / "arms", arms=[0, 25, 100])
    arms = {share: read(tmp_path / "arms" / f"synthetic-{share}.jsonl") for share in (0, 25, 100)}
    assert [kinds(rows)["synthetic"] for rows in arms.values()] == [0, 22, 90]
    assert {len(rows) for rows in arms.values()} == {90}
    made = [{row["id"] for row in rows if row["origin"]["kind"] == "synthetic"} for rows in arms.values()]
    assert made[0] < made[1] < made[2]


def test_parquet_and_chats_are_mixed_too(tmp_path: Path) -> None:
    chats = [
        {
            "messages": [
                {"role": "user", "content": f"Ask {i}?"},
                {"role": "assistant", "content": f"Say {i * i}."},
            ]
        }
        for i in range(8)
    ]
    pq.write_table(pa.Table.from_pylist(chats[:4]), tmp_path / "real.parquet")
    outcome = mix(tmp_path / "real.parquet", lines(tmp_path / "s.jsonl", chats[4:]), tmp_path / "m.jsonl")
    assert outcome.fields == ("messages",)
    found = read(tmp_path / "m.jsonl")
    assert sorted(row["messages"][0]["content"] for row in found) == [f"Ask {i}?" for i in range(8)]


def test_rows_that_cannot_be_taken_are_counted_with_the_place_of_the_first(
    files: tuple[Path, Path], tmp_path: Path
) -> None:
    with files[0].open("a") as file:
        file.write('{"id": "empty"}\nnot json\n{"id": "list", "text": ["a list"]}\n')
    outcome = mix(*files, tmp_path / "m.jsonl")
    assert outcome.real.set_aside == {"no_text": 1, "not_json": 1, "other_type": 1}
    assert json.loads(json.dumps(outcome.to_json()))["real"]["set_aside"] == outcome.real.set_aside
    assert "row 91: no text in text; it has id" in outcome.real.first["no_text"]
    assert outcome.mixtures[0].real == 90


def test_the_command_tells_shares_and_json_is_the_whole_outcome(
    files: tuple[Path, Path], tmp_path: Path, run: Run
) -> None:
    said = run("mix", *files, "--out", tmp_path / "a.jsonl", "-n", 101)
    assert "101 records" in said.out
    assert "51 real (50.50 %), 50 synthetic" in said.out
    told = json.loads(run("mix", *files, "--out", tmp_path / "b.jsonl", "--json").out)
    assert (told["mixtures"][0]["real"], told["seed"], told["by"]) == (90, 1, "records")


def changed(rows: list[dict[str, Any]], place: int, **change: Any) -> list[dict[str, Any]]:
    return [{**row, **change} if at == place else row for at, row in enumerate(rows)]


@pytest.mark.parametrize(
    ("options", "real", "told"),
    [
        (["-n", 500], rows_of("real", 90), "lacks 160 real and 50 synthetic"),
        (["--field", "body"], rows_of("real", 90), "no row of it .* no text in body; it has id, text"),
        (["--ratio", "half"], rows_of("real", 90), "is no ratio"),
        (["--by", "bytes"], rows_of("real", 90), "neither records nor tokens"),
        (["--arms", "0,120"], rows_of("real", 90), "each from 0 to 100"),
        (["--arms", "a"], rows_of("real", 90), "percents parted by commas"),
        (["--stratify", "topic"], rows_of("real", 90), "nothing in topic"),
        ([], [{"body": "a text"}], "have no name in common .*body.*id, text"),
        ([], [{"id": 5, "text": "a text"}], "'id' holds a number in .* and text in"),
        ([], changed(rows_of("real", 90), 7, id="real3"), "two rows have the id 'real3' .*row 4 and .*row 8"),
        ([], changed(rows_of("real", 90), 7, origin="x"), "row 8: has a field 'origin' already; --origin"),
        ([], [], "have no name in common"),
    ],
)  # fmt: skip
def test_what_cannot_be_mixed_is_one_line_and_nothing_is_written(
    files: tuple[Path, Path], tmp_path: Path, run: Run, options: list[Any], real: Any, told: str
) -> None:
    lines(files[0], real)
    before = sorted(tmp_path.iterdir())
    error = one_line_error(run("mix", *files, "--out", tmp_path / "out.jsonl", *options))
    assert re.search(told, error)
    assert sorted(tmp_path.iterdir()) == before


def test_what_is_there_already_is_not_written_over(files: tuple[Path, Path], tmp_path: Path) -> None:
    for out, arms in ((files[0], None), (tmp_path, [0, 50])):
        with pytest.raises(UserError, match="is there already"):
            mix(*files, out, arms=arms)
