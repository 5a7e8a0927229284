"""``personahub evaluate``: measurements of what was made."""

import typer

from personahub.cli.evaluate.arms import arms_command
from personahub.cli.evaluate.checks import checks_command
from personahub.cli.evaluate.coverage import coverage_command
from personahub.cli.evaluate.diversity import diversity_command
from personahub.cli.evaluate.duplicates import duplicates_command
from personahub.cli.evaluate.similarity import similarity_command
from personahub.cli.synthesize import OWN_OPTIONS

__all__ = ["evaluate_app"]

_HELP = "Measure: how diverse texts are, what methods give, what hubs lack or repeat, how right checks are."

evaluate_app = typer.Typer(no_args_is_help=True, help=_HELP)


@evaluate_app.callback(help=_HELP)
def _group() -> None:
    """Stands above the six."""


evaluate_app.command("diversity")(diversity_command)
evaluate_app.command("arms", context_settings=OWN_OPTIONS)(arms_command)
evaluate_app.command("similarity")(similarity_command)
evaluate_app.command("coverage")(coverage_command)
evaluate_app.command("duplicates")(duplicates_command)
evaluate_app.command("checks")(checks_command)
