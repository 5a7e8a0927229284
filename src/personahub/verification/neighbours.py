"""Decontamination by meaning: for each text the benchmark item whose embedding is nearest.

Finds what shares no run of words: an item in other words, or in another language. Measured with the built-in
model on 106 invented pairs (benchmarks/contamination_meaning.py): at a cosine of 0.7 it finds all Russian
translations, 71 % of the Chinese ones and 50 % of the rewordings; of other problems on the same subject 17 %
are as near, of unrelated texts beside 6,000 items 0.4 %. At 0.75 these are 88, 42, 21, 0 and 0.1 %. A problem
of the same words with other numbers is almost always as near as a leak, and may be one. So a neighbour is a
reason to look, or to ask a judge: both texts stand in the evidence.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

from personahub.errors import UserError
from personahub.models import EmbeddingModel
from personahub.verification.contamination import BenchmarkItem

__all__ = ["LEAST_COSINE", "Neighbour", "Neighbours", "NotCompared"]

LEAST_COSINE = 0.7
"""See the module's first lines for what it finds and what it takes for found."""
_AT_ONCE = 256
"""Texts embedded at a time; longer batches are no faster."""
_BLOCK = 4096
"""Items compared at a time: 4 MB of cosines beside a batch of texts."""

_Vectors = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Neighbour:
    """The benchmark item that is nearest to a text.

    Attributes:
        file: the item's.
        row: the item's.
        cosine: of the two embeddings.
        text: the item's.
    """

    file: str
    row: int
    cosine: float
    text: str


@dataclass(frozen=True, slots=True)
class NotCompared:
    """Of a text nothing is known, since the model does not know its language.

    Attributes:
        language: as it was given.
    """

    language: str


class Neighbours:
    """Finds the benchmark items near texts.

    In memory: the items' texts and vectors, 2 kB an item with the built-in model.

    Args:
        items: what to compare with; those without letters and digits are near nothing.
        model: embeds both sides.
        floor: least cosine of a neighbour, from -1 to 1.

    Attributes:
        items: how many are compared with.
        not_compared: how many are not, for each language that the model does not know; where an item's
            language is not given, the model is taken to know it.

    Raises:
        UserError: the floor is out of its range, or the model cannot be used.
    """

    def __init__(
        self, items: Iterable[BenchmarkItem], model: EmbeddingModel, floor: float = LEAST_COSINE
    ) -> None:
        """Embed the items."""
        if not -1 <= floor <= 1:
            raise UserError(f"the least cosine is {floor}; give a number from -1 to 1")
        self.not_compared: Counter[str] = Counter()
        self._model, self._floor = model, floor
        self._items: list[BenchmarkItem] = []
        self._blocks: list[_Vectors] = []
        known = filter(self._is_known, items)
        while block := list(islice(known, _BLOCK)):
            starts = range(0, len(block), _AT_ONCE)
            batches = [[item.text for item in block[start : start + _AT_ONCE]] for start in starts]
            self._blocks.append(np.concatenate([model.embed(batch) for batch in batches]))
            self._items += block
        self.items = len(self._items)

    def _is_known(self, item: BenchmarkItem) -> bool:
        if item.language is None or item.language in self._model.languages:
            return _has_words(item.text)
        self.not_compared[item.language] += 1
        return False

    def find(self, texts: Sequence[str], languages: Sequence[str]) -> list[Neighbour | NotCompared | None]:
        """For each text its nearest item at or above the floor; None where all are farther.

        Args:
            texts: a batch; one without letters and digits is near nothing.
            languages: ISO 639-1 codes, one for a text.

        Raises:
            UserError: the model cannot be used.
        """
        found: list[Neighbour | NotCompared | None] = [
            None if language in self._model.languages else NotCompared(language)
            for _, language in zip(texts, languages, strict=True)
        ]
        known = [row for row, text in enumerate(texts) if found[row] is None and _has_words(text)]
        for start in range(0, len(known), _AT_ONCE):
            rows = known[start : start + _AT_ONCE]
            nearest = self.nearest(self._model.embed([texts[row] for row in rows]))
            for row, neighbour in zip(rows, nearest, strict=True):
                found[row] = neighbour
        return found

    def nearest(self, vectors: _Vectors) -> list[Neighbour | None]:
        """The same for texts that the model has embedded already.

        Args:
            vectors: of unit length, shape (texts, dimensions).
        """
        best = np.full(len(vectors), -np.inf, np.float32)
        places = np.zeros(len(vectors), np.int64)
        for number, block in enumerate(self._blocks):
            cosines = vectors @ block.T
            nearest = cosines.argmax(axis=1)
            here = cosines[np.arange(len(vectors)), nearest]
            better = here > best
            best[better], places[better] = here[better], nearest[better] + number * _BLOCK
        return [
            self._neighbour(place, cosine) if cosine >= self._floor else None
            for place, cosine in zip(places.tolist(), best.tolist(), strict=True)
        ]

    def _neighbour(self, place: int, cosine: float) -> Neighbour:
        item = self._items[place]
        return Neighbour(item.file, item.row, min(cosine, 1.0), item.text)


def _has_words(text: str) -> bool:
    return any(map(str.isalnum, text))
