"""Command lines, run in this process as a person would give them."""

import sys
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from personahub.cli import main

Run = Callable[..., "Result"]
"""Takes the arguments after ``personahub``."""


@dataclass(frozen=True)
class Result:
    """Exit code and what was printed."""

    code: int
    out: str
    err: str


def runner(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    def run_command(*args: object) -> Result:
        monkeypatch.setattr(sys, "argv", ["personahub", *map(str, args)])
        code = 0
        try:
            main()
        except SystemExit as leaving:
            code = int(leaving.code or 0)
        printed = capsys.readouterr()
        return Result(code=code, out=printed.out, err=printed.err)

    return run_command


def one_line_error(result: Result) -> str:
    assert result.code == 2
    assert result.out == ""
    lines = result.err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("personahub: error: ")
    return lines[0]
