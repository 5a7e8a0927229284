"""py3langid's classifier for many texts that belong together, in a loop that Numba compiles.

Model and method are its own: an automaton walks over the bytes and finds features, of which naive Bayes makes
a score for each language (Lui and Baldwin 2012, "langid.py: An Off-the-shelf Language Identification Tool").
Its priors say that all languages are alike; here a second look takes what the first has found for them.
"""

import unicodedata
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
from py3langid.langid import LanguageIdentifier

if TYPE_CHECKING:
    from numpy.typing import NDArray

from personahub.compiled import compiled
from personahub.languages import LANGUAGES

__all__ = ["classify"]

_MODEL = "data/model.npz.xz"
_MOST_FEATURES = 4096
"""Different ones in a text of 1,500 characters; more would not be counted."""


class _Model(NamedTuple):
    moves: "NDArray[np.uint32]"
    """The next state, by a state's row and a byte."""
    rows: "NDArray[np.uint32]"
    """Where a state's row begins."""
    features: "NDArray[np.int32]"
    """The feature that a state completes, or -1."""
    weights: "NDArray[np.float32]"
    """Of each feature for each language."""
    priors: "NDArray[np.float32]"


def classify(texts: Sequence[str]) -> list[str]:
    """The ISO 639-1 code of each text, those of the others taken into account."""
    model, languages = _model()
    array = pa.array(map(_normal, texts), pa.large_string())
    offsets = np.frombuffer(array.buffers()[1], np.int64)[: len(array) + 1]
    content = np.frombuffer(array.buffers()[2] or b"", np.uint8)
    best = np.empty(len(array), np.int16)
    _classify(offsets, content, *model, best)
    shares = (np.bincount(best, minlength=len(languages)) + 1) / (len(best) + len(languages))
    priors = model.priors + np.log(shares).astype(np.float32)
    _classify(offsets, content, *model._replace(priors=priors), best)
    return [languages[number] for number in best.tolist()]


def _normal(text: str) -> str:
    """As py3langid does, which would read a text in capitals only as another language."""
    return unicodedata.normalize("NFC", text.lower() if text.isupper() else text)


@cache
def _model() -> tuple[_Model, list[str]]:
    """Of the languages that are known here."""
    loaded: Any = LanguageIdentifier.from_model_file(_MODEL)
    known = [number for number, code in enumerate(loaded.nb_classes) if code in LANGUAGES]
    model = _Model(
        moves=np.asarray(loaded.tk_nextmove, np.uint32),
        rows=np.asarray(loaded.tk_row, np.uint32) << np.uint32(8),
        features=np.asarray(loaded.tk_output, np.int32),
        weights=np.ascontiguousarray(np.asarray(loaded.nb_ptc, np.float32)[:, known]),
        priors=np.asarray(loaded.nb_pc, np.float32)[known],
    )
    return model, [loaded.nb_classes[number] for number in known]


@compiled
def _classify(
    offsets: "NDArray[np.int64]",
    content: "NDArray[np.uint8]",
    moves: "NDArray[np.uint32]",
    rows: "NDArray[np.uint32]",
    features: "NDArray[np.int32]",
    weights: "NDArray[np.float32]",
    priors: "NDArray[np.float32]",
    best: "NDArray[np.int16]",
) -> None:
    """For each text the number of the language with the highest score."""
    counts = np.zeros(len(weights), np.int32)
    seen = np.empty(_MOST_FEATURES, np.int32)
    scores = np.empty(len(priors), np.float32)
    for text in range(len(best)):
        state, found = 0, 0
        for place in range(offsets[text], offsets[text + 1]):
            state = moves[rows[state] + content[place]]
            feature = features[state]
            if feature < 0:
                continue
            if counts[feature]:
                counts[feature] += 1
            elif found < _MOST_FEATURES:
                counts[feature] = 1
                seen[found] = feature
                found += 1
        scores[:] = priors
        for number in range(found):
            feature = seen[number]
            weight = np.log1p(np.float32(counts[feature]))
            counts[feature] = 0
            for language in range(len(scores)):
                scores[language] += weight * weights[feature, language]
        # Without a feature py3langid takes the first one.
        best[text] = np.argmax(scores) if found else 0
