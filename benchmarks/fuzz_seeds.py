"""Whole files, small, for the fuzzer to break: real ones and made-up ones of every format."""

import gzip
import io
import json
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

__all__ = ["Seed", "find_seeds"]

_CUT_BYTES = 6_000


class Seed(NamedTuple):
    """A file to change."""

    name: str
    format: str
    content: bytes
    packed: bool = False
    """Whether the content is compressed already, or never is."""


_PLACES = (
    ("warcio_testdata/*", "warc"),
    ("jwarc_testdata/*", "warc"),
    ("cc_whirlwind/*.wet*", "warc"),
    ("derived_shapes/*.wet.gz", "warc"),
    ("dolma_warc/*", "warc"),
    ("ukwa_warc/*", "warc"),
    ("derived_shapes/*.signals.json.gz", "jsonl"),
    ("digitalgov_news/*", "jsonl"),
    ("dolma_ccnet/*", "jsonl"),
    ("ud_ru_gsd/*", "jsonl"),
)


def find_seeds(data: Path) -> list[Seed]:
    """The files of the data folder, small or cut small, as they are and decompressed, and made-up ones."""
    seeds = _made_up()
    for pattern, usual in _PLACES:
        for file in sorted(data.glob(pattern)):
            form = "arc" if ".arc" in file.name else usual
            raw = file.read_bytes()
            if len(raw) <= 2 * _CUT_BYTES and raw.startswith(b"\x1f\x8b"):
                seeds.append(Seed(file.name, form, raw, packed=True))
            content = b""
            while len(content) < _CUT_BYTES and raw.startswith(b"\x1f\x8b"):
                member = zlib.decompressobj(31)
                content += member.decompress(raw, _CUT_BYTES)
                raw = member.unused_data
            seeds.append(Seed(file.name, form, (content or raw)[:_CUT_BYTES]))
    return seeds


_SENTENCES = (
    "The ferry to the island leaves at half past six, unless the wind comes from the north. ",
    "Wer den Garten im Herbst umgräbt, findet im Frühjahr weniger Schnecken. ",
    "В старой мельнице теперь пекут хлеб три раза в неделю. ",
    "村里的老师每天早上骑自行车去学校，下雨的时候就走路去。",
    "L'atelier répare les vélos des élèves le mercredi après-midi. ",
)
_HEAD = "WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Target-URI: https://example.org/{number}\r\n"
_DATED = "WARC-Date: 2024-05-06T07:08:09Z\r\nContent-Type: {media}\r\nContent-Length: {size}\r\n\r\n"


def _record(number: int, kind: str, media: str, content: bytes) -> bytes:
    head = (_HEAD + _DATED).format(kind=kind, number=number, media=media, size=len(content))
    return head.encode() + content + b"\r\n\r\n"


def _page(number: int, charset: str) -> bytes:
    text = "".join(f"<p>{_SENTENCES[(number + n) % 5]}</p>\n" for n in range(4))
    page = (
        f"<html lang=en><head><meta charset={charset}><title>Notice {number}</title>"
        f'<link rel="license" href="https://creativecommons.org/licenses/by/4.0/"></head>'
        f"<body><nav><a href=/>Home</a></nav><h1>Notice</h1>\n<article>{text}</article></body></html>"
    )
    return page.encode(charset, "replace")


def _response(number: int, body: bytes, *more: str, media: str = "text/html; charset=utf-8") -> bytes:
    lines = ["HTTP/1.1 200 OK", f"Content-Type: {media}", *more, f"Content-Length: {len(body)}", "", ""]
    return _record(number, "response", "application/http", "\r\n".join(lines).encode() + body)


def _chunked(body: bytes) -> bytes:
    parts = [body[start : start + 300] for start in range(0, len(body), 300)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def _made_up() -> list[Seed]:
    texts = ["".join(_SENTENCES[number % 5 : number % 5 + 1 + number % 3]) for number in range(12)]
    wet = b"".join(
        _record(number, "conversion", "text/plain", text.encode()) for number, text in enumerate(texts)
    )
    page = _page(1, "utf-8")
    pages = [
        _record(0, "warcinfo", "application/warc-fields", b"software: none\r\n"),
        _response(1, page),
        _response(2, _chunked(page), "Transfer-Encoding: chunked"),
        _response(3, gzip.compress(page, mtime=0), "Content-Encoding: gzip"),
        _response(4, zlib.compress(page), "Content-Encoding: deflate"),
        _response(5, zstandard.compress(page), "Content-Encoding: zstd"),
        _response(6, _page(6, "windows-1251"), media="text/html; charset=windows-1251"),
        _response(7, "".join(texts).encode(), "X-Robots-Tag: noai", media="text/plain; charset=utf-8"),
        _record(8, "resource", "text/html", _page(8, "latin-1")),
        _record(9, "request", "application/http", b"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n"),
    ]
    arc = b"filedesc://made.arc 0.0.0.0 20240506070809 text/plain 76\n1 0 Example\n" + (
        b"URL IP-address Archive-date Content-type Archive-length\n\n"
    )
    for number in range(2):
        body = b"HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n" + _page(number, "utf-8")
        arc += b"http://example.org/%d 192.0.2.1 20240506070809 text/html %d\n" % (number, len(body))
        arc += body + b"\n"
    rows = [
        {"text": text, "id": f"r{number}", "url": f"https://example.org/{number}", "date": "2024-05-06"}
        for number, text in enumerate(texts)
    ]
    nested = [{"raw_content": text, "meta": {"score": 0.5}, "license": "cc-by-4.0"} for text in texts]
    signals = [{"content": t, "quality_signals": json.dumps({"rps_lines": [[0, 9, 1.0]]})} for t in texts]
    lines = [json.dumps(row, ensure_ascii=len(row) % 2 == 0) for row in rows + nested + signals]
    markdown = "# Notice #\n\n" + "\n\n".join(texts)
    return [
        Seed("wet", "warc", wet),
        Seed("pages", "warc", b"".join(pages)),
        *(Seed(f"page{number}", "warc", record) for number, record in enumerate(pages)),
        Seed("arc", "arc", arc),
        Seed("rows", "jsonl", "\n".join(lines).encode()),
        Seed("rows-bom", "jsonl", b"\xef\xbb\xbf" + "\r\n".join(lines[::5]).encode()),
        Seed("html", "html", page),
        Seed("html-1252", "html", _page(2, "windows-1252")),
        Seed("markdown", "text", markdown.encode()),
        *(Seed(f"parquet-{name}", "parquet", content, packed=True) for name, content in _parquets(rows)),
    ]


def _parquets(rows: Sequence[dict[str, str]]) -> list[tuple[str, bytes]]:
    when = pa.array(range(len(rows)), pa.timestamp("us", tz="UTC"))
    table = pa.Table.from_pylist(list(rows)).append_column("when", when)
    meta = pa.array([{"score": number / 7, "tags": ["a"] * (number % 3)} for number in range(len(rows))])
    table = table.append_column("meta", meta)
    made = []
    for name, options in {
        "plain": {"compression": "none", "use_dictionary": False},
        "snappy": {"compression": "snappy", "row_group_size": 5},
        "zstd": {"compression": "zstd", "write_page_checksum": True, "data_page_version": "2.0"},
    }.items():
        file = io.BytesIO()
        pq.write_table(table, file, **options)
        made.append((name, file.getvalue()))
    return made
