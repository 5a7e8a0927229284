"""The two collections of a mixture: their rows read into a spool, and those that may be mixed."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from personahub.config import json_bytes, read_json
from personahub.corpus import Source, find_sources
from personahub.corpus.cut import token_estimate
from personahub.corpus.rows import ROW_FORMATS, read_rows
from personahub.corpus.texts import Unread
from personahub.dedup import surface_duplicates
from personahub.errors import UserError
from personahub.release.spool import Spool
from personahub.release.training_text import common_form, training_text
from personahub.workflows.steps import StepWatcher

__all__ = ["MixSide", "Mixing"]

_KINDS = ("real", "synthetic")
_TOLD = 2**12
"""Rows after which progress is told."""
_Ints = NDArray[np.int64]


@dataclass
class MixSide:
    """What became of the rows of one side.

    Attributes:
        named: the file, folder or pattern.
        rows: how many could be read.
        set_aside: how many could not be taken, by reason.
        first: where the first of each reason is, and what was seen.
        duplicates: how many stepped aside for an earlier row of the same side.
        across: how many synthetic ones stepped aside for a real one.
    """

    named: str
    rows: int = 0
    set_aside: Counter[str] = field(default_factory=Counter)
    first: dict[str, str] = field(default_factory=dict)
    duplicates: int = 0
    across: int = 0

    def to_json(self) -> dict[str, Any]:
        """A side in what ``mix --json`` prints."""
        return {**vars(self), "set_aside": dict(self.set_aside)}

    def aside(self, reason: str, where: str, detail: str) -> None:
        """Count a row that cannot be taken."""
        self.set_aside[reason] += 1
        self.first.setdefault(reason, f"{where}: {detail}")


class Mixing:
    """The rows of two collections, the real ones first.

    Args:
        named: the real and the synthetic files.
        spool: gets the rows.
        fields: those that are trained on; none for those of a usual form that both sides have.
        stratify: the field whose values are strata.
        origin: the field that is added, which says where a row is from.

    Raises:
        UserError: files are not there, or their rows have no form in common.
    """

    def __init__(
        self,
        named: tuple[str, str],
        spool: Spool,
        *,
        fields: Sequence[str],
        stratify: str | None,
        origin: str,
    ) -> None:
        """Find the files, and look at the first row of each side."""
        self.sides = MixSide(named[0]), MixSide(named[1])
        self._sources = [find_sources([name], ROW_FORMATS) for name in named]
        self._spool, self._stratify, self._origin = spool, stratify, origin
        self.fields = tuple(fields) or common_form(
            dict(zip(named, map(_first_row, self._sources), strict=True))
        )
        """Those that rows are compared and weighed by."""
        self.real_rows = 0
        """Rows of the spool before the first synthetic one."""

    def read(self, watcher: StepWatcher) -> None:
        """Bring all rows into the spool.

        Raises:
            UserError: a file cannot be read, or a side has no row with these fields.
        """
        watcher.began("rows read", None)
        for kind, side, sources in zip(_KINDS, self.sides, self._sources, strict=True):
            before = len(self._spool)
            for source in sources:
                self._read(source, kind, side, watcher)
            if len(self._spool) == before:
                told = next(iter(side.first.values()), "it is empty")
                raise UserError(f"{side.named}: no row of it can be mixed ({told})")
            if kind == "real":
                self.real_rows = len(self._spool)
        self._spool.close()

    def _read(self, source: Source, kind: str, side: MixSide, watcher: StepWatcher) -> None:
        for row in read_rows(source):
            if isinstance(row, Unread):
                side.aside(row.reason, f"{source.name}, row {row.row}", row.detail)
                continue
            number, fields = row
            where = f"{source.name}, row {number}"
            side.rows += 1
            if self._origin in fields:
                raise UserError(
                    f"{where}: has a field {self._origin!r} already; --origin names another one, to say where"
                    " rows are from"
                )
            text = training_text(fields, self.fields)
            if text is None:
                side.aside("no_text", where, f"no text in {', '.join(self.fields)}; it has {_names(fields)}")
            elif self._stratify and fields.get(self._stratify) is None:
                side.aside("no_stratum", where, f"nothing in {self._stratify}; it has {_names(fields)}")
            else:
                told = {"kind": kind, "file": source.name, "row": number}
                stratum = str(fields[self._stratify]) if self._stratify else ""
                line = json_bytes({**fields, self._origin: told})
                self._spool.add(fields, line, text, token_estimate(text), stratum)
                if not len(self._spool) % _TOLD:
                    watcher.advanced(len(self._spool))

    def usable(self, threshold: float, folder: Path, watcher: StepWatcher) -> _Ints:
        """The rows that may be mixed, ascending: of one form, and no duplicates.

        Args:
            threshold: similarity of words from which a row steps aside for an earlier one.
            folder: for temporary files.
            watcher: is told how it goes.

        Raises:
            UserError: the sides hold different things in fields of one name, or rows have one id.
        """
        stays = np.ones(len(self._spool), np.bool_)
        stays[self._of_other_form()] = False
        kept = np.zeros_like(stays)
        watcher.began("rows compared", len(stays))
        found = surface_duplicates(self._spool.texts(), threshold, folder=folder)
        kept[found.kept()] = True
        self._count_duplicates(found.groups, found.links.a, found.links.b, stays & ~kept)
        rows = np.flatnonzero(stays & kept)
        self._check_ids(rows)
        return rows

    def _of_other_form(self) -> _Ints:
        """Rows in which a field holds something else than in most of their side."""
        bounds = ((0, self.real_rows), (self.real_rows, len(self._spool)))
        real, synthetic = (self._spool.kinds(*bound) for bound in bounds)
        for name in (name for name in real if real[name] != synthetic.get(name, real[name])):
            raise UserError(
                f"the field {name!r} holds {real[name]} in {self.sides[0].named} and {synthetic[name]} in"
                f" {self.sides[1].named}, which no trainer reads together: rename it in one of them"
            )
        odd = []
        for side, kinds, bound in zip(self.sides, (real, synthetic), bounds, strict=True):
            rows = self._spool.unlike(kinds, *bound)
            if len(rows):
                origin = self._origin_of(int(rows[0]))
                where = f"{origin['file']}, row {origin['row']}"
                side.aside("other_type", where, "a field holds something else than in most rows")
                side.set_aside["other_type"] = len(rows)
            odd.append(rows)
        return np.concatenate(odd)

    def _count_duplicates(self, groups: _Ints, a: _Ints, b: _Ints, aside: NDArray[np.bool_]) -> None:
        """Count those that stepped aside, the synthetic ones that are like a real row apart."""
        # What is like a real one: by equal words, by a link from its group to a real row's.
        like_real = (groups >= 0) & (groups < self.real_rows)
        linked = np.zeros(len(groups), np.bool_)
        linked[b[a < self.real_rows]] = True
        like_real |= (groups >= 0) & linked[groups]
        synthetic = np.arange(len(groups)) >= self.real_rows
        self.sides[0].duplicates = int((aside & ~synthetic).sum())
        self.sides[1].across = int((aside & synthetic & like_real).sum())
        self.sides[1].duplicates = int((aside & synthetic & ~like_real).sum())

    def _check_ids(self, rows: _Ints) -> None:
        for one, other in self._spool.of_one_id(rows):
            lines = [read_json(line) for line in self._spool.lines((one, other))]
            if lines[0]["id"] == lines[1]["id"]:
                places = [f"{line[self._origin]['file']}, row {line[self._origin]['row']}" for line in lines]
                raise UserError(
                    f"two rows have the id {lines[0]['id']!r} ({places[0]} and {places[1]}) and different"
                    " texts: ids have to tell rows apart"
                )

    def _origin_of(self, row: int) -> dict[str, Any]:
        (line,) = self._spool.lines([row])
        origin: dict[str, Any] = read_json(line)[self._origin]
        return origin


def _first_row(sources: Sequence[Source]) -> dict[str, Any]:
    for source in sources:
        for row in read_rows(source):
            if not isinstance(row, Unread):
                return dict(row[1])
    return {}


def _names(fields: Any) -> str:
    return ", ".join(map(str, fields)) or "no field"
