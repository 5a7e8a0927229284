"""WARC, WET and ARC: what is read of them, where it stands in them, and what a break costs."""

import base64
import bz2
import gzip
import io
import random
import tempfile
import time
import zlib
from collections.abc import Sequence
from pathlib import Path

import brotli
import lz4.frame
import pytest
import zstandard
from fastwarc.warc import ArchiveIterator
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from personahub.corpus import LeftOut, find_sources
from personahub.corpus.compression import read_pieces
from personahub.corpus.formats.archives import Record, read_warc
from personahub.corpus.formats.http import parse_response
from personahub.corpus.opening import read_texts
from personahub.corpus.texts import Text, Unread
from web_archives import (
    PACKS,
    Pack,
    arc,
    brief_gzip,
    documents_in,
    http,
    items_of,
    left_out_of,
    page,
    record,
    story,
    wet,
)

PACKED = pytest.mark.parametrize("ending", PACKS)


def written(file: Path, *members: bytes) -> Path:
    file.write_bytes(b"".join(members))
    return file


def texts(file: Path) -> list[Text | Unread]:
    (source,) = find_sources([str(file)])
    return list(read_texts(source))


def rest_of(file: Path, offset: int) -> Path:
    """What a range request from there gives."""
    rest = file.with_name(f"rest-{file.name}")
    rest.write_bytes(file.read_bytes()[offset:])
    return rest


def only(file: Path) -> Text | Unread:
    (item,) = texts(file)
    return item


def text_of(tmp_path: Path, response: bytes) -> str:
    """The text of the one page of an archive."""
    item = only(written(tmp_path / "one.warc", record(response)))
    assert isinstance(item, Text), item
    return item.text


# Formats and compressions


@PACKED
def test_a_wet_file_has_a_text_a_record(tmp_path: Path, ending: str) -> None:
    content = b"".join(wet(story(n), f"https://cape.example/{n}") for n in range(5))
    found = documents_in(items_of(written(tmp_path / f"a.warc.wet{ending}", PACKS[ending](content))))
    assert [(d.row, d.text, d.url) for d in found] == [
        (n + 1, story(n), f"https://cape.example/{n}") for n in range(5)
    ]


@PACKED
def test_a_warc_file_has_the_main_text_of_a_page_a_record(tmp_path: Path, ending: str) -> None:
    content = b"".join(record(http(page(story(n))), uri=f"https://cape.example/{n}") for n in range(3))
    found = documents_in(items_of(written(tmp_path / f"a.warc{ending}", PACKS[ending](content))))
    assert [d.url for d in found] == [f"https://cape.example/{n}" for n in range(3)]
    assert all(story(n) in d.text and "Imprint" not in d.text for n, d in enumerate(found))


@PACKED
def test_an_arc_file_has_the_main_text_of_a_page_a_record(tmp_path: Path, ending: str) -> None:
    head = b"1 0 ExampleArchive\nURL IP-address Archive-date Content-type Archive-length\n"
    content = arc(head, "filedesc://a.arc", "text/plain")
    content += b"".join(arc(http(page(story(n))), f"http://cape.example/{n}") for n in range(3))
    found = documents_in(items_of(written(tmp_path / f"a.arc{ending}", PACKS[ending](content))))
    assert [(d.row, d.url) for d in found] == [(n + 2, f"http://cape.example/{n}") for n in range(3)]
    assert all(story(n) in d.text for n, d in enumerate(found))


def test_an_archive_is_known_without_its_ending(tmp_path: Path) -> None:
    found = documents_in(items_of(written(tmp_path / "CC-NEWS-0001", brief_gzip(wet(story(1))))))
    assert [d.text for d in found] == [story(1)]


def test_a_record_s_date_is_when_it_was_fetched_and_a_page_s_own_date_goes_before(tmp_path: Path) -> None:
    dated = page(story(2), '<meta property="article:published_time" content="2019-03-04T05:06:07Z">')
    file = written(tmp_path / "a.warc", record(http(page(story(1)))), record(http(dated)))
    assert [d.date[:10] for d in documents_in(items_of(file))] == ["2023-05-06", "2019-03-04"]


# Offsets


@PACKED
def test_a_range_request_from_a_document_s_offset_gives_its_record(tmp_path: Path, ending: str) -> None:
    members = [wet(story(n) + "\n" + "word " * (n * 20_000), f"https://cape.example/{n}") for n in range(5)]
    file = written(tmp_path / f"a.warc.wet{ending}", *map(PACKS[ending], members))
    found = texts(file)
    assert len(found) == 5
    for item in found:
        first = texts(rest_of(file, item.offset))[0]
        assert first[2:] == item[2:]


@pytest.mark.parametrize("ending", [".gz", ".zst", ".lz4", ".bz2"])
def test_records_of_one_member_have_its_offset(tmp_path: Path, ending: str) -> None:
    pack = PACKS[ending]
    first = pack(wet(story(0)))
    file = written(tmp_path / f"a.wet{ending}", first, pack(wet(story(1)) + wet(story(2))))
    assert [d.offset for d in documents_in(items_of(file))] == [0, len(first), len(first)]


def test_offsets_of_an_arc_file_lead_to_its_records(tmp_path: Path) -> None:
    members = [arc(story(n).encode(), f"http://cape.example/{n}", "text/plain") for n in range(4)]
    file = written(tmp_path / "a.arc", *members)
    assert [d.offset for d in documents_in(items_of(file))] == [sum(map(len, members[:n])) for n in range(4)]


# Responses


def chunked(body: bytes, size: int = 50) -> bytes:
    chunks = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x;note=1\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"


def raw_deflate(body: bytes) -> bytes:
    return zlib.compress(body)[2:-4]


CODINGS: dict[str, tuple[str, Pack]] = {
    "gzip": ("gzip", gzip.compress),
    "x-gzip": ("x-gzip", gzip.compress),
    "deflate": ("deflate", zlib.compress),
    "deflate without its wrapper": ("deflate", raw_deflate),
    "brotli": ("br", brotli.compress),
    "zstd": ("zstd", zstandard.compress),
    "two": ("deflate, gzip", lambda body: gzip.compress(zlib.compress(body))),
    "none": ("identity", bytes),
    "told but not so": ("gzip", bytes),
    "unknown": ("compress-o-mat", bytes),
}


@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize("in_chunks", [False, True])
def test_a_body_is_read_as_its_sender_meant_it(tmp_path: Path, coding: str, in_chunks: bool) -> None:
    name, pack = CODINGS[coding]
    body = pack(page(story(1)).encode())
    headers = {"Content-Encoding": name, **({"Transfer-Encoding": "chunked"} if in_chunks else {})}
    assert story(1) in text_of(tmp_path, http(chunked(body) if in_chunks else body, headers))


def test_a_body_whose_chunks_were_joined_already_is_read(tmp_path: Path) -> None:
    assert story(1) in text_of(tmp_path, http(page(story(1)), {"Transfer-Encoding": "chunked"}))


@given(st.binary(max_size=300), st.integers(1, 100))
def test_chunks_are_joined_to_the_same_body(body: bytes, size: int) -> None:
    response = parse_response(http(chunked(body, size), {"Transfer-Encoding": "chunked"}))
    assert response is not None
    assert response.body == body


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
def test_a_body_that_is_a_bomb_is_cut(coding: str) -> None:
    zeros = bytes(2**28)
    pack = {"gzip": gzip.compress, "deflate": zlib.compress, "br": _brotli_fast, "zstd": zstandard.compress}
    start = time.process_time()
    packed = pack[coding](zeros)
    packing, start = time.process_time() - start, time.process_time()
    response = parse_response(http(packed, {"Content-Encoding": coding}))
    assert response is not None
    assert len(response.body) <= 2**24
    assert time.process_time() - start < 5 + 3 * packing


def _brotli_fast(content: bytes) -> bytes:
    packed: bytes = brotli.compress(content, quality=1)
    return packed


RUSSIAN = (
    "Смотритель маяка каждое утро считает корабли и записывает погоду в толстую тетрадь, а вечером чинит "
    "перила и пишет длинное письмо о шторме на прошлой неделе."
)
JAPANESE = "灯台守は毎朝、船の数を数えて天気を帳面に書きます。夕方には手すりを直して長い手紙を書きます。" * 2


def in_charset(charset: str) -> str:
    return JAPANESE if "jp" in charset or "jis" in charset else RUSSIAN


@pytest.mark.parametrize(
    "charset",
    ["windows-1251", "koi8-r", "utf-8", "shift_jis", "euc-jp", "iso-2022-jp", "utf-16", "utf-16le"],
)
def test_the_charset_of_a_page_comes_from_its_header(tmp_path: Path, charset: str) -> None:
    text = in_charset(charset)
    response = http(page(text).encode(charset), kind=f"text/html; charset={charset}")
    assert text in text_of(tmp_path, response)


@pytest.mark.parametrize(
    "head", ["<meta charset={}>", '<meta http-equiv="Content-Type" content="text/html; charset={}">']
)
@pytest.mark.parametrize("charset", ["windows-1251", "shift_jis", "iso-2022-jp"])
def test_the_charset_of_a_page_comes_from_itself_where_the_header_tells_none(
    tmp_path: Path, charset: str, head: str
) -> None:
    text = in_charset(charset)
    response = http(page(text, head.format(charset)).encode(charset), kind="text/html")
    assert text in text_of(tmp_path, response)


def test_a_page_that_is_utf8_is_read_so_whatever_it_says(tmp_path: Path) -> None:
    body = page(RUSSIAN, "<meta charset=windows-1251>")
    assert RUSSIAN in text_of(tmp_path, http(body, kind="text/html; charset=iso-8859-1"))


@pytest.mark.parametrize(
    "charset",
    ["undefined", "idna", "punycode", "base64", "rot13", "none", "utf-9", "", '"', "\xff", "*=utf-8''x"],
)
@pytest.mark.parametrize("media", ["text/html", "text/plain"])
def test_a_charset_that_is_none_costs_nothing(tmp_path: Path, charset: str, media: str) -> None:
    body = "Un café au port où " + story(1)
    content = (page(body) if media == "text/html" else body).encode("latin-1")
    response = http(content, kind=f"{media}; charset={charset}")
    file = written(tmp_path / "a.warc", record(response), record(http(page(story(2)))))
    first, second = texts(file)
    assert isinstance(first, Text)
    assert story(1) in first.text
    assert isinstance(second, Text)


def test_a_content_type_that_is_sent_twice_counts_once(tmp_path: Path) -> None:
    response = http(page(story(1)), {"Content-Type": "text/html; charset=utf-8"}, kind="text/html")
    assert "Imprint" not in text_of(tmp_path, response)


def test_a_page_of_no_type_is_told_by_its_first_character(tmp_path: Path) -> None:
    assert story(1) in text_of(tmp_path, http(page(story(1)), kind=""))
    (item,) = items_of(written(tmp_path / "b.warc", record(http(story(1), kind="nonsense"))))
    assert left_out_of([item])[0].reason == "not_text"


@pytest.mark.parametrize("status", ["404 Not Found", "301 Moved", "500 Oops", "204 No Content", "x y", ""])
def test_an_answer_other_than_200_is_no_page(tmp_path: Path, status: str) -> None:
    (item,) = items_of(written(tmp_path / "a.warc", record(http(page(story(1)), status=status))))
    assert isinstance(item, LeftOut)
    assert (item.reason, item.broken) == ("no_page", False)


@pytest.mark.parametrize("kind", ["image/png", "application/pdf", "video/mp4", "application/json"])
def test_a_file_that_is_no_text_is_told(tmp_path: Path, kind: str) -> None:
    file = written(tmp_path / "a.warc", record(http(bytes(range(256)), kind=kind)))
    (item,) = items_of(file)
    assert isinstance(item, LeftOut)
    assert (item.reason, item.broken) == ("not_text", False)


def test_a_resource_is_read_by_its_own_type(tmp_path: Path) -> None:
    file = written(
        tmp_path / "a.warc",
        record(page(story(1)), type_="resource", kind="text/html"),
        record(story(2), type_="resource", kind="text/plain"),
        record(b"\x89PNG", type_="resource", kind="image/png"),
    )
    first, second, third = items_of(file)
    assert story(1) in documents_in([first])[0].text
    assert documents_in([second])[0].text == story(2)
    assert left_out_of([third])[0].reason == "not_text"


@pytest.mark.parametrize("type_", ["warcinfo", "request", "metadata", "revisit", "continuation", "future"])
def test_records_that_hold_no_text_are_passed_over(tmp_path: Path, type_: str) -> None:
    members = [record(http(page(story(1))), type_=type_), record(http(page(story(2))))]
    (document,) = documents_in(items_of(written(tmp_path / "a.warc", *members)))
    assert document.row == 2


def test_what_writers_of_archives_put_there_for_themselves_is_passed_over(tmp_path: Path) -> None:
    members = [record(story(n), uri=uri, kind="text/plain") for n, uri in enumerate(("dns:a", "urn:x:y"))]
    assert items_of(written(tmp_path / "a.warc", *members)) == []


# Damage


def wets(numbers: Sequence[int]) -> list[bytes]:
    return [wet(story(n), f"https://cape.example/{n}") for n in numbers]


def told(file: Path) -> tuple[list[str], list[tuple[int, str]]]:
    """The texts that are read, and the breaks."""
    items = texts(file)
    read = [item.text for item in items if isinstance(item, Text)]
    return read, [(item.offset, item.reason) for item in items if isinstance(item, Unread)]


STORIES = [story(n) for n in range(6)]


def test_a_body_that_ends_too_soon_is_told_with_its_record_s_offset(tmp_path: Path) -> None:
    content = b"".join(wets(range(6)))
    read, breaks = told(written(tmp_path / "a.wet", content[:-100]))
    assert read[:5] == STORIES[:5]
    assert read[5:] == [story(5)[: -100 + 4]]
    assert breaks == [(len(b"".join(wets(range(5)))), "truncated")]


def test_a_header_that_ends_too_soon_is_told_with_its_offset(tmp_path: Path) -> None:
    content = b"".join(wets(range(5)))
    read, breaks = told(written(tmp_path / "a.wet", content, wet("x")[:60]))
    assert (read, breaks) == (STORIES[:5], [(len(content), "truncated")])


@pytest.mark.parametrize(
    "garbage",
    [b"garbage", b"\0" * 5000, b"\r\n\r\nlines\r\nof it\r\n", b"<html>" * 50_000, b"WARC/9.9\r\n\r\n"],
    ids=["word", "zeros", "lines", "300 kB", "version"],
)
def test_garbage_between_records_costs_none_of_them(tmp_path: Path, garbage: bytes) -> None:
    first, second = b"".join(wets(range(3))), b"".join(wets(range(3, 6)))
    read, breaks = told(written(tmp_path / "a.wet", first, garbage, b"\r\n\r\n", second))
    assert read == STORIES
    ((offset, reason),) = breaks
    assert reason == "broken_archive"
    assert len(first) <= offset <= len(first) + 4


@pytest.mark.parametrize(
    ("length", "reason"),
    [
        ("20", "wrong_length"),
        ("400", "wrong_length"),
        ("1000000", "wrong_length"),
        ("-5", "broken_archive"),
        ("", "broken_archive"),
        ("many", "broken_archive"),
        ("٣", "broken_archive"),
        ("9" * 30, "broken_archive"),
        ("1" + "0" * 12, "too_long"),
    ],
)
@PACKED
def test_a_wrong_length_costs_at_most_its_own_record(
    tmp_path: Path, length: str, reason: str, ending: str
) -> None:
    broken = record(story(2), type_="conversion", kind="text/plain", length=length)
    members = [PACKS[ending](member) for member in (*wets((0, 1)), broken, *wets((3, 4, 5)))]
    read, breaks = told(written(tmp_path / f"a.wet{ending}", *members))
    assert [text for text in read if text != story(2)] == [*STORIES[:2], *STORIES[3:]]
    assert (story(2) in read) == (reason == "wrong_length")
    assert breaks == [(len(members[0]) + len(members[1]), reason)]


@pytest.mark.parametrize("ending", [".gz", ".zst", ".lz4", ".bz2"])
@pytest.mark.parametrize("where", ["middle", "first bytes", "end"])
def test_a_broken_member_costs_itself_and_is_told_once_with_its_offset(
    tmp_path: Path, ending: str, where: str
) -> None:
    members = [PACKS[ending](member) for member in wets(range(6))]
    broken = bytearray(members[2])
    place = {"middle": len(broken) // 2, "first bytes": 0, "end": len(broken) - 12}[where]
    broken[place : place + 8] = b"\xff" * 8
    read, breaks = told(written(tmp_path / f"a.wet{ending}", *members[:2], bytes(broken), *members[3:]))
    assert [text for text in read if text in STORIES and text != story(2)] == [*STORIES[:2], *STORIES[3:]]
    assert [offset for offset, _ in breaks] == [len(members[0]) + len(members[1])]


@pytest.mark.parametrize("ending", [".gz", ".zst", ".lz4"])
def test_a_member_cut_off_before_the_next_one_costs_itself(tmp_path: Path, ending: str) -> None:
    members = [PACKS[ending](member) for member in wets(range(6))]
    file = written(tmp_path / f"a.wet{ending}", *members[:2], members[2][:-25], *members[3:])
    read, breaks = told(file)
    assert [text for text in read if text in STORIES and text != story(2)] == [*STORIES[:2], *STORIES[3:]]
    assert [offset for offset, _ in breaks] == [len(members[0]) + len(members[1])]


def test_garbage_between_members_is_told_once(tmp_path: Path) -> None:
    members = [brief_gzip(member) for member in wets(range(6))]
    read, breaks = told(written(tmp_path / "a.wet.gz", *members[:3], b"garbage" * 99, *members[3:]))
    assert read == STORIES
    assert breaks == [(sum(map(len, members[:3])), "broken_archive")]


def test_two_breaks_are_two_tellings(tmp_path: Path) -> None:
    members = [brief_gzip(member) for member in wets(range(6))]
    rows = [*members[:2], b"garbage", *members[2:4], b"garbage", *members[4:]]
    read, breaks = told(written(tmp_path / "a.wet.gz", *rows))
    assert read == STORIES
    first = len(members[0]) + len(members[1])
    second = sum(map(len, members[:4])) + 7
    assert [offset for offset, _ in breaks] == [first, second]


def test_a_broken_arc_record_costs_itself(tmp_path: Path) -> None:
    good = [arc(story(n).encode(), f"http://cape.example/{n}", "text/plain") for n in range(4)]
    broken = good[1].replace(b"20080430204825", b"someday")
    read, breaks = told(written(tmp_path / "a.arc", good[0], broken, *good[2:]))
    assert read == [story(0), story(2), story(3)]
    assert breaks == [(len(good[0]), "broken_archive")]


@given(st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_damage_ends_the_reading(data: st.DataObject) -> None:
    ending = data.draw(st.sampled_from([*PACKS]))
    content = bytearray(b"".join(PACKS[ending](member) for member in wets(range(4))))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(content) - 1))
        match data.draw(st.sampled_from(["flip", "cut", "insert"])):
            case "flip":
                content[place] ^= data.draw(st.integers(1, 255))
            case "cut":
                del content[place : place + data.draw(st.integers(1, 200))]
            case _:
                content[place:place] = data.draw(st.binary(min_size=1, max_size=50))
        content = content or bytearray(b"x")
    with tempfile.TemporaryDirectory() as folder:
        file = written(Path(folder) / f"a.wet{ending}", bytes(content))
        offsets = [item.offset for item in texts(file)]
    assert offsets == sorted(offsets)


# An independent reader

URIS = st.integers(0, 999).map(lambda n: f"https://cape.example/{n}?q=%C3%A9")
RECORDS = st.lists(
    st.tuples(
        st.sampled_from(["response", "conversion", "resource", "warcinfo", "metadata"]),
        URIS,
        st.binary(max_size=2000)
        | st.sampled_from([b"", b"\r\n", b"WARC/1.0\r\n", b"x\r\n\r\nWARC/1.0\r\n\r\n", b"\0" * 9000]),
    ),
    max_size=8,
)


@given(RECORDS, st.sampled_from(["", ".gz", ".lz4", ".zst"]), st.booleans())
@example(
    [("response", "https://cape.example/", b"\r\n\r\nWARC/1.0\r\nContent-Length: 3\r\n\r\nabc")], "", False
)
@settings(max_examples=60, deadline=None)
def test_the_records_are_those_that_fastwarc_reads(
    made: list[tuple[str, str, bytes]], ending: str, one_member: bool
) -> None:
    members = [record(content, type_=type_, uri=uri, kind="x/y") for type_, uri, content in made]
    pack = PACKS[ending]
    archive = pack(b"".join(members)) if one_member else b"".join(map(pack, members))
    ours = list(read_warc(read_pieces(io.BytesIO(archive), compressed=bool(ending))))
    assert all(isinstance(item, Record) for item in ours)
    theirs = [
        (item.headers["WARC-Type"], item.headers["WARC-Target-URI"], item.reader.read())
        for item in ArchiveIterator(io.BytesIO(archive), parse_http=False)
    ]
    assert [
        (item.headers["warc-type"], item.headers["warc-target-uri"], item.content)
        for item in ours
        if isinstance(item, Record)
    ] == theirs


@given(RECORDS)
@settings(max_examples=40, deadline=None)
def test_offsets_are_those_that_fastwarc_tells(made: list[tuple[str, str, bytes]]) -> None:
    archive = b"".join(record(content, type_=type_, uri=uri, kind="x/y") for type_, uri, content in made)
    ours = [item.offset for item in read_warc(read_pieces(io.BytesIO(archive), compressed=False))]
    assert ours == [item.stream_pos for item in ArchiveIterator(io.BytesIO(archive), parse_http=False)]


# What would fill the memory or take for ever

BOMBS: dict[str, Pack] = {
    ".gz": lambda zeros: gzip.compress(zeros, 9),
    ".zst": zstandard.compress,
    ".lz4": lambda zeros: lz4.frame.compress(zeros, compression_level=9),
    ".bz2": bz2.compress,
}


@pytest.mark.parametrize("ending", BOMBS)
@pytest.mark.parametrize("format_", ["wet", "jsonl", "txt", "html"])
def test_a_decompression_bomb_is_refused_in_bounded_time(tmp_path: Path, ending: str, format_: str) -> None:
    bomb = BOMBS[ending](bytes(2**24)) * 64
    file = written(tmp_path / f"a.{format_}{ending}", BOMBS[ending](wet(story(0))), bomb)
    start = time.process_time()
    items = texts(file)
    assert time.process_time() - start < 15
    assert sum(len(item.text) for item in items if isinstance(item, Text)) < 2**10
    # LZ4 makes at most 255 times its size, which is read to the end, but as no text.
    if ending != ".lz4":
        assert isinstance(items[-1], Unread)
        # A single line, page or record is too long before the file is.
        assert items[-1].reason == "too_long" if format_ == "html" else "decompression_bomb"


def test_a_line_of_64_mb_is_refused_and_the_next_one_is_read(tmp_path: Path) -> None:
    noise = base64.b64encode(random.Random(5).randbytes(3 * 2**18))
    rows = [
        brief_gzip(b'{"text": "' + story(1).encode() + b'"}\n{"text": "'),
        brief_gzip(noise) * 64,
        brief_gzip(b'"}\n{"text": "' + story(2).encode() + b'"}\n'),
    ]
    first, long, second = texts(written(tmp_path / "a.jsonl.gz", *rows))
    assert isinstance(first, Text)
    assert first.text == story(1)
    assert isinstance(long, Unread)
    assert (long.row, long.offset, long.reason) == (2, len(story(1)) + 13, "too_long")
    assert isinstance(second, Text)
    assert (second.row, second.text) == (3, story(2))


@pytest.mark.parametrize("ending", [".jsonl.gz", ".txt.gz", ".html.gz"])
def test_many_tiny_members_take_time_in_proportion(tmp_path: Path, ending: str) -> None:
    """Each gives a few bytes, and none of them ends a line."""
    file = written(tmp_path / f"a{ending}", brief_gzip(b"word " * 40) * 40_000)
    start = time.process_time()
    texts(file)
    assert time.process_time() - start < 10
