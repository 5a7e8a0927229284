"""Near-identical pages, found one after the other while they are read.

Exact, in little memory: prefix filtering (Chaudhuri et al. 2006; Bayardo et al. 2007; Xiao et al. 2008,
PPJoin). Bring all words into one order, the same for all pages. Two pages of ``n`` words each whose Jaccard
similarity is ``t`` or more share one of their first ``n - ceil(t n) + 1`` words, so each kept page is posted
under those and no others. With the rarest words first, few pages meet there by chance. How often a word comes
is learned on the way: whenever there are four times as many pages as at the last count, all are posted anew
in the order of the new counts, which costs each page about a third of a posting in the end.

A page of 300 words takes about 250 bytes of memory, at most twice that while postings are merged. Its words
lie in a file as 64-bit hashes and are read back for the few pages that pass the filters; two words with one
hash would be one word here, which among a thousand words happens once in 10^13 pages.
"""

import os
import tempfile
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from itertools import accumulate
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from personahub.dedup.postings import Postings
from personahub.errors import UserError

__all__ = ["Match", "PageFilter"]

_SKETCH = 256
"""Bits."""
_COUNTERS = 2**20
"""Words that share a counter are taken for more frequent than they are, which costs time only."""
_FIRST_COUNT = 256
"""Pages at the first count."""
_AT_ONCE = 2**18
"""Words that are posted anew at a time."""
_SPREAD = np.uint64(0x9E3779B97F4A7C15)
_CLASS_SPREAD = np.uint64(0xD6E8FEB86659FD93)
_KEY_BITS = np.uint64(32)
_CLASSES = [0, *accumulate(range(200), lambda size, _: max(size + 1, size * 10 // 9), initial=1)]
"""The smallest size of each class."""

Hashes = npt.NDArray[np.uint64]


class Match(NamedTuple):
    """The first kept page that a page is nearly identical to."""

    place: int
    """Its place among the kept pages, from 0."""
    similarity: float
    """Jaccard similarity of the two pages' sets of words."""


class PageFilter:
    """Says of page after page whether one that was kept is nearly identical; keeps those of which none is.

    A page without words is like no other. Close it, or use it as a context manager, to free its file.

    Args:
        threshold: least Jaccard similarity, above 0 and up to 1; met exactly, it counts. It stands for the
            nearest fraction with a denominator of at most 1,000.
    """

    def __init__(self, threshold: float = 0.9) -> None:
        """No page came yet."""
        exact = Fraction(threshold).limit_denominator(1000)
        if not 0 < exact <= 1:
            raise UserError(f"the threshold is {threshold:g}; give a similarity above 0 and up to 1")
        self._p, self._q = exact.numerator, exact.denominator
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  Closed by close().
        self._written = self._flushed = 0
        self._pages = 0
        self._sizes = np.zeros(64, np.int64)
        self._ends = np.zeros(64, np.int64)
        self._sketches = [np.zeros(64, np.uint64) for _ in range(_SKETCH // 64)]
        self._postings = Postings()
        self._counts = np.zeros(_COUNTERS, np.uint32)
        self._order = np.zeros(_COUNTERS, np.uint32)
        self._next_count = _FIRST_COUNT

    def __len__(self) -> int:
        """How many pages were kept."""
        return self._pages

    def __enter__(self) -> Self:
        """Nothing more."""
        return self

    def __exit__(self, *error: object) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Free the file; nothing can be asked after that."""
        with suppress(OSError):  # What it holds is not wanted any more, be the disk full.
            self._file.close()

    def add(self, words: Iterable[str]) -> Match | None:
        """The first kept page whose similarity is at or above the threshold; None where this one is kept.

        Args:
            words: normalised words, in any order, repeated ones too
                (:func:`personahub.kernels.words.find_words`).

        Raises:
            UserError: the folder of temporary files is full.
        """
        hashes = _hashed(set(words))
        sketch = _sketched(hashes)
        first = self._first_words(hashes)
        match = self._find(hashes, sketch, first)
        if not match:
            self._keep(hashes, sketch, first)
        return match

    def find(self, words: Iterable[str]) -> Match | None:
        """The first kept page that is nearly identical, as for :meth:`add`; keeps nothing."""
        hashes = _hashed(set(words))
        return self._find(hashes, _sketched(hashes), self._first_words(hashes))

    def _first_words(self, hashes: Hashes) -> Hashes:
        """Those to post it under: the rarest, equally rare ones by their hash."""
        rarest = np.argsort(self._order[hashes % _COUNTERS], kind="stable")
        return hashes[rarest[: self._posted(len(hashes))]]

    def _posted(self, size: Any) -> Any:
        return size + size * self._p // -self._q + (size > 0)

    def _find(self, hashes: Hashes, sketch: Hashes, first: Hashes) -> Match | None:
        size = len(hashes)
        if not size:
            return None
        least, most = -(-self._p * size // self._q), self._q * size // self._p
        classes = range(_class(least), _class(most) + 1)
        found = self._postings.find(np.concatenate([_keys(first, class_) for class_ in classes]))
        # Each filter leaves out only what cannot be similar enough, the cheapest first.
        sizes = self._sizes[found]
        found = found[(sizes >= least) & (sizes <= most)]
        sizes = self._sizes[found]
        left = size + sizes - 2 * self._least_overlap(size, sizes)
        for column, bits in zip(self._sketches, sketch, strict=True):
            left -= np.bitwise_count(column[found] ^ bits)
            found, left = found[left >= 0], left[left >= 0]
        found, shared = np.unique(found, return_counts=True)
        # The words after the first ones of both can make up for so many that are not shared among those.
        sizes = self._sizes[found]
        rest = np.maximum(size - len(first), sizes - self._posted(sizes))
        for place in found[shared >= self._least_overlap(size, sizes) - rest].tolist():
            other = self._read(place, place + 1)
            overlap = len(np.intersect1d(hashes, other, assume_unique=True))
            if overlap >= self._least_overlap(size, len(other)):
                return Match(place, overlap / (size + len(other) - overlap))
        return None

    def _least_overlap(self, size: int, sizes: Any) -> Any:
        """The fewest words that pages of such sizes share: Jaccard is at least p/q in integers."""
        return -(-self._p * (size + sizes) // (self._p + self._q))

    def _keep(self, hashes: Hashes, sketch: Hashes, first: Hashes) -> None:
        place, size = self._pages, len(hashes)
        if place == len(self._sizes):
            self._sizes, self._ends = _longer(self._sizes), _longer(self._ends)
            self._sketches = [_longer(column) for column in self._sketches]
        with _told():
            self._file.write(hashes.tobytes())
        self._written += size
        self._sizes[place], self._ends[place] = size, self._written
        for column, bits in zip(self._sketches, sketch, strict=True):
            column[place] = bits
        self._counts[hashes % _COUNTERS] += 1
        self._pages += 1
        if self._pages == self._next_count:
            self._next_count *= 4
            self._post_anew()
        elif size:
            self._postings.add(_keys(first, _class(size)), place)

    def _read(self, start: int, end: int) -> Hashes:
        """The words of kept pages, one page after the other, each sorted."""
        first, last = (int(self._ends[place - 1]) if place else 0 for place in (start, end))
        if last > self._flushed:
            with _told():
                self._file.flush()
            self._flushed = self._written
        return np.frombuffer(os.pread(self._file.fileno(), 8 * (last - first), 8 * first), np.uint64)

    def _post_anew(self) -> None:
        """Post all pages in the order of the words' present counts."""
        self._order = self._counts.copy()
        self._postings.replace(int(self._posted(self._sizes[: self._pages]).sum()), self._posts())

    def _posts(self) -> Iterator[tuple[Hashes, Hashes]]:
        start = 0
        while start < self._pages:
            before = self._ends[start - 1] if start else 0
            end = int(np.searchsorted(self._ends[: self._pages], before + _AT_ONCE, "right"))
            end = max(end, start + 1)
            hashes, sizes = self._read(start, end), self._sizes[start:end]
            pages = np.repeat(np.arange(end - start, dtype=np.uint64), sizes)
            rarest = np.argsort(pages << _KEY_BITS | self._order[hashes % _COUNTERS], kind="stable")
            ranks = np.arange(len(hashes)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
            # The pages are in their order before and after.
            first = ranks < self._posted(sizes)[pages]
            classes = np.array([_class(size) for size in sizes.tolist()], np.uint64)
            pages = pages[first]
            yield _keys(hashes[rarest][first], classes[pages]), pages + np.uint64(start)
            start = end


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UserError(
            f"{tempfile.gettempdir()}: the words of the pages cannot be kept there ({error.strerror});"
            " free some space, or name a folder with more in the environment variable TMPDIR"
        ) from error


def _hashed(words: Collection[str]) -> Hashes:
    """Distinct words' hashes, sorted: the mixed sum of a random number for each byte at each place."""
    if not words:
        return np.empty(0, np.uint64)
    content = np.frombuffer("\0".join([*words, ""]).encode(errors="surrogatepass"), np.uint8)
    ends = np.flatnonzero(content == 0) + 1
    starts = np.concatenate([[0], ends[:-1]])
    places = np.arange(len(content), dtype=np.uint64)
    places -= np.repeat(starts.astype(np.uint64), ends - starts)
    hashes = _mixed(np.add.reduceat(_mixed(places << np.uint64(8) | content), starts))
    hashes.sort()
    return hashes


def _mixed(numbers: Hashes) -> Hashes:
    """A random permutation of 64 bits: the finalizer of SplitMix64 (Steele et al. 2014)."""
    numbers = (numbers ^ numbers >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    numbers = (numbers ^ numbers >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    return numbers ^ numbers >> np.uint64(31)


def _sketched(hashes: Hashes) -> Hashes:
    """256 bits, each the parity of the words that fall to it.

    As each word that only one of two pages has turns one bit over, they have at least as many such words as
    there are bits in which their sketches differ.
    """
    parities = np.bincount((hashes >> np.uint64(56)).astype(np.int64), minlength=_SKETCH) & 1
    return np.packbits(parities.astype(np.bool_)).view(np.uint64)


def _class(size: int) -> int:
    """Pages are posted by size, so that a page is looked for only where pages of about its size are."""
    return bisect_right(_CLASSES, size) - 1


def _keys(hashes: Hashes, classes: Any) -> Hashes:
    """Keys of words of pages in a class: two words may have one, which costs a look at a page."""
    return (hashes + _CLASS_SPREAD * np.atleast_1d(np.asarray(classes, np.uint64))) * _SPREAD >> _KEY_BITS


def _longer(column: Any) -> Any:
    return np.concatenate([column, np.zeros_like(column[: len(column) // 2])])
