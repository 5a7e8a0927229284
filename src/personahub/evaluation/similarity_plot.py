"""The plot of the similarity study: problems' cosines at each level of the personas', beside the paper's."""

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from personahub.evaluation.plots import look_of, plotting, printable, save_figure
from personahub.evaluation.similarity import BAND, BAND_LEVEL

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Panel", "plot_similarity"]

_CHARACTERS = 17
"""Of a note, to an inch."""
_FEWEST_BOXED = 4
"""Pairs that a box says something of."""
_WIDEST = 0.06
_NARROWEST = 0.012


@dataclass(frozen=True)
class Panel:
    """What one model, or two, gave.

    Attributes:
        models: who made the problems: one model, or one for each persona of a pair.
        cosines: by prompt, the problems' cosines at each level.
        others: by prompt, the mean of other pairs; None where there are none.
    """

    models: tuple[str, str]
    cosines: Mapping[str, Sequence[Sequence[float]]]
    others: Mapping[str, float | None]


def plot_similarity(
    path: Path,
    levels: Sequence[float],
    panels: Sequence[Panel],
    prompts: Mapping[str, str],
    notes: Sequence[str],
) -> None:
    """Draw a panel for each model, a box for each level and prompt, the paper's band and the diagonal.

    Args:
        path: the files, without an ending.
        levels: the personas' cosines.
        panels: one after another.
        prompts: what each prompt is called in the legend.
        notes: lines under the panels.
    """
    from matplotlib.figure import Figure

    count = max(len(panels), 1)
    width = max(4.8 * count, 6.8)
    told = "\n".join(textwrap.fill(note, int(width * _CHARACTERS)) for note in notes)
    # Inches: the panels, the notes, and what the title, the labels and the legend take.
    heights = 3.9, 0.14 * (told.count("\n") + 1)
    with plotting():
        figure = Figure(figsize=(width, sum(heights) + 1.5), layout="constrained")
        figure.suptitle(
            "How alike two personas' math problems are, by how alike the personas are", fontsize=11
        )
        grid = figure.add_gridspec(2, count, height_ratios=heights)
        low = _lowest(levels, panels)
        for place, panel in enumerate(panels):
            axes = figure.add_subplot(grid[0, place])
            _draw(axes, levels, panel, low)
            if place == 0:
                axes.set_ylabel("cosine of the two problems")
        below = figure.add_subplot(grid[1, :])
        below.set_axis_off()
        below.text(0, 1, told, fontsize=7.5, color="0.35", va="top")
        figure.legend(handles=_handles(prompts), loc="outside lower center", ncols=2, frameon=False)
        save_figure(figure, path)


def _lowest(levels: Sequence[float], panels: Sequence[Panel]) -> float:
    """Where the axis of the problems' cosines begins, the same in all panels."""
    drawn = [
        value for panel in panels for some in panel.cosines.values() for each in some for value in each
    ] + [mean for panel in panels for mean in panel.others.values() if mean is not None]
    return max(min([0.3, *levels, *drawn]) - 0.05, -1.0)


def _draw(axes: "Axes", levels: Sequence[float], panel: Panel, low: float) -> None:
    step = _step(levels)
    left, right = min([*levels, BAND_LEVEL]) - 2.2 * step, max([*levels, BAND_LEVEL]) + 1.4 * step
    first, second = (printable(name, f"model {place}") for place, name in enumerate(panel.models, 1))
    one = panel.models[0] == panel.models[1]
    axes.set_title(first if one else f"{first} for one,\n{second} for the other", loc="left")
    axes.set_xlim(left, right)
    axes.set_ylim(low, 1.07)
    axes.grid(axis="y", color="0.92")
    axes.set_axisbelow(True)
    axes.plot([left, right], [left, right], color="0.55", linewidth=1, linestyle=(0, (4, 3)), zorder=1)
    _draw_band(axes, step)
    axes.set_xticks(list(levels), [f"{level:g}" for level in levels])
    axes.set_xlabel("cosine of the two personas (± 0.01)")
    count = len(panel.cosines)
    for number, (prompt, cosines) in enumerate(panel.cosines.items()):
        colour = look_of(number).colour
        shift = (number - (count - 1) / 2) * step
        for level, values in zip(levels, cosines, strict=True):
            _draw_pairs(axes, level + shift, values, step, number)
        if (mean := panel.others[prompt]) is not None:
            axes.plot([left, left + 0.5 * step], [mean, mean], color=colour, linewidth=3)
    for place, level in enumerate(levels):
        counts = [len(cosines[place]) for cosines in panel.cosines.values()]
        shown = str(counts[0]) if len(set(counts)) == 1 else "/".join(map(str, counts))
        told = f"{shown} pair{'s' * (shown != '1')}" if any(counts) else "no\npairs"
        axes.text(level, 1.035, told, ha="center", va="center", fontsize=6.5, color="0.35")


def _step(levels: Sequence[float]) -> float:
    """Between the middles of a level's boxes: so that the boxes of two levels do not meet."""
    apart = np.diff(sorted({*levels, BAND_LEVEL}))
    gap = float(apart.min()) if len(apart) else 1.0
    return min(max(gap * 0.4, _NARROWEST), _WIDEST)


def _draw_band(axes: "Axes", step: float) -> None:
    from matplotlib.patches import Rectangle

    axes.add_patch(
        Rectangle(
            (BAND_LEVEL - step * 1.05, BAND[0]),
            step * 2.1,
            BAND[1] - BAND[0],
            facecolor="#F0E442",
            edgecolor="#8A7F00",
            alpha=0.45,
            linewidth=1,
            zorder=0.5,
        )
    )


def _draw_pairs(axes: "Axes", at: float, values: Sequence[float], step: float, number: int) -> None:
    """A box with all points beside each other in it; of a few pairs the points alone."""
    if not values:
        return
    look = look_of(number)
    if len(values) >= _FEWEST_BOXED:
        line = {"color": look.colour, "linewidth": 1.1}
        axes.boxplot(
            [list(values)],
            positions=[at],
            widths=step * 0.78,
            showfliers=False,
            manage_ticks=False,
            boxprops=line,
            whiskerprops=line,
            capprops=line,
            medianprops={"color": look.colour, "linewidth": 2.4},
            zorder=3,
        )
    # Spread by their order and not by chance, so that the same numbers give the same picture.
    ordered = np.argsort(np.argsort(values, kind="stable"))
    aside = (ordered * 0.618 % 1 - 0.5) * step * (0.6 if len(values) > 1 else 0.0)
    axes.plot(
        at + aside,
        list(values),
        linestyle="",
        marker=look.marker,
        markersize=5 if len(values) < _FEWEST_BOXED else 3 if len(values) < 40 else 2,
        color=look.colour,
        alpha=0.5,
        markeredgewidth=0,
        zorder=2,
    )


def _handles(prompts: Mapping[str, str]) -> list[Any]:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    shown: list[Any] = []
    for number, label in enumerate(prompts.values()):
        look = look_of(number)
        text = printable(label, f"prompt {number + 1}")
        shown.append(Line2D([], [], color=look.colour, linestyle="", marker=look.marker, label=text))
    band = f"the paper at {BAND_LEVEL:g}: most at {BAND[0]:g}–{BAND[1]:g}"
    shown.append(Patch(facecolor="#F0E442", edgecolor="#8A7F00", alpha=0.45, label=band))
    shown.append(Line2D([], [], color="0.55", linestyle=(0, (4, 3)), label="as alike as the personas"))
    return shown
