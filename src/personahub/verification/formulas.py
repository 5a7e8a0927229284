"""Formulas compared by math-verify, in a process of its own.

Computer algebra may take for ever with what a model wrote (``9^{9^{9^9}}``), and cannot be stopped in
a thread; the process is killed and another one takes its place.
"""

import json
import os
import re
import selectors
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from types import TracebackType
from typing import IO, Any, Self, cast

from personahub.errors import UserError

__all__ = ["FormulaJudge", "worker"]

_SECONDS = 4.0
_START_SECONDS = 60.0
_MEMORY_BYTES = 2 * 2**30
_ROUNDED = 0.005
"""Share by which a value may differ from a decimal number: a program prints 2.83 where a solver writes √8."""


class FormulaJudge:
    """Says whether two formulas are the same value; may be asked from several threads.

    Raises:
        UserError: math-verify is not installed.
    """

    def __init__(self) -> None:
        """Nothing is started before the first question."""
        try:
            import math_verify  # noqa: F401
        except ImportError as error:
            raise UserError(
                "comparing answers needs math-verify: pip install 'personahub[verify]'"
            ) from error
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Nothing to do."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the process."""
        self.close()

    def close(self) -> None:
        """End the process; another question starts it again."""
        with self._lock:
            self._stop()

    def same(self, first: str, second: str) -> bool | None:
        """Whether two formulas are the same; None where either is none, or it took too long."""
        with self._lock:
            process = self._process or self._start()
            with suppress(OSError):
                told = cast(IO[bytes], process.stdin)
                told.write(json.dumps([first, second]).encode() + b"\n")
                told.flush()
                if line := _line(process, _SECONDS):
                    found: bool | None = json.loads(line)
                    return found
            self._stop()
            return None

    def _start(self) -> subprocess.Popen[bytes]:
        # Neither forked, since this process has threads, nor spawned by multiprocessing, which would run the
        # user's script once more.
        command = [sys.executable, "-c", f"from {__name__} import worker; worker()"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603
        _line(self._process, _START_SECONDS)
        return self._process

    def _stop(self) -> None:
        if process := self._process:
            process.kill()
            with suppress(BrokenPipeError), process:
                cast(IO[bytes], process.stdin).close()
            self._process = None


def _line(process: subprocess.Popen[bytes], seconds: float) -> bytes:
    """The process's next line; empty where it took too long, or has ended."""
    heard = cast(IO[bytes], process.stdout)
    with selectors.DefaultSelector() as selector:
        selector.register(heard, selectors.EVENT_READ)
        return heard.readline() if selector.select(seconds) else b""


def worker() -> None:
    """Read pairs of formulas from standard input, a JSON line each, and write what is found of each."""
    import logging
    import resource

    from math_verify import LatexExtractionConfig, parse, verify

    # The process that started this one hears the interrupt and ends this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.disable(logging.CRITICAL)
    with suppress(OSError, ValueError):  # The time is bounded all the same.
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, resource.getrlimit(resource.RLIMIT_AS)[1]))
    # What a library prints must not come between the findings.
    output = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    # LaTeX alone, which is parsed: plain expressions go through sympy's eval.
    forms = [LatexExtractionConfig()]

    def read(answer: str) -> list[Any]:
        found: list[Any] = parse(f"${_latex(answer)}$", forms, parsing_timeout=None)
        return found

    def same(first: str, second: str) -> bool | None:
        one, other = read(first), read(second)
        if not one or not other:
            return None
        return bool(verify(one, other, timeout_seconds=None)) or _rounds(first, second, one[0], other[0])

    print(file=output, flush=True)
    for line in sys.stdin:
        try:
            found = same(*json.loads(line))
        except Exception:  # Of algebra that goes wrong nobody can tell how.
            found = None
        print(json.dumps(found), file=output, flush=True)


def _rounds(first: str, second: str, one: Any, other: Any) -> bool:
    """Whether one of them is a decimal number, and the other has about that value."""
    if bool(_DECIMAL.fullmatch(first.strip())) == bool(_DECIMAL.fullmatch(second.strip())):
        return False
    try:
        values = [float(formula.evalf()) for formula in (one, other)]
    except (AttributeError, TypeError, ValueError, OverflowError):
        return False
    return abs(values[0] - values[1]) <= _ROUNDED * max(map(abs, values))


_DECIMAL = re.compile(r"[-+\u2212]?\d+[.,]\d+(?:e[-+]?\d+)?")
_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")


def _latex(answer: str) -> str:
    """An answer with the usual plain ways to write a formula as LaTeX."""
    text = answer.strip().strip("$").replace("×", r"\cdot ").replace("·", r"\cdot ").replace("**", "^")
    text = re.sub(r"(?<=\d)\s*x\s*(?=10\b)", r"\\cdot ", text.replace("*", r"\cdot "))
    text = re.sub("[⁰¹²³⁴-⁹⁻]+", lambda raised: f"^{{{raised[0].translate(_RAISED)}}}", text)
    text = re.sub(r"\^\(([^()]*)\)", r"^{\1}", text)
    text = re.sub(r"(?:√|(?<!\\)\bsqrt)\s*(?:\(([^()]*)\)|(\d+))", r"\\sqrt{\1\2}", text)
    text = re.sub(r"(?<!\\)\b(sin|cos|tan|log|ln|exp)\b", r"\\\1", text)
    return re.sub(r"(?<!\\)\bpi\b|π", r"\\pi ", text)
