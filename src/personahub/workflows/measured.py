"""How far a model's checks agree with readers, where ``evaluate checks`` has measured that.

``measured.yaml`` has what was measured for the default model; what is measured on this machine stands in the
user's data folder, and counts first.
"""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from personahub.config import data_dir, fingerprint
from personahub.errors import UserError
from personahub.evaluation.agreement import Agreement
from personahub.verification import AskingCheck

__all__ = ["MEASURABLE", "Measured", "asked_by", "measured_of", "remember", "way_of"]

MEASURABLE = ("answers", "well-posed")
"""Checks that say whether a problem is sound."""


@dataclass(frozen=True)
class Measured:
    """What a check by a model made of labelled problems.

    Attributes:
        check: its name.
        model: :func:`asked_by` it.
        way: :func:`way_of` the check, which changes with its wording and settings.
        day: when it was measured, YYYY-MM-DD.
        agreement: with the readers.
        threshold: of ``well-posed``, the chance of a yes from which a problem passes; None of other checks.
    """

    check: str
    model: str
    way: str
    day: str
    agreement: Agreement
    threshold: float | None = None

    def to_json(self) -> dict[str, Any]:
        """As it is kept, and printed by ``--json``."""
        return {**asdict(self), "accuracy": round(self.agreement.accuracy, 4), "kappa": self.agreement.kappa}

    def __str__(self) -> str:
        """One sentence for a person."""
        found = self.agreement
        kept = found.kept_sound + found.kept_faulty
        sound = found.kept_sound + found.lost
        after = f"{found.kept_sound / kept:.0%} of them sound" if kept else "none of them"
        kappa = "" if found.kappa is None else f"; kappa {found.kappa:.2f}"
        return (
            f"{self.check} by {self.model}: of {found.compared} problems that readers judged"
            f" ({sound / found.compared:.0%} sound) it keeps {kept}, {after}{kappa}"
        )


def way_of(check: AskingCheck) -> str:
    """What decides the findings of a check beside its model: its wording and settings, as a short hash.

    The threshold is no part of it: it is what is measured.
    """
    return fingerprint(
        {name: value for name, value in check.version.items() if name != "threshold"}, length=8
    )


def asked_by(check: str, model: str, second: str | None) -> str:
    """Whom a check asks: only ``answers`` has a second model."""
    return f"{model} + {second}" if second and check == "answers" else model


def measured_of(check: AskingCheck, asked: str) -> Measured | None:
    """What is known of a check, whatever its threshold; None where nobody has measured it.

    Args:
        check: as it is made.
        asked: :func:`asked_by` it.
    """
    wanted = (check.name, asked, way_of(check))
    known = (each for each in (*_kept(), *_shipped()) if (each.check, each.model, each.way) == wanted)
    return next(known, None)


def remember(found: Sequence[Measured]) -> Path:
    """Keep what was measured, in the place of what was known of the same checks and models.

    Raises:
        UserError: the data folder cannot be written.
    """
    new = {(each.check, each.model, each.way) for each in found}
    rows = [each for each in _kept() if (each.check, each.model, each.way) not in new] + list(found)
    target = _path()
    draft = target.with_name(f"{target.name}.{os.getpid()}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(json.dumps([each.to_json() for each in rows], indent=1) + "\n", "utf-8")
        draft.replace(target)
    except OSError as error:
        raise UserError(
            f"{target}: cannot be written ({error.strerror}); XDG_DATA_HOME names another place"
        ) from error
    return target


def _path() -> Path:
    return data_dir() / "measured.json"


def _kept() -> list[Measured]:
    try:
        return [_read(row) for row in json.loads(_path().read_text("utf-8"))]
    except (OSError, ValueError, TypeError, KeyError):
        # What is not there or is damaged is measured again.
        return []


@cache
def _shipped() -> Sequence[Measured]:
    text = (files("personahub.workflows") / "measured.yaml").read_text("utf-8")
    return [_read(row) for row in yaml.safe_load(text) or []]


def _read(row: Mapping[str, Any]) -> Measured:
    names = {name: str(row[name]) for name in ("check", "model", "way", "day")}
    counts = {name: int(row["agreement"][name]) for name in Agreement.__dataclass_fields__}
    threshold = row.get("threshold")
    return Measured(
        **names, agreement=Agreement(**counts), threshold=None if threshold is None else float(threshold)
    )
