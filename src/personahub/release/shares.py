"""Which rows of two collections make a mixture of an asked ratio.

Rows are weighed: each by 1, or by its tokens. Both collections are put in an order by a seed, each stratum in
one of its own, and of each side rows are taken from the front, so that a smaller mixture of the same seed is
part of a larger one.
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from personahub.errors import UserError

__all__ = ["Chosen", "Side", "choose_arms", "choose_rows", "parse_ratio"]

_Ints = NDArray[np.int64]


class Side(NamedTuple):
    """The rows of one collection that may be taken.

    Attributes:
        weights: of each row, shape (n,), above 0.
        strata: of each row, numbers from 0 on, shape (n,).
    """

    weights: _Ints
    strata: _Ints


class Chosen(NamedTuple):
    """The rows of a mixture, ascending, of the real and of the synthetic collection."""

    real: _Ints
    synthetic: _Ints


def parse_ratio(text: str) -> Fraction:
    """The real share of a ratio such as "50:50", "2:1" or "0:1".

    Raises:
        UserError: it is no ratio.
    """
    try:
        real, synthetic = (Fraction(part) for part in text.split(":"))
    except (ValueError, ZeroDivisionError):
        real = synthetic = Fraction(0)
    if min(real, synthetic) < 0 or real + synthetic == 0:
        raise UserError(
            f"--ratio {text}: is no ratio of real to synthetic data; give two numbers, such as 50:50"
        )
    return real / (real + synthetic)


def choose_rows(real: Side, synthetic: Side, share: Fraction, total: int | None, seed: int) -> Chosen:
    """The largest mixture in which each stratum has the asked ratio, or one of so much in all.

    By rows it is exact: what is real of a stratum is its share, rounded to a row. By tokens each side comes
    as near to its share as a whole row lets it.

    Args:
        real: the real rows.
        synthetic: the synthetic rows.
        share: how much of the mixture is real, 0 to 1.
        total: weight of the mixture; strata have parts of it as they have of what there is. None for the most
            that the ratio allows.
        seed: of the order in which rows are taken.

    Raises:
        UserError: there is too little of one side, and how much is missing.
    """
    there = _there(real, synthetic)
    for name, own, part in zip(("real", "synthetic"), there, (share, 1 - share), strict=True):
        if part and not own.any():
            raise UserError(f"there is nothing {name} to mix, and at this ratio there has to be some")
    if total is None:
        wanted = _fitting(there, share)
    else:
        most = np.array([_most(int(a), int(b), share) for a, b in zip(*there, strict=True)], np.int64)
        if total > most.sum():
            raise UserError(_missing(there, share, total))
        most = _parts(most, total)
        wanted = [np.array([_rounded(int(n) * share) for n in most], np.int64)]
        wanted.append(most - wanted[0])
    random = np.random.default_rng(seed)
    sides = (real, synthetic)
    return Chosen(*(_take(side, random, amount) for side, amount in zip(sides, wanted, strict=True)))


def choose_arms(
    real: Side, synthetic: Side, shares: Sequence[Fraction], total: int | None, seed: int
) -> list[Chosen]:
    """Mixtures of equal weight with these real shares.

    Args:
        real: the real rows.
        synthetic: the synthetic rows.
        shares: how much of each mixture is real, 0 to 1.
        total: weight of each mixture; None for the most that the scarcer side lets all of them have.
        seed: of the order in which rows are taken.

    Raises:
        UserError: there is too little of one side.
    """
    if total is None:
        there = _there(real, synthetic)
        total = min(int(np.sum(_fitting(there, share))) for share in shares)
    return [choose_rows(real, synthetic, share, total, seed) for share in shares]


def _there(real: Side, synthetic: Side) -> list[_Ints]:
    """The weight of each stratum on either side."""
    sides = (real, synthetic)
    count = 1 + max(int(side.strata.max(initial=-1)) for side in sides)
    return [np.bincount(side.strata, side.weights, count).astype(np.int64) for side in sides]


def _fitting(there: list[_Ints], share: Fraction) -> list[_Ints]:
    """All of each stratum's scarcer side, and what fits to it of the other."""
    wanted = [np.zeros_like(own) for own in there]
    for stratum, (real, synthetic) in enumerate(zip(*(own.tolist() for own in there), strict=True)):
        if real * (1 - share) <= synthetic * share:
            parts = (real, _rounded(real * (1 - share) / share) if share else synthetic)
        else:
            parts = (_rounded(synthetic * share / (1 - share)) if share < 1 else real, synthetic)
        wanted[0][stratum], wanted[1][stratum] = parts
    return wanted


def _most(real: int, synthetic: int, share: Fraction) -> int:
    """The largest whole whose rounded shares are there."""
    half = Fraction(1, 2)
    bounds = [(real + half) / share] if share > 0 else []
    bounds += [(synthetic + half) / (1 - share)] if share < 1 else []
    # Neither rounded share ever falls as the whole grows, so all wholes up to the largest can be met.
    low, high = 0, int(min(bounds))
    while low < high:
        middle = (low + high + 1) // 2
        ours = _rounded(middle * share)
        low, high = (middle, high) if ours <= real and middle - ours <= synthetic else (low, middle - 1)
    return low


def _rounded(value: Fraction) -> int:
    """The nearest whole number; of two the larger."""
    return int((2 * value + 1) // 2)


def _parts(most: _Ints, total: int) -> _Ints:
    """A total in parts as large as each other's, to a whole (largest remainders)."""
    whole = int(most.sum())
    parts = np.array([int(n) * total // whole if whole else 0 for n in most], np.int64)
    rests = [-(int(n) * total % whole) if whole else 0 for n in most]
    parts[np.argsort(rests, kind="stable")[: total - int(parts.sum())]] += 1
    return parts


def _missing(there: list[_Ints], share: Fraction, total: int) -> str:
    real = _rounded(total * share)
    lacking = []
    for name, has, asked in (
        ("real", int(there[0].sum()), real),
        ("synthetic", int(there[1].sum()), total - real),
    ):
        if asked > has:
            lacking.append(f"{asked - has:,} {name}")
    told = " and ".join(lacking) or "some of a stratum"
    return f"a mixture of {total:,} at this ratio lacks {told}: ask for less, or give more"


def _take(side: Side, random: np.random.Generator, wanted: _Ints) -> _Ints:
    """Rows by chance, of each stratum as near to the wanted weight as a whole row lets it."""
    order = random.permutation(len(side.weights))
    order = order[np.argsort(side.strata[order], kind="stable")]
    ends = np.cumsum(np.bincount(side.strata, minlength=len(wanted)))
    taken = []
    for stratum, amount in enumerate(wanted.tolist()):
        own = order[ends[stratum - 1] if stratum else 0 : ends[stratum]]
        sums = np.concatenate([[0], np.cumsum(side.weights[own])])
        taken.append(own[: int(np.abs(sums - amount).argmin())])
    return np.sort(np.concatenate([*taken, np.empty(0, np.int64)]))
