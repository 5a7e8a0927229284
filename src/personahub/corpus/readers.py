"""The formats: a file in, its texts out, one row at a time."""

import gzip
import json
import re
import unicodedata
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from typing import BinaryIO, cast

import zstandard

from personahub.corpus.sources import format_of
from personahub.errors import UserError

__all__ = ["TEXT_FIELDS", "RowError", "Text", "read_texts"]

TEXT_FIELDS = ("text", "raw_content", "content")
"""Where a JSONL row's text is looked for when no field is named, in this order."""


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

    Raises:
        UserError: the file cannot be opened.
    """
    try:
        with _open(file) as stream:
            if format_of(file) == "jsonl":
                yield from _jsonl(stream, text_field)
            else:
                yield _whole(stream)
    except UnicodeDecodeError as error:
        yield RowError(1, "not_utf8", f"byte {error.start} is no UTF-8")
    except (EOFError, gzip.BadGzipFile, zstandard.ZstdError) as error:
        yield RowError(1, "broken_archive", str(error))
    except OSError as error:
        raise UserError(f"{file}: cannot be read ({error.strerror or error})") from error


def _open(file: Path) -> BinaryIO:
    if file.suffix.lower() == ".gz":
        return cast(BinaryIO, gzip.open(file, "rb"))
    if file.suffix.lower() == ".zst":
        reader = zstandard.ZstdDecompressor().stream_reader(
            file.open("rb"), read_across_frames=True, closefd=True
        )
        return cast(BinaryIO, reader)
    return file.open("rb")


def _whole(stream: BinaryIO) -> Text:
    text = _clean(stream.read().decode("utf-8-sig"))
    heading = re.match(r"\s*#{1,6}[ \t]+(.+?)[ \t#]*$", text, re.MULTILINE)
    return Text(1, text, heading[1] if heading else None)


def _jsonl(stream: BinaryIO, text_field: str | None) -> Iterator[Text | RowError]:
    with TextIOWrapper(stream, encoding="utf-8-sig", errors="replace", newline="\n") as lines:
        for row, line in enumerate(lines, 1):
            if line.strip():
                yield _jsonl_row(row, line, text_field)


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
        there = ", ".join(map(str, fields)) or "none at all"
        wanted = " or ".join(names)
        return RowError(row, "no_text_field", f"no text in {wanted}; the fields there: {there}")
    title = fields.get("title")
    return Text(row, _clean(fields[name]), title if isinstance(title, str) and title else None)


def _clean(text: str) -> str:
    """NFC, plain line ends, no NULs or outer whitespace: what a text's hash should not depend on."""
    text = unicodedata.normalize("NFC", text.encode(errors="replace").decode())
    return re.sub(r"\r\n?", "\n", text).replace("\0", "").strip()
