"""``personahub datasets``: the data sets of a hub: which there are, and what is in one."""

from typing import TYPE_CHECKING, Annotated

import typer

from personahub.cli.options import At, HubDir, Json

if TYPE_CHECKING:
    from personahub.workflows.datasets import DataSet

__all__ = ["datasets_app"]

datasets_app = typer.Typer(
    no_args_is_help=True, help="The data sets that synthesize made in a hub: list and show them."
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The data set's name (personahub datasets list).")]


@datasets_app.command("list")
def list_command(hub: HubDir, at: At = None, json: Json = False) -> None:
    """List the data sets with what made them."""
    from personahub.cli.display import print_json
    from personahub.workflows.datasets import list_datasets

    found = list_datasets(hub, at=at)
    if json:
        print_json([data_set.to_json() for data_set in found])
        return
    for data_set in found:
        print(f"{data_set.name}: {data_set.records:,} records")
        _print_counts(data_set)
    if not found:
        typer.echo(
            f"{hub} holds no data sets yet; personahub synthesize TASK --hub {hub} makes one", err=True
        )


@datasets_app.command("show")
def show_command(
    name: Name,
    hub: HubDir,
    n: Annotated[int, typer.Option("-n", help="How many of its records to show.")] = 5,
    at: At = None,
    json: Json = False,
) -> None:
    """Show a data set: what made it, what its runs set aside, and its first records."""
    from personahub.cli.display import counted, print_json, program
    from personahub.workflows.datasets import show_dataset

    details = show_dataset(hub, name, n, at=at)
    if json:
        print_json(details.to_json())
        return
    print(f"{name}: {details.data_set.records:,} records")
    _print_counts(details.data_set)
    print(f"  set aside  {counted(details.set_aside)}")
    for check, sums in details.checks.items():
        failed = f", {sums.failed.total():,} failed ({counted(sums.failed)})" if sums.failed else ""
        undecided = f", {sums.undecided.total():,} undecided" if sums.undecided else ""
        print(f"  {check:9}  {sums.passed:,} passed{failed}{undecided}")
    if details.rejected:
        print(f"  rejected   {details.rejected:,} records, which an export leaves out")
    for record in details.first:
        persona = f"  {record['persona']}" if record["persona"] else ""
        print(f"\n{record['id']}{persona}\n{record['text']}")
    if details.first:
        print(f"\nnext: {program()} show {details.first[0]['id']} --hub {hub}")


def _print_counts(data_set: "DataSet") -> None:
    from personahub.cli.display import counted

    for what, counts in (
        ("tasks", data_set.tasks),
        ("methods", data_set.methods),
        ("languages", data_set.languages),
        ("models", data_set.models),
    ):
        print(f"  {what:9}  {counted(counts)}")
    numbers = list(data_set.runs)
    runs = f"run {numbers[0]}, of {data_set.first_run}"
    if len(numbers) > 1:
        runs = f"{len(numbers)}, from {runs} to run {numbers[-1]}, of {data_set.last_run}"
    print(f"  {'runs':9}  {runs}")
