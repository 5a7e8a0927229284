"""Surface duplicates by MinHash, as the paper has them: an estimate proposes pairs, exact counting decides.

:func:`~personahub.dedup.surface.surface_duplicates` finds every pair, mostly in no more time. MinHash is for
runs of words in place of words, and to compare with what others found by it: some pairs are missed, with a
chance that is told. Texts are gone through twice: a filter of all keys of bands tells which were met again,
and only these are kept, at 16 bytes each, in files where memory does not hold them. Signatures are made anew
wherever they are needed, in less time than reading them would take.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from math import ceil
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from personahub.dedup.banding import (
    Banding,
    Family,
    choose_banding,
    draw_family,
    find_keys,
    put_keys,
    sign,
)
from personahub.dedup.compare import Found, Sets
from personahub.dedup.meeting import CLIPPED, allowed_differences
from personahub.dedup.passes import TWICE, Alike, Passes, Progress, check_room
from personahub.dedup.surface import MAX_PAIRS, MEMORY, SurfaceDuplicates, read_from
from personahub.dedup.thresholds import as_written
from personahub.errors import UserError
from personahub.kernels.filters import BITS_A_KEY, new_filter
from personahub.kernels.grams import hash_grams
from personahub.kernels.hashing import HashedWords
from personahub.kernels.texts import Texts, TextSource

__all__ = ["MinHash", "MinHashDuplicates", "join_by_minhash", "minhash_duplicates"]


@dataclass(frozen=True)
class MinHash:
    """How texts are compared by MinHash; the paper's way where nothing is given.

    Attributes:
        grams: words of a run; a text is the set of its runs. Of fewer words than that all are one run.
        hashes: of a signature.
        recall: the least chance to find a pair at exactly the threshold; a pair above it has a higher one.
        verify: whether what is found is counted, so that no pair is below the threshold and similarities are
            exact; else the share of equal hashes is taken for the similarity, and pairs of differing sets may
            be at 1.
        seed: another one, other hashes.
    """

    grams: int = 1
    hashes: int = 128
    recall: float = 0.95
    verify: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what means nothing.

        Raises:
            UserError: a number is out of its range.
        """
        if self.grams < 1:
            raise UserError(f"Runs of {self.grams} words are none: give 1 for single words, or more.")
        if self.hashes < 1:
            raise UserError(f"A signature of {self.hashes} hashes is none: give 1 or more; 128 are usual.")
        if not 0 < self.recall < 1:
            raise UserError(
                f"The recall {self.recall} cannot be had by MinHash: give a number above 0 and below 1, such"
                " as 0.95."
            )
        if self.seed < 0:
            raise UserError(f"The seed {self.seed} is none: give 0 or more.")

    def banding(self, threshold: float) -> Banding:
        """The bands for a threshold.

        Raises:
            UserError: it is none, or so many hashes do not reach the recall there.
        """
        return choose_banding(as_written(threshold), self.hashes, self.recall)


@dataclass(frozen=True)
class MinHashDuplicates(SurfaceDuplicates):
    """What MinHash found; rows with exactly the same runs of words are always found.

    Attributes:
        settings: how texts were compared.
        banding: the bands that were chosen.
    """

    settings: MinHash
    banding: Banding

    @property
    def recall(self) -> float:
        """How likely a pair at exactly the threshold met; of an estimate about half of these were taken."""
        return self.banding.chance(self.threshold)


def minhash_duplicates(
    texts: Texts,
    threshold: float = 0.9,
    settings: MinHash = MinHash(),
    *,
    since: int = 0,
    max_pairs: int = MAX_PAIRS,
    memory: int = MEMORY,
    folder: Path | None = None,
    progress: Progress | None = None,
) -> MinHashDuplicates:
    """Find texts that share most of their words, or runs of words, by MinHash.

    Args:
        texts: as for :func:`~personahub.dedup.surface.surface_duplicates`.
        threshold: the least similarity, above 0 and up to 1, taken as the decimal that it is written as.
        settings: how they are compared.
        since: rows before it were compared with each other earlier; only pairs with a row from it on are
            found: those of them that comparing all at once would find.
        max_pairs: the most pairs of different sets to hold, and the most that `pairs` expands.
        memory: bytes for what is compared, beside the texts, 20 bytes of each, what is found, and the words
            of texts of which very many have a band in common; more goes to temporary files.
        folder: where these lie; None for the system's temporary folder.
        progress: told what is done, how many texts of it, and of how many.

    Raises:
        UserError: an argument is out of its range or not of these types; so many hashes do not reach the
            recall; there is too little memory or disk.
    """
    exact, banding, source = as_written(threshold), settings.banding(threshold), read_from(texts, since)
    found = join_by_minhash(
        source, exact, settings, since=since, limit=max_pairs, memory=memory, folder=folder, progress=progress
    )
    groups = found.groups(len(source))
    return MinHashDuplicates(
        threshold, since, max_pairs, groups, found.candidates, found.links, settings, banding
    )


def join_by_minhash(
    texts: TextSource,
    threshold: Fraction,
    settings: MinHash,
    *,
    since: int = 0,
    limit: int,
    memory: int,
    folder: Path | None = None,
    progress: Progress | None = None,
) -> Alike:
    """Find the texts with equal sets, and by MinHash pairs of others that are similar.

    Args:
        texts: gone through twice, and read again where they are candidates.
        threshold: above 0, at most 1.
        settings: how they are compared. Of an estimate the links' overlap is of hashes, and their union the
            number of these.
        since: rows before it were compared with each other; of each link a row has the words of one from it
            on.
        limit: the most links.
        memory: bytes for filters and candidates, beside 20 a text, and what is found.
        folder: where files are made if these do not suffice; None for the system's.
        progress: told how it goes.

    Raises:
        UserError: so many hashes do not reach the recall; there is too little memory or disk.
    """
    banding = choose_banding(threshold, settings.hashes, settings.recall)
    family = draw_family(settings.hashes, settings.seed)
    # A filter that is too small for all keys lets more of them through, and loses none.
    keys = min(len(texts) * banding.bands, memory * 8 // BITS_A_KEY // 4)
    check_room(len(texts), keys * BITS_A_KEY // 8, memory, folder)
    seen, twice = new_filter(keys), new_filter(keys // TWICE)
    sets_of = partial(_read_grams, settings.grams)
    passes = Passes(texts, sets_of, memory, folder, progress)

    def put(words: HashedWords) -> None:
        put_keys(*words, banding, family, seen, twice)

    equal, firsts = passes.find_equal(since, put)
    if settings.verify:
        found = Found(texts, threshold, limit, sets_of)
        found.expect(passes.words)
        allowed = allowed_differences(threshold)
    else:
        found = _estimating(texts, threshold, settings.hashes, limit, partial(_read_signed, sets_of, family))
        # Neither sizes nor sketches tell what hashes will.
        allowed = np.full((CLIPPED + 1, CLIPPED + 1), np.iinfo(np.int64).max)
    with passes.partitions() as met:
        if threshold < 1 or not settings.verify:
            passes.go(
                "comparing",
                lambda row, words: met.add(find_keys(*words, banding, family, row, twice)),
                compared_from=1,
            )
        found.meet(passes.each("comparing candidates", met.read()), passes.state, allowed)
    links = found.links()
    if links and not settings.verify:
        links = links._replace(union=np.full_like(links.union, settings.hashes))
    return Alike(equal, firsts, np.flatnonzero(passes.sizes == 0), links, found.candidates)


def _estimating(texts: TextSource, threshold: Fraction, hashes: int, limit: int, signed: Sets) -> Found:
    """Compares signatures, which are sets of equal size: of ``n`` hashes two share ``e`` of ``2n - e``."""
    least = ceil(threshold * hashes)
    found = Found(texts, Fraction(least, 2 * hashes - least), limit, signed)
    found.expect(hashes)
    return found


def _read_grams(size: int, array: pa.Array, wanted: NDArray[np.bool_] | None) -> Iterator[HashedWords]:
    return hash_grams(array, size, wanted)


def _read_signed(
    sets_of: Sets, family: Family, array: pa.Array, wanted: NDArray[np.bool_] | None
) -> Iterator[HashedWords]:
    for starts, hashes in sets_of(array, wanted):
        yield HashedWords(*sign(starts, hashes, family))
