"""Texts taken out of a journal's files; that a call was made, by which run and at what cost, stays.

Each file is written anew beside the old one and takes its place whole, so a kill leaves the one or the other.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from personahub.completion.journal.columns import SCHEMA
from personahub.completion.journal.entry import Entry, EntryKind, from_line, to_line
from personahub.completion.journal.lines import read_chunks
from personahub.completion.journal.parts import (
    GROUP_BYTES,
    damaged,
    part_notes,
    part_spent,
    sync_folder,
    write_tables,
)

__all__ = ["emptied", "purge_lines", "purge_part"]

_TEXTS = ("text", "detail", "about")


def emptied(entry: Entry) -> Entry:
    """The entry without what was said; a reply can no longer be found by its key then."""
    kind = EntryKind.FORGOTTEN if entry.kind is EntryKind.REPLY else entry.kind
    return entry._replace(kind=kind, text="", detail="", about="")


def purge_part(part: Path, keys: pa.Array) -> int:
    """Empty a part's entries of these keys; says how many those were.

    Args:
        part: the file.
        keys: 16 bytes each.

    Raises:
        UserError: the part cannot be read.
        OSError: the disk is full or fails.
    """
    try:
        with pq.ParquetFile(part, page_checksum_verification=True) as file:
            named = ["key", *_TEXTS]
            counts = (
                pc.sum(_hit(file.read_row_group(group, named), keys)).as_py() for group in _groups(file)
            )
            hits = sum(count or 0 for count in counts)
            if hits:
                draft = part.with_name(part.name.replace("part-", "draft-"))
                tables = (_purged(file.read_row_group(group), keys) for group in _groups(file))
                write_tables(tables, part_spent(file), part, draft, notes=lambda: part_notes(file))
            return hits
    except pa.ArrowException as error:
        raise damaged(part, error) from error


def _groups(file: pq.ParquetFile) -> range:
    return range(file.num_row_groups)


def _hit(rows: pa.Table, keys: pa.Array) -> pa.ChunkedArray:
    """Which rows are of these keys and say anything."""
    said = pc.binary_join_element_wise(*(rows[name].cast(pa.string()) for name in _TEXTS), "")
    return pc.and_(pc.is_in(rows["key"], value_set=keys), pc.not_equal(said, ""))


def _purged(rows: pa.Table, keys: pa.Array) -> pa.Table:
    hit = _hit(rows, keys)
    if not pc.any(hit).as_py():
        return rows
    changed = {name: pc.if_else(hit, "", rows[name].cast(pa.string())) for name in _TEXTS}
    replied = pc.and_(hit, pc.equal(rows["kind"].cast(pa.string()), EntryKind.REPLY))
    changed["kind"] = pc.if_else(replied, EntryKind.FORGOTTEN.value, rows["kind"].cast(pa.string()))
    columns = [changed.get(name, rows[name]) for name in SCHEMA.names]
    return pa.table(columns, SCHEMA)


def purge_lines(path: Path, keys: pa.Array) -> int:
    """Empty the entries of these keys in a file of lines; says how many those were.

    Damaged lines are left out, since nobody can tell whose they are.

    Raises:
        OSError: the disk is full or fails.
    """
    wanted = set(np.asarray(keys).tolist())
    hits = damaged_lines = 0
    draft = path.with_name(f"purged-{path.name}")
    with path.open("rb") as file, draft.open("wb") as out:
        for line in _lines(file.fileno()):
            entry, _ = from_line(line)
            if entry is None:
                damaged_lines += 1
            elif bytes.fromhex(entry.key) in wanted and entry != emptied(entry):
                hits += 1
                out.write(to_line(emptied(entry))[0])
            else:
                out.write(line + b"\n")
        out.flush()
        os.fsync(out.fileno())
    if hits or damaged_lines:
        draft.replace(path)
        sync_folder(path.parent)
    else:
        draft.unlink()
    return hits


def _lines(file: int) -> Iterator[bytes]:
    for _, chunk in read_chunks(file, os.fstat(file).st_size, GROUP_BYTES):
        yield from chunk.split(b"\n")[:-1]
