"""Decontamination: which texts hold what a benchmark asks, word for word.

Leaks show in shared runs of words, as in the reports on GPT-3 (13 words; Brown et al. 2020), GPT-2 and PaLM
(shares of 8-grams; Radford et al. 2019, Chowdhery et al. 2022). Words are those of surface deduplication
(:mod:`personahub.kernels.words`): no case, no punctuation, one form of each letter. Scripts that part no
words are measured by what stands for as many: 13 words are 19 Han characters, 44 Kana, or 65 runs of three
Thai, Lao, Khmer or Burmese letters; 8 words are 12, 27 or 40. A stretch of several scripts counts as the sum.

Everything is exact: words are compared, not hashes alone. Memory is the benchmark's.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from personahub.errors import UserError
from personahub.kernels.texts import Texts, batches
from personahub.kernels.words import WORD, find_words, join_words, weigh_word
from personahub.verification.sequences import Gathered, Sequences, Vocabulary

if TYPE_CHECKING:
    from personahub.verification.ngrams import Windows
    from personahub.verification.runs import Found

__all__ = ["LEAST_SHARE", "Benchmark", "BenchmarkItem", "Overlap"]

LEAST_SHARE = 0.5
"""Of the 8-grams of an item; see :meth:`Benchmark.index`."""

_LONG, _SHORT = 13, 8
_LEAST = 4
"""Words; fewer stand in many a text by chance."""
_START_ONLY = 2**31
_NEVER = 2**31


class BenchmarkItem(NamedTuple):
    """One item of a benchmark, such as a question."""

    file: str
    """What the user calls the file."""
    row: int
    """Its row there, as messages to users count it."""
    text: str
    language: str | None = None
    """ISO 639-1 code, where it is known."""


@dataclass(frozen=True, slots=True)
class Overlap:
    """What a text has of a benchmark item: the evidence that it is contaminated.

    Attributes:
        file: the item's.
        row: the item's.
        n: 13 where they share so many words in a row; else 8, where the share decides; for an item of fewer
            than 8 words, how many it has.
        share: how many of the item's 8-grams stand in the text; 1.0 where all of an item of fewer words does.
        words: of the longest run that both have, in words as this module measures them.
        run: that run, in normalised words.
        others: how many other items of the benchmark contaminate the text; many hint at a form of words that
            the items have in common.
    """

    file: str
    row: int
    n: int
    share: float
    words: int
    run: str
    others: int


class Benchmark:
    """Benchmark items, indexed by their runs of words: :meth:`index` makes one.

    Attributes:
        items: how many it holds.
        repeated: how many came with the very words of an earlier one, which stands for them.
        wordless: how many have no words, so that nothing can be compared with them.
    """

    def __init__(self, items: Iterable[BenchmarkItem], share: Fraction) -> None:
        """Use :meth:`index`."""
        from personahub.verification.ngrams import index_windows

        self.items = self.repeated = self.wordless = 0
        vocabulary = Vocabulary()
        self._tiny: dict[tuple[str, ...], tuple[str, int]] = {}
        long, short = _Group(), _Group()
        known: set[bytes] = set()
        for item in items:
            words = find_words(item.text)
            numbers = vocabulary.add(words)
            packed = np.array(numbers, np.int32).tobytes()
            if packed in known or not words:
                self.repeated += bool(words)
                self.wordless += not words
                continue
            known.add(packed)
            self.items += 1
            weight, name = sum(map(weigh_word, words)), (item.file, item.row)
            if weight < _LEAST * WORD:
                self._tiny[tuple(words)] = name
            else:
                (long if weight >= _SHORT * WORD else short).add(name, numbers, weight)
        self._known, weights = vocabulary.known(), vocabulary.weights()
        sequences = long.gathered.sequences()
        windows = index_windows(sequences, weights, _SHORT * WORD, 1)
        totals = np.diff(np.searchsorted(np.sort(windows.places), sequences.starts))
        enough = -(-totals * share.numerator // share.denominator)
        self._long = _Indexed(
            long.names, sequences, windows, totals, enough, np.full(len(totals), _LONG * WORD)
        )
        sequences = short.gathered.sequences()
        windows = index_windows(sequences, weights, _LEAST * WORD, _START_ONLY)
        ones = np.ones(len(short.names), np.int64)
        # The whole item or nothing: what it weighs is enough, and no number of its starts.
        whole = np.array(short.weights, np.int64)
        self._short = _Indexed(short.names, sequences, windows, ones, ones * _NEVER, whole)

    @classmethod
    def index(cls, items: Iterable[BenchmarkItem], share: float = LEAST_SHARE) -> "Benchmark":
        """Index the items of one benchmark or of several.

        Args:
            items: the earlier one is named where a text has as much of another.
            share: how many of an item's 8-grams contaminate a text, above 0 and up to 1, taken as the decimal
                that it is written as. A text without 13 words of a long item in a row has hardly more than 5
                of 13 of its 8-grams, so the share decides for items of 8 to some 20 words. One of 4 to 7
                words contaminates where it stands in the text as a whole, one of fewer where the text has no
                other words.

        Raises:
            UserError: the share is out of its range.
        """
        try:
            exact = Fraction(str(share))
        except ValueError:  # not a number
            exact = Fraction(0)
        if not 0 < exact <= 1:
            raise UserError(f"the share of 8-grams is {share}; give a number above 0 and up to 1")
        return cls(items, exact)

    def overlaps(self, texts: Texts) -> list[Overlap | None]:
        """For each text the item that it has most of; None where it is contaminated with none.

        Thirteen words in a row go before any share, then the larger share, then the longer run.

        Args:
            texts: a null is a text without words, which is never contaminated.

        Raises:
            UserError: they are of another type.
        """
        found: list[Overlap | None] = []
        for batch in batches(texts):
            found += self._overlaps(batch)
        return found

    def _overlaps(self, texts: list[str | None]) -> list[Overlap | None]:
        sequences = Sequences(*self._known.number(texts))
        long, short = self._long.find(sequences), self._short.find(sequences)
        few = np.diff(sequences.starts) - 1 <= max(map(len, self._tiny), default=-1)
        found: list[Overlap | None] = [None] * len(texts)
        for row in np.flatnonzero((long.owners >= 0) | (short.owners >= 0) | few).tolist():
            words = find_words(texts[row] or "")
            others = int(long.candidates[row] + short.candidates[row]) - 1
            found[row] = (
                self._long.overlap(long, row, words, others, whole=False)
                or self._short.overlap(short, row, words, others, whole=True)
                or self._same(words)
            )
        return found

    def _same(self, words: list[str]) -> Overlap | None:
        """The item that has these words and no others."""
        if not (name := self._tiny.get(tuple(words))):
            return None
        count = _in_words(sum(map(weigh_word, words)))
        return Overlap(*name, count, 1.0, count, join_words(words), 0)


class _Group:
    """Items of one kind, as they come."""

    def __init__(self) -> None:
        self.names: list[tuple[str, int]] = []
        self.weights: list[int] = []
        self.gathered = Gathered()

    def add(self, name: tuple[str, int], numbers: list[int], weight: int) -> None:
        self.names.append(name)
        self.weights.append(weight)
        self.gathered.add(numbers)


class _Indexed(NamedTuple):
    """Items of one kind, indexed; the arrays as :func:`personahub.verification.runs.find_items` has."""

    names: list[tuple[str, int]]
    sequences: Sequences
    windows: "Windows"
    totals: npt.NDArray[np.int64]
    enough: npt.NDArray[np.int64]
    enough_weight: npt.NDArray[np.int64]

    def find(self, texts: Sequences) -> "Found":
        from personahub.verification.runs import find_items

        return find_items(texts, *self[1:])

    def overlap(
        self, found: "Found", row: int, words: list[str], others: int, *, whole: bool
    ) -> Overlap | None:
        item = int(found.owners[row])
        if item < 0:
            return None
        start, size, weight = int(found.starts[row]), int(found.sizes[row]), int(found.weights[row])
        own = int(self.enough_weight[item])
        if whole:  # The run is no longer than the item.
            n, share = _in_words(own), 1.0
        else:
            n, share = _LONG if weight >= own else _SHORT, int(found.counts[row]) / int(self.totals[item])
        run = join_words(words[start : start + size])
        return Overlap(*self.names[item], n, share, _in_words(weight), run, others)


def _in_words(weight: int) -> int:
    """Whole words; a single character is one all the same."""
    return max(weight // WORD, 1)
