"""``personahub verify-manifest``."""

from pathlib import Path
from typing import Annotated

import typer

from personahub.cli.options import Json

__all__ = ["verify_manifest_command"]

_SHOWN = 20


def verify_manifest_command(
    path: Annotated[
        Path,
        typer.Argument(metavar="PATH", help="The data set's folder or file, or the manifest itself."),
    ],
    signer: Annotated[
        Path | None,
        typer.Option("--signer", metavar="KEY.pub", help="The public key that has to have signed it."),
    ] = None,
    unsigned: Annotated[
        bool, typer.Option("--unsigned", help="Take a manifest that nobody signed: hashes alone.")
    ] = False,
    json: Json = False,
) -> None:
    """See that a data set is, byte for byte, as it was when its manifest was signed, and who signed it."""
    from personahub.cli.display import print_json
    from personahub.workflows.manifest import verify_manifest

    check = verify_manifest(path, signer=signer, unsigned=unsigned)
    if json:
        print_json(check.to_json())
    elif check.faults:
        print(f"{check.manifest}: files that are not as it says: {len(check.faults):,}")
        for fault in check.faults[:_SHOWN]:
            print(f"  {fault}")
        if len(check.faults) > _SHOWN:
            print(f"  and {len(check.faults) - _SHOWN:,} more; --json lists all")
    else:
        by = f"signed by {check.signature.fingerprint}" if check.signature else "not signed"
        print(f"{check.dataset}: files {check.files:,}, bytes {check.bytes:,}, all as they were; {by}")
        if check.signature and signer is None:
            print("whether that is who it should be: --signer KEY.pub")
    if check.faults:
        raise typer.Exit(1)
