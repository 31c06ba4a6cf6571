"""Curves over frames or iterations as pictures, by matplotlib without a screen."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Shaped, UInt8
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy import ndarray

from headsmith.show.text import PAPER

DOTS_PER_INCH = 100
LETTER_POINTS = 13
COLOURS = ("#1f6feb", "#d1242f", "#1a7f37", "#9a6700", "#8250df", "#57606a")


@dataclass(frozen=True)
class Plot:
    """One pair of axes: lines by name over common x values; NaN breaks a line. ``marks`` are x values to strike through."""

    title: str
    x_label: str
    y_label: str
    x: Shaped[ndarray, "n"]
    lines: dict[str, Shaped[ndarray, "n"]]
    marks: tuple[int, ...] = ()


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
    for (name, values), colour in zip(plot.lines.items(), COLOURS * len(plot.lines), strict=False):
        axes.plot(plot.x, values, label=name, color=colour, linewidth=1.5)
    for mark in plot.marks:
        axes.axvline(mark, color="#d1242f", alpha=0.25, linewidth=2)
    axes.set_title(plot.title, fontsize=LETTER_POINTS + 2, loc="left")
    axes.set_xlabel(plot.x_label, fontsize=LETTER_POINTS)
    axes.set_ylabel(plot.y_label, fontsize=LETTER_POINTS)
    axes.tick_params(labelsize=LETTER_POINTS - 1)
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    if len(plot.lines) > 1:
        axes.legend(fontsize=LETTER_POINTS - 1, frameon=False, ncols=min(3, len(plot.lines)), loc="best")
