"""A file in, its texts out, whatever its format."""

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from personahub.config import read_json
from personahub.corpus.compression import read_pieces
from personahub.corpus.formats.archives import read_arc, read_warc
from personahub.corpus.formats.fields import metadata_of
from personahub.corpus.formats.lines import read_jsonl, read_lines
from personahub.corpus.formats.pages import read_html, texts_of
from personahub.corpus.formats.parquet import read_parquet
from personahub.corpus.formats.plain import read_plain
from personahub.corpus.sources import Source
from personahub.corpus.texts import Text, Unread
from personahub.errors import UserError

__all__ = ["read_texts"]


def read_texts(
    source: Source, text_field: str | None = None, *, wanted: Callable[[int], bool] | None = None
) -> Generator[Text | Unread]:
    """The texts of a file, in its order; what cannot be read comes as what it is.

    Of a file that is cut short or broken, everything readable is given.

    Args:
        source: the file.
        text_field: the field or the column that holds the text; None looks for the usual ones.
        wanted: whether the texts of a row are; None for all. No main text is looked for in the others.

    Raises:
        UserError: the file cannot be opened.
    """
    try:
        with source.open() as file:
            texts = _texts(file, source, text_field, wanted)
            yield from texts if wanted is None else (text for text in texts if wanted(text.row))
    except OSError as error:
        raise UserError(f"{source.name}: cannot be read ({error.strerror or error})") from error


def _texts(
    file: BinaryIO, source: Source, text_field: str | None, wanted: Callable[[int], bool] | None
) -> Iterator[Text | Unread]:
    if source.format == "parquet":
        return read_parquet(file, text_field)
    pieces = read_pieces(file, compressed=source.is_compressed)
    match source.format:
        case "jsonl":
            return read_jsonl(pieces, text_field, _signals(source))
        case "warc" | "arc":
            records = read_warc(pieces) if source.format == "warc" else read_arc(pieces)
            return texts_of(record for record in records if wanted is None or wanted(record.row))
        case "html":
            return read_html(pieces)
        case _:
            return read_plain(pieces)


def _signals(source: Source) -> Iterator[Mapping[str, Any]] | None:
    """The quality signals that RedPajama-v2 keeps of a file's rows in a file of its own, row by row."""
    path = Path(source.path)
    stem, json, rest = path.name.rpartition(".json")
    if not json or "documents" not in path.parent.parts or "://" in source.path:
        return None
    folders = list(path.parent.parts)
    folders[-1 - folders[::-1].index("documents")] = "quality_signals"
    other = Source(str(Path(*folders, f"{stem}.signals.json{rest}")), "jsonl", 0)
    try:
        file = other.open()
    except OSError:
        return None
    return _rows_of(file, other)


def _rows_of(file: Any, source: Source) -> Iterator[Mapping[str, Any]]:
    with file:
        for line in read_lines(read_pieces(file, compressed=source.is_compressed)):
            fields: Any = {}
            if not isinstance(line, Unread):
                with suppress(ValueError, RecursionError):
                    fields = read_json(line[2])
            yield metadata_of(fields, {}) if isinstance(fields, dict) else {}
