"""The longest runs of words that texts share with what is indexed: loops compiled by Numba.

Each window that a text shares with an indexed sequence is met. Where the words before it differ, it starts a
shared run and is followed to the run's end; the other windows of the run cost one look each. So the longest
runs are exact, in the time of the windows that are shared.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from personahub.compiled import compiled
from personahub.verification.ngrams import Windows, look_up
from personahub.verification.sequences import Numbers, Sequences

__all__ = ["Found", "find_items", "find_longest"]

_Longs = NDArray[np.int64]


class Found(NamedTuple):
    """What each text shares with the indexed sequences; int64, one entry for a text.

    Attributes:
        owners: the sequence that is named; -1 where there is none.
        starts: the first word of the longest shared run in the text, from 0.
        places: the same in the sequence.
        sizes: how many words the run has.
        weights: what they weigh.
        counts: how many of the sequence's windows stand in the text.
        candidates: how many sequences could be named.
    """

    owners: _Longs
    starts: _Longs
    places: _Longs
    sizes: _Longs
    weights: _Longs
    counts: _Longs
    candidates: _Longs


class _Items(NamedTuple):
    """What is known of each item, and what was met of it in the present text.

    Attributes:
        of_place: int32, the item of each place in the indexed numbers.
        totals: how many windows the item has.
        enough: how many of them are enough.
        enough_weight: how long a run is enough.
        met_in: the last text that shares a window.
        counts: how many of the item's windows that text has.
        best: shape (items, 4), of the longest run its weight, start in the text, start in the item, size.
    """

    of_place: Numbers
    totals: _Longs
    enough: _Longs
    enough_weight: _Longs
    met_in: _Longs
    counts: _Longs
    best: _Longs


@compiled
def _run(one: Numbers, at: int, other: Numbers, there: int) -> int:
    """How many words are the same from there on."""
    size = 0
    while one[at + size] >= 0 and one[at + size] == other[there + size]:
        size += 1
    return size


@compiled
def _run_before(one: Numbers, at: int, other: Numbers, there: int, most: int) -> int:
    """How many words before it are the same, up to ``most``."""
    size = 0
    while size < most and one[at - size - 1] >= 0 and one[at - size - 1] == other[there - size - 1]:
        size += 1
    return size


@compiled
def _weight(numbers: Numbers, at: int, size: int, weights: Numbers) -> int:
    weight = 0
    for place in range(at, at + size):
        weight += weights[numbers[place]]
    return weight


@compiled
def _choose(met: _Longs, items: _Items) -> tuple[int, int]:
    """Of the items that were met, the one to name, or -1; and how many there is enough of."""
    _, totals, enough, enough_weight, _, counts, best = items
    chosen, enough_of = -1, 0
    for item in met:
        long = best[item, 0] >= enough_weight[item]
        if not long and counts[item] < enough[item]:
            continue
        enough_of += 1
        ahead = 1
        if chosen >= 0:
            # A long run first, then the larger share, the longer run, the earlier item.
            ahead = int(long) - int(best[chosen, 0] >= enough_weight[chosen])
            ahead = ahead or counts[item] * totals[chosen] - counts[chosen] * totals[item]
            ahead = ahead or best[item, 0] - best[chosen, 0] or chosen - item
        if ahead > 0:
            chosen = item
    return chosen, enough_of


@compiled
def _items_loop(
    texts: Numbers,
    text_starts: _Longs,
    numbers: Numbers,
    starts: _Longs,
    windows: Windows,
    items: _Items,
    found: Found,
) -> None:
    weights, parts, places = windows.weights, windows.parts, windows.places
    found_at = look_up(texts, numbers, windows)
    best = items.best
    seen_in = np.full(len(parts), -1, np.int64)
    met = np.empty(len(starts), np.int64)
    for row in range(len(text_starts) - 1):
        items_met = 0
        for at in range(text_starts[row], text_starts[row + 1] - 1):
            window = found_at[at]
            if window < 0:
                continue
            for place in places[parts[window] : parts[window + 1]]:
                item = items.of_place[place]
                if items.met_in[item] != row:
                    items.met_in[item] = row
                    items.counts[item] = 0
                    best[item] = 0
                    met[items_met] = item
                    items_met += 1
                items.counts[item] += seen_in[window] != row
                if _run_before(texts, at, numbers, place, 1) == 0:
                    size = _run(texts, at, numbers, place)
                    weight = _weight(texts, at, size, weights)
                    if weight > best[item, 0]:
                        best[item] = weight, at - text_starts[row], place - starts[item], size
            seen_in[window] = row
        chosen, enough_of = _choose(met[:items_met], items)
        found.owners[row] = chosen
        if chosen >= 0:
            found.weights[row], found.starts[row], found.places[row], found.sizes[row] = best[chosen]
            found.counts[row] = items.counts[chosen]
            found.candidates[row] = enough_of


def find_items(
    texts: Sequences,
    indexed: Sequences,
    windows: Windows,
    totals: _Longs,
    enough: _Longs,
    enough_weight: _Longs,
) -> Found:
    """For each text the item that it has most of, among those of which it has enough.

    Args:
        texts: in the numbers of the items' words.
        indexed: the items.
        windows: of the items, at every word.
        totals: for each item how many windows it has.
        enough: how many of them are enough.
        enough_weight: how long a run is enough.
    """
    count = len(totals)
    of_place = np.zeros(len(indexed.numbers), np.int32)
    of_place[indexed.starts[0] :] = np.repeat(np.arange(count, dtype=np.int32), np.diff(indexed.starts))
    met_in, counts = np.full(count, -1, np.int64), np.zeros(count, np.int64)
    best = np.zeros((count, 4), np.int64)
    items = _Items(of_place, totals, enough, enough_weight, met_in, counts, best)
    found = _nothing_found(len(texts.starts) - 1)
    _items_loop(*texts, *indexed, windows, items, found)
    return found


@compiled
def _longest_loop(
    texts: Numbers,
    text_starts: _Longs,
    numbers: Numbers,
    starts: _Longs,
    windows: Windows,
    stride: int,
    found: Found,
) -> None:
    weights, parts, places = windows.weights, windows.parts, windows.places
    found_at = look_up(texts, numbers, windows)
    for row in range(len(text_starts) - 1):
        for at in range(text_starts[row], text_starts[row + 1] - 1):
            window = found_at[at]
            if window < 0:
                continue
            for place in places[parts[window] : parts[window + 1]]:
                before = _run_before(texts, at, numbers, place, stride)
                if before == stride:  # The window that is indexed before this one has found the run.
                    continue
                size = before + _run(texts, at, numbers, place)
                weight = _weight(texts, at - before, size, weights)
                if weight > found.weights[row]:
                    found.weights[row], found.sizes[row] = weight, size
                    found.starts[row], found.places[row] = at - before - text_starts[row], place - before
        if found.weights[row] > 0:
            found.owners[row] = np.searchsorted(starts, found.places[row], side="right") - 1
            found.places[row] -= starts[found.owners[row]]


def find_longest(texts: Sequences, indexed: Sequences, windows: Windows, stride: int) -> Found:
    """For each text the longest run that it shares with any indexed sequence and that holds a window.

    Args:
        texts: in the numbers of the indexed words.
        indexed: what ``windows`` indexes.
        windows: at every ``stride``-th word.
        stride: in words.
    """
    found = _nothing_found(len(texts.starts) - 1)
    _longest_loop(*texts, *indexed, windows, stride, found)
    return found


def _nothing_found(rows: int) -> Found:
    return Found(np.full(rows, -1, np.int64), *(np.zeros(rows, np.int64) for _ in range(6)))
