"""The process between this one and the sandboxes: it starts them, and outlives this one to end them.

bubblewrap ties a sandbox's life to its parent's only at the end of its setup, some 10 ms; a sandbox whose
parent is killed before then would go on, unwatched. So a small process of its own is the parent of them all:
it adopts whatever loses its parent below it (``PR_SET_CHILD_SUBREAPER``), and when this process is gone,
whatever killed it, ends every one of them, then itself. It also reaps them where no init would.

Requests go through a socket: the command as JSON, the descriptors beside it; nothing comes back.
"""

import atexit
import json
import os
import select
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

__all__ = ["start_kept"]

MOST_DESCRIPTORS = 250
"""The kernel passes 253 at once."""
MOST_BYTES = 1 << 17
PR_SET_CHILD_SUBREAPER = 36
LOOK = 1.0
"""Seconds between looks at who the parent is: a forked child of it may hold the socket open."""

_starting = threading.Lock()
_keeper: list[tuple[int, socket.socket]] = []


def start_kept(command: Sequence[str], passed: Sequence[int], streams: tuple[int, int, int]) -> None:
    """Have the keeper start a program, with an empty environment, in a session of its own.

    Args:
        command: its path, options, ``--``, and more; among the options ``{0}`` stands for the number of the
            first passed descriptor.
        passed: descriptors it inherits.
        streams: descriptors of its standard input, output and error.

    Raises:
        OSError: the keeper cannot be started, or there are too many descriptors.
    """
    message = json.dumps(list(command)).encode()
    try:
        socket.send_fds(_socket(), [message], [*streams, *passed])
    except (BrokenPipeError, ConnectionResetError):  # somebody ended it: a new one
        _forget()
        socket.send_fds(_socket(), [message], [*streams, *passed])


def _socket() -> socket.socket:
    """Return the socket to this process's keeper, started when it is first needed; a fork has its own."""
    with _starting:
        if not _keeper or _keeper[0][0] != os.getpid():
            _forget()
            ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with its:
                os.posix_spawn(
                    sys.executable,
                    [sys.executable, "-I", "-S", "-B", __file__],
                    {},
                    file_actions=[
                        (os.POSIX_SPAWN_DUP2, its.fileno(), 0),
                        (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
                        (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
                    ],
                    setsid=True,
                )
            _keeper.append((os.getpid(), ours))
            atexit.register(ours.close)
        return _keeper[0][1]


def _forget() -> None:
    for _, ours in _keeper:
        ours.close()
    _keeper.clear()


def _keep(requests: socket.socket) -> None:
    """Start what is asked for until the asking process is gone."""
    import ctypes

    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    parent = os.getppid()
    while os.getppid() == parent:
        if select.select([requests], [], [], LOOK)[0]:
            message, descriptors, _, _ = socket.recv_fds(requests, MOST_BYTES, MOST_DESCRIPTORS)
            if not message:
                break
            _start(json.loads(message), descriptors)
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def _start(command: list[str], descriptors: list[int]) -> None:
    """Start one program; the descriptors keep their numbers, and are closed here."""
    streams, passed = descriptors[:3], descriptors[3:]
    places = {f"{{{place}}}": str(descriptor) for place, descriptor in enumerate(passed)}
    options, rest = command[: command.index("--")], command[command.index("--") :]
    for descriptor in streams:  # recv_fds leaves all of them inheritable
        os.set_inheritable(descriptor, False)
    try:
        os.posix_spawn(
            command[0],
            [*(places.get(option, option) for option in options), *rest],
            {},
            file_actions=[
                (os.POSIX_SPAWN_DUP2, descriptor, number) for number, descriptor in enumerate(streams)
            ],
            setsid=True,
            setsigdef=[signal.SIGPIPE],
        )
    except OSError as error:
        os.write(streams[2], f"{command[0]}: {error.strerror}\n".encode())
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def _end_all() -> None:
    """Kill every process below this one; those that lose their parent come here and are next."""
    while True:
        for process in _children():
            with suppress(ProcessLookupError, PermissionError):
                os.kill(process, signal.SIGKILL)
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def _children() -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                state = (entry / "stat").read_text(encoding="utf-8", errors="replace")
                if int(state.rpartition(")")[2].split()[1]) == os.getpid():
                    found.append(int(entry.name))
    return found


if __name__ == "__main__":
    try:
        with socket.socket(fileno=0) as asking:
            os.chdir("/")
            os.closerange(3, os.sysconf("SC_OPEN_MAX"))  # whatever this process has left inheritable
            _keep(asking)
    finally:
        _end_all()
