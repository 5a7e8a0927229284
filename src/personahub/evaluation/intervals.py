"""How sure a number is: 95 % intervals from random halves of the texts.

The usual bootstrap draws texts with replacement, so that a text comes up twice. Every number here but a mean
takes that for repetition: distinct words, Self-BLEU and the Vendi score fall or rise by the third of the
draws that are copies, and a pair of a text with its own copy has a cosine of one. So each replicate is a
half of the texts, drawn **without** replacement (the delete-half jackknife: Shao and Wu 1989, A General
Theory for Jackknife Variance Estimation, Annals of Statistics 17). Leaving out half of n texts moves a mean
by as much as drawing n new ones would: with a variance of s2 a text, s2/(n/2) * (1 - 1/2) = s2/n; so the
spread of the halves needs no rescaling. Many of the numbers depend on how many texts there are and are
another at n/2; only the spread of the halves about **their own** mean is taken, and laid around the number
of all texts. Where single texts hardly matter to a number of pairs, as with clumps of texts all of one size,
the halves scatter up to twice as much as they should, and the interval is too wide rather than too narrow.
Texts are taken for independent: of a set with every text twice the interval is too narrow.

Of large sets the halves are drawn from some texts only, a pool of p of the n; their spread is then that of
p texts, and is taken times sqrt(p / n).
"""

import math
from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt

__all__ = ["LEAST", "LEVEL", "REPLICATES", "half_samples", "interval", "wilson"]

REPLICATES = 200
LEVEL = 0.95
LEAST = 10
"""Fewer texts have no interval."""
_Ints = npt.NDArray[np.int64]


def half_samples(count: int, seed: int) -> Iterator[_Ints]:
    """Random halves of so many places, as many as :data:`REPLICATES`, each in rising order; none of too few.

    Args:
        count: how many texts there are.
        seed: the same halves for the same seed and count.
    """
    draws = np.random.default_rng([seed, count])
    for _ in range(REPLICATES if count >= LEAST else 0):
        yield np.sort(draws.permutation(count)[: count // 2])


def interval(
    value: float,
    halves: Iterable[float],
    *,
    pool: int,
    of: int,
    least: float = -math.inf,
    most: float = math.inf,
) -> tuple[float, float] | None:
    """The 95 % percentile interval around a number; None where there are no halves.

    Args:
        value: the number, of all texts.
        halves: what it is of each half.
        pool: how many texts the halves were drawn from.
        of: how many texts the number is of.
        least: the least that it can be.
        most: the most that it can be.
    """
    replicates = np.fromiter(halves, dtype=np.float64)
    if not len(replicates):
        return None
    spread = (replicates - replicates.mean()) * math.sqrt(pool / of)
    low, high = value + np.quantile(spread, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return max(float(low), least), min(float(high), most)


def wilson(hits: int, tries: int) -> tuple[float, float]:
    """The 95 % score interval of a share (Wilson 1927), which is right for shares near 0 and 1 too."""
    z = 1.959963984540054
    share, beside = hits / tries, z * z / tries
    middle = (share + beside / 2) / (1 + beside)
    half = z * math.sqrt(share * (1 - share) / tries + beside / (4 * tries)) / (1 + beside)
    return max(middle - half, 0.0), min(middle + half, 1.0)
