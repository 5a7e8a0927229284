"""Diversity of words: distinct n-grams and Self-BLEU."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from personahub.evaluation.words import gram_hashes

__all__ = ["DistinctGrams", "SelfBleu", "distinct_halves"]

_Ints = npt.NDArray[np.int64]
_Hashes = npt.NDArray[np.uint64]
_KEPT = 2**20
"""Hashes held: so many different n-grams are counted exactly, more with a standard error of 0.1 %."""
_SPAN = 2.0**64
_ORDER = 4


class DistinctGrams:
    """Distinct-n: the share of a set's word n-grams that are different ones (Li et al. 2016).

    Different ones are counted by their hashes of 64 bits. Beyond a million only the smallest million are
    held, and how close together those lie tells how many there are (k minimum values: Bar-Yossef et al. 2002,
    Counting Distinct Elements in a Data Stream), with a standard error of 0.1 %: 16 MB for any set.

    Args:
        n: words of an n-gram.
    """

    def __init__(self, n: int) -> None:
        """Nothing is counted yet."""
        self.n = n
        self.total = 0
        self._kept = np.empty(0, np.uint64)
        self._waiting: list[_Hashes] = []
        self._held = 0
        self._below: np.uint64 | None = None

    def add(self, texts: Sequence[Sequence[str]]) -> None:
        """Count the n-grams of texts, each given as its words."""
        hashes, _ = gram_hashes(texts, self.n)
        self.total += len(hashes)
        if self._below is not None:
            hashes = hashes[hashes < self._below]
        self._waiting.append(hashes)
        self._held += len(hashes)
        if self._held > _KEPT:
            self._settle()

    def _settle(self) -> None:
        self._kept = np.unique(np.concatenate([self._kept, *self._waiting]))
        self._waiting, self._held = [], 0
        if len(self._kept) > _KEPT:
            self._kept = self._kept[:_KEPT].copy()
            self._below = self._kept[-1]

    @property
    def estimated(self) -> bool:
        """Whether there were too many to be counted exactly."""
        self._settle()
        return self._below is not None

    @property
    def distinct(self) -> float:
        """How many different n-grams there are."""
        self._settle()
        if self._below is None:
            return float(len(self._kept))
        return (_KEPT - 1) / (float(self._below) / _SPAN)

    @property
    def share(self) -> float:
        """Different n-grams by all n-grams, at most 1; NaN where there are none."""
        return min(self.distinct / self.total, 1.0) if self.total else float("nan")


def distinct_halves(texts: Sequence[Sequence[str]], n: int, halves: Iterable[_Ints]) -> Iterator[float]:
    """Distinct-n of each half of some texts.

    Args:
        texts: the words of each.
        n: words of an n-gram.
        halves: the places of the texts of each half.
    """
    hashes, text = gram_hashes(texts, n)
    _, gram = np.unique(hashes, return_inverse=True)
    for half in halves:
        taken = gram[_are_in(half, len(texts))[text]]
        if len(taken):
            yield np.count_nonzero(np.bincount(taken)) / len(taken)


class SelfBleu:
    """Self-BLEU (Zhu et al. 2018, Texygen): the mean BLEU-4 of each text against all the others, 0 to 1.

    A clipped count needs of all other texts only the highest count of an n-gram, which is the highest or, for
    the text that has that, the second highest of all: counted once for all texts, not once a pair. BLEU comes
    from these counts by sacrebleu, smoothed and with effective order as for its sentences.

    Args:
        texts: the words of each; texts without any should be left out.

    Raises:
        ImportError: sacrebleu is not installed.
    """

    def __init__(self, texts: Sequence[Sequence[str]]) -> None:
        """Count the n-grams of each text."""
        from sacrebleu.metrics import BLEU

        self._bleu = BLEU.compute_bleu
        self._lengths = np.array([len(words) for words in texts], dtype=np.int64)
        self._grams = [_counted(texts, n) for n in range(1, _ORDER + 1)]

    def __len__(self) -> int:
        """How many texts there are."""
        return len(self._lengths)

    def score(self, places: _Ints | None = None) -> float:
        """Self-BLEU of the texts at these places, at least two; None for all."""
        places = np.arange(len(self)) if places is None else places
        taken = _are_in(places, len(self))
        correct = np.stack([_clipped(grams, taken) for grams in self._grams], axis=1)[places]
        lengths = self._lengths[places]
        total = np.maximum(lengths[:, None] - np.arange(_ORDER), 0)
        scores = [
            self._bleu(hits, all_, length, reference, smooth_method="exp", effective_order=True).score
            for hits, all_, length, reference in zip(
                correct.tolist(), total.tolist(), lengths.tolist(), _closest(lengths).tolist(), strict=True
            )
        ]
        return min(float(np.mean(scores)) / 100, 1.0)


def _counted(texts: Sequence[Sequence[str]], n: int) -> _Ints:
    """Columns gram, count, text: one n-gram's rows together, those with the highest count first."""
    hashes, text = gram_hashes(texts, n)
    _, gram = np.unique(hashes, return_inverse=True)
    pairs, count = np.unique(gram * len(texts) + text, return_counts=True)
    gram, text = np.divmod(pairs, max(len(texts), 1))
    return np.stack([gram, count, text])[:, np.lexsort((text, -count, gram))]


def _clipped(grams: _Ints, taken: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """For each text how many of its n-grams are matched by one of the other taken texts."""
    gram, count, text = grams[:, taken[grams[2]]]
    first = np.ones(len(gram), bool)
    first[1:] = gram[1:] != gram[:-1]
    starts = np.flatnonzero(first)
    second = np.zeros(len(starts), np.int64)
    there = np.flatnonzero(np.diff(starts, append=len(gram)) > 1)
    second[there] = count[starts[there] + 1]
    group = np.cumsum(first) - 1
    others = np.where(first, second[group], count[starts][group] if len(starts) else 0)
    return np.bincount(text, np.minimum(count, others), len(taken)).astype(np.int64)


def _closest(lengths: _Ints) -> _Ints:
    """For each text the length of another that is closest to its own, the shorter of two as close."""
    order = np.argsort(lengths, kind="stable")
    ranked = lengths[order]
    far = np.int64(2**40)
    before = np.concatenate([[-far], ranked[:-1]])
    after = np.concatenate([ranked[1:], [far]])
    closest = np.empty_like(lengths)
    closest[order] = np.where(ranked - before <= after - ranked, before, after)
    return closest


def _are_in(places: _Ints, count: int) -> npt.NDArray[np.bool_]:
    taken = np.zeros(count, bool)
    taken[places] = True
    return taken
