"""Runs of words as 64-bit hashes: sets that tell texts of the same words in another order apart."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from personahub.compiled import compiled
from personahub.kernels.hashing import HashedWords, hash_words, mix

__all__ = ["hash_grams"]

_Longs = NDArray[np.int64]
_Hashes = NDArray[np.uint64]


def hash_grams(array: pa.Array, size: int, wanted: NDArray[np.bool_] | None = None) -> Iterator[HashedWords]:
    """The different runs of so many consecutive words of texts, some thousand texts at a time.

    A text of fewer words has one run, of all its words, so that it is like those of exactly these words in
    this order and like no other; a text without words has none.

    Args:
        array: as for :func:`~personahub.kernels.hashing.hash_words`; words are cut as there.
        size: words of a run, 1 or more; of 1 the runs are the different words.
        wanted: as there.
    """
    if size == 1:
        yield from hash_words(array, wanted)
        return
    for starts, words in hash_words(array, wanted, every=True):
        yield HashedWords(*_runs(starts, words, size))


@compiled
def _runs(starts: _Longs, words: _Hashes, size: int) -> tuple[_Longs, _Hashes]:
    """A hash of each run in its order, and for each text those that it has, each once, sorted."""
    runs, ends = np.empty(len(words), np.uint64), np.zeros(len(starts), np.int64)
    used = 0
    for text in range(len(starts) - 1):
        first, last = starts[text], starts[text + 1]
        begin = used
        for at in range(first, max(last - size, first) + 1 if last > first else first):
            # A run of other words, of these in another order, or of more of them has another hash.
            state = np.uint64(0)
            for word in words[at : min(at + size, last)]:
                state = mix(state ^ word)
            runs[used] = state
            used += 1
        some = runs[begin:used]
        some.sort()
        used = begin
        for at in range(len(some)):
            if at == 0 or some[at] != some[at - 1]:
                runs[used] = some[at]
                used += 1
        ends[text + 1] = used
    return ends, runs[:used]
