"""``personahub runs``: the commands that filled a hub, and what they set aside."""

from typing import Annotated

import typer

from personahub.cli.options import HubDir, Json

__all__ = ["runs_app"]

runs_app = typer.Typer(no_args_is_help=True, help="The commands that filled a hub.")


_MADE = {"documents", "personas", "records"}


@runs_app.command("list")
def list_command(hub: HubDir, json: Json = False) -> None:
    """List the runs, the oldest first."""
    from dataclasses import asdict

    from personahub.cli.display import counted, print_json
    from personahub.workflows.stats import list_runs

    runs = list_runs(hub)
    if json:
        print_json([asdict(run) for run in runs])
        return
    for run in runs:
        kept = {name: count for name, count in run.counts.items() if name in _MADE}
        print(f"{run.number:4}  {run.verb:10}  {run.status:11}  {run.started}  {counted(kept)}")


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
