"""What is found of the records of ``evaluate arms``: by the checks, and how diverse they are."""

import json
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from personahub.evaluation.intervals import LEAST
from personahub.hub import Hub
from personahub.hub.tables import quoted
from personahub.models import EmbeddingModel
from personahub.workflows.checks import CHECKS
from personahub.workflows.evaluate.arms_result import Arm, Arms, CheckFound
from personahub.workflows.evaluate.diversity import Diversity, evaluate_diversity

__all__ = ["ENOUGH", "checks_found", "failed_records", "with_diversity"]

ENOUGH = 2 * LEAST
"""Records that can be measured: the half of them that matching leaves is enough for an interval."""


def checks_found(hub: Hub, dataset: str, run: int) -> dict[str, CheckFound]:
    """What each check of a run found of a data set's records, by its name."""
    passed: Counter[str] = Counter()
    why: dict[tuple[str, str], Counter[str]] = {}
    sums: dict[str, tuple[int, int, float | None]] = {}
    for row in hub.verdicts.rows(_verdicts_of(dataset, run)):
        check, outcome = row["check"], row["outcome"]
        calls, tokens, cost = sums.get(check, (0, 0, 0.0))
        known = None if cost is None or row["cost"] is None else cost + row["cost"]
        sums[check] = calls + row["calls"], tokens + row["tokens"], known
        if outcome == "passed":
            passed[check] += 1
        else:
            why.setdefault((check, outcome), Counter())[row["reason"]] += 1
    return {
        check: CheckFound(
            passed[check],
            dict(why.get((check, "failed"), {})),
            dict(why.get((check, "undecided"), {})),
            *sums[check],
        )
        for check in CHECKS
        if check in sums
    }


def failed_records(hub: Hub, dataset: str, run: int) -> set[str]:
    """The ids of a data set's records that a check of the run failed."""
    where = f"{_verdicts_of(dataset, run)} AND outcome = 'failed'"
    return {id_ for batch in hub.verdicts.read(["record_id"], where) for id_ in batch[0].to_pylist()}


def _verdicts_of(dataset: str, run: int) -> str:
    return f"dataset = {quoted(dataset)} AND run = {run}"


def with_diversity(hub: Hub, result: Arms, encoder: str | EmbeddingModel | None, seed: int) -> Arms:
    """The result with how diverse the accepted and the kept records of each method are.

    A method with too few is left out, since all are matched at the count of the smallest. Where nothing was
    checked, the kept records are the accepted ones, measured once.

    Args:
        hub: has the records.
        result: what the methods came to.
        encoder: compares meanings, where it is not the built-in model.
        seed: of everything that is drawn.
    """
    measured: dict[str, Diversity | None] = {"accepted": None, "kept": None}
    lacking: dict[str, dict[str, str]] = {}
    for form in measured if any(arm.checks for arm in result.arms) else ("accepted",):
        enough = [arm for arm in result.arms if getattr(arm, form) >= ENOUGH]
        lacking[form] = {
            arm.name: f"{getattr(arm, form):,} {form}, and {ENOUGH} are needed"
            for arm in result.arms
            if arm not in enough
        }
        if enough:
            measured[form] = _measure(hub, enough, form == "kept", encoder, seed)
    return replace(result, accepted=measured["accepted"], kept=measured["kept"], not_measured=lacking)


def _measure(
    hub: Hub, arms: Sequence[Arm], kept: bool, encoder: str | EmbeddingModel | None, seed: int
) -> Diversity:
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / f"{place}.jsonl" for place in range(len(arms))]
        for arm, file in zip(arms, files, strict=True):
            checked = kept and len(arm.runs) > 1
            _write_texts(hub, arm, failed_records(hub, arm.dataset, arm.runs[1]) if checked else set(), file)
        found = evaluate_diversity(*files, embeddings=encoder, seed=seed)
    # The files are gone, so the sets are called what they are of.
    sets = zip(found.sets, arms, strict=True)
    return replace(found, sets=tuple(replace(each, name=arm.name, named=arm.dataset) for each, arm in sets))


def _write_texts(hub: Hub, arm: Arm, left_out: set[str], file: Path) -> None:
    with file.open("w", encoding="utf-8") as lines:
        for batch in hub.records.read(["id", "text", "language"], f"dataset = {quoted(arm.dataset)}"):
            for row in batch.to_pylist():
                if row["id"] not in left_out:
                    lines.write(json.dumps(row) + "\n")
