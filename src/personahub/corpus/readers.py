"""The formats: a file in, its texts out, one row at a time."""

import json
import re
import unicodedata
from codecs import getincrementaldecoder
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from gzip import GzipFile
from io import BufferedReader, TextIOWrapper
from pathlib import Path

from personahub.corpus.compression import DAMAGE, open_decompressed
from personahub.corpus.sources import format_of
from personahub.errors import UserError

__all__ = ["TEXT_FIELDS", "RowError", "Text", "read_texts"]

TEXT_FIELDS = ("text", "raw_content", "content")
"""Where a JSONL row's text is looked for when no field is named, in this order."""

_CHUNK = 2**16


@dataclass(frozen=True, slots=True)
class Text:
    """One whole text as its file holds it."""

    row: int
    text: str
    title: str | None


@dataclass(frozen=True, slots=True)
class RowError:
    """A row that cannot be read, and why."""

    row: int
    reason: str
    detail: str


def read_texts(file: Path, text_field: str | None = None) -> Generator[Text | RowError]:
    """The texts of a file, in its order; a row that cannot be read comes as its error.

    A compressed file that is cut short or broken gives what comes before the damage, then the error.

    Raises:
        UserError: the file cannot be opened.
    """
    try:
        with open_decompressed(file) as stream:
            if format_of(file) == "jsonl":
                yield from _jsonl(stream, text_field)
            else:
                yield from _whole(stream)
    except OSError as error:
        raise UserError(f"{file}: cannot be read ({error.strerror or error})") from error


def _whole(stream: GzipFile | BufferedReader) -> Iterator[Text | RowError]:
    content, damage = bytearray(), None
    try:
        while chunk := stream.read1(_CHUNK):
            content += chunk
    except DAMAGE as error:
        damage = RowError(1, "broken_archive", str(error))
    try:
        # Where the file is cut short, its last character may be too.
        text = _clean(getincrementaldecoder("utf-8-sig")().decode(content, final=damage is None))
    except UnicodeDecodeError as error:
        yield RowError(1, "not_utf8", f"byte {error.start} is no UTF-8")
    else:
        if text or not damage:
            heading = re.match(r"\s*#{1,6}[ \t]+(.+?)(?:[ \t]+#+)?[ \t]*$", text, re.MULTILINE)
            yield Text(1, text, heading[1] if heading else None)
    if damage:
        yield damage


def _jsonl(stream: GzipFile | BufferedReader, text_field: str | None) -> Iterator[Text | RowError]:
    row = 0
    with TextIOWrapper(stream, encoding="utf-8-sig", errors="replace", newline="\n") as lines:
        try:
            for row, line in enumerate(lines, 1):
                if line.strip():
                    yield _jsonl_row(row, line, text_field)
        except DAMAGE as error:
            yield RowError(row + 1, "broken_archive", str(error))


def _jsonl_row(row: int, line: str, text_field: str | None) -> Text | RowError:
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError) as error:
        return RowError(row, "not_json", f"not JSON ({error})")
    if not isinstance(fields, dict):
        return RowError(row, "not_json", "not a JSON object")
    names = (text_field,) if text_field else TEXT_FIELDS
    name = next((name for name in names if isinstance(fields.get(name), str)), None)
    if name is None:
        there = _clean(", ".join(map(str, fields))) or "none at all"
        wanted = " or ".join(names)
        return RowError(row, "no_text_field", f"no text in {wanted}; the fields there: {there}")
    title = fields.get("title")
    title = " ".join(_clean(title).split()) if isinstance(title, str) else None
    return Text(row, _clean(fields[name]), title or None)


def _clean(text: str) -> str:
    """NFC, plain line ends, no NULs, BOM or outer whitespace: what a text's hash should not depend on."""
    text = text.encode(errors="replace").decode().replace("\0", "").removeprefix("\ufeff")
    return re.sub(r"\r\n?", "\n", unicodedata.normalize("NFC", text)).strip()
