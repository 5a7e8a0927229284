"""From the problems of a similarity study to its numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from personahub.evaluation.similarity import Sized, Spread, mean_of, rank_correlation
from personahub.evaluation.vectors import pair_cosines
from personahub.models import EmbeddingModel
from personahub.workflows.embed import embed_in_order
from personahub.workflows.evaluate.similarity_pairs import Pair

__all__ = ["Narrowing", "Problems", "Series", "narrowing_of", "series_of"]

_EMBEDDED = 256
_ALL_OF = 200
_OTHERS = 20_000
"""Other pairs of the personas asked, which cost no call: all of 200 personas', else so many drawn."""


@dataclass(frozen=True)
class Series:
    """How alike the problems are that one prompt gave, both by one model or one by each of two.

    Attributes:
        prompt: "plain" or "narrowed".
        models: of the pair's first and second persona.
        levels: the spread of the problems' cosines at each level.
        others: that of other pairs of the personas that were asked, without regard to their cosine.
        correlation: Spearman's, of the personas' and the problems' cosines of all levels.
        missing: pairs without both problems.
        cosines: of the problems of each pair, level by level; None where one is missing.
    """

    prompt: str
    models: tuple[str, str]
    levels: tuple[Spread, ...]
    others: Spread
    correlation: Sized
    missing: int
    cosines: tuple[tuple[float | None, ...], ...]

    def to_json(self) -> dict[str, Any]:
        """Part of the contract of ``evaluate similarity --json``."""
        return {
            "prompt": self.prompt,
            "models": list(self.models),
            "levels": [each.to_json() for each in self.levels],
            "others": self.others.to_json(),
            "correlation": self.correlation.to_json(),
            "missing": self.missing,
        }


@dataclass(frozen=True)
class Narrowing:
    """How much more alike the same pairs' problems are with the narrowed prompt than with the plain one.

    Attributes:
        models: of the pair's first and second persona.
        overall: the mean difference of all pairs that have both.
        levels: that of each level.
    """

    models: tuple[str, str]
    overall: Sized
    levels: tuple[Sized, ...]

    def to_json(self) -> dict[str, Any]:
        """Part of the contract of ``evaluate similarity --json``."""
        return {
            "models": list(self.models),
            "overall": self.overall.to_json(),
            "levels": [each.to_json() for each in self.levels],
        }


class Problems:
    """The problems that were made, by model, prompt and persona, and their vectors.

    Args:
        texts: each of them.
        encoder: embeds them.
        personas: the vectors of the personas, by id.

    Raises:
        UserError: the embedding model cannot be used.
    """

    def __init__(
        self,
        texts: Mapping[tuple[str, str, str], str],
        encoder: EmbeddingModel,
        personas: Mapping[str, npt.NDArray[np.float16]],
    ) -> None:
        """Embed them all."""
        self._personas = personas
        self._rows = {key: row for row, key in enumerate(texts)}
        listed = list(texts.values())
        batches = ((None, listed[at : at + _EMBEDDED]) for at in range(0, len(listed), _EMBEDDED))
        empty = np.empty((0, encoder.dimensions), np.float32)
        self._vectors = np.concatenate([empty, *(each for _, each in embed_in_order(batches, encoder))])

    def has(self, prompt: str, models: tuple[str, str], left: str, right: str) -> bool:
        """Whether two personas' problems, one by each model, are there."""
        return (models[0], prompt, left) in self._rows and (models[1], prompt, right) in self._rows

    def cosines(
        self, prompt: str, models: tuple[str, str], pairs: Sequence[tuple[str, str]]
    ) -> npt.NDArray[np.float64]:
        """The cosines of pairs of problems, which must be there; rounded like those of personas."""
        rows = [
            (self._rows[models[0], prompt, left], self._rows[models[1], prompt, right])
            for left, right in pairs
        ]
        places = np.array(rows, np.int64).reshape(-1, 2)
        found = pair_cosines(self._vectors[places[:, 0]], self._vectors[places[:, 1]])
        return found.astype(np.float64).round(4)

    def persona_cosines(self, pairs: Sequence[tuple[str, str]]) -> npt.NDArray[np.float32]:
        """The cosines of pairs of personas."""
        if not pairs:
            return np.empty(0, np.float32)
        left, right = (np.stack([self._personas[pair[side]] for pair in pairs]) for side in (0, 1))
        return pair_cosines(left, right)


def series_of(
    problems: Problems, prompt: str, models: tuple[str, str], levels: Sequence[Sequence[Pair]], seed: int
) -> Series:
    """The numbers of one prompt and one model or two.

    Args:
        problems: what was made.
        prompt: "plain" or "narrowed".
        models: of the pairs' first and second personas.
        levels: the pairs of each level.
        seed: of the bootstrap and of the other pairs.
    """
    cosines = []
    for pairs in levels:
        there = [problems.has(prompt, models, pair.left.id, pair.right.id) for pair in pairs]
        asked = [(pair.left.id, pair.right.id) for pair, has in zip(pairs, there, strict=True) if has]
        found = iter(problems.cosines(prompt, models, asked).tolist())
        cosines.append(tuple(next(found) if has else None for has in there))
    strata = [_measured(pairs, some) for pairs, some in zip(levels, cosines, strict=True)]
    return Series(
        prompt=prompt,
        models=models,
        levels=tuple(Spread.of(personas, some, seed) for personas, some in strata),
        others=_others(problems, prompt, models, levels, seed),
        correlation=rank_correlation(strata, seed),
        missing=sum(some.count(None) for some in cosines),
        cosines=tuple(cosines),
    )


def narrowing_of(plain: Series, narrowed: Series, seed: int) -> Narrowing:
    """The differences of the same pairs' problems, narrowed less plain."""
    differences = [
        [
            after - before
            for before, after in zip(*both, strict=True)
            if before is not None and after is not None
        ]
        for both in zip(plain.cosines, narrowed.cosines, strict=True)
    ]
    each = tuple(mean_of([some], seed) for some in differences)
    return Narrowing(plain.models, mean_of(differences, seed), each)


def _measured(pairs: Sequence[Pair], cosines: Sequence[float | None]) -> tuple[list[float], list[float]]:
    """The cosines of the personas and of the problems of the pairs that have both problems."""
    both = [(pair.cosine, cosine) for pair, cosine in zip(pairs, cosines, strict=True) if cosine is not None]
    return [personas for personas, _ in both], [found for _, found in both]


def _others(
    problems: Problems, prompt: str, models: tuple[str, str], levels: Sequence[Sequence[Pair]], seed: int
) -> Spread:
    """The spread of pairs that the personas asked make beside those that were drawn."""
    drawn = {frozenset((pair.left.id, pair.right.id)) for pairs in levels for pair in pairs}
    personas = {each.id: each for pairs in levels for pair in pairs for each in (pair.left, pair.right)}
    asked = list(personas.values())
    if len(asked) <= _ALL_OF:
        one, other = np.triu_indices(len(asked), 1)
    else:
        draws = np.random.default_rng(seed)
        one = draws.integers(len(asked), size=_OTHERS)
        other = (one + draws.integers(1, len(asked), size=_OTHERS)) % len(asked)
    pairs = [
        (asked[left].id, asked[right].id)
        for left, right in zip(one.tolist(), other.tolist(), strict=True)
        if asked[left].language == asked[right].language
        and frozenset((asked[left].id, asked[right].id)) not in drawn
        and problems.has(prompt, models, asked[left].id, asked[right].id)
    ]
    found = problems.cosines(prompt, models, pairs)
    # They share their personas, so that no simple interval holds for them.
    return Spread.of(problems.persona_cosines(pairs).tolist(), found.tolist(), seed, interval=False)
