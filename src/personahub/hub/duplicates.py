"""What a hub knows of its duplicates: which personas are alike, and who steps aside in which view.

The edges lie in a Lance table that grows by whole comparisons; ``duplicates.json``, written last, says which
version of it counts and what was compared. What a killed comparison left in the table is rolled back by the
next one. A view is kept in an Arrow file of its own; it is made from the edges and may be deleted at any
time.
"""

import json
import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import pyarrow as pa

from personahub.config import fingerprint
from personahub.errors import UserError
from personahub.records import EDGE_SCHEMA

__all__ = ["ASIDE_SCHEMA", "Compared", "Duplicates", "Method"]


class Method(StrEnum):
    """How two personas are alike."""

    SURFACE = "surface"
    SEMANTIC = "semantic"


@dataclass(frozen=True, slots=True)
class Compared:
    """How far a method came."""

    floor: float
    """Every pair at or above this similarity is among the edges."""
    rows: int
    """So many rows were compared with each other: the first of the personas (or of the embeddings)."""
    last: str
    """The id of the last of them, by which a table whose rows were changed since is told; empty for none."""


ASIDE_SCHEMA = pa.schema(
    [("id", pa.string()), ("leader", pa.string()), ("method", pa.string()), ("similarity", pa.float64())]
)
"""Who steps aside in a view: the persona, the one it steps aside for, why, and how alike they are."""


class Duplicates:
    """The edges between a hub's personas, and its views.

    Args:
        hub: the hub's directory.
    """

    def __init__(self, hub: Path) -> None:
        """Nothing is opened until it is needed."""
        self.path = hub / "edges.lance"
        self._file = hub / "duplicates.json"
        self._views = hub / "views"

    def _state(self) -> dict[str, Any]:
        nothing: dict[str, Any] = {"version": 0, "compared": {}, "view": None}
        try:
            state: dict[str, Any] = json.loads(self._file.read_text())
            # Who moves the edges away has all compared again.
            return state if not state["version"] or self.path.is_dir() else nothing
        except FileNotFoundError:
            return nothing
        except (KeyError, TypeError) as error:
            raise UserError(
                f"{self._file}: is no note of comparisons; delete it, and personahub dedup compares all again"
            ) from error
        except ValueError as error:
            raise UserError(
                f"{self._file}: cannot be read ({error}); delete it, and personahub dedup compares all again"
            ) from error

    def _save(self, state: dict[str, Any]) -> None:
        draft = self._file.with_suffix(".draft")
        with draft.open("w") as file:
            json.dump(state, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._file)

    @property
    def view(self) -> str | None:
        """The view of the last deduplication, which is the hub's own; None where there was none."""
        name: str | None = self._state()["view"]
        return name

    @view.setter
    def view(self, name: str) -> None:
        self._save({**self._state(), "view": name})

    def compared(self, method: Method) -> Compared | None:
        """How far a method came; None where it never ran."""
        found = self._state()["compared"].get(method)
        return Compared(**found) if found else None

    def edges(self, method: Method, least: float) -> Iterator[pa.RecordBatch]:
        """The edges of a method with at least this similarity, columns ``later, earlier, similarity``."""
        import lance

        if version := self._state()["version"]:
            table = lance.dataset(str(self.path), version=version)
            where = f"method = '{method}' AND similarity >= {least!r}"
            yield from table.to_batches(columns=["later", "earlier", "similarity"], filter=where)

    def count(self) -> int:
        """How many edges there are."""
        import lance

        version = self._state()["version"]
        return int(lance.dataset(str(self.path), version=version).count_rows()) if version else 0

    def add(self, method: Method, edges: Iterable[pa.RecordBatch], compared: Compared, *, anew: bool) -> None:
        """Add the edges of a comparison, all of them or, where this ends before its end, none.

        Args:
            method: what made them.
            edges: batches of :data:`~personahub.records.EDGE_SCHEMA`.
            compared: how far the method is then.
            anew: they take the place of all earlier edges of the method.

        Raises:
            UserError: the disk is full.
        """
        import lance

        state = self._state()
        reader = pa.RecordBatchReader.from_batches(EDGE_SCHEMA, edges)
        try:
            if state["version"]:
                table = self._roll_back(state["version"])
                if anew:
                    table.delete(f"method = '{method}'")
                table = lance.write_dataset(reader, str(self.path), schema=EDGE_SCHEMA, mode="append")
            else:
                # What lies there is of a comparison that was cut off, the hub's first.
                mode = "overwrite" if self.path.is_dir() else "create"
                table = lance.write_dataset(reader, str(self.path), schema=EDGE_SCHEMA, mode=mode)
            state["compared"][method] = asdict(compared)
            self._save({**state, "version": table.version})
        except OSError as error:
            reason = "the disk is full" if "No space left" in str(error) else error
            raise UserError(
                f"{self.path}: cannot be written ({reason}); what was compared before is whole: free some"
                " space, then run personahub dedup again"
            ) from error

    def settle(self) -> None:
        """Take back what a killed comparison left; only the process that writes the hub may call this."""
        if version := self._state()["version"]:
            self.move(self._roll_back(version).version)
        elif self.path.is_dir():
            shutil.rmtree(self.path)

    def move(self, version: int) -> None:
        """From now on the edges are those of this version of the table, which are the same."""
        self._save({**self._state(), "version": version})

    def _roll_back(self, version: int) -> Any:
        import lance

        table = lance.dataset(str(self.path))
        if table.version != version:
            table = lance.dataset(str(self.path), version=version)
            table.restore()
            table = lance.dataset(str(self.path))
        return table

    def save_view(self, name: str, aside: pa.Table) -> None:
        """Keep a view: who steps aside in it, a table of :data:`ASIDE_SCHEMA`."""
        self._views.mkdir(exist_ok=True)
        file = self._view_file(name)
        draft = file.with_name(f".{file.name}.{os.getpid()}")
        kept = aside.replace_schema_metadata({"made_from": self._fingerprint()})
        with draft.open("wb") as sink, pa.ipc.new_file(sink, kept.schema) as writer:
            writer.write_table(kept)
        draft.replace(file)

    def load_view(self, name: str) -> pa.Table | None:
        """Who steps aside in a view; None where it was not made since the last comparison."""
        try:
            with self._view_file(name).open("rb") as source:
                aside = pa.ipc.open_file(source).read_all()
        except (FileNotFoundError, pa.ArrowInvalid):
            return None
        made_from = (aside.schema.metadata or {}).get(b"made_from", b"").decode()
        return aside if made_from == self._fingerprint() else None

    def _view_file(self, name: str) -> Path:
        return self._views / f"{name.replace('/', '_')}.arrow"

    def _fingerprint(self) -> str:
        return fingerprint(self._state()["compared"])
