"""Who may write a hub: one process at a time, by a lock that a killed process gives back."""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from personahub.errors import UserError

__all__ = ["at_rest", "writing"]

_NAME = "lock"


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Be the one process that writes the hub in this folder.

    Raises:
        UserError: another process is writing it.
    """
    with (folder / _NAME).open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in {errno.EWOULDBLOCK, errno.EACCES}:
                raise
            file.seek(0)
            raise UserError(
                f"{folder}: another personahub (process {file.read().strip() or 'unknown'})"
                " is writing this hub; wait until it ends, or use another hub"
            ) from error
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


@contextmanager
def at_rest(folder: Path) -> Iterator[None]:
    """Keep others from writing the hub in this folder while it is read; needs no right to write there.

    Raises:
        UserError: another process is writing it.
    """
    try:
        file = (folder / _NAME).open()
    except FileNotFoundError:
        yield
        return
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UserError(
                f"{folder}: another personahub (process {file.read().strip() or 'unknown'})"
                " is writing this hub; wait until it ends, or stop it"
            ) from error
        yield
