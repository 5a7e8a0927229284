"""The plot of methods compared: what came of their calls, and below how diverse that is."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, NamedTuple

from personahub.evaluation.measures import METRICS, Measure
from personahub.evaluation.plots import draw_measure, plotting, printable, save_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["ArmBar", "ArmMeasures", "plot_arms"]

_SHOWN = ("mean_cosine", "vendi", "distinct_2", "self_bleu")
"""One of meanings, one of how many kinds, one of words and one of wholes: the table has the others."""
_CALLS, _ACCEPTED, _KEPT = "0.9", "#56B4E9", "#0072B2"
_LINE = 90
_NOT_MEASURED = Measure(None, reason="not measured")


class ArmBar(NamedTuple):
    """What came of one method's calls."""

    name: str
    calls: int
    prepared: int
    """Of them, before the first record."""
    accepted: int
    kept: int
    kept_share: tuple[float, float, float]
    """Of the calls, with the ends of its interval."""


class ArmMeasures(NamedTuple):
    """How diverse one kind of records is."""

    title: str
    measures: Sequence[Mapping[str, Measure] | None]
    """Of each method by the measure's name; None where it was not measured."""


def plot_arms(
    path: Path, title: str, bars: Sequence[ArmBar], panels: Sequence[ArmMeasures], *, checked: bool
) -> None:
    """Draw for each method a bar of its calls, with those that gave records; below the measures, a row each.

    Args:
        path: the files, without an ending.
        title: says what was compared.
        bars: of the methods.
        panels: rows of measures.
        checked: records were checked, so that those kept are fewer than those accepted.
    """
    from matplotlib.figure import Figure

    labels = [printable(bar.name, f"method {place}") for place, bar in enumerate(bars, 1)]
    lines = 0.32 * len(bars)
    heights = [lines + 1.0, *[lines + 0.9] * len(panels)]
    with plotting():
        figure = Figure(figsize=(9.5, sum(heights) + 0.5), layout="constrained")
        figure.suptitle("\n".join(_printable_lines(title)), fontsize=11)
        parts = figure.subfigures(len(heights), 1, height_ratios=heights, squeeze=False)[:, 0]
        _draw_calls(parts[0].subplots(), labels, bars, checked)
        for part, panel in zip(parts[1:], panels, strict=True):
            part.suptitle(f"{panel.title}; arrows point to where they are more diverse", fontsize=9)
            measures = [each or dict.fromkeys(METRICS, _NOT_MEASURED) for each in panel.measures]
            for place, axes in enumerate(part.subplots(1, len(_SHOWN))):
                draw_measure(axes, _SHOWN[place], [each[_SHOWN[place]] for each in measures])
                if not place:
                    axes.set_yticks(range(len(labels)), labels)
                    axes.tick_params(axis="y", length=0)
        save_figure(figure, path)


def _printable_lines(title: str) -> list[str]:
    """The title's words that a font has all of, in lines that fit."""
    return wrap(" ".join(printable(word, "?") for word in title.split()), _LINE)


def _draw_calls(axes: "Axes", labels: Sequence[str], bars: Sequence[ArmBar], checked: bool) -> None:
    from matplotlib.ticker import MaxNLocator

    places = range(len(bars))
    most = max((bar.calls for bar in bars), default=1) or 1
    axes.barh(places, [bar.calls for bar in bars], height=0.72, color=_CALLS, label="calls")
    if any(bar.prepared for bar in bars):
        axes.barh(
            places,
            [bar.prepared for bar in bars],
            left=[bar.calls - bar.prepared for bar in bars],
            height=0.72,
            color=_CALLS,
            edgecolor="0.6",
            linewidth=0,
            hatch="////",
            label="calls before the first record",
        )
    axes.barh(places, [bar.accepted for bar in bars], height=0.72, color=_ACCEPTED, label="records accepted")
    if checked:
        axes.barh(places, [bar.kept for bar in bars], height=0.36, color=_KEPT, label="kept by the checks")
    for place, bar in enumerate(bars):
        low, high = (end * bar.calls for end in bar.kept_share[1:])
        axes.plot([low, high], [place, place], color="black", linewidth=1.2, zorder=3)
        told = f"{bar.accepted:,} accepted, {bar.kept:,} kept" if checked else f"{bar.accepted:,} accepted"
        axes.text(most * 1.015, place, f"{told} of {bar.calls:,}", va="center")
    axes.set_yticks(places, labels)
    axes.set_ylim(len(bars) - 0.4, -0.6)
    axes.set_xlim(0, most * 1.4)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    ticks = [tick for tick in axes.get_xticks() if 0 <= tick <= most]
    axes.set_xticks(ticks, [f"{tick:,.0f}" for tick in ticks])
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.spines["bottom"].set_bounds(0, most)
    axes.set_xlabel(
        f"calls; the line is the 95 % interval of what is {'kept' if checked else 'accepted'}", loc="left"
    )
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=4, frameon=False, borderaxespad=0.2)
