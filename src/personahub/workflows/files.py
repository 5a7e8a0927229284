"""Files of rows and folders of them, there whole or not at all: JSON Lines, also compressed, and Parquet."""

import gzip
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from personahub.config import json_bytes, read_json
from personahub.errors import UserError

__all__ = [
    "Lines",
    "Write",
    "check_new",
    "check_target",
    "digest_of",
    "writing_folder",
    "writing_lines",
    "writing_rows",
]

_WRITTEN_ROWS = 65_536
"""Rows of a Parquet file's row group."""

Write = Callable[[pa.Table], None]


def check_target(target: Path) -> str:
    """The format of a file to write, which must be possible before anything is paid for.

    Raises:
        UserError: its name tells no format, or nothing can be written there.
    """
    kind = next((name for name in _WRITERS if target.name.lower().endswith(name)), None)
    if kind is None:
        raise UserError(f"{target}: unknown format; the file's name must end in {', '.join(_WRITERS)}")
    if target.is_dir():
        raise UserError(f"{target}: is a folder; name a file in it")
    if not target.parent.is_dir():
        raise UserError(f"{target}: cannot be written; name a file in a folder that is there")
    return kind


@contextmanager
def writing_rows(target: Path, schema: pa.Schema, nested: Collection[str] = ()) -> Iterator[Write]:
    """What writes tables to a draft, which becomes the file at the end and goes where there is an error.

    Args:
        target: the file.
        schema: of the tables.
        nested: columns that hold JSON: in JSON Lines they are written as what it says, in Parquet as text.

    Raises:
        UserError: no such file can be written.
    """
    kind = check_target(target)
    with _drafting(target) as draft:
        with _WRITERS[kind](draft, schema, nested) as write:
            yield write
        draft.replace(target)


class Lines:
    """JSON Lines that are being written."""

    def __init__(self, file: Any) -> None:
        """Begin with none."""
        self._file = file
        self.is_wanted = True

    def write(self, row: Mapping[str, Any]) -> None:
        """Add a row."""
        self._file.write(json_bytes(row) + b"\n")

    def write_json(self, row: bytes) -> None:
        """Add a row that is JSON already."""
        self._file.write(row + b"\n")

    def discard(self) -> None:
        """Leave the file as it was before."""
        self.is_wanted = False


@contextmanager
def writing_lines(target: Path) -> Iterator[Lines]:
    """Write rows of any form as JSON Lines; the file is there whole at the end, or not at all.

    Args:
        target: the file: .jsonl or .jsonl.gz.

    Raises:
        UserError: no such file can be written.
    """
    if check_target(target) == ".parquet":
        raise UserError(f"{target}: rows of any form are written as JSON Lines: name it .jsonl or .jsonl.gz")
    with _drafting(target) as draft:
        with ExitStack() as held:
            file: Any = held.enter_context(draft.open("wb"))
            if target.name.lower().endswith(".gz"):
                file = held.enter_context(gzip.GzipFile("", "wb", 6, file, mtime=0))
            lines = Lines(file)
            yield lines
        if lines.is_wanted:
            draft.replace(target)


@contextmanager
def writing_folder(target: Path) -> Iterator[Path]:
    """A draft folder to write into, which becomes the folder at the end and goes where there is an error.

    Args:
        target: the folder, which must not be there.

    Raises:
        UserError: it is there, or cannot be made.
    """
    check_new(target)
    try:
        draft = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    except OSError as error:
        raise UserError(f"{target}: cannot be made ({error.strerror})") from error
    try:
        draft.chmod(0o777 & ~_umask())
        yield draft
        draft.rename(target)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def check_new(target: Path) -> None:
    """See that something can be written there that is not there yet.

    Raises:
        UserError: it is there, or the folder that it would be in is not.
    """
    if target.exists() or target.is_symlink():
        raise UserError(f"{target}: is there already; give another name, or move it away")
    if not target.parent.is_dir():
        raise UserError(f"{target}: cannot be written; name it in a folder that is there")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@contextmanager
def _drafting(target: Path) -> Iterator[Path]:
    """A file beside the target to write into, which goes where it is not put in the target's place."""
    draft = target.with_name(f".{target.name}.part")
    try:
        yield draft
    except (FileNotFoundError, NotADirectoryError, PermissionError) as error:
        raise UserError(f"{target}: cannot be written ({error.strerror})") from error
    finally:
        with suppress(OSError):
            draft.unlink()


@contextmanager
def _json_lines(draft: Path, _schema: pa.Schema, nested: Collection[str]) -> Iterator[Write]:
    with draft.open("wb") as file:
        yield lambda table: file.writelines(_lines(table, nested))


@contextmanager
def _packed_json_lines(draft: Path, _schema: pa.Schema, nested: Collection[str]) -> Iterator[Write]:
    # Neither time nor the draft's name, so that the same rows are the same bytes.
    with draft.open("wb") as file, gzip.GzipFile("", "wb", 6, file, mtime=0) as packed:
        yield lambda table: packed.writelines(_lines(table, nested))


def _lines(table: pa.Table, nested: Collection[str]) -> Iterator[bytes]:
    for row in table.to_pylist():
        for name in nested:
            row[name] = read_json(row[name])
        yield json_bytes(row) + b"\n"


@contextmanager
def _parquet(draft: Path, schema: pa.Schema, _nested: Collection[str]) -> Iterator[Write]:
    waiting: list[pa.Table] = []
    with pq.ParquetWriter(draft, schema, compression="zstd") as file:

        def write(table: pa.Table) -> None:
            waiting.append(table)
            if sum(each.num_rows for each in waiting) >= _WRITTEN_ROWS:
                file.write_table(pa.concat_tables(waiting).cast(schema), _WRITTEN_ROWS)
                waiting.clear()

        yield write
        if waiting:
            file.write_table(pa.concat_tables(waiting).cast(schema), _WRITTEN_ROWS)


_WRITERS = {".jsonl": _json_lines, ".jsonl.gz": _packed_json_lines, ".parquet": _parquet}


def digest_of(path: str) -> str:
    """SHA-256 of a file; of an address, a folder or a pattern itself."""
    digest = hashlib.sha256()
    if not Path(path).is_file():
        return path
    with suppress(OSError), Path(path).open("rb") as file:
        while piece := file.read(2**20):
            digest.update(piece)
    return digest.hexdigest()
