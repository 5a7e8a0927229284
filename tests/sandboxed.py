"""What the tests of the sandbox share: hostile programs, and a look at the host afterwards."""

import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from personahub.verification.sandbox import Limits, Sandbox, SandboxRun

QUICK = Limits(seconds=20)
"""Long enough for a busy machine; what ends by itself takes a fraction."""
PRELUDE = """
import ctypes, errno, os, sys
libc = ctypes.CDLL(None, use_errno=True)
MACHINE = 0 if os.uname().machine == "x86_64" else 1
def syscall(numbers, *arguments):
    # What the kernel answers to this call: the error's name, or OK.
    number = numbers if isinstance(numbers, int) else numbers[MACHINE]
    result = libc.syscall(ctypes.c_long(number), *[ctypes.c_long(each) for each in arguments])
    return "OK" if result != -1 else errno.errorcode[ctypes.get_errno()]
def attempt(action, *arguments):
    try:
        return f"OK {action(*arguments)!r}"
    except Exception as error:
        return f"{type(error).__name__} {error}"
"""


def attack(program: str, limits: Limits = QUICK, **files: str) -> SandboxRun:
    """Run a hostile program; it has ``syscall`` and ``attempt`` to hand."""
    main = PRELUDE + textwrap.dedent(program)
    return Sandbox(limits).run({"main.py": main, **files})


@contextmanager
def bystander(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process of the host that stands for all others; where possible of the very user of the sandbox."""
    user = {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}
    process = subprocess.Popen(["/bin/sleep", "600"], cwd="/", **user)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def host_processes(mark: str) -> list[int]:
    """The host's living processes whose command line has this mark, this one left out."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                line = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if mark.encode() in line:
                found.append(int(entry.name))
    return found


def parent_of(process: int) -> int:
    """The number of the parent of a process of the host."""
    return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])


linux_only = sys.platform != "linux"
