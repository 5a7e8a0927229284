"""The plot of what a hub holds: occupations by group, languages, gender and age, topics."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from personahub.evaluation.plots import look_of, plotting, printable, save_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Bar", "plot_coverage"]

_GROUPS = 40
_LANGUAGES = 12
_NAMED_TOPICS = 12
_ROW = 0.2
"""Inches of a bar."""


class Bar(NamedTuple):
    """A name, its number, and the number that it could be where there is one."""

    name: str
    size: int
    of: int = 0


def plot_coverage(
    path: Path,
    *,
    title: str,
    groups: Sequence[Bar],
    languages: Sequence[Bar],
    gender: Sequence[Bar],
    age: Sequence[Bar],
    topics: Sequence[Bar],
) -> None:
    """Draw what a hub holds.

    Args:
        path: the files, without an ending.
        title: says of how many personas.
        groups: of occupations: how many are reached, of how many; the first 40 are drawn.
        languages: how many personas each has; the first 12 are drawn.
        gender: how many state each.
        age: how many state each.
        topics: how many personas each has, the largest first; all sizes are drawn, the largest by name.
    """
    from matplotlib.figure import Figure

    shown = groups[:_GROUPS]
    right = [
        ("Languages", languages[:_LANGUAGES]),
        ("Gender, where stated", gender),
        ("Age, where stated", age),
    ]
    heights = [max(len(bars), 1) + 3 for _, bars in right]
    tall = max(_ROW * (len(shown) + 3), _ROW * sum(heights))
    low = _ROW * (min(len(topics), _NAMED_TOPICS) + 4)
    with plotting():
        figure = Figure(figsize=(11, tall + low + 0.6), layout="constrained")
        figure.suptitle(title, fontsize=11)
        outer = figure.add_gridspec(2, 2, height_ratios=[tall, low], width_ratios=[1.15, 1])
        _draw_groups(figure.add_subplot(outer[0, 0]), shown, len(groups) - len(shown))
        inner = outer[0, 1].subgridspec(len(right), 1, height_ratios=heights)
        for number, (name, bars) in enumerate(right):
            _draw_bars(figure.add_subplot(inner[number]), name, bars, number + 1)
        _draw_sizes(figure.add_subplot(outer[1, 0]), topics)
        named = list(topics[:_NAMED_TOPICS])
        _draw_bars(figure.add_subplot(outer[1, 1]), "Largest topics", named, 4, otherwise="topic")
        save_figure(figure, path)


def _draw_groups(axes: "Axes", bars: Sequence[Bar], left_out: int) -> None:
    """How many of each group's occupations are reached, on a ground of how many there are."""
    more = f" ({left_out} more groups are in the tables)" if left_out else ""
    axes.set_title(f"Occupations reached, of all of the group{more}", loc="left")
    if not bars:
        _say(axes, "no persona that could be compared")
        return
    _rows(axes, bars, "group")
    most = max(bar.of for bar in bars)
    for place, bar in enumerate(bars):
        axes.barh(place, bar.of, color="0.9", height=0.7)
        axes.barh(place, bar.size, color=look_of(0).colour, height=0.7)
        axes.text(bar.of + most * 0.01, place, f"{bar.size:,}/{bar.of:,}", va="center", fontsize=8)
    axes.set_xlim(0, most * 1.15)


def _draw_bars(axes: "Axes", title: str, bars: Sequence[Bar], look: int, otherwise: str = "row") -> None:
    """Counts of personas, with their shares."""
    axes.set_title(title, loc="left")
    if not bars:
        _say(axes, "too few personas that could be compared")
        return
    _rows(axes, bars, otherwise)
    most = max(*(bar.size for bar in bars), 1)
    axes.barh(range(len(bars)), [bar.size for bar in bars], color=look_of(look).colour, height=0.7)
    for place, bar in enumerate(bars):
        axes.text(bar.size + most * 0.01, place, f"{bar.size:,}", va="center", fontsize=8)
    axes.set_xlim(0, most * 1.18)


def _rows(axes: "Axes", bars: Sequence[Bar], otherwise: str) -> None:
    names = [printable(bar.name, "") or f"{otherwise} {place}" for place, bar in enumerate(bars, 1)]
    axes.set_yticks(range(len(bars)), names, fontsize=8)
    axes.set_ylim(len(bars) - 0.4, -0.6)
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)
    axes.tick_params(axis="y", length=0)


def _draw_sizes(axes: "Axes", bars: Sequence[Bar]) -> None:
    """All topics by size, and where they would be if all had as many."""
    axes.set_title("Personas of each topic, the largest first", loc="left")
    if not bars:
        _say(axes, "too few personas that could be compared")
        return
    counts = [bar.size for bar in bars]
    axes.bar(range(1, len(bars) + 1), counts, width=0.9, color=look_of(4).colour)
    even = sum(counts) / len(counts)
    axes.axhline(even, color="0.3", linestyle="--", linewidth=1)
    axes.text(len(bars) + 0.5, even, "even", ha="right", va="bottom", fontsize=8, color="0.3")
    axes.set_xlim(0.4, len(bars) + 0.6)
    axes.set_xlabel("topic, by size")
    axes.set_ylabel("personas")
    axes.locator_params(axis="both", integer=True)


def _say(axes: "Axes", text: str) -> None:
    axes.text(0.02, 0.9, text, color="0.4", transform=axes.transAxes, va="top")
    axes.set_axis_off()
