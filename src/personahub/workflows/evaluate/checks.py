"""``evaluate checks``: how far the checks of problems, made by a model, say what readers say."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from personahub.config import data_dir, fingerprint
from personahub.errors import UserError
from personahub.evaluation.agreement import Agreement, agreement_of
from personahub.evaluation.labelled import WRONG_ANSWER, LabelledProblem, read_labelled
from personahub.models import LanguageModel
from personahub.models.opening import DEFAULT_MODEL
from personahub.verification.equality import same_answer
from personahub.verification.formulas import FormulaJudge
from personahub.workflows.calls import Calls
from personahub.workflows.checks import Checks
from personahub.workflows.files import writing_lines
from personahub.workflows.measured import MEASURABLE, Measured, remember
from personahub.workflows.running import Outcome, Watcher
from personahub.workflows.verify import CheckCounts, verify

__all__ = ["TOGETHER", "Checked", "ChecksMeasured", "evaluate_checks"]

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
        problems: how many readers judged.
        sound: how many of them are sound.
        checks: each check, and where there are several all together; empty where it was stopped.
        rows: the file of the problems with verdicts and evidence; empty where it was stopped.
        outcome: of the run that asked.
    """

    model: str
    problems: int
    sound: int
    checks: tuple[Checked, ...]
    rows: str
    outcome: Outcome

    def to_json(self) -> dict[str, Any]:
        """What ``evaluate checks --json`` prints."""
        return {
            "model": self.model,
            "problems": self.problems,
            "sound": self.sound,
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
    outcome = verify(
        given,
        out=out,
        checks=Checks(names, checks.samples, checks.program, checks.readings, seed=checks.seed),
        model=model,
        second_model=second_model,
        calls=calls,
        watcher=watcher,
    )
    found: tuple[Checked, ...] = ()
    if not outcome.interrupted:
        verdicts = [json.loads(line)["verdicts"] for line in out.read_text("utf-8").split("\n") if line]
        with FormulaJudge() as formulas:
            right = [
                same_answer(each.answer, str(verdict["answers"]["evidence"].get("answer", "")), formulas)
                is True
                if each.answer and "answers" in names
                else None
                for each, verdict in zip(labelled, verdicts, strict=True)
            ]
        ways = [*names, *([TOGETHER] if len(names) > 1 else [])]
        found = tuple(_checked(way, labelled, verdicts, right, outcome.checks) for way in ways)
        if path is None and not outcome.totals.failures:
            remember([_measured(each, outcome.checks) for each in found if each.name != TOGETHER])
    return ChecksMeasured(
        model=name,
        problems=len(labelled),
        sound=sum(not each.fault for each in labelled),
        checks=found,
        rows="" if outcome.interrupted else str(out),
        outcome=outcome,
    )


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
    way: str,
    labelled: Sequence[LabelledProblem],
    verdicts: Sequence[Mapping[str, Any]],
    right: Sequence[bool | None],
    counts: Mapping[str, CheckCounts],
) -> Checked:
    """What one check, or all together, made of the problems."""
    names = list(counts) if way == TOGETHER else [way]
    outcomes = [_outcome([verdict[name]["outcome"] for name in names]) for verdict in verdicts]
    faults = [_fault(way, each) for each in labelled]
    decided = [place for place, outcome in enumerate(outcomes) if outcome != "undecided"]
    pairs = {place: (not faults[place], outcomes[place] == "passed") for place in decided}
    by_fault: dict[str, tuple[int, int]] = {}
    for fault, outcome in zip(faults, outcomes, strict=True):
        if fault:
            there, found = by_fault.get(fault, (0, 0))
            by_fault[fault] = there + 1, found + (outcome == "failed")
    known = [
        is_right
        for is_right, outcome in zip(right, outcomes, strict=True)
        if is_right is not None and outcome != "failed" and "answers" in names
    ]
    return Checked(
        name=way,
        agreement=agreement_of(pairs.values()),
        undecided=len(labelled) - len(decided),
        faults=by_fault,
        origins={
            origin: agreement_of(pair for place, pair in pairs.items() if labelled[place].origin == origin)
            for origin in dict.fromkeys(each.origin for each in labelled)
        },
        reasons=_reasons(names, faults, verdicts),
        told_apart=_told_apart(labelled, faults, outcomes),
        right=(sum(known), len(known)),
        counts=_sum([counts[name] for name in names]),
    )


def _outcome(outcomes: Sequence[str]) -> str:
    return next((each for each in ("failed", "passed") if each in outcomes), "undecided")


def _fault(way: str, problem: LabelledProblem) -> str:
    """What the check should find: a judge of the problem sees no answer that came with it."""
    return "" if way == "well-posed" and problem.fault == WRONG_ANSWER else problem.fault


def _reasons(
    names: Sequence[str], faults: Sequence[str], verdicts: Sequence[Mapping[str, Any]]
) -> dict[str, tuple[int, int]]:
    counts: Counter[str] = Counter()
    sound: Counter[str] = Counter()
    for fault, verdict in zip(faults, verdicts, strict=True):
        for reason in {verdict[name]["reason"] for name in names} - {""}:
            counts[reason] += 1
            sound[reason] += not fault
    return {reason: (n, sound[reason]) for reason, n in counts.most_common()}


def _told_apart(
    labelled: Sequence[LabelledProblem], faults: Sequence[str], outcomes: Sequence[str]
) -> tuple[int, int]:
    places = {each.id: place for place, each in enumerate(labelled)}
    pairs = [
        (places[f"{name}-sound"], place)
        for key, place in places.items()
        if (name := key.removesuffix("-planted")) != key and f"{name}-sound" in places and faults[place]
    ]
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


def _measured(checked: Checked, counts: Mapping[str, CheckCounts]) -> Measured:
    asked = counts[checked.name]
    day = datetime.now(UTC).strftime("%Y-%m-%d")
    return Measured(checked.name, asked.asked, asked.way, day, checked.agreement)


def _told(found: Agreement) -> dict[str, Any]:
    if not found.compared:
        return {**vars(found), "accuracy": None, "kappa": None, "interval": None}
    return {
        **vars(found),
        "accuracy": round(found.accuracy, 4),
        "kappa": found.kappa,
        "interval": found.kappa_interval(),
    }
