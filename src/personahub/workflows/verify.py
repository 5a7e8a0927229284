"""``verify``: records of a data set, or rows of a file, checked, with the evidence in each."""

import glob
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from personahub.completion import Engine
from personahub.errors import UserError
from personahub.hub import Hub
from personahub.languages import check_language
from personahub.models import EmbeddingModel, LanguageModel, Reply, Request
from personahub.models.opening import DEFAULT_MODEL, open_language_models
from personahub.verification import Item
from personahub.workflows.calls import Calls
from personahub.workflows.checked import Accept, Checked, DataSetChecked, FileChecked, status_of
from personahub.workflows.checking import Checker, Judged
from personahub.workflows.checks import ASKING, CHECKS, Checks, checker_for, identity_of
from personahub.workflows.measured import Measured, asked_by, measured_of, way_of
from personahub.workflows.running import Outcome, Watcher, Work, closing, run_async, working

__all__ = ["CheckCounts", "VerifyOutcome", "verify"]

_BATCH = 128
"""Items that are held at a time, with all that is asked about them."""
_EXAMPLES = 3


@dataclass
class CheckCounts:
    """What one check came to.

    Attributes:
        passed: items that passed.
        failed: those that did not, by reason.
        undecided: those that it cannot tell, by reason.
        kinds: of the answers that solutions agree on: "number", "several", "text".
        calls: to the model.
        tokens: of prompts and replies.
        cost: US dollars; None where a price is not known.
        seconds: the model's own, those of replies that the journal knew included.
        asked: whom it asks; empty where it asks nobody.
        way: what decides its findings beside that, as a short hash.
        measured: how far it agrees with readers, where that is known.
        examples: the first that failed, by reason: ``name``, ``text`` and ``evidence``.
    """

    passed: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    undecided: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    calls: int = 0
    tokens: int = 0
    cost: float | None = 0.0
    seconds: float = 0.0
    asked: str = ""
    way: str = ""
    measured: Measured | None = None
    examples: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def add(self, item: Item, judged: Judged) -> None:
        """Count one finding."""
        finding = judged.finding
        self.calls += judged.calls
        self.tokens += judged.tokens
        self.seconds += judged.seconds
        self.cost = None if self.cost is None or judged.cost is None else self.cost + judged.cost
        if kind := finding.evidence.get("kind"):
            self.kinds[kind] += 1
        if finding.outcome == "passed":
            self.passed += 1
            return
        (self.failed if finding.outcome == "failed" else self.undecided)[finding.reason] += 1
        if finding.outcome == "failed":
            shown = self.examples.setdefault(finding.reason, [])
            if len(shown) < _EXAMPLES:
                shown.append({"name": item.name, "text": item.text[:400], "evidence": dict(finding.evidence)})

    def to_json(self) -> dict[str, Any]:
        """An entry of ``checks`` in what ``verify --json`` prints."""
        return {
            **vars(self),
            "failed": dict(self.failed),
            "undecided": dict(self.undecided),
            "kinds": dict(self.kinds),
            "seconds": round(self.seconds, 3),
            "measured": self.measured.to_json() if self.measured else None,
        }


@dataclass
class VerifyOutcome(Outcome):
    """What a ``verify`` came to.

    Attributes:
        checked: how many items.
        passed: those that no check failed and at least one passed.
        failed: those that a check failed.
        undecided: those of which no check could tell anything.
        unreadable: rows that are none, by reason.
        checks: what each check came to, by name.
        kept: the file of what passes, where one was written.
        rejected: the file of what does not.
        hub: the folder with the run and its journal.
    """

    checked: int = 0
    passed: int = 0
    failed: int = 0
    undecided: int = 0
    unreadable: Counter[str] = field(default_factory=Counter)
    checks: dict[str, CheckCounts] = field(default_factory=dict)
    kept: str = ""
    rejected: str = ""
    hub: str = ""

    def count(self, item: Item, judged: Mapping[str, Judged]) -> None:
        """Count what was found of one item."""
        self.checked += 1
        status = status_of({each.finding.outcome for each in judged.values()})
        setattr(self, status, getattr(self, status) + 1)
        for name, each in judged.items():
            self.checks[name].add(item, each)

    def to_json(self) -> dict[str, Any]:
        """What ``verify --json`` prints."""
        names = ("checked", "passed", "failed", "undecided", "unreadable", "kept", "rejected", "hub")
        counts = {name: getattr(self, name) for name in names} | {"unreadable": dict(self.unreadable)}
        return {
            **counts,
            "checks": {name: each.to_json() for name, each in self.checks.items()},
            "seconds": round(self.seconds, 3),
            **super().to_json(),
        }


class _Nobody:
    """Stands for the model where no check asks one."""

    name, provider, slots = "none", "", 1

    async def complete(self, request: Request, *, slot: int = 0) -> Reply:
        """Is never asked."""
        raise AssertionError(request)

    async def close(self) -> None:
        """Holds nothing."""


def verify(
    what: str | Path,
    hub: Path | str | None = None,
    *,
    checks: Checks | None = None,
    out: Path | str | None = None,
    reject: bool = False,
    text_field: str | None = None,
    language: str | None = None,
    model: str | LanguageModel | Sequence[LanguageModel] = DEFAULT_MODEL,
    second_model: str | LanguageModel | Sequence[LanguageModel] | None = None,
    encoder: str | EmbeddingModel | None = None,
    calls: Calls | None = None,
    watcher: Watcher | None = None,
) -> VerifyOutcome:
    """Check records of a data set of the hub, or the rows of a file.

    What is checked is never changed. A data set gets a new version: the verdicts stand beside its records,
    and with ``reject`` those that failed are left out where it is listed or exported. Of a file, ``out`` has
    every row with its verdicts; with ``reject`` those that failed stand in a file beside it.

    Replies of models are kept in the hub's journal, for a file in the folder ``OUT.work``: the same call asks
    nothing twice.

    Args:
        what: a file (JSON Lines, CSV or Parquet, also compressed), a folder, a pattern or an address, or the
            name of a data set.
        hub: that holds the data set.
        checks: which, and how.
        out: for a file, where its rows go: .jsonl or .jsonl.gz.
        reject: part what passes from what does not.
        text_field: the field of a file's rows that holds the text; None looks for the usual ones.
        language: of a file's texts, where their rows do not tell; None has it told by the texts.
        model: solves and judges.
        second_model: solves each problem once more.
        encoder: compares meanings, where it is not the built-in model.
        calls: how calls are made and what they may cost.
        watcher: is told how it goes.

    Raises:
        UserError: whatever the user can mend; nothing was asked then.
    """
    checks, calls = checks or Checks(), calls or Calls()
    if calls.estimate:
        raise UserError("--estimate: is not for verify; --max-calls and --max-cost bound what it spends")
    source = _source(str(what), hub, out, text_field, language, reject)
    names = _names(checks, source)
    asks = any(name in ASKING for name in names)
    models = calls.open(model) if asks else [_Nobody()]
    seconds = open_language_models(second_model) if second_model and "answers" in names else []
    if seconds and calls.batch:
        raise UserError("--second-model: cannot be asked through a batch API; leave --batch out")
    if seconds and seconds[0].name == models[0].name:
        raise UserError(
            f"--second-model {seconds[0].name}: is the first one, which would agree with itself; --samples"
            " asks it more often"
        )
    configuration: dict[str, Any] = {
        **source.identity,
        "reject": reject,
        "model": models[0].name,
        "second_model": seconds[0].name if seconds else None,
    }
    with ExitStack() as held:
        opened = calls.encoder_when_needed(encoder, held)
        checker = checker_for(
            names,
            checks,
            held,
            model=models[0].name,
            encoder=opened,
            second=seconds[0].name if seconds else "",
        )
        configuration |= identity_of(checks, names, checker)
        work = held.enter_context(
            working(
                source.hub,
                "verify",
                configuration,
                model=model if asks else None,
                models=models,
                # What is not called has no price and no batches.
                calls=calls if asks else Calls(),
                outcome=VerifyOutcome,
                watcher=watcher,
                given={"what": str(what), "out": str(out) if out else None},
            )
        )
        outcome = work.outcome
        outcome.hub = str(source.hub.path)
        outcome.checks = {name: CheckCounts() for name in names}
        for check in checker.asking:
            counts = outcome.checks[check.name]
            counts.asked = asked_by(check.name, configuration["model"], configuration["second_model"])
            counts.way = way_of(check)
            known = measured_of(check, counts.asked)
            # At another threshold it finds something else.
            if known and known.threshold in {None, check.version.get("threshold")}:
                counts.measured = known
        work.watcher.started("records", source.count, outcome.run, work.resumed)
        second = None
        if seconds and isinstance(work.engine, Engine):
            second = work.engine.beside(seconds, calls.price_of(seconds[0]))
        checker.engine, checker.second = work.engine, second
        for notice in checker.notices:
            work.watcher.notice(notice)
        wanted = (lambda row: source.wants(row, names)) if checks.names is None else (lambda _: names)
        with source.writing(work, reject) as accept:
            run_async(_run(work, checker, source, wanted, accept))
        work.ended({"records": outcome.checked, "passed": outcome.passed, "failed": outcome.failed})
        return outcome


def _source(
    what: str,
    hub: Path | str | None,
    out: Path | str | None,
    field: str | None,
    language: str | None,
    reject: bool,
) -> Checked:
    if hub is None and ("://" in what or Path(what).exists() or glob.glob(what, recursive=True)):
        if out is None:
            raise UserError(f"{what}: is a file, which is never changed: --out FILE says where the rows go")
        return FileChecked(what, Path(out), field, check_language(language) if language else None, reject)
    if hub is None:
        raise UserError(f"{what}: no such file; for a data set, --hub says where it is")
    if out is not None and Path(what).exists():
        raise UserError(f"{what}: is a file, and --hub goes with the name of a data set; leave one out")
    if out is not None:
        raise UserError(
            f"--out {out}: a data set of a hub keeps its verdicts there; personahub export writes it"
        )
    return DataSetChecked(Hub(hub), what)


def _names(checks: Checks, source: Checked) -> tuple[str, ...]:
    if checks.names is not None:
        return checks.names
    wanted = source.wanted()
    if not wanted:
        raise UserError(
            "--checks: say which to make, such as --checks language,repetition; there are"
            f" {', '.join(CHECKS)}"
        )
    return tuple(name for name in CHECKS if name in wanted)


async def _run(
    work: Work[VerifyOutcome],
    checker: Checker,
    source: Checked,
    wanted: Callable[[Any], Sequence[str]],
    accept: Accept,
) -> None:
    outcome = work.outcome
    async with work.engaged(), closing(checker.second):
        rows = source.rows()
        while batch := list(islice(rows, _BATCH)):
            items = [(row, item) for row, item in batch if item is not None]
            found = iter(await checker.check([item for _, item in items], [wanted(row) for row, _ in items]))
            if work.engine.stopping:
                return
            for row, item in batch:
                judged = next(found) if item is not None else {}
                accept(row, item, judged)
                if item is not None:
                    outcome.count(item, judged)
            work.advanced(outcome.checked, outcome.passed, {"records": outcome.checked})
