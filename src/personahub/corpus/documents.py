"""Sources in, documents out: read, cut to fit, language told."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from personahub.corpus.cut import cut
from personahub.corpus.language import UNDETERMINED, detect_language
from personahub.corpus.readers import RowError, read_texts
from personahub.corpus.sources import SourceFiles
from personahub.errors import UserError
from personahub.records import Document

__all__ = ["Unreadable", "check_first_rows", "read_documents"]

_MIN_BYTES = 32
_CHECKED_ROWS = 100


@dataclass(frozen=True, slots=True)
class Unreadable:
    """What was in a source and gave no document, and why."""

    source: str
    row: int
    reason: str
    detail: str
    text: str = ""


def check_first_rows(files: Sequence[Path], *, text_field: str | None = None) -> None:
    """Look at the first 100 rows of each file, so that a wrong file or field stops a run at once.

    Raises:
        UserError: a row that cannot be read: which file, which row, why.
    """
    for file in files:
        with closing(read_texts(file, text_field)) as rows:
            first = list(islice(rows, _CHECKED_ROWS))
        for item in first:
            if isinstance(item, RowError):
                way_out = (
                    "name the text's field with --text-field"
                    if item.reason == "no_text_field"
                    else "mend the row, or leave such rows out with --skip-bad-rows"
                )
                raise UserError(f"{file}, row {item.row}: {item.detail}; {way_out}")


def read_documents(
    files: SourceFiles,
    *,
    text_field: str | None = None,
    document_tokens: int = 250,
    languages: bool = True,
) -> Iterator[Document | Unreadable]:
    """Every document of the files, in their order, and what gave none.

    Args:
        files: what :func:`~personahub.corpus.find_files` found.
        text_field: the field of JSONL rows that holds the text; None looks for the usual ones.
        document_tokens: texts of more tokens than about this are cut into parts, each a document.
        languages: tell each document's language; else it is "und", which takes a fiftieth of the time.
    """
    for file in files.unsupported:
        yield Unreadable(_name(file), 0, "unsupported_format", "the name's ending is not known")
    for file in files:
        source = _name(file)
        for item in read_texts(file, text_field):
            if isinstance(item, RowError):
                yield Unreadable(source, item.row, item.reason, item.detail)
                continue
            if len(item.text.encode()) < _MIN_BYTES:
                detail = f"under {_MIN_BYTES} bytes"
                yield Unreadable(source, item.row, "too_short", detail, item.text)
                continue
            for part, (start, text) in enumerate(cut(item.text, document_tokens)):
                yield Document(
                    text=text,
                    language=detect_language(text) if languages else UNDETERMINED,
                    source=source,
                    row=item.row,
                    title=item.title,
                    part=part,
                    start=start,
                )


def _name(file: Path) -> str:
    """The file's name, with a question mark for each byte of it that is no text."""
    return file.as_posix().encode(errors="replace").decode()
