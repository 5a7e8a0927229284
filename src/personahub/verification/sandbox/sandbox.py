"""The sandbox: files and arguments in, what became of them out."""

import signal
import threading
from collections.abc import Mapping
from pathlib import PurePosixPath

from personahub.errors import UserError
from personahub.verification.sandbox.launch import Started, start
from personahub.verification.sandbox.limits import Limits, SandboxRun, Status
from personahub.verification.sandbox.requirements import PROBE, Tools, candidates, refuse_probe, why_not
from personahub.verification.sandbox.watch import Watched, watch

__all__ = ["Sandbox"]

MOST_FILES = 64
"""Each is an open descriptor while the sandbox starts."""
LONGEST_NAME = 255
"""Bytes of one part of a path: what the file system takes."""
LONGEST_PATH = 1000
MAIN = "main.py"

_probing = threading.Lock()
_found: list[Tools] = []


class Sandbox:
    """Runs Python programs that nobody has read. Safe to use from several threads at a time."""

    def __init__(self, limits: Limits | None = None) -> None:
        """Remember the limits; nothing is started.

        Args:
            limits: of each run; the defaults of :class:`Limits` where None.
        """
        self.limits = limits or Limits()

    @staticmethod
    def check() -> None:
        """Try once in this process whether a sandbox can be built here, and whether it is tight.

        Raises:
            UserError: it cannot; the message says what is missing and how to get it.
        """
        _tools()

    def run(self, files: Mapping[str, str], *arguments: str, stdin: str = "") -> SandboxRun:
        """Write the files into an empty folder, run Python there, and forget the folder.

        The interpreter is the one that this process is based on, with the standard library only; hashes are
        not random, so that the same program gives the same result.

        Args:
            files: texts by relative path, such as ``{"main.py": "print(42)"}``.
            arguments: of the interpreter, such as ``"-m", "unittest"``; ``main.py`` where there are none.
            stdin: what the program reads.

        Raises:
            UserError: the machine lacks what the sandbox needs, a file's name leads out of the folder, or
                the files are too many or too large.
        """
        contents = _contents(files, self.limits)
        for argument in arguments:
            if "\0" in argument:
                raise UserError(
                    f"the argument {argument!r} of the sandboxed program has a NUL character; drop it"
                )
        return _run(_tools(), self.limits, contents, arguments or (MAIN,), stdin)


def _run(
    tools: Tools, limits: Limits, files: Mapping[str, bytes], arguments: tuple[str, ...], stdin: str
) -> SandboxRun:
    started = start(tools, limits, files, [_encodable(each) for each in arguments], _bytes(stdin))
    try:
        watched = watch(started, limits)
        code = _exit_code(started, watched)
    finally:
        started.close()
    stderr = watched.stderr.decode(errors="replace")
    status = watched.stopped or _status(code, stderr)
    return SandboxRun(status, code, watched.stdout.decode(errors="replace"), stderr, watched.seconds)


def _exit_code(started: Started, watched: Watched) -> int:
    """Return the program's exit code.

    Raises:
        UserError: bubblewrap's account has none, so it failed before the program began.
    """
    code = started.exit_code()
    if code is None and watched.stopped is None:
        raise UserError(why_not(watched.stderr.decode(errors="replace")))
    return 128 + signal.SIGKILL if code is None else code


def _status(code: int, stderr: str) -> Status:
    if code == 0:
        return "ok"
    if code == 128 + signal.SIGXCPU:
        return "timeout"
    if 128 < code <= 128 + 64:
        return "killed"
    last = stderr.rstrip().rpartition("\n")[2]
    return "memory" if last.split(":")[0] == "MemoryError" else "failed"


def _tools() -> Tools:
    """Return the tools that passed the probe, the first time by running it."""
    with _probing:
        if not _found:
            first: UserError | None = None
            for tools in candidates():
                try:
                    _probe(tools)
                except UserError as error:
                    first = first or error
                else:
                    _found.append(tools)
                    break
            if not _found and first:
                raise first
        return _found[0]


def _probe(tools: Tools) -> None:
    run = _run(tools, Limits(seconds=60), {MAIN: PROBE.encode()}, (MAIN,), "")
    refuse_probe(run.stdout, run.stderr or run.status)


def _contents(files: Mapping[str, str], limits: Limits) -> dict[str, bytes]:
    """Return the files' bytes; their names are as untrusted as their texts.

    Raises:
        UserError: a name leads out of the folder or is none, or they are too many or too large.
    """
    if len(files) > MOST_FILES:
        raise UserError(f"{len(files)} files for one sandboxed program; give {MOST_FILES} or fewer")
    contents = {}
    for name, text in files.items():
        _refuse_name(name)
        contents[name] = _bytes(text)
        if len(contents[name]) > limits.file_bytes:
            raise UserError(
                f"the file {name!r} has {len(contents[name])} bytes, the sandbox takes {limits.file_bytes}"
            )
    both = {parent for name in files for parent in map(str, PurePosixPath(name).parents)} & set(files)
    if both:
        raise UserError(f"{min(both)!r} is both a file and a folder of a sandboxed program; rename one")
    total = sum(map(len, contents.values()))
    if total > limits.scratch_bytes:
        raise UserError(f"the files have {total} bytes together, the sandbox takes {limits.scratch_bytes}")
    return contents


def _refuse_name(name: str) -> None:
    parts = name.split("/")
    short = all(len(_bytes(part)) <= LONGEST_NAME for part in parts) and len(_bytes(name)) <= LONGEST_PATH
    if {"", ".", ".."} & set(parts) or "\0" in name or not short or _encodable(name) != name:
        raise UserError(
            f"{name[:100]!r} cannot name a file of a sandboxed program; give a short relative path, no '..'"
        )


def _bytes(text: str) -> bytes:
    """Encode; half a surrogate pair, which models do write, goes through for Python itself to refuse."""
    return text.encode("utf-8", errors="surrogatepass")


def _encodable(text: str) -> str:
    return text.encode("utf-8", errors="replace").decode()
