"""Short texts by number: any number of them, none of them held.

Pieces of real texts put together as personas are, by a hash of the text's number, so that a text is the same
whenever it is made, alone or among others. A given share repeats another text: a third of it word for word,
a third with one more word, a third with another verb. All in Numba, 150 to 300 ns a text.
"""

import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from numba import njit
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[1]))
import made_personas as parts

__all__ = ["LANGUAGES", "MadeTexts"]

LANGUAGES = ("en", "ru", "zh")

_ROWS = 2**16
_LONGEST = 1000
_ALWAYS, _MAYBE, _AFTER, _ELSE = range(4)
"""When a slot is filled: always; by chance; where the one before was; where the one of `_MAYBE` was not."""

Longs = NDArray[np.int64]
Bytes = NDArray[np.uint8]


def _slots(data: Path, language: str) -> tuple[list[tuple[int, float, list[str]]], list[str]]:
    """When each slot is filled, how often, and what with; and the words that near copies have more."""
    if language == "ru":
        clauses = [clause[0].lower() + clause[1:] for clause in parts.russian_clauses(data)]
        who = [(kind + person.lower()).capitalize() for kind in parts.RU_KINDS for person in parts.RU_PEOPLE]
        slots = [
            (_ALWAYS, 1.0, who),
            (_ALWAYS, 1.0, [f", {lead}" for lead in parts.RU_LEADS]),
            (_ALWAYS, 1.0, [f" {clause}" for clause in clauses]),
            (_ALWAYS, 1.0, [f", {clause}" for clause in clauses]),
        ]
        return slots, [f" {clause.split()[0]}" for clause in clauses]
    if language == "zh":
        clauses = parts.chinese_clauses(data)
        slots = [
            (_ALWAYS, 1.0, [kind + person for kind in parts.ZH_KINDS for person in parts.ZH_PEOPLE]),
            (_ALWAYS, 1.0, list(parts.ZH_LEADS)),
            (_ALWAYS, 1.0, clauses),
            (_ALWAYS, 1.0, [f"和{clause}" for clause in clauses]),
        ]
        return slots, [clause[0] for clause in clauses]
    pieces = parts.english_parts(data)
    kinds = [f"{'An' if kind[0] in 'aeiou' else 'A'} {kind}" for kind in pieces.kinds]
    # Six of ten are described.
    kinds += ["The"] * (len(kinds) * 2 // 3)
    slots = [
        (_ALWAYS, 1.0, kinds),
        (_ALWAYS, 1.0, [f" {person}" for person in pieces.people]),
        (_ALWAYS, 1.0, [f" who {lead}" for lead in parts.LEADS]),
        (_ALWAYS, 1.0, [f" {deed}" for deed in pieces.deeds]),
        (_MAYBE, 0.4, [f" and {tail}" for tail in parts.TAILS]),
        (_AFTER, 1.0, [f" {thing}" for thing in pieces.things]),
        (_ELSE, 1 / 3, [f", and spends evenings {hour}" for hour in pieces.hours]),
    ]
    return slots, [f" {thing}" for thing in pieces.things if " " not in thing]


class MadeTexts:
    """Texts that are made when they are read.

    Args:
        data: the folder of texts that pieces are taken from.
        language: one of `LANGUAGES`.
        count: how many.
        duplicates: the share that repeats another.
        seed: another seed, other texts.
    """

    def __init__(
        self, data: Path, language: str, count: int, *, duplicates: float = 0.1, seed: int = 0
    ) -> None:
        """Read the pieces."""
        slots, more = _slots(data, language)
        pools = [[text.encode() for text in pool] for *_, pool in slots] + [[word.encode() for word in more]]
        lengths = [len(piece) for pool in pools for piece in pool]
        self._ends = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        self._data = np.frombuffer(b"".join(piece for pool in pools for piece in pool), np.uint8)
        self._pools = np.cumsum([0, *map(len, pools)])
        self._when = np.array([when for when, *_ in slots])
        self._often = np.array([often for _, often, _ in slots])
        self._stop = np.frombuffer(("。" if language == "zh" else ".").encode(), np.uint8)
        self._duplicates = duplicates
        self._seed = np.uint64(seed)
        self._count = count
        self.seconds = 0.0
        """Spent on making texts."""

    def __len__(self) -> int:
        """How many there are."""
        return self._count

    def read(self) -> Iterator[pa.Array]:
        """All in their order."""
        for start in range(0, self._count, _ROWS):
            yield self._make(np.arange(start, min(start + _ROWS, self._count)))

    def take(self, rows: Longs) -> pa.Array:
        """Those of these rows."""
        return self._make(rows)

    def source(self, row: int) -> int:
        """The row that a row repeats, itself where it repeats none."""
        return int(_source(np.int64(row), self._seed, self._duplicates)[0])

    def texts(self, rows: Sequence[int]) -> list[str]:
        """Those of these rows, as Python's."""
        return self._make(np.asarray(rows, np.int64)).to_pylist()

    def _make(self, rows: Longs) -> pa.Array:
        started = time.thread_time()
        ends, data = _make(
            rows, self._seed, self._duplicates, self._ends, self._data, self._pools, self._when, self._often,
            self._stop,
        )  # fmt: skip
        array = pa.LargeStringArray.from_buffers(len(rows), pa.py_buffer(ends), pa.py_buffer(data))
        self.seconds += time.thread_time() - started
        return array


@njit(cache=True, nogil=True)
def _mix(value: np.uint64) -> np.uint64:
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


@njit(cache=True, nogil=True)
def _below(state: np.uint64, most: int) -> int:
    """A number below ``most`` by the upper bits of a hash."""
    return np.int64(((state >> np.uint64(32)) * np.uint64(most)) >> np.uint64(32))


@njit(cache=True, nogil=True)
def _source(row: int, seed: np.uint64, duplicates: float) -> tuple[int, np.uint64]:
    """The row that is repeated, and a hash of this one."""
    state = _mix(np.uint64(row) * np.uint64(0x9E3779B97F4A7C15) + seed + np.uint64(1))
    if row > 0 and np.float64(state >> np.uint64(11)) / 2.0**53 < duplicates:
        return np.int64(_mix(state + np.uint64(1)) % np.uint64(row)), state
    return row, state


@njit(cache=True, nogil=True)
def _make(
    rows: Longs, seed: np.uint64, duplicates: float, ends: Longs, data: Bytes, pools: Longs, when: Longs,
    often: NDArray[np.float64], stop: Bytes,
) -> tuple[Longs, Bytes]:  # fmt: skip
    offsets = np.zeros(len(rows) + 1, np.int64)
    out = np.empty(len(rows) * 256 + _LONGEST, np.uint8)
    at = 0
    for place in range(len(rows)):
        if at + _LONGEST > len(out):
            longer = np.empty(2 * len(out), np.uint8)
            longer[:at] = out[:at]
            out = longer
        base, own = _source(rows[place], seed, duplicates)
        state = _mix(np.uint64(base) * np.uint64(0xD1342543DE82EF95) + seed)
        kind = 0 if base == rows[place] else 1 + _below(_mix(own + np.uint64(2)), 3)
        filled = False
        for slot in range(len(when)):
            state = _mix(state + np.uint64(slot + 1))
            chance = np.float64((state << np.uint64(32)) >> np.uint64(43)) / 2.0**21
            if when[slot] == _ALWAYS:
                filled = True
            elif when[slot] == _MAYBE:
                filled = chance < often[slot]
            elif when[slot] == _ELSE:
                filled = not filled and chance < often[slot]
            if not filled:
                continue
            drawn = state
            if kind == 3 and slot == len(when) // 2 - 1:
                drawn = _mix(own + np.uint64(3))
            piece = pools[slot] + _below(drawn, pools[slot + 1] - pools[slot])
            for byte in range(ends[piece], ends[piece + 1]):
                out[at] = data[byte]
                at += 1
        if kind == 2:
            last = len(when)
            piece = pools[last] + _below(_mix(own + np.uint64(4)), pools[last + 1] - pools[last])
            for byte in range(ends[piece], ends[piece + 1]):
                out[at] = data[byte]
                at += 1
        for byte in stop:
            out[at] = byte
            at += 1
        offsets[place + 1] = at
    return offsets, out[:at].copy()
