"""Archives of the web, made for tests: records, their files, and what is read from them."""

import bz2
import gzip
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import lz4.frame
import zstandard

from personahub.corpus import LeftOut, ReadOptions, find_sources, read_documents
from personahub.records import Document

Pack = Callable[[bytes], bytes]


def story(number: int, extra: str = "") -> str:
    """A paragraph that no other number gives, of the kind that a page's main text has."""
    return (
        f"Log {number} of the lighthouse on the northern cape: the keeper counted {number * 7 + 3} ships and "
        f"{number % 11} seals, mended the railing, and wrote a long letter about that week's storm.{extra}"
    )


def page(body: str, head: str = "") -> str:
    """A page with a menu, whose main text is the body."""
    menu = "".join(f'<li><a href="/{name}">{name}</a></li>' for name in ("Home", "Shop", "Imprint"))
    return (
        f"<!doctype html><html><head><title>The cape</title>{head}</head><body><nav><ul>{menu}</ul></nav>"
        f"<article><h1>The cape</h1><p>{body}</p></article></body></html>"
    )


def http(
    body: bytes | str,
    headers: Mapping[str, str] | None = None,
    *,
    status: str = "200 OK",
    kind: str = "text/html; charset=utf-8",
) -> bytes:
    """A response."""
    content = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}"] if kind else [f"HTTP/1.1 {status}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


def record(
    content: bytes | str,
    *,
    type_: str = "response",
    uri: str = "https://cape.example/log",
    kind: str = "application/http; msgtype=response",
    length: str | None = None,
) -> bytes:
    """A WARC record; ``length`` tells another one than it has."""
    content = content.encode() if isinstance(content, str) else content
    lines = [
        "WARC/1.0",
        f"WARC-Type: {type_}",
        "WARC-Record-ID: <urn:uuid:00000000-0000-4000-8000-000000000000>",
        "WARC-Date: 2023-05-06T07:08:09Z",
        f"WARC-Target-URI: {uri}",
        f"Content-Type: {kind}",
    ]
    if length != "":
        lines.append(f"Content-Length: {len(content) if length is None else length}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content + b"\r\n\r\n"


def wet(text: str, uri: str = "https://cape.example/log") -> bytes:
    """A record of a WET file."""
    return record(text, type_="conversion", uri=uri, kind="text/plain")


def arc(content: bytes, uri: str = "http://cape.example/log", kind: str = "text/html") -> bytes:
    """An ARC record."""
    return f"{uri} 192.0.2.7 20080430204825 {kind} {len(content)}\n".encode() + content + b"\n"


def zstd(content: bytes) -> bytes:
    """A frame without its size, as writers of streams make it."""
    compressor = zstandard.ZstdCompressor(write_checksum=True).compressobj()
    return compressor.compress(content) + compressor.flush()


def brief_gzip(content: bytes) -> bytes:
    """A member that is the same whenever it is made."""
    return gzip.compress(content, 1, mtime=0)


def checked_lz4(content: bytes) -> bytes:
    """A frame in which damage shows."""
    packed: bytes = lz4.frame.compress(content, content_checksum=True)
    return packed


PACKS: Mapping[str, Pack] = {
    "": bytes,
    ".gz": brief_gzip,
    ".zst": zstd,
    ".lz4": checked_lz4,
    ".bz2": bz2.compress,
}


def items_of(
    file: Path | str, options: ReadOptions | None = None, *, jobs: int | None = 1
) -> list[Document | LeftOut]:
    """What is read of a file or folder."""
    options = options or ReadOptions(filters=False)
    return list(read_documents(find_sources([str(file)]), options, jobs=jobs))


def documents_in(items: Sequence[Document | LeftOut]) -> list[Document]:
    return [item for item in items if isinstance(item, Document)]


def left_out_of(items: Sequence[Document | LeftOut]) -> list[LeftOut]:
    return [item for item in items if isinstance(item, LeftOut)]
