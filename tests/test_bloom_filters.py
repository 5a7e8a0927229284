"""Bloom filters: what was put in is there, whichever thread put it in."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from personahub.compiled import compiled
from personahub.kernels.filters import BITS_A_KEY, Filter, holds, new_filter, put

Keys = NDArray[np.uint64]


@compiled
def put_all(words: Filter, keys: Keys) -> int:
    """Put the keys in; how many seemed to be there."""
    known = 0
    for key in keys:
        known += put(words, key)
    return known


@compiled
def count_held(words: Filter, keys: Keys) -> int:
    """How many of the keys are there."""
    held = 0
    for key in keys:
        held += holds(words, key)
    return held


def some_keys(count: int, seed: int) -> Keys:
    return np.random.default_rng(seed).integers(0, 2**64, count, np.uint64)


def test_no_key_is_missed_and_few_others_seem_to_be_there() -> None:
    keys, others = some_keys(100_000, 1), some_keys(100_000, 2)
    words = new_filter(len(keys))
    put_all(words, keys)
    assert count_held(words, keys) == len(keys)
    assert count_held(words, others) < len(others) / 50
    assert 0.7 * BITS_A_KEY < 64 * len(words) / len(keys) < 1.5 * BITS_A_KEY


def test_of_two_threads_that_put_in_a_key_one_finds_it_there() -> None:
    keys = some_keys(300_000, 3)
    words = new_filter(len(keys))
    put_all(words, keys[:1])
    with ThreadPoolExecutor(4) as pool:
        known = sum(pool.map(lambda _: put_all(words, keys), range(4)))
    assert known >= 3 * len(keys)


def test_a_filter_for_nothing_holds_nothing() -> None:
    assert not count_held(new_filter(0), some_keys(1000, 4))
