"""What tests of ``verify`` share: files of rows, and models that solve and judge by a script."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from personahub.models import Request
from scripted import ScriptedModel

__all__ = ["named_models", "problems", "rows_of", "solver", "write_rows"]


def write_rows(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    """A file of JSON Lines."""
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return path


def rows_of(path: Path) -> list[dict[str, Any]]:
    """The rows of one."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def problems(count: int) -> list[dict[str, Any]]:
    """Rows with problems, each with a number of its own."""
    return [
        {"problem": f"A crate holds {n} lanterns. How many do 2 crates hold?"} for n in range(50, 50 + count)
    ]


def solver(answer: Callable[[Request], str] = lambda _: "42") -> Callable[[Request], str]:
    """Replies to whatever a check asks: solutions and programs by ``answer``, and a judge's yes."""

    def reply(request: Request) -> str:
        fields: Any = (request.schema or {})["properties"]
        if "yes" in fields:
            return "yes"
        if "same" in fields:
            told = {"first": "one thing", "second": "one thing", "same": "yes"}
        elif "program" in fields:
            told = {"program": f"print({answer(request)!r})"}
        else:
            told = {"steps": "2 crates, so twice", "answer": answer(request), "unit": ""}
        return json.dumps(told)

    return reply


def named_models(monkeypatch: pytest.MonkeyPatch, **models: ScriptedModel) -> None:
    """Have these names mean these models, on the command line too."""
    for module in ("calls", "verify"):
        path = f"personahub.workflows.{module}.open_language_models"
        monkeypatch.setattr(path, lambda name, *_: [models[name]] if isinstance(name, str) else [name])
