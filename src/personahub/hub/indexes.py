"""The indexes of a hub's Lance tables, and how they are brought up to date.

An index knows the rows that were there when it was built. Lance looks through the others one by one, so that
a search finds them too: a thousand more cost 3 ms. Bringing an index up to date writes what is new beside
what is there, in some 15 ms; only when there are many such parts are they put together, which for a million
personas takes 2 s.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from personahub.hub.datasets import open_table

__all__ = ["PARTITIONS", "bring_up_to_date", "open_indexed", "unindexed_rows"]

PARTITIONS = 32
"""Of an index of vectors."""
_MOST_PARTS = 8
_INDEX_CACHE = 512 * 2**20
_METADATA_CACHE = 128 * 2**20

# Words are found by ICU's rules and dictionaries, which also part Chinese, Japanese and Thai sentences into
# words; n-grams found no Chinese word of two characters. Stems are those of English, which leave other
# scripts alone: "nurse" finds "nurses".
_KINDS: Mapping[str, Mapping[str, Any]] = {
    "INVERTED": {"base_tokenizer": "icu", "with_position": False},
    "BTREE": {},
    "BITMAP": {},
    # RaBitQ (Gao, Long 2024) with 4 bits a dimension. The few partitions only spread the work, and all are
    # looked through: to leave any out lost much (a third of the partitions held nine tenths of the nearest).
    "IVF_RQ": {"num_bits": 4, "num_partitions": PARTITIONS, "sample_rate": 64, "metric": "dot"},
}


@cache
def _session() -> Any:
    """What this process keeps in memory of all indexes; Lance alone would keep up to 6 GB."""
    import lance

    return lance.Session(index_cache_size_bytes=_INDEX_CACHE, metadata_cache_size_bytes=_METADATA_CACHE)


def open_indexed(path: Path) -> Any | None:
    """The Lance table at this path as it is now, its indexes kept in memory; None where there is none.

    To open it again takes 0.2 ms, and what earlier searches have loaded of its indexes is still there.
    """
    return open_table(path, session=_session())


def bring_up_to_date(path: Path, columns: Mapping[str, str]) -> None:
    """Build the indexes of these columns, or add to them what is new; nothing where they know all rows.

    Only the process that writes the hub may call this. A kill leaves the indexes as they were.

    Args:
        path: the table's folder.
        columns: each column's kind of index: INVERTED, BTREE, BITMAP or IVF_RQ.
    """
    for column, kind in columns.items():
        if (table := open_indexed(path)) is None:
            return
        index = _index_of(table, column)
        if index is None:
            create = table.create_index if kind.startswith("IVF") else table.create_scalar_index
            create(column, kind, name=_name(column), **_KINDS[kind])
        elif table.count_rows() > index.num_rows_indexed:
            parts = len(index.segments)
            merged = 0 if parts < _MOST_PARTS else parts
            table.optimize.optimize_indices(index_names=[index.name], num_indices_to_merge=merged)


def unindexed_rows(path: Path, column: str) -> int | None:
    """How many rows the column's index does not know; None where there is no index."""
    table = open_indexed(path)
    index = None if table is None else _index_of(table, column)
    if table is None or index is None:
        return None
    return max(int(table.count_rows()) - int(index.num_rows_indexed), 0)


def _index_of(table: Any, column: str) -> Any | None:
    """What the table tells of the column's index; None where there is none."""
    found = [index for index in table.describe_indices() if index.name == _name(column)]
    return found[0] if found else None


def _name(column: str) -> str:
    return f"{column}_idx"
