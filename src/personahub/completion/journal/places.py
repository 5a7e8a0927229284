"""Where each key's line is in a growing file, 20 bytes an entry.

The newest few thousand are in a dict (130 bytes each); as it fills, it is folded into an index.
"""

import numpy as np
from numpy.typing import NDArray

from personahub.completion.journal.index import NONE, Index, halves_of, prefixes_of

__all__ = ["Places"]

_RECENT = 4096
_MANY = 512


class Places:
    """For each key its places; a place is a number that is odd for a reply and grows along the file."""

    def __init__(self) -> None:
        """Nothing is there yet."""
        self._recent: dict[bytes, int] = {}
        self._index = Index()
        self._places: NDArray[np.int64] = np.empty(0, np.int64)
        """By the rows of the index."""

    def add(self, key: bytes, place: int) -> None:
        """Note the next place; a failure (even) is passed over where the key is known to have a reply."""
        if place & 1 or not self._recent.get(key, 0) & 1:
            self._recent[key] = place
        if len(self._recent) == _RECENT:
            self._fold()

    def _fold(self) -> None:
        places = np.fromiter(self._recent.values(), np.int64, len(self._recent))
        rows = np.arange(len(self._places), len(self._places) + len(places), dtype=np.uint32)
        self._index = self._index.plus(self._recent_prefixes(), rows, places & 1 == 1)
        self._places = np.concatenate([self._places, places])
        self._recent.clear()

    def _recent_prefixes(self) -> NDArray[np.uint64]:
        return prefixes_of(halves_of(b"".join(self._recent)))

    def best(self, keys: bytes) -> dict[int, int]:
        """For keys (16 bytes each) that may be here: the number of the key and its best place.

        That is its last reply or else its last failure; or it is another key's, and then the key's own is
        among its :meth:`candidates`, if it has any.
        """
        if self._recent and len(keys) > 16 * _MANY:
            self._fold()  # Who asks for that many is resuming, and adds little meanwhile.
        best: dict[int, int] = {}
        if len(self._places):
            rows = self._index.rows(prefixes_of(halves_of(keys)))
            numbers = np.flatnonzero(rows != NONE)
            best = dict(zip(numbers.tolist(), self._places[rows[numbers]].tolist(), strict=True))
        if self._recent:
            each = (keys[start : start + 16] for start in range(0, len(keys), 16))
            for number, place in enumerate(map(self._recent.get, each)):
                if place is not None and (place & 1 or not best.get(number, 0) & 1):
                    best[number] = place
        return best

    def candidates(self, key: bytes) -> list[int]:
        """All places that may be the key's, the best first."""
        prefix = prefixes_of(halves_of(key))[0]
        places: list[int] = self._places[self._index.candidates(prefix)].tolist()
        if key in self._recent:
            places.append(self._recent[key])
        return sorted(places, key=lambda place: (place & 1, place), reverse=True)

    def replied(self) -> NDArray[np.uint64]:
        """The prefixes of the keys that have a reply."""
        is_reply = np.fromiter((place & 1 for place in self._recent.values()), np.bool_)
        return np.union1d(self._index.replied_prefixes(), self._recent_prefixes()[is_reply])
