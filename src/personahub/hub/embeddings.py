"""The embeddings of a hub's personas, kept so that nothing is embedded twice.

A Lance table of ids and vectors in half precision (1 KB for 512 dimensions), in the order in which they
came. A hub holds the vectors of one model: cosines of two models' vectors mean nothing.
"""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from personahub.errors import UserError
from personahub.hub.datasets import past_compactions, read_on, reason_of
from personahub.hub.indexes import bring_up_to_date, open_indexed

if TYPE_CHECKING:
    from personahub.models import EmbeddingModel

__all__ = ["Embeddings"]

_ROWS = 8192
"""Read at a time: 8 MB of vectors of 512 dimensions."""
_COMPARED = 100_000
"""So many are compared with a question one by one, which takes 50 ms; for more an index pays."""


class Embeddings:
    """Vectors of personas in a Lance table, which is made when the first of them come.

    Args:
        path: the table's folder.
    """

    def __init__(self, path: Path) -> None:
        """Nothing is opened until it is needed."""
        self.path = path

    def open(self) -> Any | None:
        """The Lance dataset as it is now; None where there are no embeddings."""
        return open_indexed(self.path)

    @property
    def model(self) -> str | None:
        """The name of the model whose vectors these are; None where there are none."""
        table = self.open()
        return None if table is None else str(table.schema.metadata[b"model"].decode())

    @property
    def dimensions(self) -> int:
        """Length of a vector; 0 where there are none."""
        table = self.open()
        return 0 if table is None else int(table.schema.field("vector").type.list_size)

    def check(self, encoder: "EmbeddingModel") -> None:
        """See that the vectors kept here, if any, are this model's.

        Raises:
            UserError: they are another model's.
        """
        kept = self.model
        if kept is not None and kept != encoder.name:
            raise UserError(
                f"{self.path.parent}: its personas are embedded by {kept}, and {encoder.name} was asked for;"
                f" one hub holds one model's embeddings: use {kept}, or delete {self.path} to embed anew"
            )

    def add(self, ids: Sequence[str] | pa.Array, vectors: npt.NDArray[np.float32], model: str) -> None:
        """Add the vectors in one commit; only the process that writes the hub may call this.

        Args:
            ids: of personas that have none yet.
            vectors: of unit length, shape (len(ids), dimensions).
            model: whose vectors they are.

        Raises:
            UserError: the disk is full; what was there stays whole.
        """
        import lance

        dimensions = vectors.shape[1]
        schema = pa.schema(
            [
                pa.field("id", pa.string(), nullable=False),
                pa.field("vector", pa.list_(pa.float16(), dimensions), nullable=False),
            ],
            metadata={"model": model, "dimensions": str(dimensions)},
        )
        flat = pa.array(vectors.astype(np.float16).reshape(-1))
        column = pa.FixedSizeListArray.from_arrays(flat, dimensions)
        rows = pa.table([pa.array(ids, pa.string()), column], schema=schema)
        try:
            mode = "create" if self.open() is None else "append"
            lance.write_dataset(rows, str(self.path), schema=schema, mode=mode)
        except OSError as error:
            raise UserError(
                f"{self.path}: cannot be written ({reason_of(error)}); what was embedded before is kept:"
                " free some space, then run the same command again"
            ) from error

    def index(self) -> None:
        """Build the index of ids, and of many vectors theirs, or bring them up to date.

        Only the process that writes the hub may call this. Up to 100,000 vectors are compared one by one.
        """
        vectors = {"vector": "IVF_RQ"} if self.count() > _COMPARED else {}
        bring_up_to_date(self.path, {"id": "BTREE", **vectors})

    def count(self) -> int:
        """How many personas have a vector."""
        table = self.open()
        return 0 if table is None else int(table.count_rows())

    def read(self, columns: Sequence[str] = ("id", "vector")) -> Iterator[pa.RecordBatch]:
        """Ids and vectors in the order in which they came, a few MB at a time."""
        how = {"batch_size": _ROWS, "batch_readahead": 1, "fragment_readahead": 1}
        return read_on(self.open, lambda _: {"columns": list(columns), **how})

    def ids(self) -> pa.ChunkedArray:
        """The ids of all that have a vector, in the order of :meth:`read`."""
        return pa.chunked_array([batch["id"] for batch in self.read(["id"])], pa.string())

    def of(self, ids: pa.Array) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.float16]]]:
        """The vectors of these personas, a few MB at a time, in the table's order.

        All ids are gone through once, the vectors of others are not read.

        Yields:
            Places in ``ids``, shape (n,), and the vectors of those, shape (n, dimensions).
        """
        if (table := self.open()) is None:
            return
        rows: list[npt.NDArray[np.int64]] = []
        places: list[npt.NDArray[np.int64]] = []
        start = 0
        for batch in self.read(["id"]):
            found = pc.index_in(batch["id"], value_set=ids)
            rows.append(start + np.flatnonzero(found.is_valid().to_numpy(zero_copy_only=False)))
            places.append(found.drop_null().to_numpy().astype(np.int64))
            start += batch.num_rows
        at, where = (
            np.concatenate([[], *rows]).astype(np.int64),
            np.concatenate([[], *places]).astype(np.int64),
        )
        for first in range(0, len(at), _ROWS):
            # A compaction keeps the rows' order, so places stay right in a table that is opened later.
            taken = table.take(at[first : first + _ROWS].tolist(), columns=["vector"])
            yield where[first : first + _ROWS], as_matrix(taken["vector"].combine_chunks())

    def load(self, memory: int | None = None) -> tuple[pa.ChunkedArray, npt.NDArray[np.float16]]:
        """All ids, and all vectors as one array of shape (count, dimensions), which may be written.

        Args:
            memory: bytes that the vectors may take; more of them lie in a file without a name in the hub's
                folder, which vanishes with the array. None for as many as there are.

        Raises:
            UserError: the disk has no room for it.
        """
        count, dimensions = self.count(), self.dimensions
        if memory is None or 2 * count * dimensions <= memory:
            vectors = np.empty((count, dimensions), np.float16)
            ids = self._each(lambda start, some: vectors.__setitem__(slice(start, start + len(some)), some))
            return ids, vectors
        with tempfile.TemporaryFile(dir=self.path.parent) as file:
            try:
                ids = self._each(lambda _, some: file.write(some.data))
                file.flush()
            except OSError as error:
                raise UserError(
                    f"{self.path.parent}: comparing {count:,} embeddings takes"
                    f" {2 * count * dimensions / 1e9:.1f} GB of memory or of disk there ({reason_of(error)}):"
                    " free some space, or allow more memory"
                ) from error
            return ids, np.memmap(file, np.float16, "r+", shape=(len(ids), dimensions))

    def _each(self, take: Callable[[int, npt.NDArray[np.float16]], object]) -> pa.ChunkedArray:
        """Hand over all vectors, some at a time with the place of the first; their ids."""
        ids, start = [], 0
        for batch in self.read():
            take(start, as_matrix(batch["vector"]))
            ids.append(batch["id"])
            start += batch.num_rows
        return pa.chunked_array(ids, pa.string())

    def at(self, places: npt.NDArray[np.int64]) -> tuple[pa.ChunkedArray, npt.NDArray[np.float16]]:
        """Ids and vectors, shape (len(places), dimensions), at these places of the table, in rising order."""
        rows = past_compactions(lambda: self.open().take(places.tolist(), ["id", "vector"]))  # type: ignore[union-attr]
        return rows["id"], np.concatenate([as_matrix(chunk) for chunk in rows["vector"].chunks])

    def vectors(self, ids: Sequence[str]) -> dict[str, npt.NDArray[np.float16]]:
        """The vectors of these personas, by id; those that have none are left out."""
        table = self.open()
        found: dict[str, npt.NDArray[np.float16]] = {}
        for start in range(0, len(ids) if table is not None else 0, 1000):
            listed = ", ".join(f"'{id_}'" for id_ in ids[start : start + 1000])
            rows = table.to_table(filter=f"id IN ({listed})")  # type: ignore[union-attr]
            for batch in rows.to_batches():
                found.update(zip(batch["id"].to_pylist(), as_matrix(batch["vector"]), strict=True))
        return found


def as_matrix(column: pa.FixedSizeListArray) -> npt.NDArray[np.float16]:
    """A batch's vectors as rows of a matrix, without a copy."""
    flat: npt.NDArray[np.float16] = column.flatten().to_numpy(zero_copy_only=True)
    return flat.reshape(len(column), -1)
