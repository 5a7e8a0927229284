"""``mix``: real and synthetic rows in an asked ratio, without what the two have in common."""

import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from personahub.errors import UserError
from personahub.release.shares import Side, choose_arms, choose_rows, parse_ratio
from personahub.release.spool import Spool
from personahub.workflows.files import check_new, check_target, writing_folder, writing_lines
from personahub.workflows.mixing import Mixing, MixSide
from personahub.workflows.steps import StepWatcher

__all__ = ["MixOutcome", "MixSide", "Mixture", "mix"]

_TOLD = 2**12
_Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Mixture:
    """One file that was written.

    Attributes:
        out: the file.
        real: how many rows of it are real.
        synthetic: how many are synthetic.
        real_tokens: of the real ones, as estimated.
        synthetic_tokens: of the synthetic ones.
        strata: real and synthetic rows by stratum; empty without strata.
    """

    out: str
    real: int
    synthetic: int
    real_tokens: int
    synthetic_tokens: int
    strata: Mapping[str, tuple[int, int]]


@dataclass(frozen=True)
class MixOutcome:
    """What a mix came to.

    Attributes:
        real: the real side.
        synthetic: the synthetic side.
        fields: those that rows were compared and weighed by.
        by: "records" or "tokens".
        seed: of what was drawn.
        mixtures: the files: one, or one for each arm.
        seconds: wall time.
    """

    real: MixSide
    synthetic: MixSide
    fields: Sequence[str]
    by: str
    seed: int
    mixtures: Sequence[Mixture]
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """What ``mix --json`` prints."""
        sides = {"real": self.real.to_json(), "synthetic": self.synthetic.to_json()}
        mixtures = [asdict(mixture) for mixture in self.mixtures]
        return {**vars(self), **sides, "mixtures": mixtures, "seconds": round(self.seconds, 3)}


def mix(
    real: Path | str,
    synthetic: Path | str,
    out: Path | str,
    *,
    ratio: str = "50:50",
    by: Literal["records", "tokens"] = "records",
    n: int | None = None,
    arms: Sequence[float] | None = None,
    fields: Sequence[str] = (),
    stratify: str | None = None,
    origin: str = "origin",
    threshold: float = 0.9,
    seed: int = 1,
    watcher: StepWatcher | None = None,
) -> MixOutcome:
    """Mix real and synthetic rows, half and half by default, into JSON Lines in random order.

    By records the ratio is exact to the row, by tokens within a row of each side; in each stratum likewise.
    Rows with nearly the words of an earlier one step aside, and synthetic ones for real ones. Each row keeps
    all its fields and says where it is from: ``{"kind": "synthetic", "file": …, "row": …}``. The same files,
    options and seed give the same bytes. Some 60 bytes of memory a row are held; the rows wait on disk,
    beside the output.

    Args:
        real: a file (JSON Lines, Parquet, CSV, also compressed), folder, pattern or address.
        synthetic: the same.
        out: the new file, .jsonl or .jsonl.gz; with ``arms`` a new folder. It is there whole or not at all.
        ratio: real to synthetic.
        by: what the ratio counts; tokens are estimated as a quarter of the UTF-8 bytes.
        n: rows (or tokens) of a mixture; None for the most that the ratio allows.
        arms: shares of synthetic data in percent: as many mixtures of one size, for ablations, in which a
            smaller share's synthetic rows are part of a larger one's. The ratio is not looked at then.
        fields: those that are trained on; none for those of a usual form that both sides have.
        stratify: a field in each of whose values the ratio is kept.
        origin: the field that says where a row is from.
        threshold: similarity of words from which a row steps aside, above 0 and up to 1.
        seed: of the choice and the order.
        watcher: is told how it goes.

    Raises:
        UserError: the ratio cannot be met (how much is missing), a file is not there or has no such field,
            the two have fields of one name that hold different things, two rows have one id, or the output
            exists or cannot be written.
    """
    if by not in {"records", "tokens"}:
        raise UserError(f"--by {by}: is neither records nor tokens")
    if n is not None and n < 1:
        raise UserError(f"-n {n}: is no size of a mixture")
    start, target, steps = time.monotonic(), Path(out), watcher or StepWatcher()
    shares = [parse_ratio(ratio)] if arms is None else _shares_of(arms)
    check_new(target)
    if arms is None:
        check_target(target)
    named = (str(real), str(synthetic))
    with (
        tempfile.TemporaryDirectory(prefix=".mix-", dir=target.parent) as folder,
        Spool(Path(folder)) as spool,
    ):
        mixing = Mixing(named, spool, fields=fields, stratify=stratify, origin=origin)
        mixing.read(steps)
        rows = mixing.usable(threshold, Path(folder), steps)
        first = int(np.searchsorted(rows, mixing.real_rows))
        halves = rows[:first], rows[first:]
        sides = _side(spool, halves[0], by), _side(spool, halves[1], by)
        if arms is None:
            chosen = [choose_rows(*sides, shares[0], n, seed)]
        else:
            chosen = choose_arms(*sides, shares, n, seed)
        taken = [tuple(half[own] for half, own in zip(halves, each, strict=True)) for each in chosen]
        with _files(target, arms) as files:
            steps.began("rows written", sum(sum(map(len, each)) for each in taken))
            for file, each in zip(files, taken, strict=True):
                _write(spool, np.concatenate(each), file, seed, steps)
        shown = [str(target / file.name) if arms else str(target) for file in files]
        mixtures = [
            _mixture(spool, file, each, with_strata=bool(stratify))
            for file, each in zip(shown, taken, strict=True)
        ]
    spent = time.monotonic() - start
    return MixOutcome(*mixing.sides, mixing.fields, by, seed, mixtures, spent)


def _shares_of(arms: Sequence[float]) -> list[Fraction]:
    """The real shares of the arms, which are named by their synthetic share in percent."""
    shares = [1 - Fraction(str(arm)) / 100 for arm in arms]
    if not shares or min(shares) < 0 or max(shares) > 1 or len(set(shares)) < len(shares):
        told = ",".join(f"{arm:g}" for arm in arms)
        raise UserError(f"--arms {told}: give different shares of synthetic data, each from 0 to 100")
    return shares


def _side(spool: Spool, rows: _Ints, by: str) -> Side:
    weights = spool.tokens[rows] if by == "tokens" else np.ones(len(rows), np.int64)
    return Side(weights, spool.strata[rows])


@contextmanager
def _files(target: Path, arms: Sequence[float] | None) -> Iterator[list[Path]]:
    """The files to write; those of arms in a folder that is there whole at the end, or not at all."""
    if arms is None:
        yield [target]
        return
    with writing_folder(target) as draft:
        yield [draft / f"synthetic-{arm:g}.jsonl" for arm in arms]


def _write(spool: Spool, rows: _Ints, file: Path, seed: int, steps: StepWatcher) -> None:
    order = np.random.default_rng(seed).permutation(len(rows))
    with writing_lines(file) as lines:
        for done, line in enumerate(spool.lines(rows[order].tolist()), 1):
            lines.write_json(line)
            if not done % _TOLD:
                steps.advanced(done)


def _mixture(spool: Spool, out: str, taken: Sequence[_Ints], *, with_strata: bool) -> Mixture:
    tokens = [int(spool.tokens[rows].sum()) for rows in taken]
    names = spool.stratum_names
    counts = [np.bincount(spool.strata[rows], minlength=len(names)).tolist() for rows in taken]
    strata = {name: (real, synthetic) for name, real, synthetic in zip(names, *counts, strict=True)}
    sizes = [len(rows) for rows in taken]
    return Mixture(out, sizes[0], sizes[1], tokens[0], tokens[1], strata if with_strata else {})
