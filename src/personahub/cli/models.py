"""``personahub models``: the embedded language models, their weights and where they come from."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from personahub.models.files import Progress
    from personahub.models.store import StoredModel

__all__ = ["models_app"]

models_app = typer.Typer(
    name="models",
    help="List the embedded language models and fetch their weights.",
    no_args_is_help=True,
)

_Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
_Name = Annotated[str, typer.Argument(help="A name from `personahub models list`.")]


@models_app.command("list")
def list_command(as_json: _Json = False) -> None:
    """List the models that can be named, and where their weights lie."""
    from personahub.workflows.models import list_models

    models = list_models()
    if as_json:
        typer.echo(json.dumps([_row(model) for model in models], indent=2))
    else:
        _print_table(models)


@models_app.command("pull")
def pull_command(name: _Name, as_json: _Json = False) -> None:
    """Fetch a model's weights, verify them, and print the file's path."""
    from personahub.workflows.models import pull_model

    try:
        with _progress(name) as progress:
            path = pull_model(name, progress, notice=lambda line: print(line, file=sys.stderr))
    except KeyboardInterrupt:
        print(
            "interrupted; what came whole is kept, and the same command goes on from there",
            file=sys.stderr,
        )
        raise typer.Exit(130) from None
    typer.echo(json.dumps({"name": name, "path": str(path)}) if as_json else str(path))


@models_app.command("path")
def path_command(name: _Name, as_json: _Json = False) -> None:
    """Print where a model's weights lie; fails if they were not fetched yet."""
    from personahub.workflows.models import model_path

    path = model_path(name)
    typer.echo(json.dumps({"name": name, "path": str(path)}) if as_json else str(path))


@models_app.command("terms")
def terms_command(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME…]", help="Models; default: the whole table.")
    ] = None,
    own: Annotated[
        Path | None,
        typer.Option(
            "--own", metavar="FILE", help="Your own entries, in YAML, which come before the table's."
        ),
    ] = None,
    as_json: _Json = False,
) -> None:
    """Tell what the makers of models allow to be done with outputs, as far as it is known here."""
    from personahub.models.terms import known_terms, terms_of

    found = [((name,), terms_of(name, own)) for name in names or ()] or known_terms()
    if as_json:
        typer.echo(json.dumps([{**terms.to_json(), "models": models} for models, terms in found], indent=2))
        return
    for models, terms in found:
        known = f", as known {terms.known}: {terms.source}" if terms.known else ""
        typer.echo(f"{', '.join(models)}: {terms.outputs} ({terms.licence}{known})")
        if terms.note:
            typer.echo(f"  {terms.note}")
    typer.echo("no legal advice: read the terms before you rely on them")


def _row(model: "StoredModel") -> dict[str, object]:
    """One model as JSON."""
    return {
        "name": model.name,
        "description": model.description,
        "licence": model.licence,
        "origin": model.origin,
        "size": model.size,
        "path": str(model.path) if model.path else None,
    }


def _print_table(models: "list[StoredModel]") -> None:
    """Print the table: within the width of a terminal, uncut into a file or a pipe."""
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("name", "size", "licence", "origin", "weights"):
        table.add_column(
            title,
            overflow="fold",
            no_wrap=title == "name",
            justify="right" if title == "size" else "left",
        )
    for model in models:
        weights = str(model.path) if model.path else "not fetched"
        table.add_row(model.name, _megabytes(model.size), model.licence, model.origin, weights)
    console = Console(width=None if sys.stdout.isatty() else 10_000, highlight=False, markup=False)
    console.print(table)


@contextmanager
def _progress(name: str) -> Iterator["Progress"]:
    """Show bytes, rate and time left on a terminal, and a line for each tenth elsewhere."""
    if sys.stderr.isatty():
        with _bar(name) as report:
            yield report
        return
    shown = -1

    def report_line(done: int, total: int) -> None:
        nonlocal shown
        tenth = 10 * done // max(total, 1)
        if tenth > shown:
            shown = tenth
            print(f"{name}: {_megabytes(done)} of {_megabytes(total)}", file=sys.stderr, flush=True)

    yield report_line


@contextmanager
def _bar(name: str) -> Iterator["Progress"]:
    """A progress bar on standard error."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    ) as bar:

        def report(done: int, total: int) -> None:
            # The first call opens the bar, so that bytes from before don't count into the rate.
            if bar.task_ids:
                bar.update(bar.task_ids[0], completed=done, total=total)
            else:
                bar.add_task(name, completed=done, total=total)

        yield report


def _megabytes(size: int) -> str:
    """Bytes as people read them."""
    return f"{size / 1e6:,.0f} MB"
