"""How far a check says what readers say: of two yes-or-no verdicts on the same things."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from personahub.evaluation.intervals import LEVEL

__all__ = ["REPLICATES", "Agreement", "agreement_of"]

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
