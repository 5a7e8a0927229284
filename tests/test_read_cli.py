"""``personahub read``: the contract of its output, its file, and how curate goes on from it."""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from commands import Run, one_line_error
from load_server import LoadServer
from personahub import Hub, ReadOptions, curate, read
from scripted import ScriptedModel, any_reply
from web_archives import brief_gzip, http, page, record, story, wet

FIELDS = {"id", "text", "url", "title", "language", "licence", "source", "offset", "pii"}


def written(file: Path, content: bytes | str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return file


def long_text(paragraphs: int) -> str:
    """Paragraphs of sentences that have few words in common."""
    chance = random.Random(11)
    words = ("harbour", "storm", "keeper", "letter", "railing", "seal", "cape", "lamp", "winter", "boat")
    made = []
    for n in range(paragraphs):
        told = (" ".join(chance.choices(words, k=9)) for _ in range(5))
        made.append(" ".join(f"On day {n * 5 + day} the {line}." for day, line in enumerate(told)))
    return "\n\n".join(made)


def rows_of(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def web(tmp_path: Path) -> Path:
    """A folder with an archive that has a page, a redirect and a break, and with a data set's rows."""
    folder = tmp_path / "web"
    head = '<link rel=license href="https://creativecommons.org/licenses/by/4.0/">'
    members = [
        record(http(page(story(1) + " Write to jones@example.com.", head)), uri="https://cape.example/1"),
        record(http("", status="301 Moved")),
        record(http(page(story(2), '<meta name="robots" content="noai">'))),
        wet(story(3), "https://cape.example/3"),
    ]
    packed = [brief_gzip(member) for member in members]
    packed.insert(3, b"garbage")
    written(folder / "a.warc.gz", b"".join(packed))
    rows = [{"text": story(4), "title": "Four", "n": 4}, {"text": story(4)}, {"text": "short"}]
    written(folder / "b.jsonl", "".join(json.dumps(row) + "\n" for row in rows) + "{torn\n")
    return folder


@pytest.fixture
def unreadable(tmp_path: Path) -> Path:
    """A file that can be found and opened, and gives an error when it is read."""
    link = tmp_path / "unreadable.txt"
    link.symlink_to("/proc/self/mem")
    if not link.exists():
        pytest.skip("this system has no such file")
    return link


def test_its_json_is_the_contract_and_nothing_else(run: Run, web: Path, tmp_path: Path) -> None:
    result = run("read", web, "--out", tmp_path / "out.jsonl", "--json")
    assert result.code == 0
    archive = (web / "a.warc.gz").read_bytes()
    assert json.loads(result.out) == {
        "documents": 3,
        "set_aside": {"already_read": 1, "no_page": 1, "opted_out": 1, "too_short": 1},
        "unreadable": [
            {
                "source": str(web / "a.warc.gz"),
                "offset": archive.index(b"garbage"),
                "reason": "broken_archive",
            },
            {
                "source": str(web / "b.jsonl"),
                "offset": (web / "b.jsonl").read_bytes().index(b"{torn"),
                "reason": "not_json",
            },
        ],
    }


def test_each_document_is_a_row_with_where_it_is_from(run: Run, web: Path, tmp_path: Path) -> None:
    run("read", web, "--out", tmp_path / "out.jsonl")
    first, second, third = rows_of(tmp_path / "out.jsonl")
    assert set(first) >= FIELDS
    assert story(1) in first["text"]
    assert "Write to [EMAIL]." in first["text"]
    assert (first["url"], first["title"], first["language"]) == ("https://cape.example/1", "The cape", "en")
    assert (first["licence"], first["offset"], first["pii"]) == ("CC-BY-4.0", 0, {"email": 1})
    archive = (web / "a.warc.gz").read_bytes()
    assert (second["text"], second["offset"]) == (story(3), archive.index(b"garbage") + 7)
    assert (third["text"], third["title"], third["licence"]) == (story(4), "Four", "unknown")
    assert third["source"] == str(web / "b.jsonl")
    assert len({row["id"] for row in (first, second, third)}) == 3


def test_without_json_it_says_what_came_and_what_to_do_next(run: Run, web: Path, tmp_path: Path) -> None:
    result = run("read", web, "--out", tmp_path / "out.jsonl")
    assert "3 documents" in result.out
    assert "CC-BY-4.0" in result.out
    assert "email" in result.out
    assert "unreadable: 2" in result.out
    assert f"curate {tmp_path / 'out.jsonl'}" in result.out


def test_the_file_is_the_same_however_many_processes_read(run: Run, web: Path, tmp_path: Path) -> None:
    for jobs in (1, 2):
        assert run("read", web, "--out", tmp_path / f"{jobs}.jsonl", "--jobs", jobs).code == 0
    assert (tmp_path / "1.jsonl").read_bytes() == (tmp_path / "2.jsonl").read_bytes()


def test_options_choose_the_texts(run: Run, web: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    run("read", web, "--out", out, "--where", "n>=4", "--where", "title=Four")
    assert [row["text"] for row in rows_of(out)] == [story(4)]
    run("read", web, "--out", out, "--require-licence", "CC0-1.0,CC-BY-4.0", "--pii", "keep")
    (row,) = rows_of(out)
    assert "jones@example.com" in row["text"]
    run("read", web, "--out", out, "--ignore-opt-outs", "--licence", "MIT", "--languages", "en,de")
    assert [row["licence"] for row in rows_of(out)] == ["CC-BY-4.0", "MIT", "MIT", "MIT"]
    run("read", web, "--out", out, "--limit", 1)
    assert len(rows_of(out)) == 1


def test_long_texts_are_cut_where_tokens_are_given(run: Run, tmp_path: Path) -> None:
    text = long_text(9)
    source, out = written(tmp_path / "a.txt", text), tmp_path / "out.jsonl"
    run("read", source, "--out", out)
    assert [row["text"] for row in rows_of(out)] == [text]
    run("read", source, "--out", out, "--document-tokens", 100)
    rows = rows_of(out)
    assert [row["part"] for row in rows] == list(range(len(rows)))
    assert len(rows) > 3
    assert all(text[row["start"] :].startswith(row["text"]) for row in rows)


@pytest.mark.parametrize(
    "options",
    [
        ("--where", "language"),
        ("--pii", "hide"),
        ("--orders", "obey"),
        ("--sample-rate", "2"),
        ("--languages", "en,xx"),
    ],
)
def test_a_wrong_option_is_one_line_and_writes_nothing(
    run: Run, web: Path, tmp_path: Path, options: tuple[str, str]
) -> None:
    one_line_error(run("read", web, "--out", tmp_path / "out.jsonl", *options))
    assert not (tmp_path / "out.jsonl").exists()


def test_a_source_that_cannot_be_read_leaves_no_file(
    run: Run, web: Path, tmp_path: Path, unreadable: Path
) -> None:
    error = one_line_error(run("read", web, unreadable, "--out", tmp_path / "out.jsonl"))
    assert "unreadable.txt" in error
    assert sorted(file.name for file in tmp_path.iterdir()) == ["unreadable.txt", "web"]


def test_a_file_that_was_there_is_kept_when_a_source_cannot_be_read(
    run: Run, web: Path, tmp_path: Path, unreadable: Path
) -> None:
    out = written(tmp_path / "out.jsonl", "as it was")
    one_line_error(run("read", web, unreadable, "--out", out))
    assert out.read_text() == "as it was"


def test_a_file_that_was_there_is_replaced(run: Run, web: Path, tmp_path: Path) -> None:
    out = written(tmp_path / "out.jsonl", "as it was")
    run("read", web, "--out", out)
    assert len(rows_of(out)) == 3
    assert sorted(file.name for file in tmp_path.iterdir()) == ["out.jsonl", "web"]


def test_the_sources_are_never_written_over(run: Run, web: Path) -> None:
    content = (web / "b.jsonl").read_bytes()
    assert "one of the sources" in one_line_error(run("read", web, "--out", web / "b.jsonl"))
    assert (web / "b.jsonl").read_bytes() == content


@pytest.mark.parametrize("out", ["missing/out.jsonl", "web", "web/b.jsonl/out.jsonl"])
def test_a_place_that_cannot_be_written_is_one_line(run: Run, web: Path, tmp_path: Path, out: str) -> None:
    assert out in one_line_error(run("read", web / "a.warc.gz", "--out", tmp_path / out))
    assert sorted(file.name for file in tmp_path.iterdir()) == ["web"]


# curate


def asked(source: Path, hub: Path, **reading: Any) -> list[str]:
    """The ids of the documents that curate asks about, in the order of their age."""
    outcome = curate(
        [source],
        hub,
        model=ScriptedModel(any_reply),
        relations=["read"],
        reading=ReadOptions(**reading),
        skip_bad_rows=True,
    )
    assert not outcome.failures
    rows = sorted(Hub(hub).documents.rows(), key=lambda row: row["id"])
    return [row["id"] for row in rows]


@pytest.mark.parametrize("document_tokens", [None, 250])
def test_curate_asks_of_the_written_file_what_it_asks_of_the_sources(
    web: Path, tmp_path: Path, document_tokens: int | None
) -> None:
    written(web / "c.txt", long_text(30).replace("harbour", "harbour (keeper.jones@example.com)"))
    read([web], tmp_path / "out.jsonl", document_tokens=document_tokens)
    direct = asked(web, tmp_path / "direct")
    assert len(direct) > 4
    assert asked(tmp_path / "out.jsonl", tmp_path / "again") == direct


def test_curate_of_the_written_file_keeps_address_title_and_licence(web: Path, tmp_path: Path) -> None:
    read([web], tmp_path / "out.jsonl")
    asked(tmp_path / "out.jsonl", tmp_path / "hub")
    rows = {row["url"]: row for row in Hub(tmp_path / "hub").documents.rows()}
    row = rows["https://cape.example/1"]
    assert (row["title"], row["licence"], row["date"][:4]) == ("The cape", "CC-BY-4.0", "2023")


def test_curate_takes_the_same_options(run: Run, web: Path, tmp_path: Path) -> None:
    with LoadServer() as server:
        result = run(
            *("curate", web / "b.jsonl", "--hub", tmp_path / "hub", "--model", f"{server.url}#any"),
            *("--skip-bad-rows", "--where", "n=4", "--licence", "MIT", "--languages", "en"),
            *("--relations", "read", "--language", "sv", "--json"),
        )
    assert result.code == 0
    printed = json.loads(result.out)
    assert (printed["documents"], printed["set_aside"]["where"]) == (1, 2)
    (row,) = Hub(tmp_path / "hub").documents.rows()
    assert (row["title"], row["licence"]) == ("Four", "MIT")


def test_a_wrong_option_of_curate_is_one_line_and_makes_no_hub(run: Run, web: Path, tmp_path: Path) -> None:
    one_line_error(run("curate", web, "--hub", tmp_path / "hub", "--where", "language"))
    assert not (tmp_path / "hub").exists()
