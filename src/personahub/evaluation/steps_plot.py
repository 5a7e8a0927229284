"""The plot of a data set's making: how many there were at each step."""

from collections.abc import Sequence
from pathlib import Path

from personahub.evaluation.plots import look_of, plotting, printable, save_figure

__all__ = ["plot_steps"]


def plot_steps(path: Path, steps: Sequence[tuple[str, int]], title: str) -> None:
    """Draw a bar for each step, with its count beside it.

    Args:
        path: the files, without an ending.
        steps: what was counted and how many, from the first to the last.
        title: says of what.
    """
    from matplotlib.figure import Figure

    with plotting():
        figure = Figure(figsize=(7.5, 0.8 + 0.34 * len(steps)), layout="constrained")
        axes = figure.add_subplot()
        axes.set_title(printable(title, "data set"), loc="left", fontsize=11)
        bars = axes.barh(range(len(steps)), [count for _, count in steps], color=look_of(0).colour)
        axes.bar_label(bars, [f"{count:,}" for _, count in steps], padding=4)
        axes.set_yticks(range(len(steps)), [name for name, _ in steps])
        axes.invert_yaxis()
        axes.set_xticks([])
        axes.spines["bottom"].set_visible(False)
        axes.margins(x=0.12)
        save_figure(figure, path)
