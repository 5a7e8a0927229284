"""The corpus: files in, documents out."""

import gzip
import json
import os
import random
import re
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from hypothesis import example, given
from hypothesis import strategies as st

from personahub.corpus import LeftOut, ReadOptions, check_first_rows, find_sources, read_documents
from personahub.corpus.cut import cut, token_estimate
from personahub.corpus.language import detect_language
from personahub.errors import UserError
from personahub.records import Document

LONG = "A text that is long enough to be kept as a document, number "


def zstd(*members: bytes) -> bytes:
    return b"".join(zstandard.compress(member) for member in members)


def zstd_without_sizes(*members: bytes) -> bytes:
    """Frames as a stream's writer makes them, with a frame in between that readers skip."""
    skipped = b"\x50\x2a\x4d\x18" + (4).to_bytes(4, "little") + b"skip"
    frames = []
    for member in members:
        compressor = zstandard.ZstdCompressor(write_checksum=True).compressobj()
        frames.append(compressor.compress(member) + compressor.flush())
    return skipped.join(frames)


def gz(*members: bytes) -> bytes:
    return b"".join(gzip.compress(member) for member in members)


def plain(*members: bytes) -> bytes:
    return b"".join(members)


PACKED = pytest.mark.parametrize(
    ("ending", "pack"), [("", plain), (".gz", gz), (".zst", zstd), (".ZST", zstd_without_sizes)]
)


def written(file: Path, content: bytes | str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return file


def jsonl(*rows: object) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def read(
    *sources: Path | str, text_field: str | None = None, document_tokens: int = 400
) -> list[Document | LeftOut]:
    files = find_sources([str(source) for source in sources])
    return list(
        read_documents(
            files, ReadOptions(text_field=text_field, filters=False), document_tokens=document_tokens
        )
    )


def documents(*sources: Path | str, text_field: str | None = None) -> list[Document]:
    items = read(*sources, text_field=text_field)
    assert all(isinstance(item, Document) for item in items), items
    return [item for item in items if isinstance(item, Document)]


def one_line_error(of: Callable[[], object]) -> str:
    with pytest.raises(UserError) as error:
        of()
    assert "\n" not in str(error.value)
    return str(error.value)


def names(*sources: Path | str) -> list[str]:
    return [Path(file.path).name for file in find_sources([str(source) for source in sources])]


# Formats and compressions


@PACKED
@pytest.mark.parametrize("format_", [".txt", ".md", ".TXT"])
def test_a_text_file_is_one_document(
    tmp_path: Path, format_: str, ending: str, pack: Callable[..., bytes]
) -> None:
    file = written(tmp_path / f"file{format_}{ending}", pack(f"{LONG} één".encode()))
    (document,) = documents(file)
    assert document.text == f"{LONG} één"
    assert (document.source, document.row, document.part, document.start) == (str(file), 1, 0, 0)


@PACKED
def test_a_jsonl_file_has_a_document_a_row(tmp_path: Path, ending: str, pack: Callable[..., bytes]) -> None:
    file = written(tmp_path / f"file.jsonl{ending}", pack(jsonl(*({"text": f"{LONG}{n}"} for n in range(3)))))
    assert [(d.row, d.text) for d in documents(file)] == [(n + 1, f"{LONG}{n}") for n in range(3)]


@PACKED
def test_all_members_of_a_file_are_read_and_a_row_may_cross_them(
    tmp_path: Path, ending: str, pack: Callable[..., bytes]
) -> None:
    rows, others = (jsonl(*({"text": f"{LONG}{n}"} for n in range(k, k + 3000))) for k in (0, 3000))
    middle = len(rows) // 2 + 7
    file = written(tmp_path / f"file.jsonl{ending}", pack(rows[:middle], rows[middle:], b"", others))
    assert [d.text for d in documents(file)] == [f"{LONG}{n}" for n in range(6000)]


def test_a_zstd_file_with_a_window_of_256_mib_is_read(tmp_path: Path) -> None:
    """As ``zstd --long=28`` and several public dumps have it."""
    settings = zstandard.ZstdCompressionParameters.from_level(1, window_log=28, enable_ldm=False)
    compressor = zstandard.ZstdCompressor(compression_params=settings).compressobj()
    content = compressor.compress(LONG.encode()) + compressor.flush()
    assert [d.text for d in documents(written(tmp_path / "long.txt.zst", content))] == [LONG.strip()]


def test_blank_lines_of_jsonl_are_no_rows_but_count_as_lines(tmp_path: Path) -> None:
    rows = b"\n" + jsonl({"text": LONG}) + b"  \n\n" + jsonl({"text": LONG + "2"})
    assert [d.row for d in documents(written(tmp_path / "a.jsonl", rows))] == [2, 5]


def test_a_last_row_without_a_line_end_is_read(tmp_path: Path) -> None:
    file = written(tmp_path / "a.jsonl", jsonl({"text": LONG}, {"text": LONG + "2"}).rstrip())
    assert len(documents(file)) == 2


def test_only_a_line_feed_ends_a_row(tmp_path: Path) -> None:
    """JSON may hold a line separator or a next-line character as it is, and a carriage return as a space."""
    row = "{\r" + json.dumps({"text": f"{LONG}\u2028\x85\u2029 and on"}, ensure_ascii=False)[1:]
    (document,) = documents(written(tmp_path / "a.jsonl", row + "\n"))
    assert document.text.endswith("and on")


@pytest.mark.parametrize("content", [b"", b"\n\n", b"short"])
def test_a_text_under_32_bytes_is_too_short(tmp_path: Path, content: bytes) -> None:
    (item,) = read(written(tmp_path / "a.txt", content))
    assert isinstance(item, LeftOut)
    assert item.reason == "too_short"


def test_length_is_counted_in_bytes_so_that_a_chinese_sentence_counts(tmp_path: Path) -> None:
    assert len(documents(written(tmp_path / "a.txt", "火车站旁边的小面馆每天清晨五点开门。"))) == 1


def test_a_text_that_is_not_utf8_is_told_with_its_byte(tmp_path: Path) -> None:
    (item,) = read(written(tmp_path / "a.txt", LONG.encode() + b"caf\xe9"))
    assert isinstance(item, LeftOut)
    assert (item.reason, item.detail) == ("not_utf8", f"byte {len(LONG) + 3} is no UTF-8")


# Sources


def test_a_folder_is_read_recursively_sorted_and_without_hidden_files(tmp_path: Path) -> None:
    for name in ("b.txt", "a/z.md", "a/b/c.jsonl.gz", ".hidden.txt", ".git/x.txt", "a/.y/z.txt", "c.md.zst"):
        written(tmp_path / name, "")
    found = find_sources([str(tmp_path)])
    assert [str(Path(f.path).relative_to(tmp_path)) for f in found] == [
        "a/b/c.jsonl.gz",
        "a/z.md",
        "b.txt",
        "c.md.zst",
    ]


def test_a_folder_inside_a_hidden_one_can_be_named(tmp_path: Path) -> None:
    written(tmp_path / ".data" / "a.txt", "")
    assert names(tmp_path / ".data") == ["a.txt"]


def test_a_hidden_file_can_be_named(tmp_path: Path) -> None:
    assert names(written(tmp_path / ".a.txt", "")) == [".a.txt"]


def test_files_of_a_folder_in_other_formats_are_told(tmp_path: Path) -> None:
    written(tmp_path / "a.txt", LONG)
    written(tmp_path / "b.pdf", "")
    unsupported, document = read(tmp_path)
    assert isinstance(unsupported, LeftOut)
    assert (unsupported.source, unsupported.reason) == (str(tmp_path / "b.pdf"), "unsupported_format")
    assert isinstance(document, Document)


def test_a_pattern_finds_its_files_in_order(tmp_path: Path) -> None:
    for name in ("b.txt", "a.txt", "c.md", "in/d.txt"):
        written(tmp_path / name, "")
    assert names(tmp_path / "*.txt") == ["a.txt", "b.txt"]
    assert names(tmp_path / "**" / "*.txt") == ["a.txt", "b.txt", "d.txt"]


def test_a_name_that_looks_like_a_pattern_is_a_name_where_such_a_file_is(tmp_path: Path) -> None:
    written(tmp_path / "1.txt", "")
    assert names(written(tmp_path / "[1].txt", "")) == ["[1].txt"]


def test_sources_keep_the_order_they_are_named_in(tmp_path: Path) -> None:
    a, b = written(tmp_path / "a.txt", ""), written(tmp_path / "b.txt", "")
    assert names(b, a) == ["b.txt", "a.txt"]


def test_a_file_named_in_several_ways_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = written(tmp_path / "in" / "a.txt", "")
    (tmp_path / "in" / "link.txt").symlink_to(file)
    monkeypatch.chdir(tmp_path)
    assert names(file, "in", "in/*.txt", "./in/../in/a.txt", "in/link.txt") == ["a.txt"]


def test_a_file_in_another_format_is_told_once(tmp_path: Path) -> None:
    written(tmp_path / "a.txt", LONG)
    written(tmp_path / "b.pdf", "")
    assert len(read(tmp_path, tmp_path)) == 2


def test_a_missing_file_is_an_error_with_its_name(tmp_path: Path) -> None:
    assert str(tmp_path / "no.txt") in one_line_error(lambda: find_sources([str(tmp_path / "no.txt")]))


def test_a_pattern_that_finds_nothing_is_an_error(tmp_path: Path) -> None:
    assert "*.txt" in one_line_error(lambda: find_sources([str(tmp_path / "*.txt")]))


def test_an_empty_folder_is_an_error(tmp_path: Path) -> None:
    assert "empty" in one_line_error(lambda: find_sources([str(tmp_path)]))


def test_a_folder_of_other_formats_is_an_error_that_names_ours(tmp_path: Path) -> None:
    written(tmp_path / "a.pdf", "")
    written(tmp_path / "b.docx", "")
    message = one_line_error(lambda: find_sources([str(tmp_path)]))
    assert "none of its 2 files" in message
    assert ".jsonl" in message


@pytest.mark.parametrize("name", ["a.pdf", "a", "a.gz", "a.jsonl.zip"])
def test_an_unknown_ending_is_an_error_that_names_ours(tmp_path: Path, name: str) -> None:
    message = one_line_error(lambda: find_sources([str(written(tmp_path / name, ""))]))
    assert name in message
    assert ".jsonl" in message


def test_a_file_that_goes_away_is_an_error(tmp_path: Path) -> None:
    files = find_sources([str(written(tmp_path / "a.txt", LONG))])
    (tmp_path / "a.txt").unlink()
    assert "a.txt" in one_line_error(lambda: list(read_documents(files)))


def test_a_file_name_that_is_not_utf8_gives_documents_that_can_be_stored(tmp_path: Path) -> None:
    written(tmp_path / os.fsdecode(b"caf\xe9.txt"), LONG)
    (document,) = documents(tmp_path)
    assert document.source.encode().endswith(b".txt")


# JSONL fields


@pytest.mark.parametrize("field", ["text", "raw_content", "content"])
def test_the_usual_text_fields_are_found(tmp_path: Path, field: str) -> None:
    (document,) = documents(written(tmp_path / "a.jsonl", jsonl({"id": 1, field: LONG})))
    assert document.text == LONG.strip()


def test_text_is_preferred_to_content_and_each_row_may_differ(tmp_path: Path) -> None:
    rows = jsonl({"content": "no" + LONG, "text": LONG}, {"text": None, "content": LONG + "2"})
    assert [d.text for d in documents(written(tmp_path / "a.jsonl", rows))] == [LONG.strip(), LONG + "2"]


def test_a_named_field_is_the_only_one_looked_at(tmp_path: Path) -> None:
    file = written(tmp_path / "a.jsonl", jsonl({"body": LONG, "text": "no" + LONG}))
    (document,) = documents(file, text_field="body")
    assert document.text == LONG.strip()
    (item,) = read(file, text_field="story")
    assert isinstance(item, LeftOut)


def test_a_missing_field_is_told_with_the_fields_there_are(tmp_path: Path) -> None:
    (item,) = read(written(tmp_path / "a.jsonl", jsonl({"url": "x", "body": LONG})))
    assert isinstance(item, LeftOut)
    assert item.reason == "no_text_field"
    assert "text or raw_content or content" in item.detail
    assert "url, body" in item.detail


@pytest.mark.parametrize("value", [None, 7, ["a"], {"a": 1}])
def test_a_field_that_is_no_string_is_no_text(tmp_path: Path, value: object) -> None:
    (item,) = read(written(tmp_path / "a.jsonl", jsonl({"text": value})))
    assert isinstance(item, LeftOut)
    assert item.reason == "no_text_field"


@pytest.mark.parametrize(
    "bad", ["{", "nonsense", '"a string"', "[1]", "null", "7", "[" * 100_000, "1" * 5000, '{"text": "\\u12"}']
)
def test_a_bad_row_is_told_with_its_line_and_the_others_are_read(tmp_path: Path, bad: str) -> None:
    rows = jsonl({"text": LONG}) + bad.encode() + b"\n" + jsonl({"text": LONG + "3"})
    first, second, third = read(written(tmp_path / "a.jsonl", rows))
    assert isinstance(first, Document)
    assert isinstance(second, LeftOut)
    assert (second.row, second.reason) == (2, "not_json")
    assert isinstance(third, Document)
    assert third.row == 3


def test_checking_the_first_rows_names_file_row_and_way_out_for_bad_json(tmp_path: Path) -> None:
    file = written(tmp_path / "a.jsonl", jsonl({"text": LONG}) + b"{\n")
    message = one_line_error(lambda: check_first_rows(find_sources([str(file)])))
    assert f"{file}, row 2" in message
    assert "--skip-bad-rows" in message


def test_checking_the_first_rows_names_the_way_out_for_a_missing_field(tmp_path: Path) -> None:
    files = find_sources([str(written(tmp_path / "a.jsonl", jsonl({"body": LONG})))])
    message = one_line_error(lambda: check_first_rows(files))
    assert "body" in message
    assert "--text-field" in message
    check_first_rows(files, text_field="body")


def test_checking_looks_at_a_hundred_rows_of_every_file(tmp_path: Path) -> None:
    good = jsonl({"text": LONG}) * 100
    late = written(tmp_path / "a.jsonl", good + b"{\n")
    check_first_rows(find_sources([str(late)]))
    bad = written(tmp_path / "b.jsonl", good[: len(good) // 100 * 99] + b"{\n")
    assert "row 100" in one_line_error(lambda: check_first_rows(find_sources([str(late), str(bad)])))


# Titles


@pytest.mark.parametrize(
    ("heading", "title"),
    [
        ("# The bells", "The bells"),
        ("### The bells of C#", "The bells of C#"),
        ("## The bells ##", "The bells"),
        ("\n\n# The bells\t", "The bells"),
        ("#hashtag", None),
        ("####### seven", None),
        ("The bells", None),
        ("plain first\n# second", None),
    ],
)
def test_a_markdown_heading_at_the_top_is_the_title(tmp_path: Path, heading: str, title: str | None) -> None:
    (document,) = documents(written(tmp_path / "a.md", f"{heading}\n\n{LONG}"))
    assert document.title == title
    assert document.text.startswith(heading.strip())


@pytest.mark.parametrize(
    ("value", "title"), [("The bells", "The bells"), ("", None), (None, None), (7, None), ("\ud83d", "?")]
)
def test_the_title_of_a_row_is_its_title_field(tmp_path: Path, value: object, title: str | None) -> None:
    (document,) = documents(written(tmp_path / "a.jsonl", jsonl({"text": LONG, "title": value})))
    assert document.title == title


def test_every_part_of_a_long_text_has_its_title(tmp_path: Path) -> None:
    items = read(written(tmp_path / "a.md", "# Bells\n\n" + (LONG + ".\n") * 20), document_tokens=50)
    assert len(items) > 5
    assert {item.title for item in items if isinstance(item, Document)} == {"Bells"}


# Identity


VARIANTS = {
    "plain": "Café au lait is on the menu.\nIt is served until noon.",
    "CRLF": "Café au lait is on the menu.\r\nIt is served until noon.\r\n",
    "CR": "Café au lait is on the menu.\rIt is served until noon.",
    "BOM": "\ufeffCafé au lait is on the menu.\nIt is served until noon.",
    "NUL": "Ca\0fé au lait is on the menu.\nIt is served until noon.\0",
    "NFD": "Cafe\u0301 au lait is on the menu.\nIt is served until noon.",
    "NUL in NFD": "Cafe\0\u0301 au lait is on the menu.\nIt is served until noon.",
    "spaces": "\n  Café au lait is on the menu.\nIt is served until noon. \n\n",
}


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("ending", ["txt", "jsonl"])
def test_one_text_in_several_encodings_has_one_id(tmp_path: Path, variant: str, ending: str) -> None:
    text = VARIANTS[variant]
    content = text.encode() if ending == "txt" else jsonl({"text": text})
    (document,) = documents(written(tmp_path / f"a.{ending}", content))
    assert document.text == VARIANTS["plain"]
    assert document.id == documents(written(tmp_path / "plain.txt", VARIANTS["plain"]))[0].id


def test_a_jsonl_file_may_begin_with_a_bom(tmp_path: Path) -> None:
    file = written(tmp_path / "a.jsonl", b"\xef\xbb\xbf" + jsonl({"text": LONG}))
    assert documents(file)[0].text == LONG.strip()


def test_a_lone_surrogate_gives_a_text_that_can_be_stored(tmp_path: Path) -> None:
    file = written(tmp_path / "a.jsonl", b'{"text": "' + LONG.encode() + b'\\ud83d"}\n')
    assert documents(file)[0].text == LONG + "?"


def test_an_id_depends_on_the_text_alone(tmp_path: Path) -> None:
    row = {"text": LONG, "title": "One", "url": "x"}
    from_row = documents(written(tmp_path / "a.jsonl", jsonl({"text": "other " + LONG}, row)))[1]
    from_text = documents(written(tmp_path / "b.txt", LONG))[0]
    assert from_row.id == from_text.id
    assert from_row.id != documents(written(tmp_path / "c.txt", LONG + "!"))[0].id


# Damage


def many_rows() -> bytes:
    """Rows that compress little, so that half a file holds about half of them."""
    noise = random.Random(3)
    return jsonl(*({"text": f"{LONG}{n}", "noise": noise.randbytes(300).hex()} for n in range(1000)))


@pytest.mark.parametrize(("ending", "pack"), [("gz", gz), ("zst", zstd), ("zst", zstd_without_sizes)])
def test_a_truncated_jsonl_gives_its_whole_rows_and_an_error_after_them(
    tmp_path: Path, ending: str, pack: Callable[..., bytes]
) -> None:
    packed = pack(many_rows())
    *kept, last = read(written(tmp_path / f"a.jsonl.{ending}", packed[: len(packed) // 2]))
    assert 300 < len(kept) < 600
    assert all(isinstance(item, Document) for item in kept)
    assert isinstance(last, LeftOut)
    assert (last.reason, last.row) == ("truncated", len(kept) + 1)
    assert last.detail


@pytest.mark.parametrize(("ending", "pack"), [("gz", gz), ("zst", zstd_without_sizes)])
@pytest.mark.parametrize("cut_off", [1, 5])
def test_a_file_that_lacks_only_its_last_bytes_is_still_told_to_be_truncated(
    tmp_path: Path, ending: str, pack: Callable[..., bytes], cut_off: int
) -> None:
    *kept, last = read(written(tmp_path / f"a.jsonl.{ending}", pack(many_rows())[:-cut_off]))
    assert len(kept) > 750
    assert isinstance(last, LeftOut)
    assert last.reason == "truncated"


@pytest.mark.parametrize(("ending", "pack"), [("gz", gz), ("zst", zstd_without_sizes)])
def test_a_truncated_text_gives_what_can_be_read_and_an_error(
    tmp_path: Path, ending: str, pack: Callable[..., bytes]
) -> None:
    text = "".join(f"{n * n * 7919 % 1000003} ёлок. " for n in range(30_000))
    packed = pack(text.encode())
    *kept, last = read(written(tmp_path / f"a.txt.{ending}", packed[: len(packed) // 2]))
    assert isinstance(last, LeftOut)
    assert last.reason == "truncated"
    read_back = " ".join(item.text for item in kept if isinstance(item, Document))
    assert len(read_back) > len(text) // 4
    assert re.sub(r"\s", "", text).startswith(re.sub(r"\s", "", read_back))


def test_a_text_cut_in_the_middle_of_a_character_gives_what_comes_before_it(tmp_path: Path) -> None:
    compressor = zlib.compressobj(wbits=31)
    content = compressor.compress(f"{LONG}ё".encode()[:-1]) + compressor.flush(zlib.Z_SYNC_FLUSH)
    document, error = read(written(tmp_path / "a.txt.gz", content))
    assert isinstance(document, Document)
    assert document.text == LONG.strip()
    assert isinstance(error, LeftOut)
    assert error.reason == "truncated"


@pytest.mark.parametrize(("ending", "pack"), [("gz", gz), ("zst", zstd_without_sizes)])
@pytest.mark.parametrize("place", [0, 2, 10, 0.5, 0.9, -1])
def test_a_flipped_byte_in_an_archive_never_ends_the_run(
    tmp_path: Path, ending: str, pack: Callable[..., bytes], place: float
) -> None:
    packed = bytearray(pack(many_rows()))
    packed[int(place * len(packed)) if isinstance(place, float) else int(place)] ^= 0xFF
    items = read(written(tmp_path / f"a.jsonl.{ending}", bytes(packed)))
    assert isinstance(items[-1], LeftOut)
    assert items[-1].reason in {"broken_archive", "truncated"}


@pytest.mark.parametrize("ending", ["gz", "zst", "lz4", "bz2"])
def test_a_file_that_is_no_archive_is_told_and_the_next_file_is_read(tmp_path: Path, ending: str) -> None:
    written(tmp_path / f"a.txt.{ending}", bytes(range(256)))
    written(tmp_path / "b.txt", LONG)
    first, second = read(tmp_path)
    assert isinstance(first, LeftOut)
    assert first.reason == "broken_archive"
    assert isinstance(second, Document)


def test_a_file_that_was_decompressed_under_its_old_name_is_read(tmp_path: Path) -> None:
    (document,) = documents(written(tmp_path / "a.txt.gz", LONG))
    assert document.text == LONG.strip()


def test_a_damaged_archive_stops_the_check_of_first_rows(tmp_path: Path) -> None:
    files = find_sources([str(written(tmp_path / "a.jsonl.gz", b"no archive"))])
    assert "a.jsonl.gz, row 1" in one_line_error(lambda: check_first_rows(files))


# Cutting

PIECES = st.sampled_from(
    [
        "word ",
        "longerword ",
        "Дом ",
        "书",
        "。",
        "🎈",
        "e\u0301",
        ". ",
        "\n",
        "\n\n",
        " \n \n",
        "x" * 30,
        "\t",
    ]
)
TEXTS = st.lists(PIECES, max_size=120).map("".join).map(str.strip) | st.text(max_size=200)
LIMITS = st.integers(1, 60)


def squeezed(text: str) -> str:
    return "".join(text.split())


@given(TEXTS, LIMITS)
@example("a" * 500, 1)
@example("🎈" * 50, 1)
def test_cut_loses_nothing_but_whitespace_at_the_cuts(text: str, tokens: int) -> None:
    assert squeezed("".join(part for _, part in cut(text, tokens))) == squeezed(text)


@given(TEXTS, LIMITS)
def test_cut_tells_where_each_part_stands(text: str, tokens: int) -> None:
    for start, part in cut(text, tokens):
        assert text[start : start + len(part)] == part


@given(TEXTS, LIMITS)
def test_cut_makes_no_part_much_over_the_limit(text: str, tokens: int) -> None:
    for _, part in cut(text, tokens):
        assert token_estimate(part) <= 1.3 * tokens + 1


@given(TEXTS, LIMITS)
def test_cut_makes_no_empty_part_and_no_outer_whitespace(text: str, tokens: int) -> None:
    for _, part in cut(text, tokens):
        assert part
        assert part == part.strip()


@given(TEXTS)
def test_a_text_within_the_limit_is_one_part(text: str) -> None:
    parts = list(cut(text, max(1, token_estimate(text))))
    assert parts == ([(text.index(text.strip()), text.strip())] if text.strip() else [])


@given(st.lists(st.integers(5, 30), min_size=2, max_size=30))
def test_cut_ends_every_part_at_a_paragraph_where_paragraphs_fit(lengths: list[int]) -> None:
    paragraphs = [f"{place} ".ljust(4, "p") + "\nw" * length + "." for place, length in enumerate(lengths)]
    text = "\n\n".join(paragraphs)
    parts = [part for _, part in cut(text, 60)]
    assert [paragraph for part in parts for paragraph in part.split("\n\n")] == paragraphs


@pytest.mark.parametrize(
    ("text", "end"),
    [
        (("word " * 9 + "\n") * 12, "word"),
        ("This is one sentence of several words. " * 12, "words."),
        ("这是一个由几个字组成的句子。" * 20, "。"),
        ("abcdefgh " * 40, "abcdefgh"),
    ],
    ids=["line", "sentence", "Chinese sentence", "word"],
)
def test_a_long_paragraph_is_cut_at_the_best_place_there_is(text: str, end: str) -> None:
    parts = [part for _, part in cut(text, 40)]
    assert len(parts) > 2
    assert all(part.endswith(end) for part in parts)
    if end == "word":
        assert all(
            len(line) == len("word " * 9) - 1 for part in parts for line in map(str.strip, part.split("\n"))
        )


def test_a_run_without_any_end_is_cut_inside_at_the_limit() -> None:
    assert [len(part) for _, part in cut("x" * 1000, 50)] == [200] * 5
    assert [len(part) for _, part in cut("ж" * 500, 50)] == [100] * 5
    assert [len(part) for _, part in cut("🎈" * 250, 50)] == [50] * 5


def test_only_a_rest_shorter_than_a_quarter_joins_the_part_before_it() -> None:
    assert [len(part) for _, part in cut("x" * 430, 50)] == [200, 230]
    assert [len(part) for _, part in cut("x" * 450, 50)] == [200, 200, 50]


def test_cutting_takes_time_in_proportion_to_the_text() -> None:
    """A text of 40 MB in one file must not take hours; four times the text takes about four times as long."""

    def seconds(lines: int) -> float:
        text = ("word " * 12 + "\n") * lines
        start = time.process_time()
        assert sum(1 for _ in cut(text, 400)) > lines // 30
        return time.process_time() - start

    short = min(seconds(20_000) for _ in range(3))
    assert seconds(160_000) < 20 * short


def test_parts_of_a_text_are_documents_with_their_places(tmp_path: Path) -> None:
    text = "\n\n".join(f"{LONG}{n}. " + "and so on " * 8 for n in range(20))
    items = read(written(tmp_path / "a.txt", text), document_tokens=60)
    parts = [item for item in items if isinstance(item, Document)]
    assert [part.part for part in parts] == list(range(len(items)))
    assert all(text[part.start :].startswith(part.text) for part in parts)
    assert len({part.id for part in parts}) == len(parts) > 5


# Languages

PARAGRAPHS = {
    "en": "The ferry leaves at six in the morning, when fog still lies on the water, and most of those on "
    "board are nurses going home from the night shift at the hospital on the other side of the bay.",
    "de": "Die Fähre legt um sechs Uhr morgens ab, wenn noch Nebel auf dem Wasser liegt, und die meisten an "
    "Bord sind Krankenschwestern, die nach der Nachtschicht im Krankenhaus nach Hause fahren.",
    "ru": "Паром уходит в шесть утра, когда над водой ещё лежит туман, и большинство пассажиров на борту — "
    "медсёстры, которые возвращаются домой после ночной смены в больнице на другом берегу залива.",
    "zh": "渡轮每天早上六点开，水面上还有雾，船上大多数人是刚在海湾对面医院值完夜班的护士。",
    "ja": "フェリーは朝六時に出ます。乗客のほとんどは湾の向こうの病院で夜勤を終えて帰る看護師です。",
}


@pytest.mark.parametrize("language", PARAGRAPHS)
def test_the_language_of_a_paragraph_is_told(language: str) -> None:
    assert detect_language(PARAGRAPHS[language]) == language


def test_traditional_chinese_is_chinese() -> None:
    assert detect_language("渡輪每天早上六點開，水面上還有霧，船上大多數人是剛值完夜班的護士。") == "zh"


@pytest.mark.parametrize("text", ["", "2024-01-17 12:30", "12 345,67 %", "!?…", "https://example.org/path"])
def test_a_text_without_words_has_no_language(text: str) -> None:
    assert detect_language(text) == "und"


def test_markup_and_links_do_not_change_the_language() -> None:
    markup = '<a href="https://example.org/the/ferry/of/the/bay" class="button large primary">' * 5
    assert detect_language(markup + PARAGRAPHS["ru"]) == "ru"


def test_documents_carry_their_language(tmp_path: Path) -> None:
    rows = jsonl(*({"text": text} for text in PARAGRAPHS.values()), {"text": "12 34 56 78 " * 5})
    found = documents(written(tmp_path / "a.jsonl", rows))
    assert [document.language for document in found] == [*PARAGRAPHS, "und"]


# Data set cards


@pytest.mark.parametrize(
    ("card", "licence"),
    [
        ("---\nlicense: cc-by-4.0\ntask_categories: [text-generation]\n---\n# Tide tables\n", "CC-BY-4.0"),
        ("---\nlicense: [mit]\n---\n", "MIT"),
        ("---\nlicense: other\n---\n", "unknown"),
        ("---\nlicense: {broken\n---\n", "unknown"),
        ("# Tide tables\n\nlicense: mit\n", "unknown"),
    ],
)
def test_a_data_set_card_tells_the_licence_of_the_texts_beside_it(
    tmp_path: Path, card: str, licence: str
) -> None:
    written(tmp_path / "README.md", card)
    written(tmp_path / "texts.jsonl", jsonl({"text": LONG}))
    found = [item for item in read(tmp_path) if isinstance(item, Document)]
    assert [item.licence for item in found if item.text == LONG.strip()] == [licence]


def test_what_a_row_tells_of_its_licence_counts_before_the_card(tmp_path: Path) -> None:
    written(tmp_path / "README.md", "---\nlicense: mit\n---\n")
    written(tmp_path / "texts.jsonl", jsonl({"text": LONG, "licence": "CC0-1.0"}))
    found = [item for item in read(tmp_path) if isinstance(item, Document)]
    assert [item.licence for item in found if item.text == LONG.strip()] == ["CC0-1.0"]
