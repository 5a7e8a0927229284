"""``evaluate diversity``: how diverse sets of texts are, as they are and at the same count and length."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from personahub.errors import UserError
from personahub.evaluation.intervals import LEVEL, REPLICATES
from personahub.evaluation.measures import (
    METRICS,
    Measure,
    measure_clusters,
    measure_vectors,
    measure_words,
)
from personahub.evaluation.stored import StoredTexts
from personahub.evaluation.vectors import CosineDistribution
from personahub.evaluation.words import cut_to_words
from personahub.hub import Hub
from personahub.models import EmbeddingModel
from personahub.models.opening import open_embedding_model
from personahub.models.sentence_encoder import SentenceEncoder
from personahub.workflows.embed import embedding_model_for
from personahub.workflows.evaluate.folders import check_plotting
from personahub.workflows.evaluate.text_sets import embed_texts, open_sets
from personahub.workflows.steps import StepWatcher

__all__ = ["Diversity", "Measured", "SetDiversity", "evaluate_diversity"]

_MATCHED_TEXTS = 10_000
_Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Measured:
    """The measures of one set in one form.

    Attributes:
        texts: how many texts there are.
        words: the mean number of words of one.
        compared: how many of them the embedding model compared.
        measures: each of :data:`personahub.evaluation.METRICS` by its name.
        cosines: the distribution of the cosines of its pairs; None where fewer than two could be compared.
    """

    texts: int
    words: float
    compared: int
    measures: Mapping[str, Measure]
    cosines: CosineDistribution | None

    def to_json(self) -> dict[str, Any]:
        """Part of the contract of ``evaluate diversity --json``."""
        return {
            "texts": self.texts,
            "words": round(self.words, 2),
            "compared": self.compared,
            "measures": {name: measure.to_json() for name, measure in self.measures.items()},
            "cosines": self.cosines and self.cosines.to_json(),
        }


@dataclass(frozen=True)
class SetDiversity:
    """How diverse one set is.

    Attributes:
        name: what it is called in tables.
        named: the file, folder, pattern or data set.
        left_out: how many rows gave no text, by reason.
        cut: how many texts were longer than 20,000 characters, of which only so many were looked at.
        not_compared: how many texts the embedding model does not know the language of, by that language.
        raw: of all texts as they are.
        matched: of as many texts as in every other set, cut to as many words.
    """

    name: str
    named: str
    left_out: Mapping[str, int]
    cut: int
    not_compared: Mapping[str, int]
    raw: Measured
    matched: Measured

    def to_json(self) -> dict[str, Any]:
        """Part of the contract of ``evaluate diversity --json``."""
        return {
            "name": self.name,
            "named": self.named,
            "left_out": dict(self.left_out),
            "cut": self.cut,
            "not_compared": dict(self.not_compared),
            "raw": self.raw.to_json(),
            "matched": self.matched.to_json(),
        }


@dataclass(frozen=True)
class Diversity:
    """How diverse several sets of texts are.

    Attributes:
        sets: each of them, in the order in which they were given.
        matched_texts: how many texts of each set were matched.
        matched_words: how many words each of those has.
        embeddings: the embedding model's name.
        seed: of everything that was drawn.
    """

    sets: tuple[SetDiversity, ...]
    matched_texts: int
    matched_words: int
    embeddings: str
    seed: int

    def to_json(self) -> dict[str, Any]:
        """The contract of ``evaluate diversity --json``."""
        return {
            "embeddings": self.embeddings,
            "seed": self.seed,
            "interval": {"level": LEVEL, "replicates": REPLICATES},
            "matched": {"texts": self.matched_texts, "words": self.matched_words},
            "sets": [each.to_json() for each in self.sets],
        }


def evaluate_diversity(
    *sets: Path | str,
    hub: Path | str | None = None,
    field: str | None = None,
    matched_texts: int | None = None,
    matched_words: int | None = None,
    embeddings: str | EmbeddingModel | None = None,
    seed: int = 0,
    out: Path | str | None = None,
    watcher: StepWatcher | None = None,
) -> Diversity:
    """Measure how diverse sets of texts are, each as it is and all at the same count and length.

    Most measures depend on how many texts there are and how long they are, so sets are compared by the
    matched ones: of each set the same number of texts that are long enough, drawn, and cut to the same number
    of words. Texts and vectors lie on disk meanwhile: a million texts take 1.2 GB
    there, and 0.4 GB of memory.

    Args:
        sets: files of rows or lines, folders, patterns, addresses, or data sets of the hub.
        hub: where the data sets are.
        field: that holds the text; None looks for the usual ones.
        matched_texts: how many texts of each set are matched; None for as many as every set has, at most
            10,000.
        matched_words: how many words of a text; None for what half of the texts of every set have.
        embeddings: what compares meanings, a name or a model; None for the built-in model.
        seed: of everything that is drawn.
        out: a folder for ``diversity.json``, ``diversity.md``, ``diversity.png`` and ``diversity.svg``.
        watcher: is told how it goes.

    Raises:
        UserError: a set cannot be read or has no text, the embedding model cannot be used, or there is a
            folder to write and no matplotlib.
    """
    if not sets:
        raise UserError("evaluate diversity: no set of texts is given; name at least one file or data set")
    if out is not None:
        check_plotting(Path(out))
    watcher = watcher or StepWatcher()
    declared = open_embedding_model(embeddings)
    opened = open_sets(sets, Hub(hub) if hub is not None else None, field, watcher)
    with ExitStack() as held:
        for each in opened:
            held.enter_context(each.texts)
        known = [np.flatnonzero(each.known_to(declared)) for each in opened]
        encoder = declared
        if isinstance(declared, SentenceEncoder):
            encoder = held.enter_context(closing(embedding_model_for(sum(map(len, known)))))
        raw, counts = _measure([each.texts for each in opened], known, encoder, seed, watcher, "as they are")
        chosen, words = _matched(counts, matched_texts, matched_words, seed)
        cut = [
            held.enter_context(
                StoredTexts(cut_to_words(text, words) for text in each.texts.take(places.tolist()))
            )
            for each, places in zip(opened, chosen, strict=True)
        ]
        matched_known = _same_count(
            [np.flatnonzero(np.isin(places, some)) for places, some in zip(chosen, known, strict=True)]
        )
        matched, _ = _measure(cut, matched_known, encoder, seed, watcher, "at the same count and length")
    result = Diversity(
        sets=tuple(
            SetDiversity(
                each.name, each.named, each.left_out, each.cut, each.unknown_to(encoder), of_all, of_some
            )
            for each, of_all, of_some in zip(opened, raw, matched, strict=True)
        ),
        matched_texts=len(chosen[0]),
        matched_words=words,
        embeddings=encoder.name,
        seed=seed,
    )
    if out is not None:
        from personahub.workflows.evaluate.diversity_report import write_report

        write_report(result, Path(out))
    return result


def _measure(
    texts: Sequence[StoredTexts],
    known: Sequence[_Ints],
    encoder: EmbeddingModel,
    seed: int,
    watcher: StepWatcher,
    how: str,
) -> tuple[list[Measured], list[_Ints]]:
    """The measures of each set, and how many words each of its texts has."""
    with ExitStack() as held:
        watcher.began(f"texts embedded, {how}", sum(map(len, known)))
        vectors: list[npt.NDArray[np.float16]] = []
        for some, places in zip(texts, known, strict=True):
            done = sum(map(len, vectors))
            stored = held.enter_context(embed_texts(some, places.tolist(), encoder, watcher, done))
            vectors.append(stored.array())
        watcher.began(f"sets measured, {how}", len(texts))
        clusters = measure_clusters(vectors, seed)
        measured: list[Measured] = []
        counts: list[_Ints] = []
        for some, vector, of_clusters in zip(texts, vectors, clusters, strict=True):
            of_words, words = measure_words(some, seed)
            of_vectors, cosines = measure_vectors(vector, seed)
            found = of_words | of_vectors | of_clusters
            ordered = {name: found[name] for name in METRICS}
            mean = float(words.mean()) if len(words) else 0.0
            measured.append(Measured(len(some), mean, len(vector), ordered, cosines))
            counts.append(words)
            watcher.advanced(len(measured))
        return measured, counts


def _matched(
    counts: Sequence[_Ints], texts: int | None, words: int | None, seed: int
) -> tuple[list[_Ints], int]:
    """The places of the matched texts of each set, drawn, and to how many words they are cut."""
    if words is None:
        words = max(int(min(np.median(count) for count in counts)), 1)
    long_enough = [np.flatnonzero(count >= words) for count in counts]
    fewest = min(map(len, long_enough))
    if texts is not None and texts > fewest:
        raise UserError(
            f"--matched-texts {texts}: a set has only {fewest:,} texts of {words} words; give fewer texts or"
            " words"
        )
    size = min(fewest, _MATCHED_TEXTS) if texts is None else texts
    return [
        places[np.random.default_rng([seed, len(count)]).permutation(len(places))[:size]]
        for count, places in zip(counts, long_enough, strict=True)
    ], words


def _same_count(known: Sequence[_Ints]) -> list[_Ints]:
    """Of each set as many that can be compared, whatever its languages; sets that have none don't count."""
    enough = [len(places) for places in known if len(places) >= 2]
    return [places[: min(enough, default=0)] for places in known]
