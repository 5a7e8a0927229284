"""What calls came to, or will come to, in words."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from personahub.cli.display import counted, program
from personahub.workflows.estimate import Estimate, Range
from personahub.workflows.running import Outcome

__all__ = ["dollars", "print_estimate", "print_run", "say_calls"]


def dollars(cost: float, unpriced: int) -> str:
    """Money in words; what nobody knows is never called nothing."""
    known = _money(cost)
    if not unpriced:
        return known
    if not cost:
        return "cost unknown"
    return f"{known} and {unpriced:,} calls of unknown cost"


def _money(cost: float) -> str:
    return f"${cost:.4f}" if cost < 1 else f"${cost:,.2f}"


def say_calls(outcome: Outcome, hub: Path) -> None:
    """What the run's calls came to, and where to read why some failed."""
    totals = outcome.totals
    print(
        f"calls: {totals.calls:,} ({totals.answered_before:,} answered before,"
        f" {totals.retried:,} repeated after a fault), {outcome.seconds:.0f} s"
    )
    if totals.calls:
        share = totals.cached_tokens / totals.prompt_tokens if totals.cached_tokens else 0.0
        cached = f", {share:.0%} from a cache" if share else ""
        print(
            f"tokens: {totals.prompt_tokens:,} of prompts{cached}, {totals.completion_tokens:,} of replies;"
            f" {dollars(totals.cost, totals.unpriced)}"
        )
    if outcome.failures:
        print(f"failed: {counted(outcome.failures)}")
        print(f"        {program()} runs failures {outcome.run.number} --hub {hub}    # why")
        print(f"        {program()} runs retry {outcome.run.number} --hub {hub}       # ask these again")


def print_estimate(estimate: Estimate) -> None:
    """What the whole run will come to, as ranges."""
    about = f"{estimate.units:,} {estimate.unit}"
    if not estimate.known:
        about = f"every {about} (how many there are is not known)"
    print(f"estimate for {about}, from {estimate.sampled} of them:")
    print(f"  calls       {_span(estimate.calls)}")
    prompts, replies = _span(estimate.prompt_tokens), _span(estimate.completion_tokens)
    print(f"  tokens      {prompts} of prompts, {replies} of replies")
    cost = estimate.cost
    print(
        f"  cost        {f'{_money(cost.low)} to {_money(cost.high)}' if cost else 'unknown (give --prices)'}"
    )
    print(f"  time        {_duration(estimate.seconds.low)} to {_duration(estimate.seconds.high)}")
    if estimate.failed:
        print(f"  failed      {estimate.failed:,} of the calls made for it, which are not in these figures")


def _span(span: Range) -> str:
    low, high = round(span.low), round(span.high)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def print_run(run: Mapping[str, Any], hub: Path) -> None:
    """All of a run on one screen."""
    counts = run["counts"]
    print(f"run {run['number']}: {run['verb']}, {run['status']}")
    print(f"  began {run['started']}, ended {run['ended'] or '–'}, fingerprint {run['fingerprint']}")
    for name, value in run["configuration"].items():
        if value is not None:
            print(f"    {name:16} {value}")
    made = {name: count for name, count in counts.items() if isinstance(count, int)}
    print(f"  made        {counted(made)}")
    print(f"  set aside   {counted(counts.get('set_aside', {}))}")
    last = counts.get("last_invocation", {})
    if last.get("seconds"):
        rate = last["calls"] / last["seconds"]
        print(f"  last time   {last['calls']:,} calls in {last['seconds']:,.1f} s: {rate:,.2f} a second,")
        print(f"              {last['retried']:,} repeated after a fault, {last['refused']:,} refused")
    if run["spent"] is None:
        print("  spent       known when the process that is writing the hub ends")
        return
    for model, spent in run["spent"].items():
        _print_spent(model, spent)
    if any(spent["failures_by_reason"] for spent in run["spent"].values()):
        print(f"  why         {program()} runs failures {run['number']} --hub {hub}")
        print(f"  again       {program()} runs retry {run['number']} --hub {hub}")


def _print_spent(model: str, spent: Mapping[str, Any]) -> None:
    print(f"  {model}")
    print(
        f"    answered  {spent['replies']:,}; wasted {spent['wasted']:,} (billed or maybe billed, not usable)"
    )
    share = spent["cached_tokens"] / spent["prompt_tokens"] if spent["prompt_tokens"] else 0.0
    print(
        f"    tokens    {spent['prompt_tokens']:,} of prompts ({share:.0%} from a cache),"
        f" {spent['completion_tokens']:,} of replies"
    )
    if spent["untold"]:
        print(f"              and those of {spent['untold']:,} calls that nobody told")
    print(f"    cost      {dollars(spent['cost'], spent['unpriced'])}")
    if spent["failures_by_reason"]:
        print(f"    failed    {counted(spent['failures_by_reason'])}")
