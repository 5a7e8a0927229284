"""What does a run in the sandbox cost? Small programs one after another and side by side, and plain Python.

    python benchmarks/sandbox.py [--runs 100]

For each program: the median and the fastest milliseconds of one run as a plain process of the same
interpreter, of one in the sandbox, and sandboxed runs a second with one, two and four at a time. Needs the
extra ``verify``.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from personahub.verification.sandbox import Sandbox

PROGRAMS = {
    "nothing": "",
    "arithmetic": "import math\nprint(sum(math.isqrt(n) for n in range(20000)))",
    "json, fractions, decimal": "import decimal, fractions, json\nprint(json.dumps([1]))",
    "unittest": "import unittest\nclass T(unittest.TestCase):\n def test(self): pass\nunittest.main()",
}


def main() -> None:
    """Measure every program."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--runs", type=int, default=100, help="runs of each program in each way")
    runs = parser.parse_args().runs
    box = Sandbox()
    print(f"first use, with its probe: {1000 * _seconds(box.check):.0f} ms")
    heads = f"{'plain ms':>14} {'sandboxed ms':>14} {'runs/s with 1':>14} {'2':>7} {'4 at a time':>12}"
    print(f"{'program':26} {heads}")
    for name, program in PROGRAMS.items():
        plain = _plain(program, runs)
        alone = [_seconds(lambda: _sandboxed(box, program)) for _ in range(runs)]  # noqa: B023 - called at once
        rates = [_rate(box, program, runs, workers) for workers in (1, 2, 4)]
        print(
            f"{name:26} {_middle_and_least(plain):>14} {_middle_and_least(alone):>14}"
            f" {rates[0]:14.0f} {rates[1]:7.0f} {rates[2]:12.0f}",
            flush=True,
        )


def _plain(program: str, runs: int) -> list[float]:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "main.py").write_text(program)
        command = [Path(getattr(sys, "_base_executable", sys.executable)).resolve(), "-S", "-B", "main.py"]
        return [
            _seconds(lambda: subprocess.run(command, cwd=folder, env={}, capture_output=True, check=True))
            for _ in range(runs)
        ]


def _sandboxed(box: Sandbox, program: str) -> None:
    run = box.run({"main.py": program})
    if run.status != "ok":
        raise SystemExit(f"the program ended with {run}")


def _rate(box: Sandbox, program: str, runs: int, workers: int) -> float:
    with ThreadPoolExecutor(workers) as pool:
        return runs / _seconds(lambda: list(pool.map(lambda _: _sandboxed(box, program), range(runs))))


def _seconds(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def _middle_and_least(seconds: list[float]) -> str:
    return f"{1000 * statistics.median(seconds):.1f} / {1000 * min(seconds):.1f}"


if __name__ == "__main__":
    main()
