"""What a process costs by the operating system's accounting, and environments to run peers in."""

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

PROMPT = (
    "Who is likely to read the following text? Describe one kind of person in one sentence.\n\n"
    "The harbour trustees met on the {n}th of the month and sold eleven hulls that had lain on the "
    "hard since the autumn gales. Owners who had not paid their mooring fees complained to the "
    "council, which has asked for the books of three years. A surveyor from the county will look at "
    "hull {n} and at the slipway, where the winch failed twice, before the spring tide. Whoever wants "
    "to speak may write to the clerk until the end of the week, and must name the vessel, the berth "
    "and the sum in dispute; letter {n} was the last."
)


@dataclass(frozen=True, slots=True)
class Cost:
    """What one process took: seconds of wall clock and of CPU, and its largest resident size in MB.

    CPU counts the children that the process waited for; the resident size is that of the largest of them.
    """

    wall: float
    cpu: float
    resident: float


@dataclass(frozen=True, slots=True)
class PerCall:
    """What ``calls`` calls cost: ``whole`` as measured, the rates without the start of the process."""

    calls: int
    whole: Cost
    calls_per_second: float
    cpu_ms: float


def prompts(n: int) -> list[str]:
    """The first ``n`` of the prompts that every contestant sends, about 600 bytes each, all different."""
    return [PROMPT.format(n=number) for number in range(n)]


def run_measured(command: Sequence[str], *, seconds: float, environ: dict[str, str] | None = None) -> Cost:
    """Run a command to its end and say what it took.

    Raises:
        RuntimeError: it failed or ran longer than ``seconds``; the message has the end of its output.
    """
    with tempfile.TemporaryFile() as output:
        started = time.monotonic()
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**os.environ, **(environ or {})},
        )
        limit = threading.Timer(seconds, process.kill)
        limit.start()
        _, status, usage = os.wait4(process.pid, 0)
        limit.cancel()
        wall = time.monotonic() - started
        process.returncode = os.waitstatus_to_exitcode(status)  # or Popen would wait for it again
        if process.returncode:
            output.seek(0)
            said = output.read().decode(errors="replace")[-2000:]
            raise RuntimeError(f"exit {process.returncode} after {wall:.0f} s: {' '.join(command)}\n{said}")
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def per_call(run: Callable[[int], Cost], calls: int) -> PerCall:
    """What a call costs: the slope between a tenth of the calls and all, so that start-up does not count."""
    few = max(1, calls // 10)
    first, whole = run(few), run(calls)
    return PerCall(
        calls,
        whole,
        (calls - few) / max(whole.wall - first.wall, 1e-9),
        (whole.cpu - first.cpu) / (calls - few) * 1000,
    )


def environment(work: Path, name: str, packages: Sequence[str]) -> str:
    """The Python of a virtual environment under ``work`` with these packages, made when it is not there."""
    folder = work / "environments" / name
    python, done = folder / "bin" / "python", folder / "installed"
    wanted = "\n".join(packages)
    if not done.exists() or done.read_text() != wanted:
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *packages], check=True)
        done.write_text(wanted)
    return str(python)


def version_of(python: str, package: str) -> str:
    """The version of a package in an environment."""
    code = f"import importlib.metadata as m; print(m.version({package!r}))"
    said = subprocess.run([python, "-c", code], check=True, capture_output=True, text=True)
    return said.stdout.strip()


def certificate(work: Path) -> tuple[str, str]:
    """Paths of a self-signed certificate for 127.0.0.1 and its key, made with openssl."""
    cert, key = work / "cert.pem", work / "key.pem"
    if not cert.exists():
        make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30"]
        name = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"]
        leaf = ["-addext", "basicConstraints=critical,CA:FALSE"]
        files = ["-keyout", str(key), "-out", str(cert)]
        subprocess.run([*make, *name, *leaf, *files], check=True, capture_output=True)
    return str(cert), str(key)
