"""What both ways of fetching weights share: hashes, safe writes, errors without secrets.

Writes fail as :class:`UserError` at once, since no other source helps a full disk; a source that
fails raises :class:`FetchError`, and the store goes on to the next one.
"""

import errno
import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from personahub.errors import UserError

__all__ = [
    "FetchError",
    "Progress",
    "byte_limit",
    "check_space",
    "disk_errors",
    "no_space",
    "redact",
    "settle",
    "sha256_of",
    "size_of",
]

Progress = Callable[[int, int], None]
"""Called with the bytes that are there and the bytes of the whole."""


class FetchError(Exception):
    """One source could not give the weights; the message says why in a few words."""


def sha256_of(path: Path) -> str:
    """The hexadecimal SHA-256 of a file.

    Raises:
        UserError: The file cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error


def size_of(path: Path) -> int:
    """Bytes of a file, 0 where there is none."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def byte_limit(size: int) -> int:
    """The bytes past which a source is not sending a model of about ``size`` bytes."""
    return size + size // 4 + 1_000_000


def redact(text: str) -> str:
    """The text without ``user:password@`` in addresses; rather too much is removed than too little.

    Example:
        >>> redact("no route to https://me:secret@index.example/simple")
        'no route to https://index.example/simple'
    """
    return re.sub(r"://\S*@", "://", text)


def no_space(target: Path) -> UserError:
    """The error of a full disk."""
    return UserError(
        f"no space left on the disk of {target}; free some, or set PERSONAHUB_MODELS to a folder "
        "on a larger disk, and run the same command again"
    )


@contextmanager
def disk_errors(target: Path) -> Iterator[None]:
    """Turn the failures of writing ``target`` into one clear line.

    Raises:
        UserError: The disk is full, or the path cannot be written.
    """
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise no_space(target) from error
        raise UserError(
            f"cannot write {target}: {error.strerror}; set PERSONAHUB_MODELS to a folder that can be written"
        ) from error


def check_space(folder: Path, needed: int) -> None:
    """Refuse to begin what the disk cannot hold.

    Raises:
        UserError: Fewer than ``needed`` bytes are free where ``folder`` lies.
    """
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise UserError(
            f"not enough space in {folder}: about {needed / 1e6:,.0f} MB needed, {free / 1e6:,.0f} "
            "MB free; free some, or set PERSONAHUB_MODELS to a folder on a larger disk"
        )


def settle(source: Path, final: Path) -> None:
    """Move a whole, verified file to its final place; after a power cut it is there or it is not.

    Raises:
        UserError: The disk refused.
    """
    with disk_errors(final):
        _sync(source)
        source.replace(final)
        _sync(final.parent)


def _sync(path: Path) -> None:
    """Have the disk hold what was written to a file or a folder."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
