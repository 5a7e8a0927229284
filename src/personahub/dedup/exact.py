"""The exact join of many texts: who has the same words, and who nearly the same.

Texts are gone through, not held. A first pass keeps of each the sum of its words' hashes (8 bytes) and its
size (1 byte), and puts this sum and those of its parts (:mod:`personahub.dedup.signatures`) into filters. A
second one writes down whose sums without a word some other text has: a few texts of a hundred. Those others
are found among the sums that are kept, or where it is the sum of a part, in a third pass over the longer
texts. Sorted by sum, they are the candidates, whose words are read again from the texts and compared. Where
many have a part in common, they are joined by the words that are rare among them
(:mod:`personahub.dedup.join`), so that candidates hardly grow with the number of texts.

So no pair at or above the threshold is lost, and none below it is given, unless two different words of two
texts have one 64-bit hash.
"""

from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from personahub.dedup import meeting
from personahub.dedup.compare import Found
from personahub.dedup.passes import TWICE, Alike, Passes, Progress, check_room
from personahub.dedup.signatures import LEAST_THRESHOLD, Bands, bands_for, dropped_sizes
from personahub.kernels.filters import new_filter
from personahub.kernels.hashing import HashedWords, hash_words
from personahub.kernels.texts import TextSource

__all__ = ["join_exactly"]

_Longs = NDArray[np.int64]
_Hashes = NDArray[np.uint64]
_SAMPLED = 2000
"""Texts by which it is guessed how many keys there will be."""
_BYTES_A_PART = 4
"""Filters of their sums."""


def join_exactly(
    texts: TextSource,
    threshold: Fraction,
    *,
    since: int = 0,
    limit: int,
    memory: int,
    folder: Path | None = None,
    progress: Progress | None = None,
) -> Alike:
    """Find the texts with equal words, and the pairs of others that are similar.

    Args:
        texts: gone through twice or three times, and read again where they are candidates.
        threshold: above 0, at most 1. Under 0.75 the words of all different texts are held.
        since: rows before it were compared with each other; of each link a row has the words of one from it
            on.
        limit: the most links.
        memory: bytes for candidates, beside 20 a text, 4 a part of a long text's, and what is found.
        folder: where files are made if these do not suffice; None for the system's.
        progress: told how it goes.

    Raises:
        UserError: there is too little memory or disk.
    """
    check_room(len(texts), 0, memory, folder)
    return _Join(texts, threshold, limit, memory, folder, progress).run(since)


class _Join:
    """A join that is going on."""

    def __init__(
        self,
        texts: TextSource,
        threshold: Fraction,
        limit: int,
        memory: int,
        folder: Path | None,
        progress: Progress | None,
    ) -> None:
        self._texts = texts
        self._threshold = threshold
        self._memory = memory
        self._folder = folder
        # Its sums and their filter are given back where they are needed no more.
        self._passes = Passes(texts, hash_words, memory, folder, progress)
        self._found = Found(texts, threshold, limit)

    def run(self, since: int) -> Alike:
        parts = None
        if LEAST_THRESHOLD <= self._threshold < 1:
            expected = self._expect_parts()
            check_room(len(self._texts), expected * _BYTES_A_PART, self._memory, self._folder)
            parts = _Parts(self._threshold, expected)
        passes = self._passes
        equal, firsts = passes.find_equal(since, parts.put if parts else None)
        self._found.expect(passes.words)
        if parts:
            self._find_near(parts)
        elif self._threshold < 1:
            rows = np.flatnonzero(passes.state)
            self._found.join(rows, np.zeros_like(rows), passes.state)
        wordless = np.flatnonzero(passes.sizes == 0)
        return Alike(equal, firsts, wordless, self._found.links(), self._found.candidates)

    def _expect_parts(self) -> int:
        """About how many parts all texts have, by a sample."""
        count = len(self._texts)
        rows = np.unique(np.linspace(0, max(count - 1, 0), min(count, _SAMPLED)).astype(np.int64))
        found = 0
        for words in hash_words(self._texts.take(rows)):
            sizes = np.diff(words.starts)
            bands = bands_for(self._threshold, int(sizes.max()))
            before = np.concatenate([[0], np.cumsum(bands.parts)])
            found += int((before[bands.end[sizes]] - before[bands.first[sizes]]).sum())
        return found * count // max(len(rows), 1)

    def _find_near(self, parts: "_Parts") -> None:
        """Find pairs that are similar and not equal."""
        least, end = dropped_sizes(self._threshold)
        wanted = new_filter(len(self._texts) // TWICE)
        passes = self._passes

        def take(row: int, words: HashedWords) -> None:
            sums = passes.sums[row : row + len(words.starts) - 1]
            dropped.add(meeting.find_dropped(*words, row, sums, least, end, passes.seen, wanted))
            keys.add(parts.find(row, words))

        with passes.partitions() as dropped, passes.partitions() as keys:
            # Sizes are told up to this one; take() knows the true ones.
            passes.go("comparing", take, compared_from=min(least, meeting.CLIPPED))
            if parts.found:
                passes.go(
                    "comparing parts",
                    lambda row, words: keys.add(parts.met(row, words)),
                    compared_from=parts.least,
                )
            passes.seen = new_filter(0)
            parts.forget()
            with passes.scan(wanted) as sums:
                passes.sums = np.empty(0, np.uint64)
                met = zip(dropped.read(), sums.read(), strict=True)
                for one, other in passes.each("comparing candidates", met):
                    pairs = meeting.pair_sums(*one, *other, passes.state)
                    self._found.add(pairs, len(pairs))
            shared = passes.each("comparing candidates of parts", keys.read())
            self._found.meet(shared, passes.state, meeting.allowed_differences(self._threshold))


class _Parts:
    """What is known of the sums of parts.

    Args:
        threshold: the least similarity.
        expected: about how many parts all texts have.
    """

    def __init__(self, threshold: Fraction, expected: int) -> None:
        self._threshold = threshold
        self._seen, self._twice = new_filter(expected), new_filter(expected // TWICE)
        self._wanted = new_filter(expected // TWICE)
        bands = bands_for(threshold, meeting.CLIPPED)
        sizes = np.flatnonzero(bands.end > bands.first)
        self.least = int(min([*sizes, meeting.CLIPPED]))
        """From this size on sets have parts; the largest that is told where only larger ones have."""
        self.found = False
        """Whether a part's sum without a word was that of another's part."""

    def put(self, words: HashedWords) -> None:
        """Take the parts of some texts."""
        meeting.put_parts(*words, *self._bands(words), self._seen, self._twice)

    def find(self, row: int, words: HashedWords) -> _Hashes:
        """Sums of their parts that others have too, or have without a word."""
        found = meeting.find_parts(*words, row, *self._bands(words), self._seen, self._twice, self._wanted)
        if meeting.are_without(found[:, 1]).any():
            self.found = True
        return found

    def met(self, row: int, words: HashedWords) -> _Hashes:
        """Sums of their parts that others have without a word."""
        return meeting.parts_met(*words, row, *self._bands(words), self._twice, self._wanted)

    def forget(self) -> None:
        """Give the filters back."""
        self._seen = self._twice = self._wanted = new_filter(0)

    def _bands(self, words: HashedWords) -> Bands:
        return bands_for(self._threshold, int(np.diff(words.starts).max(initial=0)))
