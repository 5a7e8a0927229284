"""What the writers of files get wrong must cost no more than the place where it is wrong."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from personahub.corpus import LeftOut, ReadOptions, find_sources, read_documents
from personahub.records import Document

TEXT = "The ferry to the island leaves at half past six, unless the wind comes from the north."
NESTED = "[" * 1000 + "]" * 1000


def read(path: Path, **options: Any) -> list[Document | LeftOut]:
    return list(read_documents(find_sources([str(path)]), ReadOptions(**options)))


def rows(folder: Path, *lines: str) -> Path:
    path = folder / "rows.jsonl"
    path.write_text("\n".join(lines))
    return path


@pytest.mark.parametrize("field", ["date", "license", "title", "url"])
def test_half_a_character_in_a_field_does_not_come_out(tmp_path: Path, field: str) -> None:
    line = json.dumps({"text": TEXT, field: "https://example.org/\ud834"})
    [document] = read(rows(tmp_path, line))
    assert isinstance(document, Document)
    assert all("\ud834" not in value for value in (document.date, document.licence, document.url))
    assert "\ud834" not in (document.title or "")


@pytest.mark.parametrize("field", ["date", "license", "title", "url", "meta"])
def test_a_field_nested_deep_costs_no_document(tmp_path: Path, field: str) -> None:
    [document] = read(rows(tmp_path, f'{{"text": "{TEXT}", "{field}": {NESTED}}}'))
    assert isinstance(document, Document)


@pytest.mark.parametrize("condition", ["tags=a", "tags>a", "date>2020", "domain=example.org"])
def test_a_condition_on_a_field_nested_deep_leaves_the_text_out(tmp_path: Path, condition: str) -> None:
    line = f'{{"text": "{TEXT}", "tags": {NESTED}, "date": {NESTED}, "url": {NESTED}}}'
    [left_out] = read(rows(tmp_path, line), where=[condition])
    assert isinstance(left_out, LeftOut)
    assert left_out.reason == "where"


@pytest.mark.parametrize(
    "charset", ["idna", "punycode", "undefined", "rot13", "none", '"; charset*0=b; charset*=a']
)
@pytest.mark.parametrize("media", ["text/html", "text/plain"])
def test_a_charset_that_is_none_costs_no_page(tmp_path: Path, charset: str, media: str) -> None:
    body = f"<html><body><p>{TEXT} Où ?</p></body></html>".encode("latin-1")
    content = f"HTTP/1.1 200 OK\r\nContent-Type: {media}; charset={charset}\r\n\r\n".encode() + body
    head = f"WARC/1.0\r\nWARC-Type: response\r\nContent-Length: {len(content)}\r\n\r\n"
    path = tmp_path / "page.warc"
    path.write_bytes(head.encode() + content + b"\r\n\r\n")
    [document] = read(path)
    assert isinstance(document, Document)
    assert TEXT in document.text


def test_a_long_file_without_a_first_byte_of_a_character_is_not_utf8(tmp_path: Path) -> None:
    path = tmp_path / "long.txt"
    path.write_bytes(b"\x80" * (9 * 2**20))
    assert {item.reason for item in read(path) if isinstance(item, LeftOut)} == {"not_utf8"}


@pytest.mark.parametrize(
    ("unit", "zone", "date"),
    [
        ("ns", None, "2024-05-06 07:08:09.123456789"),
        ("us", None, "2024-05-06 07:08:09.123456"),
        ("us", "UTC", "2024-05-06 07:08:09.123456Z"),
        ("us", "Nowhere/Town", ""),
    ],
)
def test_dates_of_every_precision_and_zone_come_as_text(
    tmp_path: Path, unit: str, zone: str, date: str
) -> None:
    nanoseconds = 1714979289_123456789
    when = pa.array([nanoseconds // (1000 if unit == "us" else 1)], pa.timestamp(unit, tz=zone))
    pq.write_table(pa.table({"text": [TEXT], "date": when}), tmp_path / "rows.parquet")
    [document] = read(tmp_path / "rows.parquet")
    assert isinstance(document, Document)
    assert document.date == date


def test_a_date_beyond_all_calendars_costs_no_document(tmp_path: Path) -> None:
    table = pa.table({"text": [TEXT], "date": pa.array([2**62]).cast(pa.timestamp("us"))})
    pq.write_table(table, tmp_path / "rows.parquet")
    [document] = read(tmp_path / "rows.parquet")
    assert isinstance(document, Document)
