"""What a hub knows of its duplicates: which personas are alike, and who steps aside in which view.

The edges lie in a Lance table that grows by whole comparisons; ``duplicates.json``, written last, says which
version of it counts and what was compared. What a killed comparison left in the table is rolled back by the
next one. A view is kept in an Arrow file of its own; it is made from the edges and may be deleted at any
time.
"""

import json
import os
import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from personahub.config import fingerprint
from personahub.errors import UserError
from personahub.hub.datasets import in_lots, past_compactions, read_on, reason_of
from personahub.records import EDGE_SCHEMA

__all__ = ["ASIDE_SCHEMA", "Compared", "Comparisons", "Duplicates", "Method"]


class Method(StrEnum):
    """How two personas are alike."""

    SURFACE = "surface"
    SEMANTIC = "semantic"


@dataclass(frozen=True, slots=True)
class Compared:
    """How far a method came."""

    floor: float
    """Every pair at or above this similarity that was found is among the edges."""
    personas: int
    """So many of the hub's first personas were there."""
    rows: int
    """So many rows were compared with each other: of the personas, or of the embeddings."""
    last: str
    """The id of the last of them, by which a table whose rows were changed since is told; empty for none."""
    model: str = ""
    """Whose embeddings were compared."""
    recall: float | None = 1.0
    """The share of such pairs that was found, estimated on a sample; 1 where all were compared, None where
    the sample had none."""
    minhash: Mapping[str, Any] = field(default_factory=dict)
    """By which settings of MinHash pairs were looked for, so that some are missing; empty where all with all
    were compared."""


@dataclass(frozen=True, slots=True)
class Comparisons:
    """What was compared at one moment; everything made from it fits together."""

    version: int = 0
    """Of the table of edges; 0 where there is none."""
    compared: Mapping[str, Compared] = field(default_factory=dict)
    """How far each method came; a method that never ran is missing."""
    view: str | None = None
    """The view of the last deduplication, which is the hub's own; None where there was none."""

    @property
    def personas(self) -> int:
        """How many of the hub's first personas were compared in any way."""
        return max((each.personas for each in self.compared.values()), default=0)

    @property
    def fingerprint(self) -> str:
        """Tells whether a view was made from these comparisons."""
        return fingerprint({method: asdict(each) for method, each in self.compared.items()})


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

    def now(self) -> Comparisons:
        """What has been compared up to now.

        Raises:
            UserError: the note of it is damaged.
        """
        try:
            noted = json.loads(self._file.read_text())
            compared = {method: Compared(**each) for method, each in noted["compared"].items()}
            state = Comparisons(int(noted["version"]), compared, noted["view"])
        except FileNotFoundError:
            return Comparisons()
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UserError(
                f"{self._file}: is no note of comparisons ({error}); delete it, and personahub dedup compares"
                " all again"
            ) from error
        # Who moves the edges away has all compared again.
        return state if not state.version or self.path.is_dir() else Comparisons()

    def _save(self, state: Comparisons) -> None:
        draft = self._file.with_suffix(".draft")
        with draft.open("w") as file:
            json.dump(asdict(state), file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._file)

    def set_view(self, name: str) -> None:
        """Make a view the hub's own."""
        self._save(replace(self.now(), view=name))

    def edges(self, method: Method, least: float) -> Iterator[pa.RecordBatch]:
        """The edges of a method with at least this similarity, columns ``later, earlier, similarity``."""
        where = f"method = '{method}' AND similarity >= {float(least)!r}"
        columns = ["later", "earlier", "similarity"]
        return read_on(self._open, lambda _: {"columns": columns, "filter": where})

    def _open(self) -> Any | None:
        """The table as the last whole comparison left it; None where there was none."""
        import lance

        def opened() -> Any | None:
            version = self.now().version
            return lance.dataset(str(self.path), version=version) if version else None

        return past_compactions(opened)

    def count(self) -> int:
        """How many edges there are."""
        table = self._open()
        return 0 if table is None else int(table.count_rows())

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

        state = self.now()
        reader = pa.RecordBatchReader.from_batches(EDGE_SCHEMA, edges)
        try:
            if state.version:
                table = self._roll_back(state.version)
                if anew:
                    table.delete(f"method = '{method}'")
                table = lance.write_dataset(reader, str(self.path), schema=EDGE_SCHEMA, mode="append")
            else:
                # What lies there is of a comparison that was cut off, the hub's first.
                mode = "overwrite" if self.path.is_dir() else "create"
                table = lance.write_dataset(reader, str(self.path), schema=EDGE_SCHEMA, mode=mode)
            self._save(Comparisons(table.version, {**state.compared, method: compared}, state.view))
        except OSError as error:
            raise UserError(
                f"{self.path}: cannot be written ({reason_of(error)}); what was compared before is whole:"
                " free some space, then run personahub dedup again"
            ) from error

    def forget(self, ids: Sequence[str], heirs: Mapping[str, str], compared: Mapping[str, Compared]) -> None:
        """Take personas out, so that the edges are those of a comparison of all that stay.

        Edges of one that goes may speak for others: all with its text, and of surface edges all with its
        words. One of those takes its place.

        Args:
            ids: of those that go.
            heirs: for each of these that shares its description with some that stay, the first of them.
            compared: how far each method is then; the edges of one that is missing go too.

        Raises:
            UserError: the disk is full.
        """
        import lance

        state = self.now()
        with suppress(FileNotFoundError):
            shutil.rmtree(self._views)
        if not state.version:
            return
        try:
            table = self._roll_back(state.version)
            gone = pa.array(ids, pa.string())
            reader = table.scanner(batch_readahead=1, fragment_readahead=1).to_reader()
            touched = [found for batch in reader if len(found := _touching(batch, gone))]
            inherited = _inherited(
                (edge for batch in touched for edge in batch.to_pylist() if edge["method"] in compared),
                set(ids),
                heirs,
            )
            for listed in in_lots(ids if touched else ()):
                table.delete(f"later IN ({listed}) OR earlier IN ({listed})")
            for method in state.compared.keys() - compared.keys():
                table.delete(f"method = '{method}'")
            if inherited:
                rows = pa.Table.from_pylist(inherited, EDGE_SCHEMA)
                table = lance.write_dataset(rows, str(self.path), schema=EDGE_SCHEMA, mode="append")
            self._save(Comparisons(table.version, dict(compared), state.view))
        except OSError as error:
            raise UserError(
                f"{self.path}: cannot be written ({reason_of(error)}); free some space, then run the same"
                " command again"
            ) from error

    def settle(self) -> None:
        """Take back what a killed comparison left; only the process that writes the hub may call this."""
        if version := self.now().version:
            self.move(self._roll_back(version).version)
        elif self.path.is_dir():
            shutil.rmtree(self.path)

    def move(self, version: int) -> None:
        """From now on the edges are those of this version of the table, which are the same."""
        self._save(replace(self.now(), version=version))

    def _roll_back(self, version: int) -> Any:
        import lance

        table = lance.dataset(str(self.path))
        if table.version != version:
            table = lance.dataset(str(self.path), version=version)
            table.restore()
            table = lance.dataset(str(self.path))
        return table

    def save_view(self, name: str, aside: pa.Table, made_from: Comparisons, model: str = "") -> None:
        """Keep a view, unless the hub was compared anew meanwhile or may not be written.

        Args:
            name: the view's.
            aside: who steps aside in it, a table of :data:`ASIDE_SCHEMA`.
            made_from: the comparisons whose edges it was made from.
            model: whose embeddings, where it was made from these.
        """
        if self.now().fingerprint != made_from.fingerprint:
            return
        file = self._view_file(name)
        draft = file.with_name(f".{file.name}.{os.getpid()}")
        kept = aside.replace_schema_metadata({"made_from": made_from.fingerprint, "model": model})
        # A reader who may only read makes it again each time.
        with suppress(PermissionError):
            self._views.mkdir(exist_ok=True)
            with draft.open("wb") as sink, pa.ipc.new_file(sink, kept.schema) as writer:
                writer.write_table(kept)
            draft.replace(file)

    def load_view(self, name: str, *, model: str = "") -> pa.Table | None:
        """Who steps aside in a view; None where it has to be made.

        Args:
            name: the view's.
            model: for a view made from embeddings, whose: it is given though more were compared since, and
                shows all personas that came later. Other views must fit the comparisons of now.
        """
        try:
            with self._view_file(name).open("rb") as source:
                aside = pa.ipc.open_file(source).read_all()
        except (FileNotFoundError, pa.ArrowInvalid):
            return None
        noted = {key.decode(): value.decode() for key, value in (aside.schema.metadata or {}).items()}
        fits = noted.get("model") == model if model else noted.get("made_from") == self.now().fingerprint
        return aside if fits else None

    def _view_file(self, name: str) -> Path:
        return self._views / f"{name.replace('/', '_')}.arrow"


def _touching(edges: pa.RecordBatch, gone: pa.Array) -> pa.RecordBatch:
    """The edges from or to any of these."""
    return edges.filter(
        pc.or_(pc.is_in(edges["later"], value_set=gone), pc.is_in(edges["earlier"], value_set=gone))
    )


def _inherited(
    edges: Iterable[Mapping[str, Any]], gone: Collection[str], heirs: Mapping[str, str]
) -> list[dict[str, Any]]:
    """The edges that take the place of those of personas that go, each between two that stay."""
    known = list(edges)
    equal = [edge for edge in known if edge["method"] == Method.SURFACE and edge["similarity"] >= 1.0]
    alike = _stand_ins([*heirs.items(), *((edge["later"], edge["earlier"]) for edge in equal)], gone)
    # Who has an heir is stood for by it, so that what hung together by its edges still does.
    alike |= heirs
    found = []
    for edge in known:
        of = alike if edge["method"] == Method.SURFACE else heirs
        later, earlier = (of.get(end, end) for end in (edge["later"], edge["earlier"]))
        if later != earlier and later not in gone and earlier not in gone:
            found.append({**edge, "later": later, "earlier": earlier})
    return found


def _stand_ins(pairs: Iterable[tuple[str, str]], gone: Collection[str]) -> dict[str, str]:
    """For each that goes one that stays and is equal to it, by pairs of equals; none where none stays."""
    groups: dict[str, set[str]] = {}
    for a, b in pairs:
        joined = groups.get(a, {a}) | groups.get(b, {b})
        groups.update(dict.fromkeys(joined, joined))
    return {id_: min(stay) for id_, group in groups.items() if id_ in gone and (stay := group - set(gone))}
