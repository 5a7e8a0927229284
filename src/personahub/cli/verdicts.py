"""What checks came to, told to a person."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from personahub.cli.display import console, counted, program
from personahub.cli.spending import say_calls

if TYPE_CHECKING:
    from personahub.workflows.verify import CheckCounts, VerifyOutcome

__all__ = ["print_outcome"]


def print_outcome(outcome: "VerifyOutcome", what: str, hub: Path | None, *, report: bool) -> None:
    """A line for each check, what was kept, and with ``report`` examples of what was rejected."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for column in ("check", "passed", "failed", "undecided"):
        table.add_column(column, justify="left" if column == "check" else "right")
    table.add_column("why")
    if report:
        table.add_column("calls", justify="right")
        table.add_column("tokens", justify="right")
        table.add_column("seconds", justify="right")
    for name, counts in outcome.checks.items():
        row = [name, f"{counts.passed:,}", f"{counts.failed.total():,}", f"{counts.undecided.total():,}"]
        why = counted(counts.failed + counts.undecided)
        row.append("" if why == "none" else why)
        table.add_row(*row, *(_cost(counts) if report else []))
    console().print(table)
    print(
        f"{outcome.checked:,} checked: {outcome.passed:,} passed, {outcome.failed:,} failed,"
        f" {outcome.undecided:,} undecided"
    )
    if outcome.unreadable:
        print(f"rows without a text, or that cannot be read: {counted(outcome.unreadable)}")
    for line in _trust(outcome):
        print(line)
    if report:
        _print_examples(outcome)
    if outcome.totals.calls or outcome.totals.answered_before:
        say_calls(outcome, Path(outcome.hub))
    if failures := outcome.totals.failures:
        print(f"calls that failed: {failures:,}; the same command asks them again")
        print(f"        {program()} runs failures {outcome.run.number} --hub {outcome.hub}    # why")
    if outcome.kept:
        print(f"rows: {outcome.kept}" + (f"; rejected: {outcome.rejected}" if outcome.rejected else ""))
    elif hub:
        print(f"next: {program()} datasets show {what!r} --hub {hub}")


def _cost(counts: "CheckCounts") -> list[str]:
    return [f"{counts.calls:,}", f"{counts.tokens:,}", f"{counts.seconds:,.0f}"]


def _trust(outcome: "VerifyOutcome") -> Iterator[str]:
    """How far the checks that ask agree with readers, or how to find out."""
    from personahub.workflows.measured import MEASURABLE

    unknown = []
    for name, counts in outcome.checks.items():
        if counts.measured:
            yield str(counts.measured)
        elif name in MEASURABLE:
            unknown.append(name)
    if unknown:
        model = outcome.run.given.get("model", outcome.run.configuration["model"])
        yield (
            f"how far {' and '.join(unknown)} by this model can be trusted is not known:"
            f" {program()} evaluate checks --model {model} measures it"
        )


def _print_examples(outcome: "VerifyOutcome") -> None:
    for name, counts in outcome.checks.items():
        if counts.kinds:
            print(f"{name}, what solutions agree on: {counted(counts.kinds)}")
        for reason, examples in counts.examples.items():
            print(f"\n{name}, {reason}:")
            for example in examples:
                print(f"  {example['name']}: {' '.join(example['text'].split())[:200]}")
                evidence = ", ".join(f"{key} {value}" for key, value in example["evidence"].items())
                print(f"    {evidence[:300]}")
