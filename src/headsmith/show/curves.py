"""Curves over frames or iterations as pictures, by matplotlib without a screen."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Shaped, UInt8
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy import ndarray

from headsmith.show.text import PAPER, Colour

DOTS_PER_INCH = 100
LETTER_POINTS = 13
MANY = 2000
"""Values from which on lines are drawn thinner: they would hide each other."""
COLOURS = ("#1f6feb", "#d1242f", "#1a7f37", "#9a6700", "#8250df", "#57606a")


@dataclass(frozen=True)
class Span:
    """x values that follow each other and are marked alike, the first and the last of them."""

    first: int
    last: int
    colour: Colour


@dataclass(frozen=True)
class Plot:
    """One pair of axes: lines by name over common x values; NaN breaks a line.

    Attributes:
        title: The heading.
        x_label: What x counts.
        y_label: What y is, with its unit.
        x: Common to all lines.
        lines: By name.
        bands: Half the width of the band around a line, by the line's name; lines may go without.
        marks: What is marked behind the lines.
    """

    title: str
    x_label: str
    y_label: str
    x: Shaped[ndarray, "n"]
    lines: dict[str, Shaped[ndarray, "n"]]
    bands: dict[str, Shaped[ndarray, "n"]] = field(default_factory=dict)
    marks: tuple[Span, ...] = ()


def spans(x: Sequence[int], kinds: Sequence[str], colours: dict[str, Colour]) -> tuple[Span, ...]:
    """Return the runs of neighbours of one kind, as far as the kind has a colour.

    Args:
        x: Ascending.
        kinds: Of each.
        colours: By kind.
    """
    found: list[Span] = []
    before = ""
    for value, kind in zip(x, kinds, strict=True):
        if kind in colours and kind == before:
            found[-1] = Span(found[-1].first, value, colours[kind])
        elif kind in colours:
            found.append(Span(value, value, colours[kind]))
        before = kind
    return tuple(found)


def draw_plots(plots: list[Plot], width: int, height: int = 300, columns: int = 2) -> UInt8[ndarray, "H W 3"]:
    """Return plots in rows, the whole ``width`` pixels wide, each row ``height`` pixels high."""
    rows = -(-len(plots) // columns)
    size = (width / DOTS_PER_INCH, rows * height / DOTS_PER_INCH)
    figure = Figure(figsize=size, dpi=DOTS_PER_INCH, facecolor=tuple(c / 255 for c in PAPER), layout="constrained")
    canvas = FigureCanvasAgg(figure)
    for number, plot in enumerate(plots):
        _draw(figure, plot, (rows, columns, number + 1))
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def _draw(figure: Figure, plot: Plot, place: tuple[int, int, int]) -> None:
    axes = figure.add_subplot(*place)
    colours = dict(zip(plot.lines, COLOURS * len(plot.lines), strict=False))
    for name, values in plot.lines.items():
        axes.plot(plot.x, values, label=name, color=colours[name], linewidth=1.5 if len(plot.x) < MANY else 0.8)
    _draw_bands(axes, plot, colours)
    _draw_marks(axes, plot.marks)
    axes.set_title(plot.title, fontsize=LETTER_POINTS + 2, loc="left")
    axes.set_xlabel(plot.x_label, fontsize=LETTER_POINTS)
    axes.set_ylabel(plot.y_label, fontsize=LETTER_POINTS)
    axes.tick_params(labelsize=LETTER_POINTS - 1)
    axes.margins(x=0.01)
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    if len(plot.lines) > 1:
        place = {"loc": "lower right", "bbox_to_anchor": (1, 0.97), "borderaxespad": 0.0}
        axes.legend(
            fontsize=LETTER_POINTS - 2, frameon=False, ncols=len(plot.lines), handlelength=1.2, columnspacing=1.0, **place
        )


def _draw_bands(axes: Axes, plot: Plot, colours: dict[str, str]) -> None:
    """Draw the bands; the axes keep the lines in view, and as much of the bands as is common."""
    low, high = axes.get_ylim()
    for name, band in plot.bands.items():
        values, usual = plot.lines[name], np.nanmedian(band)
        axes.fill_between(plot.x, values - band, values + band, color=colours[name], alpha=0.2, linewidth=0)
        low, high = min(low, np.nanmin(values) - 1.2 * usual), max(high, np.nanmax(values) + 1.2 * usual)
    axes.set_ylim(low, high)


def _draw_marks(axes: Axes, marks: Sequence[Span]) -> None:
    """Draw the marks behind the lines, at least a pixel wide; all of one colour at once, because there may be thousands."""
    for colour in dict.fromkeys(mark.colour for mark in marks):
        places = [(mark.first - 0.5, mark.last - mark.first + 1) for mark in marks if mark.colour == colour]
        shown = tuple(channel / 255 for channel in colour)
        across = axes.get_xaxis_transform()
        axes.broken_barh(places, (0, 1), transform=across, facecolor=shown, edgecolor=shown, alpha=0.3, linewidth=1, zorder=0)
