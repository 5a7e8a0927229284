"""Surface duplicates: texts that share most of their words.

Two texts are as similar as their sets of normalised words: the words that both have by the words that either
has (Jaccard). The join is exact, not an estimate: at 0.9, 128 MinHashes miss or add half of the pairs near
the threshold. Texts with equal sets form a group, and only groups are compared, so that a text that comes a
million times costs no more than its words.
"""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from personahub.dedup.thresholds import as_written
from personahub.errors import UserError
from personahub.kernels.texts import HeldTexts, Texts

if TYPE_CHECKING:
    from personahub.dedup.join import Links
    from personahub.dedup.passes import Progress

__all__ = ["MAX_PAIRS", "MEMORY", "SurfaceDuplicates", "read_from", "surface_duplicates"]

MAX_PAIRS = 100_000_000
"""The most pairs that are held."""
MEMORY = 10**9
"""Bytes that a comparison may take beside its results."""
_PAIRS = pa.schema([("a", pa.int64()), ("b", pa.int64()), ("similarity", pa.float64())])


@dataclass(frozen=True)
class SurfaceDuplicates:
    """Which texts are alike, and which of them to keep at any threshold from this one up.

    Attributes:
        threshold: the least similarity that was looked for.
        since: rows before it were not compared with each other.
        max_pairs: the most pairs of different word sets that are held, and the most that `pairs` expands.
        groups: int64, for each row the first row with exactly the same words; -1 for a row without words.
        candidates: how many pairs were looked at.
        found: what `links` gives; None where there are more than are held.
    """

    threshold: float
    since: int
    max_pairs: int
    groups: NDArray[np.int64] = field(repr=False)
    candidates: int
    found: "Links | None" = field(repr=False)

    @property
    def links(self) -> "Links":
        """Pairs of groups, by their first rows, of which at least one has a row from ``since`` on.

        Raises:
            UserError: there are more than ``max_pairs``; so do `edges`, `pairs` and `kept`.
        """
        if self.found is None:
            raise UserError(
                f"More than {self.max_pairs:,} pairs of different texts are at or above {self.threshold}:"
                " read `.groups`, which tells the texts of equal words, give a higher threshold, or raise"
                " max_pairs where memory allows (100 bytes a pair)."
            )
        return self.found

    @cached_property
    def edges(self) -> pa.Table:
        """Similar groups that are not equal: first rows a < b, their similarity below 1; sorted.

        At least one of the two groups is new, that is, it has no row before ``since``.
        """
        new = self.links.b >= self.since
        return _table(self.links.a[new], self.links.b[new], self._similarity[new])

    @cached_property
    def pairs(self) -> pa.Table:
        """Every pair of rows at or above the threshold: a < b, similarity; sorted. Expanded when first read.

        Rows with equal words are at 1.0, rows without words pair with nothing. No b is before ``since``.

        Raises:
            UserError: there are more than ``max_pairs``.
        """
        worded = np.flatnonzero(self.groups >= 0)
        rows = worded[np.argsort(self.groups[worded], kind="stable")]  # group by group, ascending in each
        first, begin, group, members = np.unique(
            self.groups[rows], return_index=True, return_inverse=True, return_counts=True
        )
        old = np.bincount(group[rows < self.since], minlength=len(first))
        a, b = np.searchsorted(first, self.links.a), np.searchsorted(first, self.links.b)
        total = int((members * (members - 1) - old * (old - 1)).sum()) // 2
        total += int((members[a] * members[b] - old[a] * old[b]).sum())
        if total > self.max_pairs:
            raise UserError(
                f"There are {total:,} pairs of similar texts, more than max_pairs={self.max_pairs:,}: read "
                "`.groups` and `.edges`, which say the same in less space, or raise max_pairs."
            )
        # Each place in `rows` is paired with a stretch of places; an old row is paired with new ones only.
        end = begin + members
        place = np.arange(len(rows))
        new_from = begin + old
        alike_from = np.maximum(place + 1, np.where(rows < self.since, new_from[group], 0))
        one, other = _spread(place, alike_from, end[group])
        link, near = _spread(np.arange(len(a)), begin[a], end[a])
        near_from = np.where(rows[near] < self.since, new_from[b[link]], begin[b[link]])
        near_one, near_other = _spread(near, near_from, end[b[link]])
        similarity = np.repeat(self._similarity[link], end[b[link]] - near_from)
        one, other = rows[np.concatenate([one, near_one])], rows[np.concatenate([other, near_other])]
        similarity = np.concatenate([np.ones(len(one) - len(similarity)), similarity])
        a, b = np.minimum(one, other), np.maximum(one, other)
        order = np.lexsort((b, a))
        return _table(a[order], b[order], similarity[order])

    def kept(self, threshold: float | None = None) -> NDArray[np.int64]:
        """The rows that stay when duplicates step aside, ascending.

        In the order of rows, one steps aside where an earlier row that stays is at or above the threshold
        (greedy leader). Rows without words stay, and so do all rows before ``since``.

        Args:
            threshold: another one than the run's, but no lower.

        Raises:
            UserError: it is lower, or no similarity.
        """
        from personahub.dedup.join import keep_leaders
        from personahub.dedup.signatures import least_overlaps

        links = self.links
        near = links.b >= self.since
        if threshold is not None:
            wanted = as_written(threshold)
            if wanted < as_written(self.threshold):
                raise UserError(
                    f"Duplicates were looked for down to {self.threshold}, so what {threshold} keeps is not "
                    "known: run again with a lower one."
                )
            both = links.overlap + links.union
            near &= links.overlap >= least_overlaps(wanted, int(both.max(initial=0)))[both]
        kept = (self.groups < 0) | (self.groups == np.arange(len(self.groups)))
        kept[: self.since] = True
        keep_leaders(links.a[near], links.b[near], kept)
        return np.flatnonzero(kept)

    @cached_property
    def _similarity(self) -> NDArray[np.float64]:
        """Of each link."""
        return np.asarray(self.links.overlap / self.links.union, np.float64)


def surface_duplicates(
    texts: Texts,
    threshold: float = 0.9,
    *,
    since: int = 0,
    max_pairs: int = MAX_PAIRS,
    memory: int = MEMORY,
    folder: Path | None = None,
    index: Path | str | None = None,
    progress: "Progress | None" = None,
) -> SurfaceDuplicates:
    """Find the texts that share most of their words, exactly.

    Args:
        texts: of the Arrow types string, large_string, string_view, or a dictionary of these; or strings. A
            null is a text without words, and these pair with nothing.
        threshold: the least similarity, above 0 and up to 1, taken as the decimal that it is written as: 8 of
            10 words are at 0.8.
        since: rows before it were compared with each other earlier; only pairs with a row from it on are
            found.
        max_pairs: the most pairs of different word sets to hold, and the most that `pairs` expands.
        memory: bytes for what is compared, beside the texts, 20 bytes of each, and what is found; more goes
            to temporary files.
        folder: where these lie; None for the system's temporary folder.
        index: a folder that keeps the texts' words, by which from 0.75 up rows from ``since`` on are compared
            without reading those before it. It may be deleted at any time, and is made where it is not there,
            is damaged, or is of other texts, as a sample tells; None for reading all texts.
        progress: told what is done, how many texts of it, and of how many.

    Raises:
        UserError: an argument is out of its range or not of these types; there is too little memory or disk.
    """
    from personahub.dedup.exact import join_exactly
    from personahub.dedup.index import compare_through_index
    from personahub.dedup.signatures import LEAST_THRESHOLD

    exact, source = as_written(threshold), read_from(texts, since)
    if index and exact >= LEAST_THRESHOLD:
        found = compare_through_index(
            source, exact, Path(index), since=since, limit=max_pairs, memory=memory, progress=progress
        )
    else:
        found = join_exactly(
            source, exact, since=since, limit=max_pairs, memory=memory, folder=folder, progress=progress
        )
    return SurfaceDuplicates(
        threshold, since, max_pairs, found.groups(len(source)), found.candidates, found.links
    )


def read_from(texts: Texts, since: int) -> HeldTexts:
    """The texts as they are gone through.

    Raises:
        UserError: they are of another type, or have no such row.
    """
    if not 0 <= since <= len(texts):
        raise UserError(f"since={since} is no row of {len(texts)} texts: give one of 0 to {len(texts)}.")
    return HeldTexts(texts)


def _spread(
    values: NDArray[np.int64], begin: NDArray[np.int64], end: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Each value beside each number from its begin to its end."""
    counts = end - begin
    before = np.cumsum(counts) - counts
    return np.repeat(values, counts), np.arange(int(counts.sum())) - np.repeat(before - begin, counts)


def _table(a: NDArray[np.int64], b: NDArray[np.int64], similarity: NDArray[np.float64]) -> pa.Table:
    return pa.table([a, b, similarity], schema=_PAIRS)
