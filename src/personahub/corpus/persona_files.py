"""Published files of personas: which field holds the persona, and what the row says of it besides.

Known by their fields are the shapes of Persona Hub (``persona``; of its synthetic data ``input persona``),
FinePersonas (``id, persona, labels``), Nemotron-Personas (``uuid, persona, professional_persona, …``) and of
``personahub export``. Of any other file the user names the field.
"""

import html
import re
from collections.abc import Generator, Iterable, Mapping
from contextlib import closing
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple

import pyarrow as pa

from personahub.corpus.rows import read_rows
from personahub.corpus.sources import Source
from personahub.corpus.texts import Unread, clean
from personahub.errors import UserError
from personahub.languages import LANGUAGES, language_name
from personahub.safeguards.rights import licence_name

__all__ = [
    "MAX_CHARACTERS",
    "NoPersona",
    "PersonaFile",
    "PersonaRow",
    "UnsuitableFileError",
    "find_persona_field",
    "read_personas",
]

MAX_CHARACTERS = 4000
"""Of a persona; what is longer is a text about somebody."""

_CHECKED_ROWS = 100
_SHAPES = (
    ("personahub", "persona", frozenset({"persona", "id", "relation", "round"})),
    ("nemotron-personas", "persona", frozenset({"persona", "uuid", "professional_persona"})),
    ("finepersonas", "persona", frozenset({"persona", "id", "labels"})),
    ("persona-hub", "persona", frozenset({"persona"})),
    ("persona-hub-data", "input persona", frozenset({"input persona"})),
)
"""Name, the persona's field, and the fields that tell the shape; the first that fits counts."""

# Sets in order: most rows have none of them, which a set tells in one step.
_LANGUAGES = dict.fromkeys(("language", "lang")).keys()
_DATES = dict.fromkeys(("date", "created", "date_download")).keys()
_LICENCES = dict.fromkeys(("licence", "license")).keys()


class UnsuitableFileError(UserError):
    """A file that can be opened and is none of personas."""


class PersonaFile(NamedTuple):
    """A file, and where in it the personas are."""

    source: Source
    shape: str
    """A published shape's name, else the file's format; with the field where the user named it."""
    field: str


class PersonaRow(NamedTuple):
    """A row's persona and what its source says of it; an empty text where it says nothing."""

    row: int
    description: str
    language: str
    date: str
    licence: str


class NoPersona(NamedTuple):
    """A row that gives no persona, and why."""

    row: int
    reason: str
    detail: str
    text: str = ""


def find_persona_field(source: Source, field: str | None = None) -> PersonaFile | None:
    """Look at the first 100 rows of a file for the personas' field; None where it has no rows.

    Args:
        source: the file.
        field: the field as the user named it; None knows the published shapes.

    Raises:
        UnsuitableFileError: none of its first rows can be read, or has a text in the field.
        UserError: the file cannot be opened.
    """
    with closing(read_rows(source)) as rows:
        first = list(islice(rows, _CHECKED_ROWS))
    fields = [item[1] for item in first if not isinstance(item, Unread)]
    unread = next((item for item in first if isinstance(item, Unread)), None)
    if unread and not fields:
        raise UnsuitableFileError(
            f"{source.name}: none of its first {len(first)} rows can be read (row {unread.row}:"
            f" {unread.detail}); give one JSON object on each line, Parquet, or CSV with a header,"
            " and texts as UTF-8"
        )
    texts = {name for row in fields for name, value in row.items() if isinstance(value, str)}
    there = list(dict.fromkeys(name for row in fields for name in row))
    shape, usual = next(((name, at) for name, at, signs in _SHAPES if signs.issubset(there)), (None, None))
    chosen = field or usual
    if not first:
        return None
    if chosen is None or chosen not in texts:
        if chosen in there:
            kind = _type_of([row.get(chosen) for row in fields])
            lack = f"its field {chosen!r} holds no text ({kind}) in its first {len(fields)} rows"
        else:
            wanted = f"the field {chosen!r}" if field else "the field persona, or one of another known shape"
            lack = f"none of its first {len(fields)} rows has {wanted}"
        raise UnsuitableFileError(
            f"{source.name}: {lack}; the fields there: {clean(', '.join(map(str, there))) or 'none'};"
            " name the personas' field with --field"
        )
    base = shape or source.format
    return PersonaFile(source, base if chosen == usual else f"{base}:{chosen}", chosen)


def _type_of(values: list[Any]) -> str:
    """What the values are, in Arrow's words: int64, list<item: string>, null, …."""
    try:
        return str(pa.infer_type(values))
    except (pa.ArrowException, OverflowError):
        return "values of several types"


def read_personas(file: PersonaFile) -> Generator[PersonaRow | NoPersona]:
    """The personas of a file, in its order, each on one line of clean text, and the rows that give none.

    Raises:
        UserError: the file cannot be opened.
    """
    name = file.field
    with closing(read_rows(file.source, (name, *_LANGUAGES, *_DATES, *_LICENCES))) as rows:
        for item in rows:
            if isinstance(item, Unread):
                yield NoPersona(item.row, item.reason, item.detail)
                continue
            row, fields = item
            value = fields.get(name)
            if not isinstance(value, str):
                reason = "no_text_field" if value is None else "not_text"
                yield NoPersona(row, reason, f"{name}: {'null' if value is None else type(value).__name__}")
                continue
            text = one_line(value)
            if not text or len(text) > MAX_CHARACTERS:
                reason = "too_long" if text else "empty"
                yield NoPersona(row, reason, f"{len(text):,} characters", text[:1000])
            else:
                language = "" if _LANGUAGES.isdisjoint(fields) else _language_code(_said(fields, _LANGUAGES))
                date = "" if _DATES.isdisjoint(fields) else _date(_said(fields, _DATES))
                licence = "" if _LICENCES.isdisjoint(fields) else _licence(_said(fields, _LICENCES))
                yield PersonaRow(row, text, language, date, licence)


def _said(fields: Mapping[str, Any], names: Iterable[str]) -> str:
    for name in names:
        if (value := fields.get(name)) and not isinstance(value, dict | list):
            return str(value)
    return ""


@lru_cache(1000)
def _date(said: str) -> str:
    return one_line(said)[:100]


@lru_cache(1000)
def _language_code(said: str) -> str:
    """The code of a language named as en, en-US, en_US or English; empty where it is none known here."""
    name = clean(said).lower()
    code = re.split("[-_]", name)[0]
    return code if code in LANGUAGES else _CODES.get(name, "")


_CODES = {language_name(code).lower(): code for code in LANGUAGES}


@lru_cache(1000)
def _licence(said: str) -> str:
    return "" if said in {"", "unknown"} else licence_name(clean(said))


_TAGS = re.compile(
    r"<!--.*?-->|</?(?:a|abbr|b|blockquote|body|br|button|center|code|div|em|font|form|h[1-6]|head|hr|html|i"
    r"|iframe|img|input|li|link|mark|meta|ol|p|pre|s|script|small|span|strong|style|sub|sup|svg|table|tbody"
    r"|td|th|title|tr|u|ul)(?:\s[^<>]*)?/?>|<\|[^<>|\s]{1,40}\|>",
    re.IGNORECASE | re.DOTALL,
)
"""HTML's, but not ``vector<int>``; and the tokens that part the turns of a chat."""
_UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f]"
)
"""Controls, marks of direction and letters that nobody sees; not the joiners, which scripts need."""


def one_line(text: str) -> str:
    """The text as one line: NFC, without markup, controls and unseen letters, its whitespace collapsed."""
    # Most rows need none of it, and are told by this ten times as fast.
    if text.isprintable() and "<" not in text and "&" not in text and "  " not in text:
        return text.strip() if text.isascii() else clean(text)
    text = _TAGS.sub(" ", html.unescape(clean(text)))
    return " ".join(clean(_UNSEEN.sub("", text)).split())
