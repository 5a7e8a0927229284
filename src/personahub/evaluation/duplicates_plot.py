"""The plot of deduplication: how many personas stay at each threshold, and what chains would leave."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from personahub.evaluation.plots import look_of, plotting, save_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Curve", "plot_duplicates"]

Curve = Sequence[tuple[float, int]]
"""Thresholds, and how many personas stay at each."""


def plot_duplicates(
    path: Path,
    *,
    personas: int,
    leader: Mapping[str, Curve],
    components: Mapping[str, Curve],
    own: Mapping[str, float],
) -> None:
    """Draw how many stay by threshold, with the greedy leader on the left, with components on the right.

    Args:
        path: the files, without an ending.
        personas: how many there are.
        leader: for each method.
        components: likewise.
        own: the hub's own threshold of each method, which is marked.
    """
    from matplotlib.figure import Figure

    with plotting():
        figure = Figure(figsize=(9.5, 4.0), layout="constrained")
        figure.suptitle(f"How many of {personas:,} personas stay", fontsize=11)
        left, right = figure.subplots(1, 2, sharey=True)
        _draw(left, "greedy leader: one steps aside for another that stays", leader, own)
        _draw(right, "connected components: one of each chain stays", components, own)
        left.set_ylabel("personas that stay")
        left.set_ylim(0, max(personas, 1) * 1.05)
        handles, labels = left.get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False)
        save_figure(figure, path)


def _draw(axes: "Axes", title: str, curves: Mapping[str, Curve], own: Mapping[str, float]) -> None:
    axes.set_title(title, loc="left")
    axes.set_xlabel("threshold; dotted: the view's own")
    axes.grid(color="0.92")
    axes.set_axisbelow(True)
    axes.yaxis.set_major_formatter("{x:,.0f}")
    for place, (name, curve) in enumerate(curves.items()):
        look = look_of(place)
        thresholds, stay = [threshold for threshold, _ in curve], [count for _, count in curve]
        axes.plot(
            thresholds,
            stay,
            color=look.colour,
            linestyle=look.line,
            marker=look.marker,
            markersize=4,
            label=name,
        )
        if name in own:
            axes.axvline(own[name], color=look.colour, linestyle=":", linewidth=1)
