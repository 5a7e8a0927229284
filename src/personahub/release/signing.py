"""Signatures by the user's own SSH key, made and checked by OpenSSH's ``ssh-keygen``.

OpenSSH has the keys that people have already, with passphrases, agents and hardware, and anybody can check
the signature without this software: ``ssh-keygen -Y check-novalidate -n personahub -s FILE.sig < FILE``.
"""

import re
import shutil
import stat
import subprocess
from pathlib import Path
from typing import NamedTuple

from personahub.errors import UserError

__all__ = ["NAMESPACE", "Signature", "check_key", "check_signature", "sign"]

NAMESPACE = "personahub"
"""What signatures are for, so that none can be used for something else."""
_FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]+")


class Signature(NamedTuple):
    """Who signed."""

    fingerprint: str
    """Of the public key, such as SHA256:…, as ``ssh-keygen -l`` prints it."""
    kind: str
    """Of the key, such as ED25519."""


def check_key(key: Path) -> None:
    """See that a private key can be used, before anything is made.

    Raises:
        UserError: there is none, others may read it, or there is no ``ssh-keygen``.
    """
    _program()
    if not key.is_file():
        raise UserError(f"{key}: no such key; ssh-keygen -t ed25519 -f {key} makes one")
    mode = stat.S_IMODE(key.stat().st_mode)
    if mode & 0o077:
        raise UserError(f"{key}: others may read this key (mode {mode:03o}); chmod 600 {key}")


def sign(file: Path, key: Path) -> Path:
    """Sign a file; a passphrase is asked for on the terminal where the key has one.

    Args:
        file: what is signed.
        key: a private key, or a public one whose private key an agent holds.

    Returns:
        The signature's file, beside it.

    Raises:
        UserError: the key cannot be used.
    """
    check_key(key)
    command = ["-Y", "sign", "-f", str(key), "-n", NAMESPACE]
    done = _run(command, file.read_bytes())
    if done.returncode:
        raise UserError(f"{key}: cannot sign ({_last_line(done.stderr)})")
    signature = file.with_name(f"{file.name}.sig")
    signature.write_bytes(done.stdout)
    return signature


def check_signature(file: Path, signer: Path | None = None) -> Signature:
    """See that a file is as it was when it was signed, and by whom.

    Args:
        file: what was signed; its signature lies beside it.
        signer: the public key that has to have signed it; None for any.

    Raises:
        UserError: there is no signature, it is of another file, or by another key.
    """
    signature = file.with_name(f"{file.name}.sig")
    if not signature.is_file():
        raise UserError(f"{file}: is not signed ({signature.name} is not there)")
    done = _run(["-Y", "check-novalidate", "-n", NAMESPACE, "-s", str(signature)], file.read_bytes())
    said = done.stdout.decode(errors="replace")
    found = _FINGERPRINT.search(said)
    if done.returncode or not found:
        raise UserError(
            f"{file}: was changed since it was signed, or {signature.name} is no signature of it"
            f" ({_last_line(done.stderr or done.stdout)})"
        )
    kind = re.search(r"with (\S+) key", said)
    made = Signature(found[0], kind[1] if kind else "")
    if signer is not None and made.fingerprint != (wanted := fingerprint_of(signer)):
        raise UserError(f"{file}: was signed by {made.fingerprint}, and not by {signer}, which is {wanted}")
    return made


def fingerprint_of(key: Path) -> str:
    """Of a key's file.

    Raises:
        UserError: it is none.
    """
    done = _run(["-l", "-f", str(key)], b"")
    found = _FINGERPRINT.search(done.stdout.decode(errors="replace"))
    if done.returncode or not found:
        raise UserError(f"{key}: is no public key ({_last_line(done.stderr or done.stdout)})")
    return found[0]


def _program() -> str:
    if (program := shutil.which("ssh-keygen")) is None:
        raise UserError(
            "ssh-keygen is not there, which signs and checks signatures: install OpenSSH's client"
        )
    return program


def _run(arguments: list[str], content: bytes) -> "subprocess.CompletedProcess[bytes]":
    # The program's path is the system's own; the arguments go to it as they are, through no shell.
    return subprocess.run(  # noqa: S603
        [_program(), *arguments], input=content, capture_output=True, check=False
    )


def _last_line(said: bytes) -> str:
    lines = said.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it did not say why"
