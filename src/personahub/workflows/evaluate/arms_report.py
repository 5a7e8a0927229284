"""What ``evaluate arms`` tells: tables, and a folder with the numbers, the tables and the plot."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from personahub.errors import UserError
from personahub.workflows.evaluate.arms_result import Arm, Arms
from personahub.workflows.evaluate.diversity import Diversity
from personahub.workflows.evaluate.diversity_report import FORMS, headings, markdown_line, table
from personahub.workflows.evaluate.diversity_report import notes as diversity_notes

__all__ = ["heading", "measured", "notes", "rows", "write_report"]

_NONE = "–"


def heading(result: Arms) -> str:
    """What was compared, in a line."""
    calls = "1 call" if result.calls == 1 else f"{result.calls:,} calls"
    return f"{result.task}: {calls} to {result.model} for each method, seed {result.seed}"


def rows(result: Arms) -> Iterator[list[str]]:
    """The rows of the table: what is counted, then each method's number."""
    arms = result.arms

    def row(name: str, *cells: str) -> list[str]:
        return [name, *cells]

    yield row("calls", *(f"{arm.calls:,}" for arm in arms))
    if any(arm.prepared for arm in arms):
        yield row("calls before the first record", *(f"{arm.prepared:,}" for arm in arms))
    if any(arm.spent.wasted for arm in arms):
        yield row("replies not usable", *(f"{arm.spent.wasted:,}" for arm in arms))
    yield row("tokens", *(f"{arm.tokens:,}" for arm in arms))
    yield row("cost", *(_dollars(arm.cost) for arm in arms))
    yield row("model's seconds", *(f"{arm.spent.seconds:,.0f}" for arm in arms))
    yield row("accepted", *(f"{arm.accepted:,}" for arm in arms))
    yield row("set aside", *(f"{sum(arm.set_aside.values()):,}" for arm in arms))
    yield row("questions given up", *(f"{arm.spent.failures:,}" for arm in arms))
    for check in result.checks:
        yield row(f"{check}: passed", *(_of_check(arm, check, "passed") for arm in arms))
        for outcome in ("failed", "undecided"):
            if any(check in arm.checks and getattr(arm.checks[check], outcome) for arm in arms):
                yield row(f"{check}: {outcome}", *(_of_check(arm, check, outcome) for arm in arms))
    yield row("kept", *(f"{arm.kept:,}" for arm in arms))
    yield row("kept of 100 calls", *(_share(arm) for arm in arms))
    yield from _for_each_kept("for each kept: ", result, checked=False)
    if any(arm.checks for arm in arms):
        yield row("calls of the checks", *(f"{_checks(arm):,}" for arm in arms))
        yield from _for_each_kept("with the checks: ", result, checked=True)


def _for_each_kept(name: str, result: Arms, *, checked: bool) -> Iterator[list[str]]:
    found = [arm.for_each_kept(checked=checked) for arm in result.arms]
    for what, form in (("calls", "{:,.1f}"), ("tokens", "{:,.0f}")):
        yield [f"{name}{what}", *(form.format(each[what]) if each else _NONE for each in found)]
    yield [f"{name}cost", *(_dollars(each["cost"]) if each else _NONE for each in found)]
    if not checked:
        seconds = (f"{arm.spent.seconds / arm.kept:,.1f}" if arm.kept else _NONE for arm in result.arms)
        yield [f"{name}seconds", *seconds]


def _of_check(arm: Arm, check: str, outcome: str) -> str:
    """How many; a dash where the check had nothing to look at."""
    found = arm.checks.get(check)
    if found is None:
        return _NONE
    return f"{found.passed:,}" if outcome == "passed" else f"{sum(getattr(found, outcome).values()):,}"


def _checks(arm: Arm) -> int:
    return sum(found.calls for found in arm.checks.values())


def _share(arm: Arm) -> str:
    if (share := arm.share(arm.kept)) is None:
        return _NONE
    value, low, high = (100 * each for each in share)
    return f"{value:.0f} [{low:.0f}, {high:.0f}]"


def _dollars(cost: float | None) -> str:
    if cost is None:
        return "unknown"
    return f"${cost:.4f}" if cost < 1 else f"${cost:,.2f}"


def measured(result: Arms) -> Iterator[tuple[str, Diversity]]:
    """Which records were measured, and how diverse they are."""
    if result.accepted:
        yield ("Accepted records" if result.kept else "Records"), result.accepted
    if result.kept:
        yield "Kept records", result.kept


def notes(result: Arms) -> Iterator[str]:
    """What the reader of the tables should know: each thing a line."""
    for arm in result.arms:
        if arm.calls < result.calls:
            yield f"{arm.name}: made {arm.calls:,} of {result.calls:,} calls, since there was no more to ask"
        if arm.set_aside:
            yield f"{arm.name}, set aside: {_counted(arm.set_aside)}"
        if arm.spent.failures_by_reason:
            yield f"{arm.name}, given up: {_counted(arm.spent.failures_by_reason)}"
        if arm.spent.untold:
            yield f"{arm.name}: of {arm.spent.untold:,} calls the tokens were not told"
        for check, found in arm.checks.items():
            if found.failed:
                yield f"{arm.name}, {check} failed: {_counted(found.failed)}"
            if found.undecided:
                yield f"{arm.name}, {check} not done (undecided): {_counted(found.undecided)}"
    if result.personas and result.personas < result.calls:
        yield f"{result.personas:,} personas for {result.calls:,} calls: each is asked again in turn"
    for form, why in (result.not_measured or {}).items():
        for name, reason in why.items():
            yield f"{name}: the diversity of the {form} records is not measured ({reason})"
    for what, diversity in measured(result):
        yield from (f"{what.lower()}, {line}" for line in diversity_notes(diversity))


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{reason} {count:,}" for reason, count in sorted(counts.items(), key=lambda it: -it[1]))


def write_report(result: Arms, out: Path) -> None:
    """Write ``arms.json``, ``.md``, ``.png`` and ``.svg`` into a folder, made where it is not there.

    Raises:
        UserError: the folder cannot be written.
    """
    from personahub.evaluation.arms_plot import ArmBar, ArmMeasures, plot_arms

    bars = [
        ArmBar(
            arm.name, arm.calls, arm.prepared, arm.accepted, arm.kept, arm.share(arm.kept) or (0.0, 0.0, 0.0)
        )
        for arm in result.arms
    ]
    panels = []
    for what, diversity in measured(result):
        by_name = {each.name: each.matched.measures for each in diversity.sets}
        told = headings(diversity)["matched"].removeprefix("Matched: ")
        panels.append(ArmMeasures(f"{what}: {told}", [by_name.get(arm.name) for arm in result.arms]))
    try:
        out.mkdir(parents=True, exist_ok=True)
        numbers = json.dumps(result.to_json(), ensure_ascii=False, indent=1)
        (out / "arms.json").write_text(numbers + "\n", encoding="utf-8")
        (out / "arms.md").write_text("\n".join(_markdown(result)) + "\n", encoding="utf-8")
        plot_arms(out / "arms", heading(result), bars, panels, checked=bool(result.checks))
    except OSError as error:
        raise UserError(f"--out {out}: cannot be written ({error.strerror or error})") from error


def _markdown(result: Arms) -> Iterator[str]:
    yield "# Methods compared"
    yield f"\n{heading(result)}. In brackets 95 % intervals.\n"
    yield from _table([arm.name for arm in result.arms], rows(result))
    for what, diversity in measured(result):
        for form in FORMS:
            yield f"\n## {what}. {headings(diversity)[form]}\n"
            yield from _table([each.name for each in diversity.sets], table(diversity, form))
    if told := list(notes(result)):
        yield "\n## Notes\n"
        yield from (f"- {line}" for line in told)
    yield "\n![what came of the calls, and how diverse it is](arms.png)"


def _table(names: list[str], lines: Iterator[list[str]]) -> Iterator[str]:
    yield markdown_line(["", *names])
    yield "|---|" + "--:|" * len(names)
    yield from map(markdown_line, lines)
