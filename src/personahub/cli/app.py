"""The ``personahub`` command: its verbs, and how errors and interrupts leave the process."""

import sys

import typer

from personahub.cli.models import models_app
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
app.add_typer(models_app, name="models")


def main() -> None:
    """Run the command line; a user's mistake is one line on stderr and exit code 2."""
    try:
        app()
    except UserError as error:
        print(f"personahub: error: {error}", file=sys.stderr)
        sys.exit(2)
