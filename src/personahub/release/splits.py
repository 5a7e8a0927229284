"""Splits that do not leak: rows that have a source document, a persona or an item in common stay together.

Groups are connected components: if one row shares its document with a second, and that its persona with a
third, all three are in one split.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from personahub.errors import UserError

__all__ = ["LEFT_OUT", "REST", "Groups", "Split", "parse_shares", "split"]

REST = "train"
"""The split that takes what the others do not."""
LEFT_OUT = -1
"""The number of a row that is in no split."""
_Ints = npt.NDArray[np.int64]


def parse_shares(text: str) -> dict[str, float]:
    """Shares of splits as they are written: "train=0.9,test=0.1".

    Raises:
        UserError: it is none, or the shares are not 1 together.
    """
    shares: dict[str, float] = {}
    for part in text.split(","):
        name, _, share = part.strip().partition("=")
        try:
            value = float(share)
        except ValueError:
            value = -1.0
        if not name.isidentifier() or name in shares or not 0 < value <= 1:
            raise UserError(f"--split {text}: write names and shares, such as train=0.9,test=0.1")
        shares[name] = value
    if REST not in shares or abs(sum(shares.values()) - 1) > 1e-6:
        raise UserError(f"--split {text}: {REST} has to be among them, and all shares together 1")
    return shares


class Groups:
    """Rows as they come, with what each has in common with others; 16 bytes for each such thing."""

    def __init__(self) -> None:
        """No rows yet."""
        self.rows = 0
        self._rows: list[_Ints] = []
        self._keys: list[npt.NDArray[np.uint64]] = []

    def add(self, rows: Iterable[Iterable[str]]) -> None:
        """Take in rows: of each what it is from, such as the ids of its document and its persona."""
        numbers: list[int] = []
        keys: list[bytes] = []
        for row in rows:
            for each in row:
                numbers.append(self.rows)
                keys.append(hashlib.blake2b(each.encode(), digest_size=8).digest())
            self.rows += 1
        self._rows.append(np.array(numbers, np.int64))
        self._keys.append(np.frombuffer(b"".join(keys), np.uint64))

    def close(self) -> _Ints:
        """For each row the lowest row of its group."""
        from personahub.kernels.joining import join

        parents = np.arange(self.rows, dtype=np.int64)
        if self._rows:
            rows, keys = np.concatenate(self._rows), np.concatenate(self._keys)
            order = np.argsort(keys, kind="stable")
            rows, keys = rows[order], keys[order]
            same = keys[1:] == keys[:-1]
            join(parents, rows[:-1][same], rows[1:][same])
        # Parents are lower, so in ascending order each one's own is final.
        while (above := parents[parents]).tolist() != parents.tolist():
            parents = above
        return parents


@dataclass(frozen=True)
class Split:
    """Which row is in which split.

    Attributes:
        names: of the splits.
        numbers: of each row the place of its split's name, or :data:`LEFT_OUT`.
        groups: how many groups there are.
        largest: rows of the largest one.
    """

    names: tuple[str, ...]
    numbers: npt.NDArray[np.int8]
    groups: int
    largest: int

    @property
    def counts(self) -> dict[str, int]:
        """Rows of each split."""
        return {name: int((self.numbers == place).sum()) for place, name in enumerate(self.names)}

    @property
    def left_out(self) -> int:
        """Rows that are in none, since their group is in a split that they may not be in."""
        return int((self.numbers == LEFT_OUT).sum())


def split(
    groups: _Ints,
    shares: Mapping[str, float],
    seed: int,
    *,
    fit: npt.NDArray[np.bool_] | None = None,
) -> Split:
    """Deal whole groups out to splits, in an order drawn by the seed.

    Each but :data:`REST` gets at most its share of the rows, and less only where no group fits any more. The
    rest goes to :data:`REST`.

    Args:
        groups: of each row the lowest row of its group.
        shares: of each split, by name, :data:`REST` among them.
        seed: of the order.
        fit: which rows may be in the splits other than :data:`REST`; None for all. A group with such a row
            can be dealt there; its other rows are then in no split.
    """
    names = tuple(shares)
    first, inverse, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    fitting = sizes if fit is None else np.bincount(inverse, weights=fit, minlength=len(first))
    rest = names.index(REST)
    room = {place: int(share * len(groups) + 0.5) for place, share in enumerate(shares.values())}
    room.pop(rest)
    dealt = np.full(len(first), rest, np.int8)
    for group in np.random.default_rng(seed).permutation(len(first)).tolist():
        size = int(fitting[group])
        place = next((each for each, left in room.items() if 0 < size <= left), None)
        if place is not None:
            dealt[group] = place
            room[place] -= size
    numbers = dealt[inverse]
    if fit is not None:
        numbers[(numbers != rest) & ~fit] = LEFT_OUT
    return Split(names, numbers, len(first), int(sizes.max(initial=0)))
