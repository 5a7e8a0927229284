"""The ``personahub`` command: its verbs, and how errors and interrupts leave the process."""

import errno
import os
import re
import sys
from pathlib import Path
from typing import Annotated

import typer

from personahub import __version__
from personahub.cli.ask import ask_command
from personahub.cli.curate import curate_command
from personahub.cli.datasets import datasets_app
from personahub.cli.dedup import dedup_app
from personahub.cli.demo import demo_command
from personahub.cli.evaluate import evaluate_app
from personahub.cli.exchange import export_command, import_command
from personahub.cli.expand import expand_command
from personahub.cli.forget import forget_command
from personahub.cli.hub import hub_app
from personahub.cli.look import sample_command, show_command, stats_command
from personahub.cli.manifest import verify_manifest_command
from personahub.cli.mix import mix_command
from personahub.cli.models import models_app
from personahub.cli.push import push_command
from personahub.cli.read import read_command
from personahub.cli.runs import runs_app
from personahub.cli.search import search_command
from personahub.cli.synthesize import OWN_OPTIONS, synthesize_command
from personahub.cli.task import task_app
from personahub.cli.trace import trace_command
from personahub.cli.tuning import tune_process
from personahub.cli.verify import verify_command
from personahub.errors import UserError

__all__ = ["app", "main"]

app = typer.Typer(
    name="personahub",
    help="Turn web text into personas, and personas into diverse, traceable synthetic data.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "PERSONAHUB"},
)


_STORAGE = re.compile(r"^External error: |LanceError\(|\bNot found: |does not appear to be a Lance file")
"""How Lance begins what it says of files that it cannot read; Arrow hands it on as an external error."""
_MOST_CHARACTERS = 200


def _say_version(asked: bool) -> None:
    if asked:
        print(f"personahub {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    _version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_say_version,
            is_eager=True,
            # PERSONAHUB_VERSION in the environment is somebody's note, and no wish to see it.
            allow_from_autoenv=False,
            help="Print the version and exit.",
        ),
    ] = False,
) -> None:
    """Takes the options of the program itself."""


app.command("demo")(demo_command)
app.command("read")(read_command)
app.command("curate")(curate_command)
app.command("expand")(expand_command)
app.add_typer(dedup_app, name="dedup")
app.command("search")(search_command)
app.command("import")(import_command)
app.command("sample")(sample_command)
app.command("show")(show_command)
app.command("stats")(stats_command)
app.command("synthesize", context_settings=OWN_OPTIONS)(synthesize_command)
app.command("ask")(ask_command)
app.add_typer(task_app, name="task")
app.add_typer(datasets_app, name="datasets")
app.command("verify")(verify_command)
app.add_typer(evaluate_app, name="evaluate")
app.command("mix")(mix_command)
app.command("export")(export_command)
app.command("push")(push_command)
app.command("trace")(trace_command)
app.command("forget")(forget_command)
app.command("verify-manifest")(verify_manifest_command)
app.add_typer(runs_app, name="runs")
app.add_typer(hub_app, name="hub")
app.add_typer(models_app, name="models")


def main() -> None:
    """Run the command line; a user's mistake is one line on stderr and exit code 2."""
    tune_process()
    try:
        app()
    except UserError as error:
        print(f"personahub: error: {error}", file=sys.stderr)
        sys.exit(2)
    except (OSError, ValueError) as error:
        if not (told := _disk_full(error) or _unreadable_hub(error)):
            raise
        print(f"personahub: error: {told}", file=sys.stderr)
        sys.exit(2)


def _disk_full(error: Exception) -> str | None:
    """What to say where the disk is full: whatever fills it (a temporary file, say), the user can mend it.

    Lance gives no number of the error, only the system's words.
    """
    number = error.errno if isinstance(error, OSError) else None
    if number not in {errno.ENOSPC, errno.EDQUOT} and "No space left on device" not in str(error):
        return None
    where = (error.filename if isinstance(error, OSError) else None) or "the disk"
    return f"{where}: no space left; free some, then run again"


def _unreadable_hub(error: Exception) -> str | None:
    """What to say where Lance cannot read files of the hub that the command line names."""
    hub = _named_hub()
    if hub is None or not _STORAGE.search(str(error)):
        return None
    first = str(error).partition("\n")[0].removeprefix("External error: ")
    reason = re.sub(r",? \S+\.rs:\d+.*", "", first)[:_MOST_CHARACTERS]
    return (
        f"{hub}: cannot be read ({reason}); its files are damaged or were taken away while it was read:"
        f" personahub hub check {hub}"
    )


def _named_hub() -> str | None:
    """The first hub among the arguments, or among what the environment gives for them."""
    from personahub.hub.marks import MARK

    given = [argument.removeprefix("--hub=") for argument in sys.argv[1:]]
    given += [value for name, value in os.environ.items() if name.startswith("PERSONAHUB_")]
    return next((name for name in given if Path(name, MARK).is_file()), None)
