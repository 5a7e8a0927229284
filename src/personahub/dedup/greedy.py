"""The loops behind a view: groups of equal rows, the neighbours of each, and the walk that chooses.

Plain loops over flat arrays, compiled: 50 million edges as Python objects would be 10 GB and minutes.
"""

from typing import Any

from personahub.compiled import compiled

__all__ = ["count_neighbours", "fill_neighbours", "walk"]

_Array = Any  # Numba compiles each function for the arrays it is called with.
_Arrays = tuple[_Array, ...]


@compiled
def count_neighbours(
    a: _Array, b: _Array, groups: _Array, weights: _Array, least: float, counts: _Array
) -> None:
    """Add to the counts of each group its edges to others that weigh enough."""
    for edge in range(a.size):
        left, right = groups[a[edge]], groups[b[edge]]
        if weights[edge] >= least and left != right:
            counts[left] += 1
            counts[right] += 1


@compiled
def fill_neighbours(
    a: _Array,
    b: _Array,
    groups: _Array,
    weights: _Array,
    least: float,
    free: _Array,
    near: _Array,
    weight: _Array,
) -> None:
    """Write each edge that weighs enough to the next free places of both its groups."""
    for edge in range(a.size):
        left, right = groups[a[edge]], groups[b[edge]]
        if weights[edge] >= least and left != right:
            near[free[left]], weight[free[left]] = right, weights[edge]
            free[left] += 1
            near[free[right]], weight[free[right]] = left, weights[edge]
            free[right] += 1


@compiled
def walk(
    rows: _Array,
    places: _Array,
    first: int,
    identical: int,
    groups: _Arrays,
    surface: _Arrays,
    semantic: _Arrays,
    state: _Arrays,
    verdicts: _Arrays,
) -> None:
    """Go through rows in order: each steps aside for the nearest row kept before it, or is kept.

    Args:
        rows: rows in the order they are gone through.
        places: where the semantic neighbours of each of these rows are listed.
        first: how many rows were gone through before.
        identical: the method that a row of an equal set or text counts for.
        groups: for each row its set of words, its text, and its language (none: an empty array).
        surface: of each set, starts of its list, sets in it, similarities.
        semantic: of each place, starts of its list, texts in it, similarities.
        state: the row kept for each set and for each text (-1: none), and the rank of each row gone through.
        verdicts: leader, method and similarity of each row; written.
    """
    sets, texts, languages = groups
    starts, near, weight = surface
    text_starts, near_texts, text_weight = semantic
    kept_of_set, kept_of_text, rank = state
    leader, method, similarity = verdicts
    for position in range(rows.size):
        row = rows[position]
        rank[row] = first + position
        if kept_of_set[sets[row]] >= 0:
            leader[row], method[row], similarity[row] = kept_of_set[sets[row]], identical, 1.0
            continue
        best, highest, found = -1, 0.0, 0
        for edge in range(starts[sets[row]], starts[sets[row] + 1]):
            kept = kept_of_set[near[edge]]
            if kept >= 0 and (
                weight[edge] > highest or (weight[edge] == highest and rank[kept] < rank[best])
            ):
                best, highest, found = kept, weight[edge], 1
        if found == 0:
            units = 0
            for edge in range(text_starts[places[position]], text_starts[places[position] + 1]):
                kept = kept_of_text[near_texts[edge]]
                if kept < 0 or (languages.size > 0 and languages[kept] != languages[row]):
                    continue
                if text_weight[edge] > units or (text_weight[edge] == units and rank[kept] < rank[best]):
                    best, units, found = kept, text_weight[edge], 2
            highest = units / 10_000
        leader[row], method[row], similarity[row] = best, found, highest
        if found == 0:
            kept_of_set[sets[row]] = row
            kept_of_text[texts[row]] = row
