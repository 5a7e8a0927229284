"""Prompts and what came of them: side by side on a wide terminal, else one after the other."""

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from personahub.workflows.preview import Preview

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["print_previews"]

_WIDE = 120
"""Columns from which two stand side by side."""
_Part = tuple[str, str]
"""A heading and the text under it."""


def print_previews(previews: Sequence[Preview], console: "Console") -> None:
    """Print each preview: persona, every question and its reply, and the record or why there is none."""
    beside = console.is_terminal and console.width >= _WIDE
    for number, preview in enumerate(previews, 1):
        title = f"{number} of {len(previews)}" + (f": {preview.persona}" if preview.persona else "")
        print_one = _print_beside if beside else _print_below
        print_one(title, preview, console)


def _print_beside(title: str, preview: Preview, console: "Console") -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table("prompt", "output", title=Text(title), title_justify="left", expand=True, show_lines=True)
    table.columns[0].ratio = table.columns[1].ratio = 1
    for prompt, output in _steps(preview):
        table.add_row(_joined(prompt), _joined(output))
    # Only a table that may not be wrapped again keeps its columns.
    console.print(table, soft_wrap=False)


def _print_below(title: str, preview: Preview, console: "Console") -> None:
    from rich.text import Text

    console.print(Text(f"── {title}", "bold"))
    for prompt, output in _steps(preview):
        console.print(_joined([*prompt, *output]), end="\n\n")


def _steps(preview: Preview) -> Iterator[tuple[list[_Part], list[_Part]]]:
    """For each question the parts of its prompt, and what came of it."""
    for question in preview.questions:
        step = f" ({question.step})" if question.step else ""
        prompt = [(message["role"] + step, message["content"]) for message in question.messages]
        output = [(f"reply{step}", _readable(question.reply))]
        if question is preview.questions[-1]:
            if preview.text:
                output.append(("record", preview.text))
            if fault := preview.set_aside:
                output.append(("set aside", f"{fault['reason']}: {fault['detail']}"))
        yield prompt, output


def _readable(reply: Any) -> str:
    return reply if isinstance(reply, str) else json.dumps(reply, ensure_ascii=False, indent=2)


def _joined(parts: Sequence[_Part]) -> Any:
    from rich.text import Text

    lines: list[tuple[str, str] | str] = []
    for heading, text in parts:
        lines += ["\n\n" if lines else "", (f"[{heading}]\n", "bold"), text]
    return Text.assemble(*lines)
