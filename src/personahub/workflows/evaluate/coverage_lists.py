"""Lists of occupations or topics that a hub is held against, from files of lines or rows."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from personahub.corpus import find_sources
from personahub.corpus.compression import read_pieces
from personahub.corpus.formats.lines import read_lines
from personahub.corpus.rows import ROW_FORMATS, read_rows
from personahub.corpus.sources import Source
from personahub.corpus.texts import Unread, clean
from personahub.errors import UserError
from personahub.evaluation.titles import Entry, soc_group

__all__ = ["read_list"]

_LINES = "lines"
_FORMATS = {**ROW_FORMATS, ".txt": _LINES, ".md": _LINES}
_TITLES = ("title", "occupation", "topic", "name", "label", "job")
_GROUPS = ("group", "major_group", "major group", "category")
_CODE = "code"
_MOST = 20_000
"""Entries: each persona is compared with all of them."""
_LONGEST = 300


def read_list(path: Path | str, option: str) -> list[Entry]:
    """The entries of a list, each once, in its order.

    A ``.txt`` or ``.md`` file has a title in each line. A file of rows (``.csv``, ``.tsv``, ``.jsonl``,
    ``.parquet``, also compressed) has it in the field title, occupation, topic, name, label or job, whatever
    the case; the group in the field group, major_group or category, or told by a code such as "29-1141.00" of
    O*NET or the SOC in a field whose name has "code" in it.

    Args:
        path: the file.
        option: that named it, for messages.

    Raises:
        UserError: it cannot be read, is empty, has no field of titles, or more than 20,000 entries.
    """
    named = str(path)
    shown = f"{option} {named}"
    source = find_sources([named], _FORMATS)[0]
    found: dict[str, Entry] = {}
    for entry in _lines(source) if source.format == _LINES else _rows(source, shown):
        found.setdefault(entry.title.casefold(), entry)
        if len(found) > _MOST:
            raise UserError(f"{shown}: has more than {_MOST:,} entries; give a shorter list")
    if not found:
        raise UserError(f"{shown}: has no entry; give a file with a title in each line or row")
    return list(found.values())


def _entry(title: str, group: str = "") -> Entry | None:
    flat = " ".join(clean(title).split())
    return Entry(flat[:_LONGEST], group) if any(char.isalpha() for char in flat) else None


def _lines(source: Source) -> Iterator[Entry]:
    try:
        with source.open() as file:
            for line in read_lines(read_pieces(file, compressed=source.is_compressed)):
                text = "" if isinstance(line, Unread) else line[2].decode("utf-8", "replace")
                if not text.startswith("#") and (entry := _entry(text)):
                    yield entry
    except OSError as error:
        raise UserError(f"{source.name}: cannot be read ({error.strerror or error})") from error


def _rows(source: Source, shown: str) -> Iterator[Entry]:
    fields: Mapping[str, Any] = {}
    any_title = False
    for row in read_rows(source):
        if isinstance(row, Unread):
            continue
        fields = {str(name).strip().casefold().lstrip("\ufeff"): value for name, value in row[1].items()}
        title = next((fields[name] for name in _TITLES if isinstance(fields.get(name), str)), None)
        if title is None:
            continue
        any_title = True
        if entry := _entry(title, _group(fields)):
            yield entry
    if fields and not any_title:
        raise UserError(
            f"{shown}: no row has a title; name its field one of {', '.join(_TITLES)}; the fields there:"
            f" {clean(', '.join(fields))}"
        )


def _group(fields: Mapping[str, Any]) -> str:
    told = next((fields[name] for name in _GROUPS if isinstance(fields.get(name), str)), "")
    if told.strip():
        return " ".join(clean(told).split())[:_LONGEST]
    codes = (value for name, value in fields.items() if _CODE in name and isinstance(value, str))
    return next((group for code in codes if (group := soc_group(code))), "")
