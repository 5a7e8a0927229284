"""Every measure of diversity of a set of texts, each with its interval or the reason why it was not taken."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from personahub.evaluation.clusters import assign, coverage, evenness, find_clusters
from personahub.evaluation.compression import CompressionRatio, Compressor, compression_ratio
from personahub.evaluation.intervals import half_samples, interval, wilson
from personahub.evaluation.lexical import DistinctGrams, SelfBleu, distinct_halves
from personahub.evaluation.stored import StoredTexts
from personahub.evaluation.vectors import (
    CosineDistribution,
    cosine_distribution,
    mean_cosine,
    mean_cosine_halves,
    near_duplicates,
    vendi_halves,
    vendi_score,
)
from personahub.evaluation.words import find_words

__all__ = [
    "METRICS",
    "NEAR",
    "Measure",
    "Metric",
    "measure_clusters",
    "measure_vectors",
    "measure_words",
]

NEAR = 0.9
"""The cosine of a near-duplicate, as in deduplication."""
_POOL = 4000
_POOL_WORDS = 300_000
"""What intervals are drawn from, at most."""
_BLEU_TEXTS = 1000
_CLUSTERED_TEXTS = 20
_Ints = npt.NDArray[np.int64]
_Vectors = npt.NDArray[Any]


class Metric(NamedTuple):
    """What a measure is called, and which way is more diverse."""

    title: str
    higher_is_diverse: bool


METRICS = {
    "mean_cosine": Metric("mean cosine of pairs", False),
    "vendi": Metric("Vendi score", True),
    "near_duplicates": Metric(f"near-duplicates at {NEAR}", False),
    "cluster_coverage": Metric("clusters reached", True),
    "cluster_evenness": Metric("evenness over clusters", True),
    "distinct_1": Metric("distinct-1", True),
    "distinct_2": Metric("distinct-2", True),
    "distinct_3": Metric("distinct-3", True),
    "self_bleu": Metric("Self-BLEU", False),
    "compression_gzip": Metric("compression, gzip", False),
    "compression_zstd": Metric("compression, zstd", False),
}
"""The measures by name, in the order in which they are told."""


@dataclass(frozen=True)
class Measure:
    """One number, or why there is none.

    Attributes:
        value: the number; None where it could not be taken.
        low: lower end of its 95 % interval; None where there is none.
        high: upper end.
        texts: how many texts it was taken of.
        note: how it was taken, where that is not of all texts and exactly.
        reason: why it was not taken; empty where it was.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    texts: int = 0
    note: str = ""
    reason: str = ""

    def to_json(self) -> dict[str, Any]:
        """Numbers to six decimals, which are the same on every machine."""
        if self.value is None:
            return {"value": None, "texts": self.texts, "reason": self.reason}
        numbers = {"value": self.value, "low": self.low, "high": self.high}
        told = {name: None if number is None else round(number, 6) for name, number in numbers.items()}
        return told | {"texts": self.texts} | ({"note": self.note} if self.note else {})


Measures = dict[str, Measure]


def _measured(
    value: float,
    halves: Iterable[float],
    pool: int,
    of: int,
    *,
    least: float = 0.0,
    most: float = math.inf,
    note: str = "",
) -> Measure:
    low, high = interval(value, halves, pool=pool, of=of, least=least, most=most) or (None, None)
    return Measure(value, low, high, of, note)


def measure_words(texts: StoredTexts, seed: int = 0) -> tuple[Measures, _Ints]:
    """Distinct-1 to 3, Self-BLEU and the compression ratios of a set, and how many words each text has.

    All texts are read once; intervals come from up to 4,000 of them, Self-BLEU from up to 1,000.
    """
    if not len(texts):
        taken = (
            "distinct_1",
            "distinct_2",
            "distinct_3",
            "self_bleu",
            "compression_gzip",
            "compression_zstd",
        )
        return dict.fromkeys(taken, _not_taken("there are no texts")), np.empty(0, np.int64)
    grams = [DistinctGrams(n) for n in (1, 2, 3)]
    by: tuple[Compressor, Compressor] = ("gzip", "zstd")
    ratios = [CompressionRatio(compressor) for compressor in by]
    lengths: list[_Ints] = []
    for batch in texts.batches():
        words = list(map(find_words, batch))
        lengths.append(np.array(list(map(len, words))))
        for counted in grams:
            counted.add(words)
        for ratio in ratios:
            ratio.add(batch)
    counts = np.concatenate(lengths)
    of = len(texts)
    draws = np.random.default_rng([seed, of])
    size = min(of, _POOL, max(int(_POOL_WORDS / max(counts.mean(), 1)), 1))
    pool = texts.take(np.sort(draws.permutation(of)[:size]).tolist())
    worded = list(map(find_words, pool))
    measures: Measures = {}
    for counted in grams:
        measures[f"distinct_{counted.n}"] = (
            _measured(
                counted.share,
                distinct_halves(worded, counted.n, half_samples(size, seed)),
                size,
                of,
                most=1.0,
                note="different n-grams estimated, ±0.1 %" if counted.estimated else "",
            )
            if counted.total
            else _not_taken(f"no text has {counted.n} words in a row")
        )
    measures["self_bleu"] = _self_bleu(texts, counts, seed)
    for compressor, ratio in zip(by, ratios, strict=True):
        halves = (
            compression_ratio([pool[place] for place in half], compressor)
            for half in half_samples(size, seed)
        )
        measures[f"compression_{compressor}"] = _measured(ratio.ratio(), halves, size, of)
    return measures, counts


def _self_bleu(texts: StoredTexts, counts: _Ints, seed: int) -> Measure:
    there = np.flatnonzero(counts)
    if len(there) < 2:
        return _not_taken("two texts with words are needed")
    drawn = np.random.default_rng([seed, len(there)]).permutation(len(there))[:_BLEU_TEXTS]
    try:
        bleu = SelfBleu(list(map(find_words, texts.take(there[np.sort(drawn)].tolist()))))
    except ImportError:
        return _not_taken("needs sacrebleu: pip install 'personahub[evaluate]'")
    halves = (bleu.score(half) for half in half_samples(len(bleu), seed))
    note = f"{len(bleu):,} drawn texts" if len(bleu) < len(there) else ""
    return _measured(bleu.score(), halves, len(bleu), len(bleu), most=1.0, note=note)


def measure_vectors(vectors: _Vectors, seed: int = 0) -> tuple[Measures, CosineDistribution | None]:
    """Mean cosine, Vendi score and near-duplicates of a set, and the distribution of its pairs' cosines.

    Args:
        vectors: of the texts that can be compared, shape (n, dimensions).
        seed: of all that is drawn.
    """
    of = len(vectors)
    if of < 2:
        reason = f"needs two texts that the embedding model can compare; there {_are(of)}"
        return dict.fromkeys(("mean_cosine", "vendi", "near_duplicates"), _not_taken(reason)), None
    distribution = cosine_distribution(vectors, seed)
    size = min(of, _POOL)
    pool = vectors[np.sort(np.random.default_rng([seed, of]).permutation(of)[:size])]
    near = near_duplicates(vectors, NEAR, seed)
    low, high = wilson(near.found, near.looked_up)
    drawn = "" if near.looked_up == of else f"{near.looked_up:,} drawn texts, looked up among all"
    measures = {
        "mean_cosine": _measured(
            mean_cosine(vectors),
            mean_cosine_halves(pool, half_samples(size, seed)),
            size,
            of,
            least=-1.0,
            most=1.0,
        ),
        "vendi": _measured(
            vendi_score(vectors),
            vendi_halves(pool, half_samples(size, seed)),
            size,
            of,
            least=1.0,
            most=min(vectors.shape),
        ),
        "near_duplicates": Measure(near.found / near.looked_up, low, high, of, drawn),
    }
    return measures, distribution


def measure_clusters(sets: Sequence[_Vectors], seed: int = 0) -> list[Measures]:
    """Cluster coverage and evenness of each of several sets, of the clusters of all of them together.

    A set of fewer than 20 vectors is left out.
    """
    enough = [vectors for vectors in sets if len(vectors) >= _CLUSTERED_TEXTS]
    centres = find_clusters(enough, seed) if enough else None
    found: list[Measures] = []
    for vectors in sets:
        if centres is None or len(vectors) < _CLUSTERED_TEXTS:
            reason = f"needs {_CLUSTERED_TEXTS} texts that the embedding model can compare; there"
            left_out = _not_taken(f"{reason} {_are(len(vectors))}")
            found.append(dict.fromkeys(("cluster_coverage", "cluster_evenness"), left_out))
            continue
        labels, count = assign(vectors, centres), len(centres)
        found.append(
            {
                "cluster_coverage": _of_labels(coverage, labels, count, seed),
                "cluster_evenness": _of_labels(evenness, labels, count, seed),
            }
        )
    return found


def _of_labels(measure: Callable[[_Ints, int], float], labels: _Ints, clusters: int, seed: int) -> Measure:
    of = len(labels)
    pool = labels[np.random.default_rng([seed, of]).permutation(of)[:_POOL]]
    halves = (measure(pool[half], clusters) for half in half_samples(len(pool), seed))
    note = f"of {clusters} clusters"
    return _measured(measure(labels, clusters), halves, len(pool), of, most=1.0, note=note)


def _not_taken(reason: str) -> Measure:
    return Measure(None, reason=reason)


def _are(count: int) -> str:
    return "is 1" if count == 1 else f"are {count}" if count else "are none"
