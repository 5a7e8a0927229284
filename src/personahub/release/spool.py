"""Rows on disk, in their order, until it is known which of them are wanted.

Two files: the lines as they will be written, and the texts as Arrow holds them, both read through the
system's page cache. In memory are 40 bytes of each row.
"""

import hashlib
import mmap
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from personahub.config import json_bytes

__all__ = ["Spool"]

_TEXTS = 4096
"""Texts that are written at a time."""
_KINDS: Mapping[type, str] = {
    str: "text",
    bool: "true or false",
    int: "a number",
    float: "a number",
    list: "a list",
    dict: "an object",
}
_Ints = NDArray[np.int64]


class Spool:
    """Rows that are added one by one, and looked at when all are there.

    Args:
        folder: where its files lie; it has to be there.
    """

    def __init__(self, folder: Path) -> None:
        """Begin with no rows."""
        self._held = ExitStack()
        self._lines = self._held.enter_context((folder / "lines").open("w+b"))
        self._texts_path = folder / "texts.arrow"
        self._schema = pa.schema([("text", pa.large_string())])
        self._texts_file = self._held.enter_context(pa.OSFile(str(self._texts_path), "wb"))
        self._texts_out = pa.ipc.new_file(self._texts_file, self._schema)
        self._waiting: list[str] = []
        self._ends, self._tokens = array("q", [0]), array("q")
        self._strata, self._shapes, self._ids = array("l"), array("l"), array("Q")
        self._stratum_numbers: dict[str, int] = {}
        self._shape_numbers: dict[tuple[Any, ...], int] = {}
        self._map: mmap.mmap | None = None

    def __enter__(self) -> Self:
        """Nothing more to do."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close its files, which the caller removes."""
        if self._map is not None:
            self._map.close()
        self._held.close()

    def __len__(self) -> int:
        """How many rows there are."""
        return len(self._tokens)

    def add(self, fields: Mapping[str, Any], line: bytes, text: str, tokens: int, stratum: str) -> None:
        """Add a row.

        Args:
            fields: the row's, by which rows are known to be alike in form and to have one id.
            line: what is written for it, without its end.
            text: what it is compared by.
            tokens: of its text.
            stratum: what it is one of.
        """
        self._lines.write(line)
        self._ends.append(self._ends[-1] + len(line))
        self._waiting.append(text)
        if len(self._waiting) >= _TEXTS:
            self._write_texts()
        self._tokens.append(tokens)
        self._strata.append(self._stratum_numbers.setdefault(stratum, len(self._stratum_numbers)))
        shape = (*fields, *map(type, fields.values()))
        self._shapes.append(self._shape_numbers.setdefault(shape, len(self._shape_numbers)))
        self._ids.append(_key(fields["id"]) if fields.get("id") is not None else 0)

    def close(self) -> None:
        """All rows are in."""
        self._write_texts()
        self._texts_out.close()
        self._lines.flush()

    def _write_texts(self) -> None:
        if self._waiting:
            self._texts_out.write(pa.record_batch([pa.array(self._waiting, pa.large_string())], self._schema))
            self._waiting.clear()

    @property
    def tokens(self) -> _Ints:
        """Of each row's text."""
        return np.array(self._tokens, np.int64)

    @property
    def strata(self) -> _Ints:
        """Of each row the number of its stratum, a place in :attr:`stratum_names`."""
        return np.array(self._strata, np.int64)

    @property
    def stratum_names(self) -> list[str]:
        """In the order in which they were first seen."""
        return list(self._stratum_numbers)

    def texts(self) -> pa.ChunkedArray:
        """Of each row, read from disk as they are looked at."""
        source = self._held.enter_context(pa.memory_map(str(self._texts_path)))
        return pa.ipc.open_file(source).read_all()["text"]

    def lines(self, rows: Iterable[int]) -> Iterator[bytes]:
        """The lines of these rows, in their order."""
        for row in rows:
            if self._map is None:
                self._map = mmap.mmap(self._lines.fileno(), 0, access=mmap.ACCESS_READ)
            yield self._map[self._ends[row] : self._ends[row + 1]]

    def kinds(self, first: int, end: int) -> dict[str, str]:
        """What most of these rows hold in each field, such as "text" or "a number"."""
        counts: dict[str, Counter[str]] = {}
        numbers = np.bincount(np.array(self._shapes)[first:end], minlength=len(self._shape_numbers))
        for shape, count in zip(self._shape_numbers, numbers.tolist(), strict=True):
            for name, kind in _kinds_of(shape):
                counts.setdefault(name, Counter())[kind] += count
        return {name: own.most_common(1)[0][0] for name, own in counts.items() if own.total()}

    def unlike(self, kinds: Mapping[str, str], first: int, end: int) -> _Ints:
        """The rows among these in which a field holds something else than told."""
        odd = [
            any(kinds.get(name, kind) != kind for name, kind in _kinds_of(shape))
            for shape in self._shape_numbers
        ]
        found = np.array(odd, np.bool_)[np.array(self._shapes, np.int64)[first:end]]
        return first + np.flatnonzero(found)

    def of_one_id(self, rows: _Ints) -> Iterator[tuple[int, int]]:
        """Pairs of these rows whose ids are the same, as far as 64 bits of their hashes tell."""
        keys = np.array(self._ids, np.uint64)[rows]
        rows, keys = rows[keys > 0], keys[keys > 0]
        order = np.argsort(keys, kind="stable")
        same = np.flatnonzero(keys[order][1:] == keys[order][:-1])
        for place in same.tolist():
            yield int(rows[order[place]]), int(rows[order[place + 1]])


def _kinds_of(shape: tuple[Any, ...]) -> Iterator[tuple[str, str]]:
    names = shape[: len(shape) // 2]
    for name, type_ in zip(names, shape[len(names) :], strict=True):
        if type_ is not type(None):
            yield name, _KINDS.get(type_, type_.__name__)


def _key(value: object) -> int:
    digest = hashlib.blake2b(json_bytes(value), digest_size=8).digest()
    return int.from_bytes(digest) | 1
