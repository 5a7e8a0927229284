"""Several processes read what one reads, in the same order."""

import gzip
import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from personahub.corpus import LeftOut, ReadOptions, find_sources, read_documents
from personahub.errors import UserError
from personahub.records import Document

WORDS = ["ferry", "island", "wind", "north", "harbour", "winch", "slipway", "tide", "council", "garden"]


def texts(count: int, seed: int = 1) -> list[str]:
    draw = random.Random(seed)
    return [f"{number} " + " ".join(draw.choices(WORDS, k=400)) for number in range(count)]


def jsonl(made: Sequence[str]) -> bytes:
    # Some rows are broken, too short or there twice.
    lines = [json.dumps({"text": text}) for text in made]
    return "\n".join([*lines, "{", '{"text": "short"}', *lines[::7]]).encode()


def wet(made: Sequence[str]) -> bytes:
    records = (
        f"WARC/1.0\r\nWARC-Type: conversion\r\nContent-Length: {len(text)}\r\n\r\n{text}\r\n\r\n"
        for text in made
    )
    return "".join(records).encode().replace(b"Content-Length: 2", b"Content-Length: 9", 5)


def parquet(made: Sequence[str]) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"text": list(made)}), sink, row_group_size=100, compression="none")
    return bytes(sink.getvalue())


def plain(made: Sequence[str]) -> bytes:
    return "\n\n".join(made).encode()


def read(paths: Sequence[Path], jobs: int) -> list[Document | LeftOut]:
    options = ReadOptions(filters=False)
    return list(read_documents(find_sources([str(path) for path in paths]), options, jobs=jobs))


@pytest.mark.parametrize(
    ("name", "pack"), [("a.jsonl", jsonl), ("a.wet", wet), ("a.parquet", parquet), ("a.txt", plain)]
)
def test_processes_share_a_long_file_and_keep_its_order(
    tmp_path: Path, name: str, pack: Callable[[Sequence[str]], bytes]
) -> None:
    path = tmp_path / name
    path.write_bytes(pack(texts(300)))
    assert path.stat().st_size > 2**18
    alone = read([path], 1)
    assert sum(isinstance(item, Document) for item in alone) > 0
    assert read([path], 3) == alone


def test_short_and_long_files_keep_their_order(tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.jsonl" for number in range(7)]
    for number, path in enumerate(paths):
        path.write_bytes(jsonl(texts(200 if number % 3 == 1 else 9, seed=number)))
    assert read(paths, 2) == read(paths, 1)


def test_a_file_that_is_cut_short_is_told_once(tmp_path: Path) -> None:
    path = tmp_path / "cut.jsonl.gz"
    content = gzip.compress(jsonl(texts(400)))
    path.write_bytes(content[: len(content) * 2 // 3])
    found = read([path], 3)
    assert found == read([path], 1)
    assert [item.reason for item in found if isinstance(item, LeftOut) and item.broken] == ["truncated"]


def test_a_file_that_cannot_be_opened_stops_after_those_before_it(tmp_path: Path) -> None:
    paths = [tmp_path / "a.jsonl", tmp_path / "b.jsonl"]
    for number, path in enumerate(paths):
        path.write_bytes(jsonl(texts(200, seed=number)))
    sources = find_sources([str(path) for path in paths])
    paths[1].unlink()
    found = []
    with pytest.raises(UserError, match=r"b\.jsonl: cannot be read"):
        found.extend(item.source for item in read_documents(sources, ReadOptions(), jobs=2))
    assert set(found) <= {str(paths[0])}
