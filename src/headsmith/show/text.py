"""Words on pictures, in DejaVu Sans (it comes with matplotlib, so every machine draws the same letters)."""

from functools import cache
from pathlib import Path

import matplotlib
import numpy as np
from jaxtyping import UInt8
from numpy import ndarray
from PIL import Image, ImageDraw, ImageFont

Colour = tuple[int, int, int]

INK: Colour = (28, 30, 34)
PAPER: Colour = (250, 250, 248)
FAINT: Colour = (110, 114, 120)
ALARM: Colour = (190, 30, 45)

MARGIN = 7
LINE_HEIGHT = 1.35
"""Distance between lines of text, as a multiple of the letters' size."""


@cache
def font(size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    """Return the typeface, ``size`` in pixels."""
    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    return ImageFont.truetype(str(folder / ("DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf")), size)


def text_width(text: str, size: int, bold: bool = False) -> int:
    """Return the width of a line of text in pixels."""
    return int(np.ceil(font(size, bold).getlength(text)))


def wrapped(text: str, width: int, size: int, bold: bool = False) -> list[str]:
    """Break text between words into lines at most ``width`` pixels wide; a word that is wider stands alone."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_width(longer, size, bold) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def text_block(
    text: str, width: int, size: int, *, colour: Colour = INK, paper: Colour = PAPER, bold: bool = False
) -> UInt8[ndarray, "H W 3"]:
    """Return a strip of paper with wrapped text, ``width`` pixels wide and as high as the text needs."""
    lines = wrapped(text, width - 2 * MARGIN, size, bold)
    step = round(size * LINE_HEIGHT)
    strip = Image.new("RGB", (width, len(lines) * step + MARGIN), paper)
    pen = ImageDraw.Draw(strip)
    for number, line in enumerate(lines):
        pen.text((MARGIN, number * step + MARGIN // 2), line, font=font(size, bold), fill=colour)
    return np.asarray(strip)
