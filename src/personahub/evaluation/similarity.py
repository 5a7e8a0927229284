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
_Floats = npt.NDArray[np.float64]


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
    return _sized(lambda places: float(together[places].mean()), list(map(len, parts)), seed)


def rank_correlation(strata: Sequence[tuple[npt.ArrayLike, npt.ArrayLike]], seed: int) -> Sized:
    """Spearman's correlation over the pairs of all strata, with its interval.

    Args:
        strata: of each the personas' and the problems' cosines.
        seed: of the bootstrap.
    """
    personas, problems = (
        np.concatenate([np.empty(0), *(np.asarray(part[n], np.float64) for part in strata)]) for n in (0, 1)
    )
    if spearman(personas, problems) is None:
        return Sized(None, None, None, len(personas))
    sizes = [len(np.asarray(part[0])) for part in strata]
    return _sized(lambda places: spearman(personas[places], problems[places]), sizes, seed)


def spearman(left: _Floats, right: _Floats) -> float | None:
    """Spearman's rank correlation, equal values sharing their mean rank.

    None for fewer than three pairs, or where either side is the same throughout.
    """
    if len(left) < 3:
        return None
    one, other = _ranks(left), _ranks(right)
    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return None
    return float(np.corrcoef(one, other)[0, 1])


def _ranks(values: _Floats) -> _Floats:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: _Floats = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    return ranks


def _sized(statistic: Callable[[npt.NDArray[np.int64]], float | None], sizes: list[int], seed: int) -> Sized:
    """A number of all places, and its interval from drawing those of each stratum anew, with replacement."""
    count = sum(sizes)
    value = statistic(np.arange(count))
    if count < LEAST:
        return Sized(value, None, None, count)
    draws = np.random.default_rng([seed, count])
    starts = np.cumsum([0, *sizes[:-1]])
    replicates = []
    for _ in range(REPLICATES):
        parts = [
            start + draws.integers(size, size=size) for start, size in zip(starts, sizes, strict=True) if size
        ]
        if (replicate := statistic(np.concatenate(parts))) is not None:
            replicates.append(replicate)
    low, high = np.quantile(replicates, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Sized(value, float(low), float(high), count)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
