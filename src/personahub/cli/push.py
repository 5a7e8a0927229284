"""``personahub push``."""

from pathlib import Path
from typing import Annotated

import typer

from personahub.cli.options import Json

__all__ = ["push_command"]


def push_command(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="What export --format huggingface wrote.")],
    repository: Annotated[
        str, typer.Argument(metavar="OWNER/NAME", help="The data set's repository on the Hugging Face Hub.")
    ],
    public: Annotated[
        bool, typer.Option("--public", help="Make a new repository for everybody to see; else it is private.")
    ] = False,
    json: Json = False,
) -> None:
    """Give an exported folder to the Hugging Face Hub, as one commit.

    The token is the one of hf auth login, or HF_TOKEN.
    """
    from personahub.cli.display import print_json
    from personahub.workflows.push import push

    outcome = push(folder, repository, public=public)
    if json:
        print_json(outcome.to_json())
        return
    print(f"{outcome.files:,} files, {outcome.bytes:,} bytes of {folder} are at {outcome.url}")
    if outcome.private:
        print("a new repository is private: who may see it is set there")
    if not outcome.signed:
        print("its manifest is not signed: export --sign KEY signs one")
