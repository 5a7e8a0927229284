"""Texts that records are made about: problems, seeds and key points, of a file or of a hub's data set."""

import glob
import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from personahub.corpus import Source, detect_language, find_sources
from personahub.corpus.compression import read_pieces
from personahub.corpus.formats.lines import read_lines
from personahub.corpus.rows import ROW_FORMATS, Row, read_rows
from personahub.corpus.texts import Unread, clean
from personahub.errors import UserError
from personahub.hub import Hub
from personahub.hub.tables import quoted
from personahub.languages import LANGUAGES
from personahub.records import SetAside
from personahub.safeguards.rights import licence_name
from personahub.synthesis import GivenItem
from personahub.workflows.datasets import data_set_names

__all__ = ["TEXT_FIELDS", "Items", "Wanted", "read_items", "text_of"]

TEXT_FIELDS = (
    "problem",
    "question",
    "prompt",
    "instruction",
    "text",
    "synthesized text",
    "content",
    "key_point",
)
"""Where a row's text is looked for, the first of them first."""
_LINES = "lines"
_FORMATS = {**ROW_FORMATS, ".txt": _LINES, ".md": _LINES}
_CHARACTERS = 20_000
"""Of one item, which goes into a prompt: about 5,000 tokens."""
_LINEAGE = ("persona_id", "document_id", "source", "row", "date", "licence")
_COLUMNS = ("id", "text", "language", "fields", *_LINEAGE)
_LIST_MARK = re.compile(r"(?:[-*+]|\d{1,4}[.)])\s+")


class _Unusable(NamedTuple):
    """A row that gives no item, and why."""

    reason: str
    detail: str
    source: str
    row: int
    text: str = ""


_Rows = Iterator[GivenItem | _Unusable]


class Wanted(NamedTuple):
    """Which text of a row is its item's: that of the field, or of the first usual one that holds any."""

    field: str | None
    usual: tuple[str, ...] = TEXT_FIELDS
    longest: int | None = _CHARACTERS


@dataclass(frozen=True)
class Items:
    """The items of a file or a data set, which are read anew whenever they are gone through.

    Nothing of them is held: 1 M problems take no memory. Rows that came after the first look, which counted
    them, are left out, so that a run may add to the data set that it reads.

    Attributes:
        named: the file or the data set.
        count: how many there are.
        unusable: how many rows give none, by reason.
        digest: SHA-256 of all their texts, for what identifies a run.
    """

    named: str
    count: int
    unusable: Mapping[str, int]
    digest: str
    _read: Callable[[], _Rows]

    def __iter__(self) -> Iterator[GivenItem]:
        """The items, in their order."""
        for row in self._rows():
            if isinstance(row, GivenItem):
                yield row if row.language else row._replace(language=detect_language(row.text))

    def as_given(self) -> Iterator[GivenItem]:
        """The items, in their order, with a language only where their row tells it."""
        return (row for row in self._rows() if isinstance(row, GivenItem))

    def set_aside(self, run: int) -> Iterator[SetAside]:
        """The rows that give no item, as this run keeps them; the source is not read where there are none."""
        for row in self._rows() if self.unusable else ():
            if isinstance(row, _Unusable):
                yield SetAside(
                    kind="record",
                    reason=row.reason,
                    detail=row.detail,
                    text=row.text,
                    parent_id="",
                    source=row.source,
                    row=row.row,
                    run=run,
                    request="",
                )

    def _rows(self) -> _Rows:
        return islice(self._read(), self.count + sum(self.unusable.values()))


def read_items(
    named: str,
    hub: Hub | None,
    field: str | None,
    what: str,
    *,
    fields: Sequence[str] = TEXT_FIELDS,
    longest: int | None = _CHARACTERS,
    hint: str = "--field names the field with the text",
) -> Items:
    """Look through all items of a file or of a data set of the hub, and be ready to give them.

    Of a file (JSON Lines, CSV, TSV or Parquet, also compressed) each row is an item, whose text is in the
    field, or in the first of ``fields`` that holds one; of a ``.txt`` or ``.md`` file each line is.
    Of a data set it is the record's text, or the field of the model's answer that is named.

    The whole is read once here, which counts it and takes its hash (8 s for a million rows), and once more
    each time the items are gone through; languages are told only then.

    Args:
        named: a file, folder, pattern or address; where there is no such file, a data set's name.
        hub: where the data sets are; None where there are none.
        field: that holds the text; None looks for the usual ones.
        what: the option that names them, for what is said of it.
        fields: the usual ones.
        longest: characters above which a text gives no item; None for texts of any length.
        hint: what to do where no row has a text.

    Raises:
        UserError: there is neither such a file nor such a data set, it cannot be read, or none of its rows
            gives an item: it is empty, or has no such field.
    """
    shown = f"{what} {named}".strip()
    wanted = Wanted(field, tuple(fields), longest)
    if "://" in named or Path(named).exists() or glob.glob(named, recursive=True):
        sources = find_sources([named], _FORMATS)
        if field and all(source.format == _LINES for source in sources):
            raise UserError(f"{shown}: has lines and no fields; leave --field {field} out")
        return _looked_through(named, partial(_of_files, sources, wanted), shown, hint)
    if hub is None:
        raise UserError(f"{shown}: no such file")
    names = data_set_names(hub)
    if named not in names:
        there = f"its data sets: {', '.join(names)}" if names else "which has none yet"
        raise UserError(f"{shown}: is no file, and no data set of the hub {hub.path}, {there}")
    return _looked_through(named, partial(_of_data_set, hub, named, wanted), shown, hint)


def _looked_through(named: str, read: Callable[[], _Rows], shown: str, hint: str) -> Items:
    digest, count = hashlib.sha256(), 0
    unusable: Counter[str] = Counter()
    first: _Unusable | None = None
    for row in read():
        if isinstance(row, GivenItem):
            count += 1
            # A text holds no NUL, so that none can look like two.
            digest.update(row.text.encode() + b"\0")
        else:
            unusable[row.reason] += 1
            first = first or row
    if first and not count:
        rows = unusable.total()
        which = "its only row" if rows == 1 else f"none of its {rows:,} rows"
        has = "has no text" if rows == 1 else "has a text"
        raise UserError(f"{shown}: {which} {has} that can be used (row {first.row}: {first.detail}); {hint}")
    if not count:
        raise UserError(f"{shown}: is empty; give a file with a text in each row or line")
    return Items(named, count, unusable, digest.hexdigest(), read)


def _of_files(sources: list[Source], wanted: Wanted) -> _Rows:
    for source in sources:
        rows = _lines(source) if source.format == _LINES else read_rows(source)
        for row in rows:
            if isinstance(row, Unread):
                yield _Unusable(row.reason, row.detail, source.name, row.row)
            else:
                yield _of_row(
                    source, *row, wanted._replace(field=None) if source.format == _LINES else wanted
                )


def _lines(source: Source) -> Iterator[Row | Unread]:
    """The lines of a text as rows; of a list in Markdown without what marks it as one."""
    is_markdown = ".md" in Path(source.path).suffixes
    try:
        with source.open() as file:
            for line in read_lines(read_pieces(file, compressed=source.is_compressed)):
                if isinstance(line, Unread):
                    yield line
                    continue
                row, offset, content = line
                try:
                    text = content.decode().strip()
                except UnicodeDecodeError as error:
                    yield Unread(row, offset, "not_utf8", f"byte 0x{content[error.start]:02x} is no UTF-8")
                    continue
                if is_markdown:
                    text = "" if text.startswith("#") else _LIST_MARK.sub("", text, count=1)
                if text:
                    yield row, {"text": text}
    except OSError as error:
        raise UserError(f"{source.name}: cannot be read ({error.strerror or error})") from error


def _of_row(source: Source, row: int, fields: Mapping[str, Any], wanted: Wanted) -> GivenItem | _Unusable:
    text = text_of(fields, wanted)
    if isinstance(text, tuple):
        reason, detail = text
        return _Unusable(reason, detail, source.name, row, str(fields.get(wanted.field or "", ""))[:1000])
    language = fields.get("language")
    licence = fields.get("licence") or fields.get("license")
    lineage = {
        "source": source.name,
        "row": row,
        "date": str(fields.get("date") or "")[:100],
        "licence": licence_name(licence) if isinstance(licence, str) else source.licence or "unknown",
    }
    known = language if isinstance(language, str) and language in LANGUAGES else ""
    return GivenItem(text, {"source": source.name, "row": row}, known, lineage)


def text_of(fields: Mapping[str, Any], wanted: Wanted) -> str | tuple[str, str]:
    """A row's text, or the reason why it has none and what was seen."""
    field = wanted.field
    names = (field,) if field else wanted.usual
    texts = (clean(value) for name in names if isinstance(value := fields.get(name), str))
    text = next(filter(None, texts), "")
    if wanted.longest is not None and len(text) > wanted.longest:
        return "too_long", f"{len(text):,} characters, of which {wanted.longest:,} fit into a prompt"
    if text:
        return text
    if field in fields:
        return "not_text", f"the field {field!r} holds no text"
    there = clean(", ".join(map(str, fields))) or "none at all"
    lacking = f"no field {field!r}" if field else f"no text in {', '.join(wanted.usual)}"
    return "no_text_field", f"{lacking}; the fields there: {there}"


def _of_data_set(hub: Hub, name: str, wanted: Wanted) -> _Rows:
    row = 0
    for batch in hub.records.read(_COLUMNS, f"dataset = {quoted(name)}"):
        for record in batch.to_pylist():
            row += 1
            fields = json.loads(record["fields"]) if wanted.field else {"text": record["text"]}
            text = text_of(fields, wanted)
            if isinstance(text, tuple):
                yield _Unusable(*text, f"{name}, {record['id']}", row, record["text"][:1000])
            else:
                lineage = {column: record[column] for column in _LINEAGE}
                yield GivenItem(text, {"record": record["id"]}, record["language"], lineage)
