"""Numbers of the similarity study: how alike the problems of more or less alike personas are.

The study is that of Ge et al. 2024 (arXiv 2406.20094, figure 10). What its text says in numbers is only this:
at personas' cosine 0.9 most problems lie at 0.6 to 0.75.

Intervals are percentile bootstraps (Efron 1979) of the pairs, each level's drawn anew by itself, since the
numbers of pairs at the levels were chosen and not found. At 20 pairs they are about a tenth too narrow.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from personahub.evaluation.intervals import LEAST, LEVEL

__all__ = ["BAND", "BAND_LEVEL", "REPLICATES", "Sized", "Spread", "mean_of", "rank_correlation", "spearman"]

BAND = (0.60, 0.75)
"""Where the paper has most problems' cosines at :data:`BAND_LEVEL`."""
BAND_LEVEL = 0.9
PAPER_EMBEDDINGS = "text-embedding-3-small (512 dimensions)"
REPLICATES = 2000
_AT_ONCE = 100
"""Replicates at a time: some megabytes for thousands of pairs."""
_Floats = npt.NDArray[np.float64]
_Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Sized:
    """A number with its interval.

    Attributes:
        value: the number; None where there is nothing to take it from.
        low: the lower end of the 95 % interval; None for fewer than ten pairs.
        high: the upper end.
        pairs: how many pairs it is of.
    """

    value: float | None
    low: float | None
    high: float | None
    pairs: int

    def to_json(self) -> dict[str, Any]:
        """Rounded, so that it is the same on every machine."""
        return {name: _rounded(getattr(self, name)) for name in ("value", "low", "high")} | {
            "pairs": self.pairs
        }


@dataclass(frozen=True)
class Spread:
    """How cosines of problems are spread.

    Attributes:
        personas: the mean cosine of the pairs' personas; None where there are no pairs.
        mean: of the problems' cosines, with its interval and how many pairs there are.
        quantiles: their minimum, quartiles and maximum; empty where there are no pairs.
        in_band: the share of them in the paper's band, ends included.
    """

    personas: float | None
    mean: Sized
    quantiles: tuple[float, ...]
    in_band: float | None

    @classmethod
    def of(
        cls, personas: Sequence[float], problems: Sequence[float], seed: int, *, interval: bool = True
    ) -> "Spread":
        """The spread of some pairs.

        Args:
            personas: the cosine of each pair's personas.
            problems: that of its problems.
            seed: of the bootstrap.
            interval: whether the pairs are apart, so that an interval can be given.
        """
        if not len(problems):
            return cls(None, Sized(None, None, None, 0), (), None)
        found = np.asarray(problems, np.float64)
        mean = mean_of([found], seed) if interval else Sized(float(found.mean()), None, None, len(found))
        quantiles = tuple(np.quantile(found, (0, 0.25, 0.5, 0.75, 1)).tolist())
        in_band = float(np.mean((found >= BAND[0]) & (found <= BAND[1])))
        return cls(float(np.mean(personas)), mean, quantiles, in_band)

    def to_json(self) -> dict[str, Any]:
        """Part of the contract of ``evaluate similarity --json``."""
        names = ("least", "lower_quartile", "median", "upper_quartile", "most")
        told = self.quantiles or (None,) * len(names)
        return {
            "personas": _rounded(self.personas),
            "problems": self.mean.to_json(),
            **{name: _rounded(value) for name, value in zip(names, told, strict=True)},
            "in_band": _rounded(self.in_band),
        }


def mean_of(strata: Sequence[npt.ArrayLike], seed: int) -> Sized:
    """The mean of all values, with its interval; each stratum is drawn anew by itself."""
    parts = [np.asarray(part, np.float64) for part in strata]
    together = np.concatenate([np.empty(0), *parts])
    if not len(together):
        return Sized(None, None, None, 0)
    return _sized(lambda places: together[places].mean(axis=1), list(map(len, parts)), seed)


def rank_correlation(strata: Sequence[tuple[Sequence[float], Sequence[float]]], seed: int) -> Sized:
    """Spearman's correlation over the pairs of all strata, with its interval.

    Args:
        strata: of each the personas' and the problems' cosines.
        seed: of the bootstrap.
    """
    personas, problems = (np.array([value for part in strata for value in part[side]]) for side in (0, 1))
    if spearman(personas, problems) is None:
        return Sized(None, None, None, len(personas))
    return _sized(
        lambda places: _correlations(_ranks(personas, places), _ranks(problems, places)),
        [len(part) for part, _ in strata],
        seed,
    )


def spearman(left: _Floats, right: _Floats) -> float | None:
    """Spearman's rank correlation, equal values sharing their mean rank.

    None for fewer than three pairs, or where either side is the same throughout.
    """
    if len(left) < 3 or np.ptp(left) == 0 or np.ptp(right) == 0:
        return None
    everything = np.arange(len(left))[None]
    return float(_correlations(_ranks(left, everything), _ranks(right, everything))[0])


def _ranks(values: _Floats, places: _Ints) -> _Floats:
    """The ranks, within each row, of the values at the row's places: shape of ``places``."""
    distinct, codes = np.unique(values, return_inverse=True)
    taken = codes[places]
    rows = np.arange(len(places))[:, None] * len(distinct)
    counts = np.bincount((taken + rows).ravel(), minlength=len(places) * len(distinct))
    counts = counts.reshape(len(places), -1)
    ranks = np.cumsum(counts, axis=1) - (counts - 1) / 2
    shared: _Floats = np.take_along_axis(ranks, taken, axis=1)
    return shared


def _correlations(left: _Floats, right: _Floats) -> _Floats:
    """Pearson's correlation of each row with the other's; NaN where a row is the same throughout."""
    left, right = (side - side.mean(axis=1, keepdims=True) for side in (left, right))
    above = (left * right).sum(axis=1)
    below = np.sqrt((left**2).sum(axis=1) * (right**2).sum(axis=1))
    found: _Floats = np.divide(above, below, out=np.full(len(above), np.nan), where=below > 0)
    return found


def _sized(statistic: Callable[[_Ints], _Floats], sizes: Sequence[int], seed: int) -> Sized:
    """A number of all places, and its interval from drawing those of each stratum anew, with replacement.

    Args:
        statistic: of each row of places.
        sizes: how many places each stratum has.
        seed: of the draws.
    """
    count = sum(sizes)
    value = float(statistic(np.arange(count)[None])[0])
    if count < LEAST:
        return Sized(value, None, None, count)
    draws = np.random.default_rng([seed, count])
    starts = np.cumsum([0, *sizes[:-1]])
    replicates = np.concatenate(
        [
            statistic(
                np.hstack(
                    [
                        start + draws.integers(max(size, 1), size=(_AT_ONCE, size))
                        for start, size in zip(starts, sizes, strict=True)
                    ]
                )
            )
            for _ in range(REPLICATES // _AT_ONCE)
        ]
    )
    low, high = np.nanquantile(replicates, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Sized(value, float(low), float(high), count)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
