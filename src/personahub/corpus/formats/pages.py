"""Web pages: from the records of an archive, or from HTML files, to their main text."""

import codecs
import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from email.message import Message
from functools import cache
from typing import Any

from personahub.corpus.compression import Damage, Piece
from personahub.corpus.formats.archives import Record
from personahub.corpus.formats.http import parse_response
from personahub.corpus.texts import MAX_TEXT_BYTES, Text, Unread, clean, decoded
from personahub.safeguards.rights import licence_in_html, opt_out

__all__ = ["read_html", "texts_of"]

_HTML = ("text/html", "application/xhtml+xml")
_PLAIN = ("text/plain", "text/markdown")
_MAX_PAGE_BYTES = 2**22
"""Of HTML; the extraction of a longer page may take minutes."""
_META_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w.:-]{1,40})", re.IGNORECASE)
_LOOKED_AT = 4096
_MEDIA_TYPE = re.compile(r"\s*([\w.+-]{1,100}/[\w.+-]{1,100})", re.ASCII)
_PASS_FOR_UTF8 = {"iso2022": b"\x1b", "hz": b"~{", "utf-16": b"\0", "utf-32": b"\0"}
"""Charsets whose bytes may be UTF-8 by chance, and what they hold then that no text in UTF-8 does."""
_NO_CHARSETS = {"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape"}
"""Python's codecs that are for no page; the name "undefined" is what scripts write that know no better."""
_LATEST = "2100-01-01"  # Not today, so that what is read does not depend on when.
_NO_PAGES = ("filedesc:", "metadata:", "urn:", "dns:")
"""Addresses of what writers of archives put there for themselves."""


def texts_of(records: Iterable[Record | Unread]) -> Iterator[Text | Unread]:
    """The texts of an archive's records: WET's conversions as they are, of pages the main text.

    Requests, metadata and repeated visits are no texts and are passed over; other records that give none are
    told.

    Args:
        records: what :mod:`~personahub.corpus.formats.archives` read.
    """
    for record in records:
        if isinstance(record, Unread):
            yield record
            continue
        headers = record.headers
        kind = headers.get("warc-type", "response")
        url = headers.get("warc-target-uri", "").strip("<> ")
        known = {"url": url, "date_download": headers.get("warc-date", "")}
        if kind == "conversion":
            language = headers.get("warc-identified-content-language", "").split(",")[0]
            more = {"content_languages": language} if language else {}
            yield Text(record.row, record.offset, clean(decoded(record.content)), {**known, **more})
        elif kind in {"response", "resource"} and not url.startswith(_NO_PAGES):
            yield _page(record, known)


def read_html(pieces: Iterable[Piece | Damage]) -> Iterator[Text | Unread]:
    """The main text of an HTML file."""
    content, damage = bytearray(), None
    for piece in pieces:
        if isinstance(piece, Damage):
            damage = piece
            break
        content += piece.content
        if len(content) > MAX_TEXT_BYTES:
            yield Unread(1, 0, "too_long", f"a page of more than {MAX_TEXT_BYTES >> 20} MB")
            return
    if content:
        yield _main_text(1, 0, bytes(content), "", {}, {})
    if damage:
        yield Unread(1, *damage)


def _page(record: Record, known: Mapping[str, Any]) -> Text | Unread:
    row, offset = record.row, record.offset
    headers, body, kind = record.headers, record.content, record.headers.get("content-type", "")
    if (response := parse_response(record.content)) is not None:
        if response.status != 200:
            return Unread(row, offset, "no_page", f"the server answered {response.status}", broken=False)
        headers, body, kind = response.headers, response.body, response.headers.get("content-type", "")
    elif kind.startswith("application/http"):
        return Unread(row, offset, "broken_archive", "no HTTP response in this record")
    media, charset = _content_type(kind)
    if media in _PLAIN:
        found = opt_out(headers, None)
        metadata = {**known, **({"opt_out": found} if found else {})}
        return Text(row, offset, clean(body.decode(_codec(charset) or "utf-8", "replace")), metadata)
    if media in _HTML or (not media and body.lstrip()[:1] == b"<"):
        return _main_text(row, offset, body, charset, headers, known)
    return Unread(row, offset, "not_text", f"a {media or 'file of unknown kind'}"[:100], broken=False)


def _content_type(value: str) -> tuple[str, str]:
    message = Message()
    message["content-type"] = value[:200] if value.isprintable() else ""
    try:
        charset = message.get_content_charset("")
    except TypeError:  # Of a value in parts (RFC 2231), one has no number to sort it by.
        charset = ""
    # Where a server sends the header twice, the values come joined: the first one counts.
    media = _MEDIA_TYPE.match(value)
    return media[1].lower() if media else "", charset


def _main_text(
    row: int, offset: int, page: bytes, charset: str, headers: Mapping[str, str], known: Mapping[str, Any]
) -> Text | Unread:
    if len(page) > _MAX_PAGE_BYTES:
        return Unread(row, offset, "too_long", f"a page of {len(page):,} bytes")
    html = _decoded(page, charset)
    url = known.get("url", "")
    try:
        found = _extractor()(
            html,
            url=url or None,
            include_comments=False,
            favor_recall=True,
            with_metadata=True,
            date_extraction_params={
                "extensive_search": False,
                "original_date": True,
                "max_date": _LATEST,
            },
        )
    except Exception as error:
        return Unread(row, offset, "broken_page", f"{type(error).__name__}: {error}"[:200])
    if found is None or not found.text:
        return Unread(row, offset, "no_main_text", "menus, links or scripts only", broken=False)
    metadata = dict(known)
    told = {
        "title": found.title,
        "date": found.date,
        "author": found.author,
        "licence": licence_in_html(html) or found.license,
        "opt_out": opt_out(headers, html),
    }
    metadata.update((name, value) for name, value in told.items() if value)
    return Text(row, offset, clean(found.text), metadata)


@cache
def _extractor() -> Any:
    import trafilatura

    # It tells on standard error of every page that has no main text; that is counted instead.
    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)
    logging.getLogger("htmldate").setLevel(logging.CRITICAL)
    return trafilatura.bare_extraction


def _decoded(page: bytes, charset: str) -> str:
    """The page's characters: UTF-8 where it is, else as its server or itself says, else as they look."""
    meta = _META_CHARSET.search(page, 0, _LOOKED_AT)
    told = [codec for name in (charset, decoded(meta[1]) if meta else "") if (codec := _codec(name))]
    for codec in told:
        if any(codec.startswith(start) and sign in page for start, sign in _PASS_FOR_UTF8.items()):
            return page.decode(codec, "replace")
    try:
        return page.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    if told:
        return page.decode(told[0], "replace")
    from charset_normalizer import from_bytes

    best = from_bytes(page[:20_000]).best()
    return page.decode(best.encoding if best else "utf-8", "replace")


def _codec(name: str) -> str:
    """Python's name of a charset for text; empty where there is none."""
    try:
        codec = codecs.lookup(name.strip("\"' "))
    except (LookupError, ValueError):
        return ""
    return codec.name if codec._is_text_encoding and codec.name not in _NO_CHARSETS else ""
