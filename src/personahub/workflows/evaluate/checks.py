"""``evaluate checks``: how far the checks of problems, made by a model, say what readers say."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from personahub.config import data_dir, fingerprint
from personahub.errors import UserError
from personahub.evaluation.agreement import (
    Agreement,
    agreement_of,
    held_out_thresholds,
    matching_threshold,
)
from personahub.evaluation.labelled import WRONG_ANSWER, LabelledProblem, read_labelled
from personahub.models import LanguageModel
from personahub.models.opening import DEFAULT_MODEL
from personahub.verification.equality import same_answer
from personahub.verification.formulas import FormulaJudge
from personahub.verification.well_posed import EVEN
from personahub.workflows.calls import Calls
from personahub.workflows.checks import Checks
from personahub.workflows.files import writing_lines
from personahub.workflows.measured import MEASURABLE, Measured, remember
from personahub.workflows.running import Outcome, Watcher
from personahub.workflows.verify import CheckCounts, VerifyOutcome, verify

__all__ = ["TOGETHER", "Checked", "ChecksMeasured", "evaluate_checks"]

JUDGE = "well-posed"
_UNDECIDED = 0.1
"""Where more of the problems are undecided, a server was down for long, and nothing is remembered."""
TOGETHER = "together"
"""In the place of a check: all of them, of which one that fails sets aside."""


@dataclass(frozen=True)
class Checked:
    """What one check made of the problems, or all together.

    Attributes:
        name: of the check; :data:`TOGETHER`.
        agreement: of those that it could decide.
        undecided: what it could not; none of them is set aside.
        faults: by fault, the problems that have it and those of them that were set aside.
        origins: the agreement on the problems of each origin.
        reasons: why problems did not pass: how many, and how many of them are sound.
        told_apart: of pairs, those whose faulty side was set aside and whose sound side was kept; and all.
        right: of what it kept, problems whose right answer is known: those that got it, and all.
        counts: of calls, tokens and so on.
    """

    name: str
    agreement: Agreement
    undecided: int
    faults: Mapping[str, tuple[int, int]]
    origins: Mapping[str, Agreement]
    reasons: Mapping[str, tuple[int, int]]
    told_apart: tuple[int, int]
    right: tuple[int, int]
    counts: CheckCounts

    def to_json(self) -> dict[str, Any]:
        """An entry of ``checks`` in what ``evaluate checks --json`` prints."""
        counts = self.counts
        return {
            "agreement": _told(self.agreement),
            "undecided": self.undecided,
            "faults": {name: {"problems": n, "set_aside": found} for name, (n, found) in self.faults.items()},
            "origins": {name: _told(each) for name, each in self.origins.items()},
            "reasons": {name: {"problems": n, "sound": sound} for name, (n, sound) in self.reasons.items()},
            "pairs": {"told_apart": self.told_apart[0], "pairs": self.told_apart[1]},
            "answers": {"right": self.right[0], "known": self.right[1]},
            "calls": counts.calls,
            "tokens": counts.tokens,
            "cost": counts.cost,
            "seconds": round(counts.seconds, 3),
        }


@dataclass(frozen=True)
class ChecksMeasured:
    """How far checks agree with readers.

    Attributes:
        model: identity of the model that was asked.
        labelled: what readers judged.
        checks: each check, and where there are several all together; empty where it was stopped. Where the
            judge's threshold was not given, its outcomes are by thresholds that were chosen without the
            problem and its pair.
        threshold: the chance of a yes from which a problem passes the judge: what was given, or what keeps as
            many as the readers; None where there is no judge.
        rows: the file of the problems with verdicts and evidence; empty where it was stopped.
        outcome: of the run that asked.
    """

    model: str
    labelled: Sequence[LabelledProblem]
    checks: tuple[Checked, ...]
    threshold: float | None
    rows: str
    outcome: Outcome

    @property
    def problems(self) -> int:
        """How many there are."""
        return len(self.labelled)

    @property
    def sound(self) -> int:
        """How many of them readers found nothing wrong with."""
        return sum(not each.fault for each in self.labelled)

    def to_json(self) -> dict[str, Any]:
        """What ``evaluate checks --json`` prints."""
        return {
            "model": self.model,
            "problems": self.problems,
            "sound": self.sound,
            "threshold": self.threshold,
            "checks": {each.name: each.to_json() for each in self.checks},
            "rows": self.rows,
            "whole": not self.outcome.interrupted,
        }


def evaluate_checks(
    problems: Path | str | None = None,
    *,
    checks: Checks | None = None,
    model: str | LanguageModel | Sequence[LanguageModel] = DEFAULT_MODEL,
    second_model: str | LanguageModel | Sequence[LanguageModel] | None = None,
    calls: Calls | None = None,
    watcher: Watcher | None = None,
) -> ChecksMeasured:
    """Have problems checked that readers have judged, and count where the checks say the same.

    Replies are kept in the user's data folder, so the same call asks nothing twice. What is measured on the
    problems of the package is remembered: ``verify`` tells it beside what these checks by this model find.

    Args:
        problems: JSON Lines with ``problem`` and ``fault`` (:func:`read_labelled`); None for the package's.
        checks: which of ``answers`` and ``well-posed``, and how; both by default.
        model: solves and judges.
        second_model: solves each problem once more.
        calls: how calls are made and what they may cost.
        watcher: is told how it goes.

    Raises:
        UserError: whatever the user can mend; nothing was asked then.
    """
    checks, calls = checks or Checks(MEASURABLE), calls or Calls()
    names = checks.names if checks.names is not None else MEASURABLE
    if other := [name for name in names if name not in MEASURABLE]:
        raise UserError(
            f"--checks {other[0]}: cannot be measured by labelled problems; only {', '.join(MEASURABLE)} can"
        )
    path = Path(problems) if problems is not None else None
    labelled = read_labelled(path)
    name = calls.open(model)[0].name
    folder = (
        data_dir() / "checks" / fingerprint({"model": name, "problems": [vars(each) for each in labelled]})
    )
    given, out = folder / "problems.jsonl", folder / "checked.jsonl"
    _write(labelled, given)

    def checked(names: Sequence[str], threshold: float | None) -> VerifyOutcome:
        return verify(
            given,
            out=out,
            checks=replace(checks, names=tuple(names), threshold=threshold),
            model=model,
            second_model=second_model,
            calls=calls,
            watcher=watcher,
        )

    threshold, held_out = checks.threshold, dict[str, Sequence[str]]()
    if JUDGE in names and threshold is None:
        outcome = checked([JUDGE], 0.0)
        if outcome.interrupted:
            return ChecksMeasured(name, labelled, (), None, "", outcome)
        threshold, held_out[JUDGE] = _calibrated(labelled, _verdicts(out, JUDGE))
    outcome = checked(names, threshold)
    if outcome.interrupted:
        return ChecksMeasured(name, labelled, (), None, "", outcome)
    verdicts = {each: _verdicts(out, each) for each in names}
    outcomes = {each: held_out.get(each, [str(v["outcome"]) for v in verdicts[each]]) for each in names}
    right = _right(labelled, verdicts["answers"]) if "answers" in names else []
    ways = [(each,) for each in names] + ([tuple(names)] if len(names) > 1 else [])
    found = tuple(_checked(way, labelled, verdicts, outcomes, right, outcome.checks) for way in ways)
    if path is None:
        # What a threshold does that somebody gave is nothing to go by later.
        told = [name for name in names if name != JUDGE or checks.threshold is None]
        whole = [each for each in found if each.name in told and each.undecided <= _UNDECIDED * len(labelled)]
        remember([_measured(each, outcome.checks, threshold) for each in whole])
    return ChecksMeasured(name, labelled, found, threshold, str(out), outcome)


def _verdicts(out: Path, check: str) -> list[Mapping[str, Any]]:
    rows = (json.loads(line) for line in out.read_text("utf-8").split("\n") if line)
    return [row["verdicts"][check] for row in rows]


def _calibrated(
    labelled: Sequence[LabelledProblem], verdicts: Sequence[Mapping[str, Any]]
) -> tuple[float, list[str]]:
    """The threshold that all problems choose, and outcomes by thresholds that the others of each choose."""
    places = [place for place, verdict in enumerate(verdicts) if verdict["score"] is not None]
    scores = [float(verdicts[place]["score"]) for place in places]
    sound = [not _fault((JUDGE,), labelled[place]) for place in places]
    pairs = [labelled[place].pair for place in places]
    outcomes = ["undecided"] * len(verdicts)
    for place, score, threshold in zip(
        places, scores, held_out_thresholds(scores, sound, pairs), strict=True
    ):
        outcomes[place] = "passed" if score >= (EVEN if threshold is None else threshold) else "failed"
    matching = matching_threshold(scores, sound)
    return EVEN if matching is None else round(matching, 4), outcomes


def _right(labelled: Sequence[LabelledProblem], verdicts: Sequence[Mapping[str, Any]]) -> list[bool | None]:
    """Whether the solutions agree on the right answer; None where nobody knows that."""
    with FormulaJudge() as formulas:
        return [
            same_answer(each.answer, str(verdict["evidence"].get("answer", "")), formulas) is True
            if each.answer
            else None
            for each, verdict in zip(labelled, verdicts, strict=True)
        ]


def _write(labelled: Sequence[LabelledProblem], given: Path) -> None:
    """The problems as a file to verify: what readers found is left out of it."""
    try:
        given.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"{given.parent}: cannot be made ({error.strerror}); XDG_DATA_HOME names another place"
        ) from error
    with writing_lines(given) as lines:
        for each in labelled:
            row = {"id": each.id, "problem": each.problem}
            told = {"language": each.language, "answer": each.given}
            lines.write(row | {name: value for name, value in told.items() if value})


def _checked(
    way: tuple[str, ...],
    labelled: Sequence[LabelledProblem],
    verdicts: Mapping[str, Sequence[Mapping[str, Any]]],
    found: Mapping[str, Sequence[str]],
    right: Sequence[bool | None],
    counts: Mapping[str, CheckCounts],
) -> Checked:
    """What one check, or all together, made of the problems."""
    outcomes = [_outcome(each) for each in zip(*(found[name] for name in way), strict=True)]
    faults = [_fault(way, each) for each in labelled]
    decided = [place for place, outcome in enumerate(outcomes) if outcome != "undecided"]
    pairs = {place: (not faults[place], outcomes[place] == "passed") for place in decided}
    by_fault: dict[str, tuple[int, int]] = {}
    for fault, outcome in zip(faults, outcomes, strict=True):
        if fault:
            there, hits = by_fault.get(fault, (0, 0))
            by_fault[fault] = there + 1, hits + (outcome == "failed")
    known = [
        is_right
        for is_right, outcome in zip(right, outcomes, strict=False)
        if is_right is not None and outcome != "failed" and "answers" in way
    ]
    return Checked(
        name=way[0] if len(way) == 1 else TOGETHER,
        agreement=agreement_of(pairs.values()),
        undecided=len(labelled) - len(decided),
        faults=by_fault,
        origins={
            origin: agreement_of(pair for place, pair in pairs.items() if labelled[place].origin == origin)
            for origin in dict.fromkeys(each.origin for each in labelled)
        },
        reasons=_reasons([verdicts[name] for name in way], faults),
        told_apart=_told_apart(labelled, faults, outcomes),
        right=(sum(known), len(known)),
        counts=_sum([counts[name] for name in way]),
    )


def _outcome(outcomes: Sequence[str]) -> str:
    return next((each for each in ("failed", "passed") if each in outcomes), "undecided")


def _fault(way: Sequence[str], problem: LabelledProblem) -> str:
    """What checks should find: a judge alone sees no answer that came with the problem."""
    return "" if tuple(way) == (JUDGE,) and problem.fault == WRONG_ANSWER else problem.fault


def _reasons(
    verdicts: Sequence[Sequence[Mapping[str, Any]]], faults: Sequence[str]
) -> dict[str, tuple[int, int]]:
    counts: Counter[str] = Counter()
    sound: Counter[str] = Counter()
    for fault, *found in zip(faults, *verdicts, strict=True):
        for reason in {verdict["reason"] for verdict in found} - {""}:
            counts[reason] += 1
            sound[reason] += not fault
    return {reason: (n, sound[reason]) for reason, n in counts.most_common()}


def _told_apart(
    labelled: Sequence[LabelledProblem], faults: Sequence[str], outcomes: Sequence[str]
) -> tuple[int, int]:
    sides: dict[str, dict[bool, int]] = {}
    for place, each in enumerate(labelled):
        sides.setdefault(each.pair, {})[bool(faults[place])] = place
    pairs = [(side[False], side[True]) for side in sides.values() if len(side) == 2]
    hits = sum(outcomes[error] == "failed" and outcomes[sound] != "failed" for sound, error in pairs)
    return hits, len(pairs)


def _sum(each: Sequence[CheckCounts]) -> CheckCounts:
    costs = [one.cost for one in each]
    return CheckCounts(
        calls=sum(one.calls for one in each),
        tokens=sum(one.tokens for one in each),
        cost=None if None in costs else sum(cost for cost in costs if cost is not None),
        seconds=sum(one.seconds for one in each),
    )


def _measured(checked: Checked, counts: Mapping[str, CheckCounts], threshold: float | None) -> Measured:
    asked = counts[checked.name]
    day = datetime.now(UTC).strftime("%Y-%m-%d")
    of_judge = threshold if checked.name == JUDGE else None
    return Measured(checked.name, asked.asked, asked.way, day, checked.agreement, of_judge)


def _told(found: Agreement) -> dict[str, Any]:
    if not found.compared:
        return {**vars(found), "accuracy": None, "kappa": None, "interval": None}
    return {
        **vars(found),
        "accuracy": round(found.accuracy, 4),
        "kappa": found.kappa,
        "interval": found.kappa_interval(),
    }
