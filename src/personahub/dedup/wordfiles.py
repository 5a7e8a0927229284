"""The words of texts in the files of a folder, appended to by whole commits and mapped into memory.

    sizes       1 byte a row: its units; 0 where it has no words, or those of an earlier row
    parts       16 bytes a row: sums of four parts of its words
    words       2 bytes a unit, one or two for a word
    equal       8 bytes for a row of an earlier one's words: its number times 2**32, and that row's
    vocabulary  8 bytes a word: its hash
    note.json   what of them counts

The note is written last and replaced as a whole, so that what a killed process appended is not there for the
next, which writes over it. It tells a number of each 16,384 rows by which changed bytes are found.
"""

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from personahub.dedup.numbered import PARTS, Bytes, NumberedSets, Units, check_bytes, decode_rows
from personahub.errors import UserError

__all__ = ["Block", "DamagedError", "Rows", "WordFiles"]

_FORMAT = 1
_BLOCK = 2**14
_NOTE = "note.json"
_Longs = NDArray[np.int64]
_Hashes = NDArray[np.uint64]
_KINDS: dict[str, type[np.generic]] = {
    "sizes": np.uint8,
    "parts": np.uint32,
    "words": np.uint16,
    "equal": np.uint64,
    "vocabulary": np.uint64,
}


class DamagedError(Exception):
    """The files are not what was written."""


@dataclass(frozen=True, slots=True)
class Block:
    """Rows that are read together.

    Attributes:
        rows: how many rows there are up to its end.
        units: and how many units.
        check: of its bytes.
    """

    rows: int
    units: int
    check: int


@dataclass(frozen=True, slots=True)
class _Note:
    format: int = _FORMAT
    vocabulary: int = 0
    equal: int = 0
    longest: int = 0
    check: int = 0
    blocks: tuple[Block, ...] = ()


@dataclass(frozen=True)
class Rows:
    """Rows that follow one another, as they are written.

    Attributes:
        sizes: shape (rows,).
        parts: shape (rows, PARTS).
        words: the units of all.
        ends: where each row's end.
        longest: words that a row has at most.
        equal: pairs, for rows with the words of an earlier one.
        vocabulary: the words that came first in these rows.
    """

    sizes: Bytes
    parts: NDArray[np.uint32]
    words: Units
    ends: _Longs
    longest: int
    equal: _Hashes
    vocabulary: _Hashes


class WordFiles:
    """The files of a folder.

    Args:
        folder: need not be there.
    """

    def __init__(self, folder: Path) -> None:
        """Read the note; nothing counts where there is none, or where it tells of what is not there."""
        self._folder = folder
        self._note = self._read_note()
        self._mapped: dict[str, NDArray[Any]] = {}
        self._seen: set[int] = set()
        try:
            self._map()
            if self.blocks and self._check_small() != self._note.check:
                self.clear()
        except (OSError, ValueError, TypeError, OverflowError):
            self.clear()

    def _read_note(self) -> _Note:
        try:
            told = json.loads((self._folder / _NOTE).read_text())
            note = _Note(**{**told, "blocks": tuple(Block(*block) for block in told["blocks"])})
        except (OSError, ValueError, KeyError, TypeError):
            return _Note()
        return note if note.format == _FORMAT else _Note()

    def __len__(self) -> int:
        """How many rows there are."""
        return self.blocks[-1].rows if self.blocks else 0

    @property
    def blocks(self) -> tuple[Block, ...]:
        """Of all rows."""
        return self._note.blocks

    @property
    def longest(self) -> int:
        """Words that a row has at most."""
        return self._note.longest

    @property
    def vocabulary(self) -> _Hashes:
        """The hashes of the words by their numbers."""
        return np.asarray(self._mapped["vocabulary"])

    @property
    def equal(self) -> tuple[_Longs, _Longs]:
        """The rows with the words of an earlier one, ascending, and the first that has them."""
        pairs = np.asarray(self._mapped["equal"])
        return (pairs >> np.uint64(32)).astype(np.int64), (pairs & np.uint64(0xFFFFFFFF)).astype(np.int64)

    @property
    def sizes(self) -> Bytes:
        """Of all rows."""
        return self._mapped["sizes"]

    def parts(self, block: int) -> NDArray[np.uint32]:
        """Of a block's rows, shape (rows, PARTS)."""
        begin, end = self.span(block)
        return self._mapped["parts"][PARTS * begin : PARTS * end].reshape(-1, PARTS)

    def span(self, block: int) -> tuple[int, int]:
        """The first row of a block, and the one after its last."""
        return self.blocks[block - 1].rows if block else 0, self.blocks[block].rows

    def _units(self, block: int) -> Units:
        begin = self.blocks[block - 1].units if block else 0
        return self._mapped["words"][begin : self.blocks[block].units]

    def check(self, block: int) -> None:
        """See that a block is what was written, when it is first read.

        Raises:
            DamagedError: it is not.
        """
        if block not in self._seen:
            if self._checked(block) != self.blocks[block].check:
                raise DamagedError
            self._seen.add(block)

    def read(self, block: int, wanted: NDArray[np.bool_]) -> NumberedSets:
        """The words of those of a block's rows that are wanted; others have none.

        Raises:
            DamagedError: the block is not what was written; so does `take`.
        """
        self.check(block)
        begin, end = self.span(block)
        return NumberedSets(*decode_rows(self._units(block), self.sizes[begin:end], wanted))

    def take(self, rows: _Longs) -> NumberedSets:
        """The words of some rows, which ascend."""
        counts, words = [np.zeros(1, np.int64)], [np.empty(0, np.uint32)]
        ends = np.array([block.rows for block in self.blocks], np.int64)
        places = np.searchsorted(ends, rows, "right")
        for block in np.unique(places).tolist():
            begin, end = self.span(block)
            own = rows[np.searchsorted(places, block) : np.searchsorted(places, block, "right")] - begin
            wanted = np.zeros(end - begin, np.bool_)
            wanted[own] = True
            sets = self.read(block, wanted)
            counts.append(np.diff(sets.starts)[own])
            words.append(sets.words.copy())
        return NumberedSets(np.cumsum(np.concatenate(counts)), np.concatenate(words))

    def append(self, rows: Rows) -> None:
        """Add rows: all of them, or where this ends before its end, none.

        Raises:
            UserError: they cannot be written.
        """
        before, old = len(self), self._note
        units = self.blocks[-1].units if self.blocks else 0
        at = {
            "sizes": before,
            "parts": PARTS * before,
            "words": units,
            "equal": old.equal,
            "vocabulary": old.vocabulary,
        }
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            for name, kind in _KINDS.items():
                _write(self._folder / name, at[name] * np.dtype(kind).itemsize, getattr(rows, name))
            # The last block is lengthened, so that small commits leave no small blocks.
            whole = old.blocks[:-1] if before % _BLOCK else old.blocks
            bounds = [*range(len(whole) * _BLOCK, before + len(rows.sizes), _BLOCK)][1:]
            ends = np.append(rows.ends, 0) + units
            grown = [Block(end, int(ends[end - before - 1]), 0) for end in bounds]
            grown.append(Block(before + len(rows.sizes), int(rows.ends[-1]) + units, 0))
            counts = old.vocabulary + len(rows.vocabulary), old.equal + len(rows.equal)
            self._note = _Note(_FORMAT, *counts, max(old.longest, rows.longest), 0, (*whole, *grown))
            self._map()
            self._seen.difference_update(range(len(whole), len(old.blocks)))
            checked = [
                Block(block.rows, block.units, self._checked(place))
                for place, block in enumerate(grown, len(whole))
            ]
            self._note = _Note(_FORMAT, *counts, self.longest, self._check_small(), (*whole, *checked))
            self._save()
        except OSError as error:
            self._note = old
            raise UserError(
                f"{self._folder}: the index of words cannot be written ({error.strerror or error}); what was"
                " compared before is whole: free some space, then do it again"
            ) from error

    def clear(self) -> None:
        """Forget all rows, and take the files away.

        Raises:
            UserError: they cannot be taken away.
        """
        self._note, self._mapped = _Note(), {}
        self._seen.clear()
        try:
            for name in (_NOTE, f"{_NOTE}.draft", *_KINDS):
                (self._folder / name).unlink(missing_ok=True)
        except OSError as error:
            raise UserError(
                f"{self._folder}: the index of words does not fit and cannot be made anew"
                f" ({error.strerror or error}): delete the folder"
            ) from error
        with suppress(OSError):  # It has other files, or is not there.
            self._folder.rmdir()
        self._map()

    def _checked(self, block: int) -> int:
        begin, end = self.span(block)
        return _check(self.sizes[begin:end], self.parts(block), self._units(block))

    def _check_small(self) -> int:
        """Of what is read as a whole."""
        return _check(self._mapped["equal"], self._mapped["vocabulary"])

    def _map(self) -> None:
        """Map what the note tells of.

        Raises:
            ValueError: a file is shorter.
        """
        counts = {
            "sizes": len(self),
            "parts": PARTS * len(self),
            "words": self.blocks[-1].units if self.blocks else 0,
            "equal": self._note.equal,
            "vocabulary": self._note.vocabulary,
        }
        for name, kind in _KINDS.items():
            shape = (counts[name],)
            self._mapped[name] = (
                np.asarray(np.memmap(self._folder / name, kind, "r", shape=shape))
                if counts[name]
                else np.empty(0, kind)
            )

    def _save(self) -> None:
        draft = self._folder / f"{_NOTE}.draft"
        told = {**asdict(self._note), "blocks": [(b.rows, b.units, b.check) for b in self.blocks]}
        with draft.open("w") as file:
            json.dump(told, file)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._folder / _NOTE)


def _write(path: Path, begin: int, data: NDArray[Any]) -> None:
    with path.open("r+b" if path.exists() else "w+b") as file:
        file.truncate(begin)
        file.seek(begin)
        file.write(np.ascontiguousarray(data).view(np.uint8).reshape(-1).data)
        file.flush()
        os.fsync(file.fileno())


def _check(*arrays: NDArray[Any]) -> int:
    check = 0
    for array in arrays:
        own = int(check_bytes(np.ascontiguousarray(array).view(np.uint8).reshape(-1)))
        check = (31 * check + own) % 2**64
    return check
