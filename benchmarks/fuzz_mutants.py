"""Broken files to read: whole ones changed at random, drawn by seed and number.

A mutant is made in two steps, since a changed byte of a compressed file mostly only breaks a checksum: the
content is changed, packed, and sometimes what was packed is changed once more.
"""

import bz2
import gzip
import random
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

import lz4.frame
import zstandard

from fuzz_seeds import Seed

__all__ = ["Mutant", "mutant"]

_MAX_BYTES = 40_000
"""Of a mutant's content: blocks that are doubled again and again would make slow ones."""


class Mutant(NamedTuple):
    """A changed file."""

    name: str
    """Its seed and what was done to it."""
    ending: str
    format: str
    content: bytes


_FIELD_ENDS = re.compile(rb"\r?\n|[;,{\"]")
_NUMBER = re.compile(rb"(?<=[ :])\d{1,12}(?=[\r\n])")
_LENGTHS = (b"0", b"-1", b"1", b"99999", b"16777216", b"16777217", b"999999999999999", b"1e3", b"")
_INTEGERS = (0, 1, 2**7, 2**8 - 1, 2**15, 2**16, 2**24, 2**31 - 1, 2**31, 2**32 - 1)
_CHARSETS = (
    b"idna undefined punycode utf-16 unicode_escape utf-7 hz rot13 base64 iso2022_jp \xc3\xa9 cp65001".split()
)
_ENCODINGS = (b"gzip", b"br", b"deflate, gzip", b"zstd", b"gzip,gzip")
_TOKENS = (
    *(b"; charset=" + name for name in _CHARSETS),
    *(b"\r\nContent-Encoding: " + name for name in _ENCODINGS),
    *b"; charset*0=a; charset*=b|; charset*=utf-8''a%ff|; charset=\"utf-8".split(b"|"),
    *b"\0|\n|\r|\r\n\r\n|\xff\xfe|\xef\xbb\xbf|\xed\xa0\x80|\xf0\x9f\x91|\xe2\x80\xa8".split(b"|"),
    *b"WARC/1.0\r\n|\nWARC/1.1\r\n|\nWARC/0.18\r\n\r\n|\r\nContent-Length: 5|HTTP/".split(b"|"),
    *b"HTTP/1.1 999\r\n|\r\nTransfer-Encoding: chunked|ffffffff\r\n|0\r\n\r\n".split(b"|"),
    *b'\\ud800|"\\udc00"|"text": null,|"text": 1,|"date": "\\ud834",|"license": "\\ud834",'.split(b"|"),
    *b'"url": "https://[::1",|"url": "https://example.org/\\udfff",|NaN|-Infinity|1e999'.split(b"|"),
    *b'"meta": "{\\"a\\":|"quality_signals": [[0,1]],|"opt_out": "\\ud834",'.split(b"|"),
    *(b'"opt_out": ' + b"[" * 1000 + b"]" * 1000 + b",", b"9" * 5000, b"[" * 1020, b"[" * 100_000),
    *b"<script>|<!--|<![CDATA[|&#xd800;|&#0;|<p title='|<?xml encoding='x'?>".split(b"|"),
    *(b"<meta charset=raw_unicode_escape>", b"<a" * 300, b"<div>" * 3000, b"\0" * 600),
    *b"\x1f\x8b\x08|\x28\xb5\x2f\xfd|\x04\x22\x4d\x18|BZh9|\x50\x2a\x4d\x18\xff\xff\xff\xff".split(b"|"),
)

_NESTED = b"[" * 1000 + b"]" * 1000
_VALUES: Sequence[tuple[re.Pattern[bytes], Sequence[bytes]]] = (
    (re.compile(rb"(?<=charset=)[\w-]{2,40}"), (*_CHARSETS, b"x; charset*0=a; charset*=b", b'"x')),
    (
        re.compile(rb'(?<=": )(?:"[^"]*"|[\d.]+|null)(?=[,}])'),
        (_NESTED, b'"\\ud834"', b'"https://\\ud834/"', b"null", b"1e400", b'{"a": 1}', b'""', b"9" * 400),
    ),
    (
        re.compile(rb"(?<=: )[^\r\n]{1,80}(?=\r?\n)"),
        (*_ENCODINGS, b"chunked", b"text/html; charset*0=a; charset*=b", b"\xff\xfe", b"", b"a" * 70_000),
    ),
)
"""What may stand for the value of a charset, of a JSON field and of a header."""

_Change = Callable[[random.Random, bytearray, "Sequence[Seed]"], None]


def _block(draw: random.Random, content: bytearray) -> tuple[int, int]:
    start = draw.randrange(len(content) + 1)
    return start, min(len(content), start + int(2 ** draw.uniform(0, 11)))


def _flip(draw: random.Random, content: bytearray, _: Sequence[Seed]) -> None:
    for _times in range(draw.choice((1, 1, 2, 8)) if content else 0):
        content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)


def _delete(draw: random.Random, content: bytearray, _: Sequence[Seed]) -> None:
    start, end = _block(draw, content)
    del content[start:end]


def _insert(draw: random.Random, content: bytearray, _: Sequence[Seed]) -> None:
    start = draw.randrange(len(content) + 1)
    content[start:start] = draw.randbytes(int(2 ** draw.uniform(0, 8)))


def _insert_token(draw: random.Random, content: bytearray, _: Sequence[Seed]) -> None:
    # Most of them where the lines and fields of headers and rows begin or end.
    places = [match.start() for match in _FIELD_ENDS.finditer(content)] if draw.random() < 0.7 else []
    start = draw.choice(places) + draw.randrange(2) if places else draw.randrange(len(content) + 1)
    content[start:start] = draw.choice(_TOKENS)


def _change_value(draw: random.Random, content: bytearray, _: Sequence[Seed]) -> None:
    for pattern, values in draw.sample(_VALUES, len(_VALUES)):
        if found := list(pattern.finditer(content)):
            start, end = draw.choice(found).span()
            content[start:end] = draw.choice(values)
            return


def _truncate(draw: random.Random, content: bytearray, _: Sequence[Seed]) -> None:
    del content[draw.randrange(len(content) + 1) :]


def _double(draw: random.Random, content: bytearray, _: Sequence[Seed]) -> None:
    start, end = _block(draw, content)
    content[end:end] = content[start:end] * draw.choice((1, 1, 1, 3))


def _swap(draw: random.Random, content: bytearray, _: Sequence[Seed]) -> None:
    (a, b), (c, d) = sorted((_block(draw, content), _block(draw, content)))
    b = min(b, c)
    content[a:d] = content[c:d] + content[b:c] + content[a:b]


def _change_length(draw: random.Random, content: bytearray, _: Sequence[Seed]) -> None:
    if numbers := list(_NUMBER.finditer(content)):
        found = draw.choice(numbers)
        near = b"%d" % max(0, int(found[0]) + draw.randint(-20, 20))
        content[found.start() : found.end()] = draw.choice((*_LENGTHS, near, near, near))


def _change_integer(draw: random.Random, content: bytearray, _: Sequence[Seed]) -> None:
    size = draw.choice((1, 2, 4, 8))
    if len(content) > size:
        # The footers of Parquet and of gzip are at the end.
        start = draw.choice((draw.randrange(len(content) - size), len(content) - size, len(content) - 8))
        number = draw.choice(_INTEGERS) % 2 ** (8 * size)
        content[max(0, start) : max(0, start) + size] = number.to_bytes(size, "little")


def _splice(draw: random.Random, content: bytearray, seeds: Sequence[Seed]) -> None:
    other = draw.choice(seeds).content
    content[draw.randrange(len(content) + 1) :] = other[draw.randrange(len(other) + 1) :]


_CHANGES: Sequence[_Change] = (
    _flip,
    _delete,
    _insert,
    _insert_token,
    _change_value,
    _truncate,
    _double,
    _swap,
    _change_length,
    _change_length,
    _change_integer,
    _splice,
)


def _changed(draw: random.Random, content: bytes, seeds: Sequence[Seed], done: list[str]) -> bytes:
    made = bytearray(content)
    for _ in range(draw.choice((1, 1, 1, 2, 2, 3, 5))):
        change = draw.choice(_CHANGES)
        change(draw, made, seeds)
        done.append(change.__name__.strip("_"))
    return bytes(made[: max(_MAX_BYTES, len(content))])


_PACKERS: Sequence[tuple[str, Callable[[bytes], bytes]]] = (
    ("", bytes),
    (".gz", lambda part: gzip.compress(part, 1, mtime=0)),
    (".gz", lambda part: gzip.compress(part, 1, mtime=0)),
    (".zst", zstandard.ZstdCompressor(level=1, write_checksum=True).compress),
    (".lz4", lz4.frame.compress),
    (".bz2", bz2.compress),
)
_STARTS = re.compile(rb"(?=^WARC/1\.|^\{)", re.MULTILINE)


def mutant(seeds: Sequence[Seed], seed: int, number: int) -> Mutant:
    """The mutant of a number: the same seeds, seed and number make the same one."""
    draw = random.Random(f"{seed} {number}")
    whole = draw.choice(seeds)
    done: list[str] = []
    content, ending = whole.content, ""
    inside = whole.packed or draw.random() < 0.75
    if inside:
        content = _changed(draw, content, seeds, done)
    if not whole.packed:
        ending, pack = draw.choice(_PACKERS)
        parts = [part for part in _STARTS.split(content) if part] if draw.random() < 0.6 else [content]
        content = b"".join(map(pack, parts or [b""]))
        if not inside or draw.random() < 0.25:
            content = _changed(draw, content, seeds, done)
    form = draw.choice(seeds).format if draw.random() < 0.04 else whole.format
    return Mutant(f"{whole.name}{ending} as {form}: {', '.join(done)}", ending, form, content)
