"""The lineage of a hub's personas as numbers: what a check needs of each, some 40 bytes."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from personahub.hub.checks import Keys, is_among, keys_of
from personahub.records import Kind

__all__ = ["Lineages", "joined"]


class Lineages:
    """Each persona's id, parent, root and round; in ascending order of the ids' keys once closed.

    Attributes:
        keys: of the personas' ids, see :func:`personahub.hub.checks.keys_of`.
    """

    def __init__(self) -> None:
        """Nothing is known yet."""
        self.keys: Keys = np.zeros(0, np.uint64)
        self._chunks: dict[str, list[NDArray[Any]]] = {
            name: [] for name in ("keys", "parent", "root", "letter", "round")
        }

    def add(self, rows: pa.RecordBatch) -> None:
        """Take in some rows of the personas' table."""
        letters = [ord(id_[:1] or " ") for id_ in rows["parent_id"].to_pylist()]
        for name, values in (
            ("keys", keys_of(rows["id"])),
            ("parent", keys_of(rows["parent_id"])),
            ("root", keys_of(rows["document_id"])),
            ("letter", np.array(letters, np.uint32)),
            ("round", rows["round"].to_numpy()),
        ):
            self._chunks[name].append(values)

    def close(self) -> None:
        """All rows are in: bring them in order."""
        keys = joined(self._chunks.pop("keys"))
        order = np.argsort(keys, kind="stable")
        self.keys = keys[order]
        self._parent: Keys = joined(self._chunks.pop("parent"))[order]
        self._root: Keys = joined(self._chunks.pop("root"))[order]
        self._letter = joined(self._chunks.pop("letter"))[order]
        self._round = joined(self._chunks.pop("round")).astype(np.int32)[order]

    def faults(self, documents: Keys) -> Iterator[tuple[str, Keys]]:
        """What is wrong with the lineage, and the keys of the personas it is wrong with.

        Args:
            documents: the keys of the documents, in ascending order.
        """
        from_text = self._letter == ord(Kind.DOCUMENT)
        imported = self._letter == ord(Kind.IMPORTED)
        from_persona = self._letter == ord(Kind.PERSONA)
        places = np.minimum(np.searchsorted(self.keys, self._parent), max(len(self.keys) - 1, 0))
        there = is_among(self._parent, self.keys)
        grown = from_persona & there
        rounds = np.where(grown, self._round[places] + 1, 0)
        roots = np.where(grown, self._root[places], self._parent)
        judged = from_text | imported | grown
        for what, wrong in (
            ("whose document is not there", from_text & ~is_among(self._parent, documents)),
            ("whose parent, a persona, is not there", from_persona & ~there),
            ("whose parent is no document, persona or imported row", ~(judged | from_persona)),
            ("that are not one round after their parent", judged & (self._round != rounds)),
            ("with another root than their parent", judged & (self._root != roots)),
        ):
            yield what, self.keys[wrong]


def joined(chunks: list[NDArray[Any]]) -> NDArray[Any]:
    """The chunks as one array, empty where there are none."""
    return np.concatenate(chunks) if chunks else np.zeros(0, np.uint64)
