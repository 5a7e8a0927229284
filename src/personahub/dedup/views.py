"""Views: which personas are shown at given thresholds, chosen from stored edges by the greedy leader.

Personas are gone through in an order. One steps aside if a persona kept before it has the identical text, or
a surface similarity or a semantic similarity at or above the view's threshold; otherwise it is kept. Both
methods are judged in one pass: whoever stepped aside for either keeps nobody out, so a persona that comes
later in the order never changes a verdict before it, and a view of edges stored down to a lower threshold is
what a fresh run at the view's threshold would choose.

The leader, not connected components: these chain everything to everything at low thresholds (of 5,000 real
personas at cosine 0.5 they keep 1,017, the leader 2,585).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from personahub.dedup.cosines import Cosines, Vectors, least_similarity
from personahub.dedup.neighbours import Neighbours, equal_sets, list_neighbours, read_edges, read_units
from personahub.errors import UserError

__all__ = ["Chosen", "View", "choose", "choose_below"]

_ROWS = 2048  # That are compared with the kept ones at a time where no edges are stored.

_Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class View:
    """Which personas are shown: a threshold for each method, and which of several alike stays.

    Written "0.9/0.9", "0.85/none", "none/0.8", "0.9/0.9+quality" or "0.9/0.9+within-language+quality".
    """

    surface: float | None = 0.9
    """Share of words in common, above 0 and at most 1; None where surface duplicates stay."""
    semantic: float | None = 0.9
    """Cosine, above 0 and at most 1, compared with cosines of four decimals; None where they stay."""
    order: Literal["age", "quality"] = "age"
    """Whether the oldest or the best of several alike stays."""
    within_language: bool = False
    """Whether semantic duplicates count only within one language."""

    def __post_init__(self) -> None:
        """Refuse thresholds and orders that mean nothing.

        Raises:
            UserError: one of them does.
        """
        for method, threshold in (("surface", self.surface), ("semantic", self.semantic)):
            if threshold is not None and not 0 < threshold <= 1:
                raise UserError(
                    f"The {method} threshold of a view is above 0 and at most 1, not {threshold}; "
                    "0.9 is usual, and none switches the method off."
                )
        if self.order not in ("age", "quality"):
            raise UserError(f'The order of a view is "age" or "quality", not "{self.order}".')

    @classmethod
    def parse(cls, text: str) -> "View":
        """The view that is written so.

        Raises:
            UserError: it is none.
        """
        number = r"[0-9]*\.?[0-9]+|none"
        written = re.fullmatch(rf"({number})/({number})((?:\+(?:quality|within-language))*)", text.strip())
        if not written:
            raise UserError(
                f'"{text}" is no view; write the thresholds of surface and meaning, such as 0.9/0.9, '
                "0.85/none or none/0.8, and after them +within-language or +quality where wished."
            )
        surface, semantic = (
            None if threshold == "none" else float(threshold) for threshold in written.group(1, 2)
        )
        choices = written[3].split("+")
        return cls(
            surface, semantic, "quality" if "quality" in choices else "age", "within-language" in choices
        )

    def __str__(self) -> str:
        """The view as it is written; the same text for equal views."""
        thresholds = "/".join(
            "none" if threshold is None else f"{Decimal(str(float(threshold))).normalize():f}"
            for threshold in (self.surface, self.semantic)
        )
        within = "+within-language" if self.within_language else ""
        return f"{thresholds}{within}{'+quality' if self.order == 'quality' else ''}"


class Chosen(NamedTuple):
    """The verdict on each row; arrays of n."""

    leader: _Ints
    """-1 where the row is kept; else the kept row that it steps aside for: that of the identical text, else
    the most similar surface duplicate, else the most similar semantic one; of several the first in order."""
    method: npt.NDArray[np.int8]
    """0 kept, 1 surface, 2 semantic; an identical text counts as surface where that is on."""
    similarity: npt.NDArray[np.float64]
    """Its similarity with the leader; 0 where the row is kept."""


def choose(
    order: _Ints,
    texts: _Ints,
    surface: pa.Table | None,
    semantic: pa.Table | None,
    view: View,
    languages: _Ints | None = None,
) -> Chosen:
    """What a view shows, from edges stored at or below its thresholds.

    Edges are tables of ``a``, ``b`` (int64 rows, either first) and ``similarity``; those under the threshold
    and repeated ones do no harm. Identical texts need none: what holds for one of them holds for all.

    Args:
        order: the n rows in the order that they are gone through.
        texts: for each row the first row with the identical text.
        surface: similarities of sets of words (float64). Rows of equal sets are joined by edges of 1.0, such
            as one from each to the first; other edges are between any rows of their sets.
        semantic: similarities of texts, as :func:`~personahub.dedup.semantic.semantic_edges` gives them.
        view: thresholds, and whether languages are kept apart; the order is the one given.
        languages: a number for each row's language; needed for a view within languages.
    """
    walk = _Walk(len(order), texts, surface, view, languages)
    least = None if view.semantic is None else least_similarity(view.semantic)
    edges = list(read_units(semantic)) if semantic and least else []
    walk.go(order, texts[order], list_neighbours(texts, edges, least or 0, np.int16))
    return walk.chosen


def choose_below(
    order: _Ints,
    texts: _Ints,
    surface: pa.Table | None,
    vectors: Vectors,
    rows_of_vectors: _Ints,
    view: View,
    languages: _Ints | None = None,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> Chosen:
    """What a view shows whose semantic threshold lies under that of the stored edges, from the vectors.

    Gives what :func:`choose` would with edges down to that threshold, but compares each row only with those
    kept before it, and holds no edges: at low thresholds there are too many.

    Args:
        order: as for :func:`choose`.
        texts: as for :func:`choose`.
        surface: as for :func:`choose`.
        vectors: shape (m, dimensions), float16, maybe a memory map.
        rows_of_vectors: the row of each vector; one for a text is enough, of several the first counts.
        view: with a semantic threshold.
        languages: as for :func:`choose`.
        progress: called with the rows that are gone through and those there are.
    """
    if view.semantic is None:
        return choose(order, texts, surface, None, view, languages)
    walk = _Walk(len(order), texts, surface, view, languages)
    near_of = _Kept(Cosines(vectors), least_similarity(view.semantic), walk.languages)
    vector_of = np.full(len(order), -1)
    with_vector, first = np.unique(texts[rows_of_vectors], return_index=True)
    vector_of[with_vector] = first
    for start in range(0, len(order), _ROWS):
        rows = order[start : start + _ROWS]
        compared = np.flatnonzero(vector_of[texts[rows]] >= 0)
        numbers = vector_of[texts[rows[compared]]]
        walk.go(rows, np.arange(len(rows)), near_of.find(rows, compared, numbers, texts))
        kept = walk.chosen.leader[rows[compared]] < 0
        near_of.keep(rows[compared][kept], numbers[kept])
        if progress:
            progress(start + len(rows), len(order))
    return walk.chosen


class _Walk:
    """The pass over the rows, which may be made in several goes."""

    def __init__(
        self, count: int, texts: _Ints, surface: pa.Table | None, view: View, languages: _Ints | None
    ) -> None:
        if view.within_language and languages is None:
            raise ValueError("a view within languages needs each row's language")
        self._off = view.surface is None and view.semantic is None
        self._identical = 2 if view.surface is None else 1
        self._texts = np.asarray(texts, dtype=np.int64)
        edges = list(read_edges(surface)) if surface and view.surface else []
        self._sets = equal_sets(self._texts, edges)
        self._surface = list_neighbours(self._sets, edges, view.surface or 0, np.float64)
        self.languages = np.empty(0, dtype=np.int64)
        if view.within_language:
            self.languages = np.asarray(languages, dtype=np.int64)
        self._state = (np.full(count, -1), np.full(count, -1), np.zeros(count, dtype=np.int64))
        self._done = 0
        self.chosen = Chosen(np.full(count, -1), np.zeros(count, dtype=np.int8), np.zeros(count))

    def go(self, rows: _Ints, places: _Ints, semantic: Neighbours) -> None:
        """Give the verdicts on the next rows; their semantic neighbours are texts, listed at their places."""
        if self._off:
            return
        from personahub.dedup.greedy import walk

        walk(
            np.ascontiguousarray(rows, dtype=np.int64),
            np.ascontiguousarray(places, dtype=np.int64),
            self._done,
            self._identical,
            (self._sets, self._texts, self.languages),
            tuple(self._surface),
            tuple(semantic),
            self._state,
            tuple(self.chosen),
        )
        self._done += len(rows)


@dataclass
class _Kept:
    """The rows with vectors that are kept so far, and who of them is near."""

    cosines: Cosines
    least: int
    languages: _Ints
    """Of every row; empty where they do not matter."""
    rows: _Ints = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    vectors: _Ints = field(default_factory=lambda: np.empty(0, dtype=np.int64))

    def keep(self, rows: _Ints, vectors: _Ints) -> None:
        """Go on with these rows too, whose vectors have these numbers."""
        self.rows, self.vectors = np.append(self.rows, rows), np.append(self.vectors, vectors)

    def find(self, rows: _Ints, compared: _Ints, vectors: _Ints, texts: _Ints) -> Neighbours:
        """For each place the texts near it: of the nearest kept one, and of these rows before it.

        Args:
            rows: the next rows.
            compared: the places of those that have vectors.
            vectors: their vectors' numbers.
            texts: for each row of all the first one with its text.
        """
        labels = None  # Of those kept before only the nearest can lead, so the others need no edge.
        if self.languages.size:
            labels = (self.languages[rows[compared]], self.languages[self.rows])
        best = self.cosines.nearest(vectors, self.vectors, self.least, labels=labels)
        here = self.cosines.pairs(vectors, self.least)
        some = np.flatnonzero(best.place >= 0)
        place = np.concatenate([compared[some], compared[here.right]])
        near = texts[np.concatenate([self.rows[best.place[some]], rows[compared[here.left]]])]
        weight = np.concatenate([best.similarity[some], here.similarity])
        by_place = np.argsort(place, kind="stable")
        starts = np.zeros(len(rows) + 1, dtype=np.int64)
        np.cumsum(np.bincount(place, minlength=len(rows)), out=starts[1:])
        return Neighbours(starts, near[by_place].astype(np.int32), weight[by_place])
