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
import select
import signal
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from io import FileIO
from pathlib import Path, PurePosixPath

from personahub.errors import UserError
from personahub.verification.sandbox.keeper import start_kept
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


class Started:
    """A running sandbox."""

    def __init__(self, init: int, stdout: FileIO, stderr: FileIO, account: FileIO) -> None:
        """Take over the pipes, and hold on to the process.

        Args:
            init: the number, out here, of the first process inside.
            stdout: reads the program's standard output.
            stderr: reads its standard error.
            account: reads what bubblewrap says of it, and ends when bubblewrap does.
        """
        self.init, self.stdout, self.stderr, self.account = init, stdout, stderr, account
        self._init = os.pidfd_open(init)
        self._said = b""

    def hear(self) -> bool:
        """Read on in bubblewrap's account, which is there to be read; True once the program has ended."""
        heard = os.read(self.account.fileno(), 1 << 12)
        self._said += heard
        return not heard or b"exit-code" in self._said

    def end(self) -> None:
        """Kill whatever still runs inside and wait until all of it is gone; may be called again.

        When the first process of a PID namespace dies, the kernel kills the others and lets it go last.
        """
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._init, signal.SIGKILL)
        gone = select.poll()
        gone.register(self._init, select.POLLIN)
        gone.poll()

    def exit_code(self) -> int | None:
        """Return the program's exit code (128 + a signal's number); None if it was not even started.

        To be called after :meth:`end`.
        """
        self._said += self.account.readall()
        codes = [json.loads(line).get("exit-code") for line in self._said.splitlines()]
        return next((int(code) for code in codes if code is not None), None)

    def close(self) -> None:
        """Give the descriptors back."""
        for pipe in (self.stdout, self.stderr, self.account):
            pipe.close()
        os.close(self._init)


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
    with ExitStack() as ours, ExitStack() as theirs:
        pipes = [os.pipe() for _ in range(5)]
        told, stdout, stderr, account, gate = (ours.enter_context(FileIO(each[0], "r")) for each in pipes)
        info, output, errors, status, opener = (theirs.enter_context(FileIO(each[1], "w")) for each in pipes)
        given = [
            gate,
            info,
            status,
            opener,
            *(_data(theirs, each) for each in (seccomp_program(), *files.values())),
        ]
        options = [
            *_isolation(tools),
            *_folder(limits, files),
            *interpreter_view(*_shown_tools(tools)).options,
            *("--chdir", SCRATCH, "--remount-ro", "/"),
        ]
        start_kept(
            [str(tools.bubblewrap), *options, "--", *_command(tools, arguments)],
            [file.fileno() for file in given],
            (_data(theirs, stdin).fileno(), output.fileno(), errors.fileno()),
        )
        for end in (info, output, errors, status):
            end.close()  # so that their other ends come to an end
        started = Started(_first_process(told, stderr), stdout, stderr, account)
        try:
            _set_limits(started.init, limits, as_root=tools.setpriv is not None)
            opener.write(b"11")  # one for the gate of the user namespace, one for that of the program
        except BaseException:
            started.end()
            started.close()
            raise
        told.close()
        gate.close()
        ours.pop_all()
        return started


def _data(stack: ExitStack, content: bytes) -> FileIO:
    """Return a file in memory with this content, at its start, that can no more be written to."""
    file = stack.enter_context(FileIO(os.memfd_create("sandbox", os.MFD_ALLOW_SEALING), "r+"))
    left = memoryview(content)
    while left:
        left = left[file.write(left) :]
    file.seek(0)
    fcntl.fcntl(file, fcntl.F_ADD_SEALS, fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK)
    return file


def _isolation(tools: Tools) -> list[str]:
    """Return the options for namespaces, capabilities and system calls, and for talking to bubblewrap.

    The passed descriptors: {0} the gate, {1} who was started, {2} the account, {3} what opens the gate,
    {4} the filter, then files. bubblewrap keeps its own {3} open, so that the gate stays shut when this
    process is interrupted and closes the one out here; the program itself gets none of them.
    """
    options = [f"--unshare-{namespace}" for namespace in NAMESPACES]
    options += ["--hostname", "sandbox", "--die-with-parent", "--new-session", "--cap-drop", "ALL"]
    options += ["--block-fd", "{0}", "--info-fd", "{1}", "--json-status-fd", "{2}"]
    options += ["--sync-fd", "{3}", "--seccomp", "{4}"]
    if tools.setpriv is None:
        return [*options, "--uid", str(NOBODY), "--gid", str(NOBODY)]
    for capability in ("CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP"):  # for setpriv, which gives them away
        options += ["--cap-add", capability]
    return [*options, "--userns-block-fd", "{0}"]


def _folder(limits: Limits, files: Iterable[str]) -> list[str]:
    """Return the options for a scratch folder of bounded size with these files, all of them writable."""
    options = ["--perms", "0777", "--size", str(limits.scratch_bytes), "--tmpfs", SCRATCH]
    folders = {str(parent) for path in files for parent in PurePosixPath(path).parents} - {"."}
    for folder in sorted(folders):
        options += ["--perms", "0777", "--dir", f"{SCRATCH}/{folder}"]
    for place, path in enumerate(files, start=5):
        options += ["--perms", "0666", "--file", f"{{{place}}}", f"{SCRATCH}/{path}"]
    return options


def _command(tools: Tools, arguments: Sequence[str]) -> list[str]:
    python = interpreter_view(*_shown_tools(tools)).python
    if tools.setpriv is None:
        return [python, *arguments]
    user = ["--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups"]
    return [str(tools.setpriv), *user, "--inh-caps", "-all", "--bounding-set", "-all", python, *arguments]


def _shown_tools(tools: Tools) -> tuple[str, ...]:
    return (str(tools.setpriv),) if tools.setpriv else ()


def _first_process(told: FileIO, stderr: FileIO) -> int:
    """Return the number, out here, of the process that bubblewrap put into the namespaces.

    Raises:
        UserError: bubblewrap ended without one.
    """
    said = told.readall()
    if not said:
        raise UserError(why_not(stderr.readall().decode(errors="replace")))
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
