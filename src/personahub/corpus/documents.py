"""Sources in, documents out: read, looked at, cleared of personal data, cut to fit."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from itertools import islice
from typing import Any, NamedTuple

from personahub.corpus.cut import cut
from personahub.corpus.filters import MIN_BYTES, find_fault
from personahub.corpus.language import detect_language
from personahub.corpus.opening import read_texts
from personahub.corpus.options import ReadOptions
from personahub.corpus.sources import Source, Sources
from personahub.corpus.texts import Text, Unread, clean
from personahub.corpus.where import value_of
from personahub.errors import UserError
from personahub.records import Document
from personahub.safeguards.orders import find_orders
from personahub.safeguards.personal_data import count_placeholders, redact
from personahub.safeguards.rights import licence_name

__all__ = ["LeftOut", "check_first_rows", "read_source"]

_CHECKED_ROWS = 100
_DATES = ("date", "created", "date_download")
_LICENCES = ("licence", "license")
_TITLE_CHARACTERS = 500


class LeftOut(NamedTuple):
    """What was in a source and gave no document, and why."""

    source: str
    row: int
    offset: int
    reason: str
    detail: str
    text: str = ""
    broken: bool = False
    """Whether it cannot be read; else it is whole, and a rule or the user's choice leaves it out."""


def check_first_rows(sources: Sources, *, text_field: str | None = None) -> None:
    """Look at the first 100 rows of each file, so that a wrong file or field stops a run at once.

    Raises:
        UserError: a row that cannot be read: which file, which row, why.
    """
    for source in sources:
        if source.format not in {"jsonl", "parquet", "text"}:
            continue  # Few archives of the web are whole; of those, what is readable is read.
        with closing(read_texts(source, text_field)) as rows:
            first = list(islice(rows, _CHECKED_ROWS))
        for item in first:
            if isinstance(item, Unread):
                way_out = (
                    "name the text's field with --text-field"
                    if item.reason == "no_text_field"
                    else "mend the row, or leave such rows out with --skip-bad-rows"
                )
                raise UserError(f"{source.name}, row {item.row}: {item.detail}; {way_out}")


def read_source(
    source: Source,
    options: ReadOptions,
    document_tokens: int | None,
    *,
    wanted: Callable[[int], bool] | None = None,
) -> Iterator[Document | LeftOut]:
    """Every document of a file, in its order, and what gave none.

    Args:
        source: the file.
        options: what is taken, and how.
        document_tokens: texts of more tokens than about this are cut into parts, each a document; None leaves
            them whole.
        wanted: whether the texts of a row are; None for all.

    Raises:
        UserError: the file cannot be opened.
    """
    conditions = options.conditions
    with closing(read_texts(source, options.text_field, wanted=wanted)) as texts:
        for text in texts:
            if isinstance(text, Unread):
                yield LeftOut(source.name, *text[:4], broken=text.broken)
            elif options.sample_rate == 1 or _is_drawn(source.name, text.row, options):
                failed = next((c for c in conditions if not c.holds(text.metadata)), None)
                if failed:
                    value = value_of(text.metadata, failed.field)
                    yield LeftOut(
                        source.name, text.row, text.offset, "where", f"{failed.field} is {value!r}"[:200]
                    )
                else:
                    yield from _documents_of(text, source, options, document_tokens)


def _documents_of(
    text: Text, of: Source, options: ReadOptions, document_tokens: int | None
) -> Iterator[Document | LeftOut]:
    """The documents of one text, or why there are none."""
    source = of.name
    language = detect_language(text.text)
    licence = _licence(text.metadata, of.licence or options.licence or "")
    wrong = _wrong(text, language, licence, options)
    if wrong:
        snippet = "" if options.pii == "reject" else _redacted(text.text[:1000], language, options)[0]
        yield LeftOut(source, text.row, text.offset, *wrong, snippet)
        return
    title = _line(text.metadata.get("title"))
    if title:
        title, found = _redacted(title[:_TITLE_CHARACTERS], language, options)
        if found and options.pii == "reject":
            yield LeftOut(source, text.row, text.offset, "personal_data", ", ".join(found))
            return
    date = next((str(value) for name in _DATES if (value := value_of(text.metadata, name))), "")
    url = _url(text.metadata)
    if " " in licence:  # No short name but a sentence, which may say whose it is.
        licence = _redacted(licence, language, options)[0]
    # Before it is cut, so that no number, name or address is cut in two and found in neither part.
    whole, in_all = _redacted(text.text, language, options)
    parts = cut(whole, document_tokens) if document_tokens else iter([(0, whole)])
    for part, (start, content) in enumerate(parts):
        found = in_all and count_placeholders(content)
        orders = len(find_orders(content))
        if found and options.pii == "reject":
            yield LeftOut(source, text.row, text.offset, "personal_data", ", ".join(found))
        elif orders and options.orders == "reject":
            yield LeftOut(source, text.row, text.offset, "orders", f"{orders} passages", content[:1000])
        else:
            yield Document(
                text=content,
                language=language,
                source=source,
                row=text.row,
                offset=text.offset,
                url=url,
                title=title or None,
                date=clean(date)[:40],
                licence=licence,
                pii=json.dumps(found) if found else "{}",
                orders=orders,
                part=part,
                start=start,
            )


def _is_drawn(source: str, row: int, options: ReadOptions) -> bool:
    place = f"{options.sample_seed}\0{source}\0{row}".encode(errors="replace")
    number = int.from_bytes(hashlib.blake2b(place, digest_size=8).digest(), "big")
    return number < options.sample_rate * 2**64


def _wrong(text: Text, language: str, licence: str, options: ReadOptions) -> tuple[str, str] | None:
    if options.opt_outs and text.metadata.get("opt_out"):
        return "opted_out", clean(str(value_of(text.metadata, "opt_out") or ""))[:200]
    if options.require_licence and licence not in options.require_licence:
        return "licence", licence
    if options.languages and language not in options.languages:
        return "wrong_language", language
    if len(text.text.encode()) < MIN_BYTES:
        return "too_short", f"under {MIN_BYTES} bytes"
    return find_fault(text.text, language) if options.filters else None


def _licence(metadata: Mapping[str, Any], otherwise: str) -> str:
    told = next((metadata[name] for name in _LICENCES if isinstance(metadata.get(name), str)), None)
    # What an earlier read did not know, this one may be told.
    told = (told if told != "unknown" else None) or otherwise
    return licence_name(clean(told)) if told else "unknown"


def _redacted(text: str, language: str, options: ReadOptions) -> tuple[str, dict[str, int]]:
    return (text, {}) if options.pii == "keep" else redact(text, language)


def _line(value: object) -> str:
    return " ".join(clean(value).split()) if isinstance(value, str) else ""


def _url(metadata: Mapping[str, Any]) -> str:
    found = metadata.get("url") or metadata.get("id")
    url = clean(found) if isinstance(found, str) else ""
    return url[:2000] if url.startswith(("http://", "https://", "ftp://", "file://")) else ""
