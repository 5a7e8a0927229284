"""Formulas compared by math-verify, in a process of its own.

Computer algebra may take for ever with what a model wrote (``9^{9^{9^9}}``), and cannot be stopped in
a thread; the process is killed and another one takes its place.
"""

import multiprocessing
import threading
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Self

from personahub.errors import UserError

__all__ = ["FormulaJudge"]

_SECONDS = 4.0


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
        self._process: Any = None
        self._pipe: Connection | None = None

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
            pipe = self._pipe or self._start()
            try:
                pipe.send((first, second))
                if pipe.poll(_SECONDS):
                    found: bool | None = pipe.recv()
                    return found
            except (EOFError, OSError):
                pass
            self._stop()
            return None

    def _start(self) -> Connection:
        # Not forked, since this process has threads.
        context = multiprocessing.get_context("spawn")
        pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()
        pipe.poll(60)
        pipe.recv()
        self._pipe = pipe
        return pipe

    def _stop(self) -> None:
        if self._pipe:
            self._pipe.close()
            self._process.kill()
            self._process.join()
            self._pipe = self._process = None


def _serve(pipe: Connection) -> None:
    import logging

    from math_verify import LatexExtractionConfig, parse, verify

    logging.disable(logging.CRITICAL)
    # LaTeX alone, which is parsed: plain expressions go through sympy's eval.
    forms = [LatexExtractionConfig()]

    def read(answer: str) -> list[Any]:
        found: list[Any] = parse(f"${_latex(answer)}$", forms, parsing_timeout=None)
        return found

    pipe.send(None)
    while True:
        try:
            first, second = (read(answer) for answer in pipe.recv())
            pipe.send(bool(verify(first, second, timeout_seconds=None)) if first and second else None)
        except EOFError:
            return
        except Exception:
            pipe.send(None)


def _latex(answer: str) -> str:
    """An answer with the usual plain ways to write a formula as LaTeX."""
    import re

    text = answer.strip().strip("$").replace("×", r"\cdot ").replace("·", r"\cdot ").replace("*", r"\cdot ")
    text = re.sub(r"(?:√|\bsqrt)\s*(?:\(([^()]*)\)|(\d+))", r"\\sqrt{\1\2}", text)
    return re.sub(r"(?<!\\)\bpi\b|π", r"\\pi ", text)
