"""Files to read, as long as wished, made of the texts of the data folder; no two records are alike."""

import gzip
import json
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import BinaryIO, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from personahub.corpus.opening import read_texts
from personahub.corpus.sources import find_sources
from personahub.corpus.texts import Text

__all__ = ["Made", "make"]

_SOURCES = ("derived_shapes/dolma_warc.warc.wet.gz", "digitalgov_news/docs.jsonl.gz")
_GROUP_ROWS = 100_000
_WET = (
    "WARC/1.0\r\nWARC-Type: conversion\r\nWARC-Target-URI: {url}\r\nWARC-Date: 2024-04-25T16:24:44Z\r\n"
    "WARC-Record-ID: <urn:uuid:00000000-0000-0000-0000-{number:012d}>\r\n"
    "WARC-Identified-Content-Language: eng\r\nContent-Type: text/plain\r\nContent-Length: {size}\r\n\r\n"
)


class Made(NamedTuple):
    """A file, and what is in it."""

    path: Path
    records: int
    megabytes: float
    """Of text, in millions of bytes."""


def texts(data: Path) -> Iterator[str]:
    """Those of the data folder again and again, each time with their lines turned further round."""
    found = []
    for source in find_sources([str(data / name) for name in _SOURCES]):
        with closing(read_texts(source)) as items:
            found += [item.text.split("\n") for item in items if isinstance(item, Text)]
    for round_ in count():
        for number, lines in enumerate(found):
            turn = round_ % len(lines)
            yield "\n".join([*lines[turn:], *lines[:turn], f"{round_}-{number}"])


def _enough(data: Path, size: int) -> Iterator[tuple[int, str, bytes]]:
    made = 0
    for number, text in enumerate(texts(data)):
        content = text.encode()
        yield number, text, content
        if (made := made + len(content)) >= size:
            return


def make(data: Path, folder: Path, name: str, size: int) -> Made:
    """The file of that name with texts of so many bytes in all; one that is there already is taken.

    Its ending says what it is: .wet, .wet.gz (a member a record), .jsonl, .jsonl.gz, .parquet (row groups of
    100,000 rows) or .txt (all texts as one).
    """
    folder.mkdir(parents=True, exist_ok=True)
    path, about = folder / name, folder / f"{name}.about"
    if not about.exists():
        write = next(writer for ending, writer in _WRITERS.items() if name.endswith(ending))
        with path.open("wb") as file:
            records, made = write(file, _enough(data, size))
        about.write_text(json.dumps([records, made]))
    records, made = json.loads(about.read_text())
    return Made(path, records, made / 1e6)


_Texts = Iterator[tuple[int, str, bytes]]


def _each(file: BinaryIO, items: _Texts, record: Callable[[int, str, bytes], bytes]) -> tuple[int, int]:
    records = made = 0
    for number, text, content in items:
        file.write(record(number, text, content))
        records, made = records + 1, made + len(content)
    return records, made


def _wet_record(number: int, _: str, content: bytes) -> bytes:
    head = _WET.format(url=f"https://example.org/{number}", number=number, size=len(content))
    return head.encode() + content + b"\r\n\r\n"


def _row(number: int, text: str) -> dict[str, object]:
    url = f"https://example.org/{number}"
    return {"text": text, "id": f"made-{number}", "url": url, "date": "2024-04-25", "language_score": 0.98}


def _line(number: int, text: str, _: bytes) -> bytes:
    return json.dumps(_row(number, text), ensure_ascii=False).encode() + b"\n"


def _write_lines_gz(file: BinaryIO, items: _Texts) -> tuple[int, int]:
    with gzip.open(file, "wb", 6) as packed:
        return _each(packed, items, _line)  # type: ignore[arg-type]


def _write_parquet(file: BinaryIO, items: _Texts) -> tuple[int, int]:
    records = made = 0
    writer: pq.ParquetWriter | None = None
    ended = False
    while not ended:
        rows = []
        for number, text, content in items:
            rows.append(_row(number, text))
            made += len(content)
            if len(rows) == _GROUP_ROWS:
                break
        ended = len(rows) < _GROUP_ROWS
        table = pa.Table.from_pylist(rows)
        writer = writer or pq.ParquetWriter(file, table.schema)
        writer.write_table(table, _GROUP_ROWS)
        records += len(rows)
    writer.close()
    return records, made


def _packed_record(number: int, text: str, content: bytes) -> bytes:
    member = zlib.compressobj(6, wbits=31)
    return member.compress(_wet_record(number, text, content)) + member.flush()


_WRITERS: dict[str, Callable[[BinaryIO, _Texts], tuple[int, int]]] = {
    ".wet": lambda file, items: _each(file, items, _wet_record),
    ".wet.gz": lambda file, items: _each(file, items, _packed_record),
    ".jsonl": lambda file, items: _each(file, items, _line),
    ".jsonl.gz": _write_lines_gz,
    ".parquet": _write_parquet,
    ".txt": lambda file, items: _each(file, items, lambda _number, _text, content: content + b"\n\n"),
}
