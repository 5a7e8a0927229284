"""Evaluation: how diverse texts are, with intervals, and plots of it."""

from personahub.evaluation.compression import compression_ratio
from personahub.evaluation.intervals import half_samples, interval
from personahub.evaluation.lexical import DistinctGrams, SelfBleu
from personahub.evaluation.measures import (
    METRICS,
    Measure,
    measure_clusters,
    measure_vectors,
    measure_words,
)
from personahub.evaluation.vectors import (
    CosineDistribution,
    cosine_distribution,
    mean_cosine,
    near_duplicates,
    pair_cosines,
    vendi_score,
)

__all__ = [
    "METRICS",
    "CosineDistribution",
    "DistinctGrams",
    "Measure",
    "SelfBleu",
    "compression_ratio",
    "cosine_distribution",
    "half_samples",
    "interval",
    "mean_cosine",
    "measure_clusters",
    "measure_vectors",
    "measure_words",
    "near_duplicates",
    "pair_cosines",
    "vendi_score",
]
