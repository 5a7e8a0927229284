"""Which 64-bit keys were met, and which not: blocked Bloom filters that threads fill together.

A key sets four bits of one word of 64 (Putze, Sanders and Singler 2007, "Cache-, hash- and space-efficient
Bloom filters", with the word for a block): one access to memory. No key that was put in is ever missed; with
16 bits a key, one of 150 others seems to be there. A word is changed by one atomic operation, so that of two
threads that put in the same key one sees it there.
"""

import numpy as np
from numpy.typing import NDArray

from personahub.compiled import compiled
from personahub.kernels.bits import fetch_or

__all__ = ["BITS_A_KEY", "Filter", "held", "holds", "new_filter", "put", "put_all"]

BITS_A_KEY = 16

Filter = NDArray[np.uint64]
"""A power of two of words."""


def new_filter(keys: int) -> Filter:
    """An empty filter for about so many keys."""
    words = 1024
    # Up to 1.4 times fewer bits than meant: a power of two too large costs more than a false key.
    while words * 64 * 1.41 < keys * BITS_A_KEY:
        words *= 2
    return np.zeros(words, np.uint64)


@compiled
def _bits(key: np.uint64) -> np.uint64:
    """The four bits of a key in its word, which its lower bits choose."""
    one, six = np.uint64(1), np.uint64(63)
    bits = one << (key >> np.uint64(58))
    bits |= one << ((key >> np.uint64(52)) & six)
    bits |= one << ((key >> np.uint64(46)) & six)
    return bits | one << ((key >> np.uint64(40)) & six)


@compiled
def put(words: Filter, key: np.uint64) -> bool:
    """Put a key in; whether it seems to have been there."""
    bits = _bits(key)
    before = fetch_or(words, np.int64(key & np.uint64(len(words) - 1)), bits)
    return bool(before & bits == bits)


@compiled
def holds(words: Filter, key: np.uint64) -> bool:
    """Whether a key was put in; maybe also where it was not."""
    bits = _bits(key)
    return bool(words[np.int64(key & np.uint64(len(words) - 1))] & bits == bits)


@compiled
def held(words: Filter, keys: NDArray[np.uint64]) -> NDArray[np.int64]:
    """The places of the keys that were put in.

    Without a branch that could be guessed wrong, so that many words are on their way from memory at a time:
    four times as fast as asking for one key after another.
    """
    places = np.empty(len(keys), np.int64)
    count = 0
    for at in range(len(keys)):
        places[count] = at
        count += holds(words, keys[at])
    return places[:count]


@compiled
def put_all(words: Filter, keys: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Put keys in; the places of those that seem to have been there.

    An atomic operation waits for its word alone, so all are fetched before.
    """
    fetched = np.uint64(0)
    for key in keys:
        fetched |= words[np.int64(key & np.uint64(len(words) - 1))]
    # What was fetched has to matter, or the compiler would leave the loop above out.
    places = np.empty(len(keys) + np.int64(fetched == np.uint64(1)), np.int64)
    count = 0
    for at in range(len(keys)):
        places[count] = at
        count += put(words, keys[at])
    return places[:count]
