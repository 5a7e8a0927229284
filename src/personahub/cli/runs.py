"""``personahub runs``: the commands that filled a hub, what they cost, what failed, and asking that again."""

from typing import Annotated, Any

import typer

from personahub.cli.options import HubDir, Json, with_calls

__all__ = ["runs_app"]

runs_app = typer.Typer(no_args_is_help=True, help="The commands that filled a hub: cost, failures, retries.")

_MADE = {"documents", "personas", "records"}
RunNumber = Annotated[int, typer.Argument(metavar="RUN", help="The run's number (personahub runs list).")]


@runs_app.command("list")
def list_command(hub: HubDir, json: Json = False) -> None:
    """List the runs, the oldest first."""
    from dataclasses import asdict

    from personahub.cli.display import counted, print_json
    from personahub.workflows.runs import list_runs

    runs = list_runs(hub)
    if json:
        print_json([asdict(run) for run in runs])
        return
    for run in runs:
        kept = {name: count for name, count in run.counts.items() if name in _MADE}
        print(f"{run.number:4}  {run.verb:10}  {run.status:11}  {run.started}  {counted(kept)}")


@runs_app.command("show")
def show_command(run: RunNumber, hub: HubDir, json: Json = False) -> None:
    """Show a run: its configuration, how far it came, how fast, what it cost and what failed."""
    from personahub.cli.display import print_json
    from personahub.cli.spending import print_run
    from personahub.workflows.runs import show_run

    shown = show_run(hub, run)
    if json:
        print_json(shown)
    else:
        print_run(shown, hub)


@runs_app.command("failures")
def failures_command(
    run: RunNumber,
    hub: HubDir,
    reason: Annotated[str | None, typer.Option(help="Only what failed for this.")] = None,
    json: Json = False,
) -> None:
    """List the requests that a run gave up, each with its reason, attempts and what they used."""
    from personahub.cli.display import print_json
    from personahub.workflows.runs import list_failures

    for entry in list_failures(hub, run, reason):
        if json:
            # A line each, since a run can have millions.
            print_json(entry._asdict())
        else:
            text = " ".join(entry.text.split())[:120]
            tries = "1 try" if entry.attempts == 1 else f"{entry.attempts} tries"
            print(f"{entry.about or entry.key}  {entry.reason}  {tries}  ({entry.detail})  {text}")


@runs_app.command("retry")
@with_calls
def retry_command(
    run: RunNumber,
    hub: HubDir,
    only: Annotated[
        str | None, typer.Option(metavar="REASONS", help="Reasons, parted by commas; default: all.")
    ] = None,
    model: Annotated[
        str | None, typer.Option(metavar="MODEL", help="Where the run's model is now, if that has changed.")
    ] = None,
    json: Json = False,
    *,
    calls: dict[str, Any],
) -> None:
    """Ask a run's failed requests again, and make of the replies what the run would have made."""
    from personahub.cli.display import ProgressWatcher, print_json, say_interrupted
    from personahub.cli.spending import say_calls
    from personahub.workflows.calls import Calls
    from personahub.workflows.runs import retry

    watcher = ProgressWatcher()
    reasons = [reason.strip() for reason in only.split(",")] if only else []
    try:
        outcome = retry(hub, run, only=reasons, model=model, calls=Calls(**calls), watcher=watcher)
    finally:
        watcher.close()
    if json:
        print_json(outcome.to_json())
    else:
        say_calls(outcome, hub)
    if outcome.interrupted:
        raise typer.Exit(say_interrupted(outcome))


@runs_app.command("set-aside")
def set_aside_command(
    hub: HubDir,
    reason: Annotated[str | None, typer.Option(help="Only what was set aside for this.")] = None,
    json: Json = False,
) -> None:
    """List what did not pass, each case with its reason."""
    from personahub.cli.display import print_json
    from personahub.workflows.stats import list_set_aside

    cases = list_set_aside(hub, reason)
    if json:
        print_json(list(cases))
        return
    for case in cases:
        where = case["parent_id"] or f"{case['source']}, row {case['row']}"
        text = " ".join(case["text"].split())[:160]
        print(f"{case['id']}  {case['reason']}  ({case['detail']})  {where}  {text}")
