"""Watches a running sandbox: time, output, and what the kernel's own limits do not add up.

The kernel bounds the address space of each process, not the memory of all of them, and no unprivileged
process can count on a memory cgroup. So this process looks at the sandbox's own ``/proc`` every 20 ms, sums
up the resident memory, counts the files in the scratch folder, and kills everything when it is too much.
Between two looks a program may pass the limit by what it can touch in that time; whatever it does, it never
has more than ``processes`` times ``memory_bytes``.
"""

import os
import selectors
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from personahub.errors import UserError
from personahub.verification.sandbox.launch import Started
from personahub.verification.sandbox.limits import Limits, Status

__all__ = ["Watched", "watch"]

TICK = 0.02
CHUNK = 1 << 16
PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
SECOND_LOOKS = 3
"""A child made by vfork shares its parent's memory for a moment and is then counted twice."""


class Watched(NamedTuple):
    """Why the program was stopped (None: it ended by itself), its output so far, and how long it took."""

    stopped: Status | None
    stdout: bytes
    stderr: bytes
    seconds: float


def watch(started: Started, limits: Limits) -> Watched:
    """Read the output until the program ends or passes a limit; afterwards nothing of it runs any more.

    Raises:
        UserError: this process may not look into the sandbox.
    """
    began = time.monotonic()
    stdout = _Output(started.stdout.fileno(), limits.output_bytes)
    stderr = _Output(started.stderr.fileno(), limits.output_bytes)
    try:
        stopped = _until_ended(started, (stdout, stderr), began, limits)
    finally:
        started.end()
    seconds = time.monotonic() - began
    for output in (stdout, stderr):
        output.read_on()
        if output.passed and stopped is None:
            stopped = "output"
    return Watched(stopped, stdout.text, stderr.text, seconds)


def _until_ended(
    started: Started, outputs: "tuple[_Output, _Output]", began: float, limits: Limits
) -> Status | None:
    """Wait and read until the program has ended (None) or must be stopped (why)."""
    with selectors.DefaultSelector() as waiting, _Inside(started.init) as inside:
        for output in outputs:
            waiting.register(output.descriptor, selectors.EVENT_READ, output)
        waiting.register(started.account, selectors.EVENT_READ)
        deadline, next_look = began + limits.seconds, began + TICK
        while (now := time.monotonic()) < deadline:
            if now >= next_look:
                if stopped := inside.passed(limits):
                    return stopped
                next_look = time.monotonic() + TICK
            for key, _ in waiting.select(max(0.0, min(next_look, deadline) - now)):
                if key.data is None:
                    if started.hear():
                        return None
                elif not key.data.read():
                    waiting.unregister(key.fd)
                elif key.data.passed:
                    return "output"
        return "timeout"


class _Output:
    """One stream of the program, of which no more than ``most`` bytes, and one to tell, are ever held."""

    def __init__(self, descriptor: int, most: int) -> None:
        self.descriptor = descriptor
        self._most = most
        self._read = bytearray()
        os.set_blocking(self.descriptor, False)

    def read(self) -> bool:
        """Read what has come; False at the end of the stream."""
        with suppress(BlockingIOError):
            chunk = os.read(self.descriptor, min(CHUNK, self._most + 1 - len(self._read)))
            self._read += chunk
            return bool(chunk)
        return True

    def read_on(self) -> None:
        """Read what is left of a program that has ended: nobody else has the other end of the pipe."""
        while not self.passed and self.read():
            pass

    @property
    def passed(self) -> bool:
        """Whether there was more output than allowed."""
        return len(self._read) > self._most

    @property
    def text(self) -> bytes:
        """The output, as much of it as allowed."""
        return bytes(self._read[: self._most])


class _Inside:
    """The sandbox's root folder, as seen from out here; through it its /proc and its scratch folder."""

    def __init__(self, init: int) -> None:
        self._init = init
        self._root: int | None = None

    def __enter__(self) -> "_Inside":
        return self

    def __exit__(self, *_: object) -> None:
        if self._root is not None:
            os.close(self._root)

    def passed(self, limits: Limits) -> Status | None:
        """Return the limit that is passed now, if any."""
        if self._root is None and not self._open():
            return None
        if self._too_much_memory(limits.memory_bytes):
            return "memory"
        return "files" if self._files() > limits.files else None

    def _open(self) -> bool:
        """Open the root as soon as bubblewrap has built it; before, it is the host's.

        A PID namespace's /proc is a file system of its own, so its device number tells the two apart.
        """
        try:
            root = os.open(f"/proc/{self._init}/root", os.O_PATH | os.O_DIRECTORY)
        except (FileNotFoundError, ProcessLookupError):
            return False
        except PermissionError:
            raise UserError(
                "this process may not look into the sandbox for generated code, so cannot bound its memory;"
                " allow reading /proc of one's own processes (a security module forbids it)"
            ) from None
        with suppress(OSError):
            if os.stat("proc", dir_fd=root).st_dev != Path("/proc").stat().st_dev:
                self._root = root
                return True
        os.close(root)
        return False

    def _files(self) -> int:
        try:
            scratch = os.open("tmp", os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=self._root)
        except OSError:  # the sandbox has just ended
            return 0
        try:
            state = os.statvfs(scratch)
        finally:
            os.close(scratch)
        return state.f_files - state.f_ffree

    def _too_much_memory(self, most: int) -> bool:
        """Resident pages first, which is cheap but counts shared ones for each process; in doubt, shares."""
        if self._sum(self._resident) <= most:
            return False
        for _ in range(SECOND_LOOKS):
            if self._sum(self._share) <= most:
                return False
            time.sleep(TICK / 8)
        return True

    def _sum(self, memory: Callable[[str], int]) -> int:
        total = 0
        for process in self._list("proc"):
            if process.isdigit():
                total += memory(f"proc/{process}") or max(
                    # a main thread that has ended while others go on: only these show the memory
                    (memory(f"proc/{process}/task/{task}") for task in self._list(f"proc/{process}/task")),
                    default=0,
                )
        return total

    def _resident(self, process: str) -> int:
        fields = self._read(f"{process}/statm").split()
        return int(fields[1]) * PAGE if len(fields) > 1 else 0

    def _share(self, process: str) -> int:
        for line in self._read(f"{process}/smaps_rollup").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
        return 0

    def _list(self, folder: str) -> list[str]:
        try:
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY, dir_fd=self._root)
        except OSError:  # it has just ended
            return []
        try:
            return os.listdir(descriptor)  # noqa: PTH208 - a path could lead elsewhere by now
        except OSError:
            return []
        finally:
            os.close(descriptor)

    def _read(self, path: str) -> str:
        try:
            descriptor = os.open(path, os.O_RDONLY, dir_fd=self._root)
        except OSError:  # it has just ended
            return ""
        try:
            return os.read(descriptor, 1 << 12).decode(errors="replace")
        except OSError:
            return ""
        finally:
            os.close(descriptor)
