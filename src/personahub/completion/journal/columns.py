"""Entries as Arrow columns: the schema of a part, and the way from lines and back to entries."""

import json
from binascii import unhexlify
from itertools import repeat
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json

from personahub.completion.journal.entry import TEXT_FIELDS, Entry, EntryKind, from_line

__all__ = ["FEW_VALUES", "SCHEMA", "to_entries", "to_table"]

_LINE = pa.schema(
    [
        ("key", pa.string()),
        ("kind", pa.string()),
        ("run", pa.int64()),
        ("model", pa.string()),
        ("text", pa.string()),
        ("finish_reason", pa.string()),
        ("reason", pa.string()),
        ("detail", pa.string()),
        ("about", pa.string()),
        ("attempts", pa.int64()),
        ("prompt_tokens", pa.int64()),
        ("cached_tokens", pa.int64()),
        ("completion_tokens", pa.int64()),
        ("cost", pa.float64()),
        ("seconds", pa.float64()),
        ("most_tokens", pa.int64()),
        ("most_cost", pa.float64()),
    ]
)
SCHEMA = _LINE.set(0, pa.field("key", pa.binary(16))).append(pa.field("escaped", pa.bool_()))
"""A part's columns: an entry's fields, the key as its bytes, and ``escaped``: whether the texts of the
row have JSON's escapes, because half a surrogate pair, which UTF-8 lacks, is among them."""

FEW_VALUES = ["kind", "model", "finish_reason", "reason", "detail"]
"""The columns that repeat few values."""

_DEFAULTS = {**dict.fromkeys(("finish_reason", "reason", "detail", "about", "text"), ""), "attempts": 1}
_DEFAULTS |= {"seconds": 0.0, "most_tokens": 0, "most_cost": 0.0}


def to_table(lines: bytes, *, usual: bool) -> pa.Table:
    """The entries of whole lines; damaged lines are left out.

    Args:
        lines: as they stand in the file.
        usual: whether each is an entry in strict JSON. Arrow reads those five times as fast and lets
            other threads run.
    """
    if usual:
        try:
            table = _by_arrow(lines)
        except ValueError:
            pass  # The two readers differ on JSON that we never write, as a field given twice.
        else:
            if table.num_rows == lines.count(b"\n"):
                return table
    entries = (from_line(line)[0] for line in lines.split(b"\n")[:-1])
    return pa.Table.from_pylist([_row(entry) for entry in entries if entry is not None], SCHEMA)


def _by_arrow(lines: bytes) -> pa.Table:
    table = pyarrow.json.read_json(
        pa.BufferReader(lines),
        # One block, so that each column is in one piece.
        read_options=pyarrow.json.ReadOptions(use_threads=False, block_size=len(lines) + 1),
        parse_options=pyarrow.json.ParseOptions(explicit_schema=_LINE, unexpected_field_behavior="ignore"),
    )
    columns = {name: table[name] for name in _LINE.names}
    columns["key"] = _packed(columns["key"].combine_chunks())
    columns["escaped"] = pa.repeat(False, table.num_rows)
    for name, default in _DEFAULTS.items():
        columns[name] = pc.fill_null(columns[name], default)
    return pa.table([columns[name] for name in SCHEMA.names], SCHEMA)


def _packed(keys: pa.StringArray) -> pa.Array:
    digits = memoryview(keys.buffers()[2])[: 32 * len(keys)]
    return pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(16), len(keys), [None, pa.py_buffer(unhexlify(digits))]
    )


def _row(entry: Entry) -> dict[str, object]:
    row = {**entry._asdict(), "key": unhexlify(entry.key), "escaped": False}
    texts = {name: getattr(entry, name) for name in TEXT_FIELDS}
    try:
        "".join(texts.values()).encode()
    except UnicodeEncodeError:
        row.update({name: json.dumps(text)[1:-1] for name, text in texts.items()}, escaped=True)
    return row


def to_entries(rows: pa.RecordBatch) -> list[Entry]:
    """The entries of a part's rows."""
    columns = {name: _values(rows[name]) for name in SCHEMA.names if name != "key"}
    if any(columns["escaped"]):
        found = [row for row, escaped in enumerate(columns["escaped"]) if escaped]
        for name in TEXT_FIELDS:
            for row in found:
                columns[name][row] = json.loads(f'"{columns[name][row]}"')
    keys = rows["key"]
    digits = memoryview(keys.buffers()[1])[16 * keys.offset : 16 * (keys.offset + len(keys))].hex()
    columns["key"] = [digits[start : start + 32] for start in range(0, len(digits), 32)]
    kinds = {kind.value: kind for kind in EntryKind}
    columns["kind"] = list(map(kinds.__getitem__, columns["kind"]))
    # All in C: as Entry(...) a row each, this takes four times as long.
    values = zip(*(columns[name] for name in Entry._fields), strict=True)
    return list(map(tuple.__new__, repeat(Entry), values))


def _values(array: pa.Array) -> list[Any]:
    if isinstance(array, pa.DictionaryArray):
        values: list[Any] = array.dictionary.to_pylist()
        if len(values) == 1:
            return values * len(array)
        return list(map(values.__getitem__, array.indices.to_numpy().tolist()))
    if array.null_count == len(array):
        return [None] * len(array)
    found: list[Any] = array.to_pylist()
    return found
