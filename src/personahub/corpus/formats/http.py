"""HTTP responses as archives keep them: status, headers, and the body as its sender meant it."""

import re
import zlib
from collections.abc import Callable
from typing import NamedTuple

import brotli
import zstandard

from personahub.corpus.texts import MAX_TEXT_BYTES, decoded

__all__ = ["Response", "parse_response"]

_HEAD_END = re.compile(rb"\r?\n\r?\n")
_CHUNK = re.compile(rb"\s{0,4}([0-9a-fA-F]{1,8})[ \t]*(?:;[^\n]{0,1000})?\r?\n")


class Response(NamedTuple):
    """A response."""

    status: int
    headers: dict[str, str]
    """Names in lower case; values of one name joined by commas."""
    body: bytes
    """Without chunks and compression; cut at :data:`~personahub.corpus.texts.MAX_TEXT_BYTES`."""


def parse_response(content: bytes) -> Response | None:
    """The response that a record holds; None where it is none.

    Archives often keep a body decoded under headers that say otherwise, so what does not fit them stays.
    """
    if not content.startswith(b"HTTP/"):
        return None
    end = _HEAD_END.search(content)
    first, _, lines = content[: end.start() if end else len(content)].partition(b"\n")
    words = first.split()
    status = int(words[1]) if len(words) > 1 and re.fullmatch(rb"[1-9][0-9]{2}", words[1]) else 0
    headers: dict[str, str] = {}
    for line in decoded(lines).split("\n"):
        name, colon, value = line.partition(":")
        if colon:
            name, value = name.strip().lower(), value.strip()
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
    body = content[end.end() :] if end else b""
    if "chunked" in headers.get("transfer-encoding", "").lower():
        body = _without_chunks(body)
    for encoding in reversed(headers.get("content-encoding", "").lower().split(",")):
        body = _decompressed(body, encoding.strip())
    return Response(status, headers, body[:MAX_TEXT_BYTES])


def _without_chunks(body: bytes) -> bytes:
    parts, at = [], 0
    while chunk := _CHUNK.match(body, at):
        size = int(chunk[1], 16)
        parts.append(body[chunk.end() : chunk.end() + size])
        at = chunk.end() + size
        if not size:
            break
    else:
        if at < len(body):
            # No chunks after all, or none from here on.
            parts.append(body[at:])
    return b"".join(parts)


def _decompressed(body: bytes, encoding: str) -> bytes:
    decode = _DECODERS.get(encoding)
    try:
        return decode(body) if decode else body
    except (zlib.error, zstandard.ZstdError, brotli.error, EOFError, ValueError):
        return body


def _inflate(body: bytes) -> bytes:
    # zlib's own wrapper, gzip's, or, as some servers take "deflate", none.
    for wbits in (47, -15):
        try:
            return zlib.decompressobj(wbits).decompress(body, MAX_TEXT_BYTES)
        except zlib.error as error:
            wrong = error
    raise wrong


def _gunzip(body: bytes) -> bytes:
    return zlib.decompressobj(31).decompress(body, MAX_TEXT_BYTES)


def _brotli(body: bytes) -> bytes:
    content: bytes = brotli.Decompressor().process(body, output_buffer_limit=MAX_TEXT_BYTES)
    return content


def _zstd(body: bytes) -> bytes:
    with zstandard.ZstdDecompressor().stream_reader(body) as reader:
        return reader.read(MAX_TEXT_BYTES)


_DECODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": _gunzip,
    "x-gzip": _gunzip,
    "deflate": _inflate,
    "br": _brotli,
    "zstd": _zstd,
}
