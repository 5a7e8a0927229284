"""How far a check says what readers say: of two yes-or-no verdicts on the same things."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from personahub.evaluation.intervals import LEVEL

__all__ = ["REPLICATES", "Agreement", "agreement_of", "held_out_thresholds", "matching_threshold"]

REPLICATES = 2000


@dataclass(frozen=True)
class Agreement:
    """Counts of what readers found sound or faulty, and a check kept or set aside.

    Attributes:
        kept_sound: both take it.
        lost: sound, and set aside.
        kept_faulty: faulty, and kept.
        found: both refuse it.
    """

    kept_sound: int
    lost: int
    kept_faulty: int
    found: int

    @property
    def compared(self) -> int:
        """How many there are."""
        return self.kept_sound + self.lost + self.kept_faulty + self.found

    @property
    def accuracy(self) -> float:
        """The share on which both agree.

        Raises:
            ZeroDivisionError: nothing was compared.
        """
        return (self.kept_sound + self.found) / self.compared

    @property
    def kappa(self) -> float | None:
        """Agreement beyond chance (Cohen 1960): 1 always, 0 as chance would; None where chance has it all."""
        sound, kept = self.kept_sound + self.lost, self.kept_sound + self.kept_faulty
        whole = self.compared
        if not whole:
            return None
        by_chance = (sound * kept + (whole - sound) * (whole - kept)) / whole**2
        return (self.accuracy - by_chance) / (1 - by_chance) if by_chance < 1 else None

    def kappa_interval(self, seed: int = 0) -> tuple[float, float] | None:
        """The 95 % percentile bootstrap interval of kappa; None where kappa is none.

        Args:
            seed: of what is drawn.
        """
        if self.kappa is None:
            return None
        counts = np.array([self.kept_sound, self.lost, self.kept_faulty, self.found])
        draws = np.random.default_rng(seed).multinomial(self.compared, counts / self.compared, REPLICATES)
        kappas = [kappa for draw in draws if (kappa := Agreement(*map(int, draw)).kappa) is not None]
        low, high = np.quantile(kappas, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        return float(low), float(high)


def agreement_of(pairs: Iterable[tuple[bool, bool]]) -> Agreement:
    """Count pairs of (sound to the reader, kept by the check)."""
    counts = {(True, True): 0, (True, False): 0, (False, True): 0, (False, False): 0}
    for sound, kept in pairs:
        counts[sound, kept] += 1
    return Agreement(*counts.values())


def matching_threshold(scores: Sequence[float], sound: Sequence[bool]) -> float | None:
    """The score from which about as many are kept as readers found sound.

    The threshold of the largest kappa follows the chance of single things: of 130 problems that a weak judge
    scored, it had a kappa of 0.24 on these and of -0.08 on those that had no part in it; this one has 0.20.

    Args:
        scores: of each thing, higher is better.
        sound: what readers say of it.

    Returns:
        Halfway between two scores, the higher one of equally good; None where all scores are the same.
    """
    order = sorted(scores)
    middles = [
        (abs(len(order) - place - sum(sound)), -(low + high) / 2)
        for place, (low, high) in enumerate(pairwise(order), 1)
        if low < high
    ]
    return -min(middles)[1] if middles else None


def held_out_thresholds(
    scores: Sequence[float], sound: Sequence[bool], groups: Sequence[str]
) -> list[float | None]:
    """For each thing the :func:`matching_threshold` of all that are not of its group.

    Kept or set aside by these, the things tell how well a threshold serves what it was not chosen by
    (leave-one-group-out cross-validation).

    Args:
        scores: of each thing.
        sound: what readers say of it.
        groups: things that must not decide about each other, such as two sides of a pair, share one.
    """
    found: dict[str, float | None] = {}
    for group in dict.fromkeys(groups):
        others = [place for place, each in enumerate(groups) if each != group]
        found[group] = matching_threshold(
            [scores[place] for place in others], [sound[place] for place in others]
        )
    return [found[group] for group in groups]
