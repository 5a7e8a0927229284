"""Tables of measurements: within the width of a terminal, uncut into a file or a pipe."""

import sys
from collections.abc import Collection, Iterable, Sequence

__all__ = ["print_lines", "print_table", "table_width"]


def table_width() -> int:
    """How many characters there are for a table."""
    from rich.console import Console

    return Console().width if sys.stdout.isatty() else 10_000


def print_table(
    title: str,
    headings: Sequence[str],
    rows: Iterable[Sequence[str]],
    numbers: Collection[int] | None = None,
) -> None:
    """Print one table and an empty line.

    Args:
        title: stands above it.
        headings: of its columns.
        rows: each as long as the headings.
        numbers: places of the columns that are set to the right; None: all but the first.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table

    console = Console(width=table_width(), highlight=False, markup=False)
    console.print(title, style="bold")
    shown = Table(*headings, box=box.SIMPLE_HEAD if sys.stdout.isatty() else None, pad_edge=False)
    for place, column in enumerate(shown.columns):
        is_number = place > 0 if numbers is None else place in numbers
        column.justify, column.overflow = ("right" if is_number else "left"), "fold"
    for row in rows:
        shown.add_row(*row)
    console.print(shown)
    console.print()


def print_lines(*lines: str) -> None:
    """Print lines of text, broken by the terminal alone."""
    from rich.console import Console

    console = Console(width=table_width(), highlight=False, markup=False, soft_wrap=True)
    for line in lines:
        console.print(line)
