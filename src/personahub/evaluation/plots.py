"""Plots of studies: readable in print, told apart without colour, the same bytes for the same numbers.

Colours are those of Okabe and Ito (2008), which people of any colour vision tell apart; each set has its own
line style and marker too. Figures are drawn without a screen and without changing matplotlib's settings for
the program around.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from personahub.evaluation.measures import METRICS, Measure
from personahub.evaluation.vectors import CosineDistribution

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Look", "draw_measure", "look_of", "plot_diversity", "plotting", "printable", "save_figure"]

_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
_LINES: tuple[Any, ...] = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 1)), (0, (8, 3)))
_MARKERS = "osD^vPX"
_FONTS = (
    "DejaVu Sans",
    "Noto Sans",
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Source Han Sans SC",
    "WenQuanYi Micro Hei",
    "PingFang SC",
    "Hiragino Sans",
    "Microsoft YaHei",
    "Noto Sans Arabic",
    "Noto Sans Thai",
    "Noto Sans Devanagari",
)
"""Tried one after another for each character, where they are installed."""
_DPI = 200
_LABEL = 40
_COLUMNS = 4


class Look(NamedTuple):
    """How one of several sets is drawn."""

    colour: str
    line: Any
    marker: str


def look_of(place: int) -> Look:
    """The look of the set at this place; after seven, markers and lines come with other colours."""
    again = place + place // len(_COLOURS)
    return Look(_COLOURS[place % 7], _LINES[again % 7], _MARKERS[again % 7])


@contextmanager
def plotting() -> Iterator[None]:
    """The settings that all figures are drawn with; the program's own come back afterwards."""
    import matplotlib as mpl

    settings = {
        "font.family": list(_installed_fonts()),
        "font.size": 9,
        "axes.titlesize": 9,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.unicode_minus": False,
        "svg.hashsalt": "personahub",
        "text.parse_math": False,
    }
    with mpl.rc_context({"backend": "agg"}), mpl.rc_context(settings):
        yield


@cache
def _installed_fonts() -> tuple[str, ...]:
    from matplotlib import font_manager

    there = {font.name for font in font_manager.fontManager.ttflist}
    return tuple(name for name in _FONTS if name in there)


@cache
def _characters() -> frozenset[int]:
    """The characters that one of the fonts has."""
    from matplotlib import font_manager
    from matplotlib.ft2font import FT2Font

    found: set[int] = set()
    for name in _installed_fonts():
        found.update(FT2Font(font_manager.findfont(name)).get_charmap())
    return frozenset(found)


def printable(label: str, otherwise: str) -> str:
    """A label that the fonts of this machine can show, shortened where it is long.

    Args:
        label: what it should be.
        otherwise: what stands for it where no font has all of its characters.
    """
    flat = " ".join(label.split())
    if any(ord(char) not in _characters() for char in flat):
        return otherwise
    return flat if len(flat) <= _LABEL else flat[: _LABEL // 2] + "…" + flat[-_LABEL // 2 + 1 :]


def save_figure(figure: "Figure", path: Path) -> None:
    """Write a figure to ``path`` with the endings ``.png`` and ``.svg``; nothing in them tells the time."""
    figure.savefig(path.with_suffix(".png"), dpi=_DPI, metadata={"Software": None})
    figure.savefig(path.with_suffix(".svg"), metadata={"Date": None, "Creator": None})


def plot_diversity(
    path: Path,
    names: Sequence[str],
    measures: Sequence[Mapping[str, Measure]],
    cosines: Sequence[CosineDistribution | None],
    title: str,
) -> None:
    """Draw the cosines of several sets on one axis, and each measure with its interval in a small panel.

    Args:
        path: the files, without an ending.
        names: of the sets.
        measures: of each set.
        cosines: of each set; None where there are none.
        title: says what was measured, such as at which count and length.
    """
    from matplotlib.figure import Figure

    labels = [printable(name, f"set {place}") for place, name in enumerate(names, 1)]
    rows = -(-len(METRICS) // _COLUMNS)
    panel = 1.0 + 0.2 * len(names)
    legend = 0.22 * len(names) + 0.5
    with plotting():
        figure = Figure(figsize=(9.5, 3.4 + legend + rows * panel), layout="constrained")
        grid = figure.add_gridspec(rows + 1, _COLUMNS, height_ratios=[3.0, *[panel] * rows])
        figure.suptitle(title, fontsize=11)
        _draw_cosines(figure.add_subplot(grid[0, :]), cosines)
        for number, name in enumerate(METRICS):
            axes = figure.add_subplot(grid[1 + number // _COLUMNS, number % _COLUMNS])
            draw_measure(axes, name, [each[name] for each in measures])
        _explain(figure.add_subplot(grid[-1, len(METRICS) % _COLUMNS :]))
        figure.legend(
            handles=[_handle(place, label) for place, label in enumerate(labels)],
            loc="outside lower center",
            ncols=min(len(labels), 3),
            frameon=False,
        )
        save_figure(figure, path)


def _explain(axes: "Axes") -> None:
    """Say in the place that no measure takes how the panels are read."""
    axes.set_axis_off()
    told = "Arrows point to where\nsets are more diverse.\nBars are 95 % intervals."
    axes.text(0.0, 0.95, told, color="0.3", va="top", linespacing=1.5)


def _handle(place: int, label: str) -> Any:
    from matplotlib.lines import Line2D

    look = look_of(place)
    return Line2D([], [], color=look.colour, linestyle=look.line, marker=look.marker, label=label)


def _draw_cosines(axes: "Axes", cosines: Sequence[CosineDistribution | None]) -> None:
    drawn = [(place, each) for place, each in enumerate(cosines) if each is not None]
    if not drawn:
        axes.text(0.5, 0.5, "no two texts that the embedding model can compare", ha="center")
        axes.set_axis_off()
        return
    low = min(each.quantiles[0.01] for _, each in drawn) - 0.15
    high = max(each.quantiles[0.99] for _, each in drawn) + 0.15
    for place, each in drawn:
        look = look_of(place)
        bins = len(each.shares)
        middles = [-1 + (number + 0.5) * 2 / bins for number in range(bins)]
        density = [share * bins / 2 for share in each.shares]
        axes.plot(middles, density, color=look.colour, linestyle=look.line, linewidth=1.6)
        median = each.quantiles[0.5]
        axes.plot([median], [0], marker=look.marker, color=look.colour, clip_on=False, zorder=3)
    axes.set_xlim(max(low, -1), min(high, 1))
    axes.set_ylim(bottom=0)
    axes.set_xlabel("cosine of two texts of a set; markers: medians; further left is more diverse")
    axes.set_ylabel("density of pairs")


def draw_measure(axes: "Axes", name: str, measures: Sequence[Measure]) -> None:
    """Draw one measure of several sets, each on a line of its own, with its interval or "not done"."""
    metric = METRICS[name]
    axes.set_title(f"{metric.title} {'→' if metric.higher_is_diverse else '←'}", loc="left")
    axes.set_ylim(len(measures) - 0.4, -0.6)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.margins(x=0.12)
    axes.locator_params(axis="x", nbins=4)
    axes.grid(axis="x", color="0.9")
    axes.set_axisbelow(True)
    for place, measure in enumerate(measures):
        look = look_of(place)
        if measure.value is None:
            axes.text(0.02, place, "not done", color="0.4", transform=axes.get_yaxis_transform(), va="center")
            continue
        if measure.low is not None and measure.high is not None:
            axes.plot([measure.low, measure.high], [place, place], color=look.colour, linewidth=2)
        axes.plot([measure.value], [place], marker=look.marker, color=look.colour, markersize=5)
    if all(measure.value is None for measure in measures):
        axes.set_xticks([])
