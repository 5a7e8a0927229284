"""Starts one program behind every wall, with its limits set before its first instruction.

bubblewrap makes the namespaces, tells the process it put into them, and waits at a gate; meanwhile this
process sets the limits of that process with ``prlimit`` and, as root, its user mapping. Then the gate opens.
So no limit depends on the sandboxed interpreter's goodwill, and none is set on this process.
"""

import fcntl
import json
import math
import os
import resource
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from io import FileIO
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from personahub.errors import UserError
from personahub.verification.sandbox.limits import MIB, Limits
from personahub.verification.sandbox.requirements import Tools, why_not
from personahub.verification.sandbox.seccomp import seccomp_program
from personahub.verification.sandbox.view import SCRATCH, interpreter_view

__all__ = ["Started", "start"]

NOBODY = 65534
"""The user and group of the program where this process is root: limits on processes do not hold for root."""
ROOT_MAP = f"0 0 1\n{NOBODY} {NOBODY} 1\n"
OPEN_FILES = 256
STACK_BYTES = 8 * MIB
PENDING_SIGNALS = 256
NAMESPACES = ("user", "ipc", "pid", "net", "uts", "cgroup-try")


class Started(NamedTuple):
    """A running sandbox: bubblewrap, the first process inside (number, descriptor), bubblewrap's account."""

    bubblewrap: subprocess.Popen[bytes]
    init: int
    init_descriptor: int
    account: int

    def end(self) -> None:
        """Kill whatever still runs inside and wait until all of it is gone; may be called again.

        When the first process of a PID namespace dies, the kernel kills the others and lets it go last.
        """
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.init_descriptor, signal.SIGKILL)
        self.bubblewrap.wait()
        with suppress(ChildProcessError):  # ours only where this process is a container's first
            os.waitid(os.P_PIDFD, self.init_descriptor, os.WEXITED)

    def told(self) -> list[str]:
        """Return the lines of bubblewrap's account; it is complete once :meth:`end` has returned."""
        return os.read(self.account, 1 << 12).decode().splitlines()

    def close(self) -> None:
        """Give the descriptors back."""
        for stream in (self.bubblewrap.stdout, self.bubblewrap.stderr):
            if stream:
                stream.close()
        os.close(self.init_descriptor)
        os.close(self.account)


def start(
    tools: Tools, limits: Limits, files: Mapping[str, bytes], arguments: Sequence[str], stdin: bytes
) -> Started:
    """Start Python with these arguments in a folder with these files.

    Args:
        tools: the executables that build the sandbox.
        limits: set before anything untrusted runs.
        files: by relative path, already checked.
        arguments: of the interpreter.
        stdin: what it reads.

    Raises:
        UserError: the sandbox could not be built.
    """
    with ExitStack() as stack:
        (told, info), (gate, opener), (account, status) = (_pipe(stack) for _ in range(3))
        rules, standard_input = _data(stack, seccomp_program()), _data(stack, stdin)
        contents = {path: _data(stack, content) for path, content in files.items()}
        options = [
            *_isolation(tools, gate.fileno(), info.fileno(), status.fileno(), rules.fileno()),
            *_folder(limits, {path: content.fileno() for path, content in contents.items()}),
            *interpreter_view(*_shown_tools(tools)).options,
            *("--chdir", SCRATCH, "--remount-ro", "/"),
        ]
        bubblewrap = subprocess.Popen(  # noqa: S603 - options and checked paths, no shell
            [str(tools.bubblewrap), *options, "--", *_command(tools, arguments)],
            env={},  # /proc/1/environ inside shows it
            cwd="/",
            stdin=standard_input,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=[file.fileno() for file in (info, gate, status, rules, *contents.values())],
            start_new_session=True,  # Ctrl-C reaches this process, which then ends the sandbox in order
        )
        for end in (info, gate, status):
            end.close()
        try:
            init = _first_process(bubblewrap, told)
            started = Started(bubblewrap, init, os.pidfd_open(init), os.dup(account.fileno()))
        except BaseException:
            bubblewrap.kill()
            bubblewrap.communicate()
            raise
        try:
            _set_limits(init, limits, as_root=tools.setpriv is not None)
            opener.write(b"11")  # one for the gate of the user namespace, one for that of the program
        except BaseException:
            started.end()
            started.close()
            raise
        return started


def _pipe(stack: ExitStack) -> tuple[FileIO, FileIO]:
    reader, writer = os.pipe()
    return stack.enter_context(FileIO(reader, "r")), stack.enter_context(FileIO(writer, "w"))


def _data(stack: ExitStack, content: bytes) -> FileIO:
    """Return a file in memory with this content, at its start, that can no more be written to."""
    file = stack.enter_context(FileIO(os.memfd_create("sandbox", os.MFD_ALLOW_SEALING), "r+"))
    left = memoryview(content)
    while left:
        left = left[file.write(left) :]
    file.seek(0)
    fcntl.fcntl(file, fcntl.F_ADD_SEALS, fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK)
    return file


def _isolation(tools: Tools, gate: int, info: int, status: int, rules: int) -> list[str]:
    """Return the options for namespaces, capabilities and system calls, and for talking to bubblewrap."""
    options = [f"--unshare-{namespace}" for namespace in NAMESPACES]
    options += ["--hostname", "sandbox", "--die-with-parent", "--new-session", "--cap-drop", "ALL"]
    options += ["--seccomp", str(rules), "--info-fd", str(info), "--json-status-fd", str(status)]
    options += ["--block-fd", str(gate)]
    if tools.setpriv is None:
        return [*options, "--uid", str(NOBODY), "--gid", str(NOBODY)]
    options += ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]  # for setpriv,
    options += ["--cap-add", "CAP_SETPCAP"]  # which gives all of them away
    return [*options, "--userns-block-fd", str(gate)]


def _folder(limits: Limits, files: Mapping[str, int]) -> list[str]:
    """Return the options for a scratch folder of bounded size with these files, all of them writable."""
    options = ["--perms", "0777", "--size", str(limits.scratch_bytes), "--tmpfs", SCRATCH]
    folders = {str(parent) for path in files for parent in PurePosixPath(path).parents} - {"."}
    for folder in sorted(folders):
        options += ["--perms", "0777", "--dir", f"{SCRATCH}/{folder}"]
    for path, descriptor in files.items():
        options += ["--perms", "0666", "--file", str(descriptor), f"{SCRATCH}/{path}"]
    return options


def _command(tools: Tools, arguments: Sequence[str]) -> list[str]:
    python = interpreter_view(*_shown_tools(tools)).python
    if tools.setpriv is None:
        return [python, *arguments]
    user = ["--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups"]
    return [str(tools.setpriv), *user, "--inh-caps", "-all", "--bounding-set", "-all", python, *arguments]


def _shown_tools(tools: Tools) -> tuple[str, ...]:
    return (str(tools.setpriv),) if tools.setpriv else ()


def _first_process(bubblewrap: "subprocess.Popen[bytes]", told: FileIO) -> int:
    """Return the number, out here, of the process that bubblewrap put into the namespaces.

    Raises:
        UserError: bubblewrap ended without one.
    """
    said = told.readall()
    if not said:
        raise UserError(why_not(bubblewrap.communicate()[1].decode(errors="replace")))
    return int(json.loads(said)["child-pid"])


def _set_limits(init: int, limits: Limits, *, as_root: bool) -> None:
    """Set what the kernel holds to, for that process and all that come from it; as root, map its users."""
    seconds = math.ceil(limits.seconds)
    wanted = {
        resource.RLIMIT_AS: (limits.memory_bytes, limits.memory_bytes),
        resource.RLIMIT_CPU: (seconds, seconds + 1),  # SIGXCPU tells the reason; who ignores it is killed
        resource.RLIMIT_FSIZE: (limits.file_bytes, limits.file_bytes),
        # where users are not mapped, bubblewrap's own process inside counts as well
        resource.RLIMIT_NPROC: (limits.processes + (not as_root),) * 2,
        resource.RLIMIT_NOFILE: (OPEN_FILES, OPEN_FILES),
        resource.RLIMIT_STACK: (STACK_BYTES, STACK_BYTES),
        resource.RLIMIT_SIGPENDING: (PENDING_SIGNALS, PENDING_SIGNALS),
        resource.RLIMIT_CORE: (0, 0),
        resource.RLIMIT_MEMLOCK: (0, 0),
        resource.RLIMIT_MSGQUEUE: (0, 0),
    }
    for kind, bounds in wanted.items():
        ceiling = resource.prlimit(init, kind)[1] % 2**64  # an ordinary user cannot raise it; -1 is none
        resource.prlimit(init, kind, (min(bounds[0], ceiling), min(bounds[1], ceiling)))
    if as_root:
        for users in ("uid_map", "gid_map"):
            Path(f"/proc/{init}/{users}").write_text(ROOT_MAP, encoding="ascii")
