"""Which colour means what: one colour a label, a scale for differences, and the legends that name them."""

from collections.abc import Sequence

import matplotlib
import numpy as np
from jaxtyping import Float, UInt8
from numpy import ndarray
from PIL import Image, ImageDraw

from headsmith.contract.labels import LABELS
from headsmith.show.text import INK, PAPER, Colour, font, text_width

LABEL_COLOURS: dict[str, Colour] = {
    "background": (24, 26, 32),
    "skin": (238, 196, 160),
    "left_brow": (122, 72, 30),
    "right_brow": (186, 124, 56),
    "left_eye": (40, 90, 230),
    "right_eye": (90, 190, 255),
    "glasses": (150, 150, 160),
    "left_ear": (160, 80, 200),
    "right_ear": (214, 150, 240),
    "earring": (255, 255, 90),
    "nose": (60, 170, 90),
    "mouth": (120, 0, 20),
    "upper_lip": (235, 40, 60),
    "lower_lip": (255, 120, 150),
    "neck": (200, 150, 90),
    "necklace": (240, 220, 0),
    "cloth": (0, 128, 128),
    "hair": (92, 58, 120),
    "hat": (150, 220, 60),
}
"""One colour a label; left and right differ, and so do the three parts of the mouth."""

HEAD_COLOUR: Colour = (0, 230, 118)
MOUTH_COLOUR: Colour = (255, 64, 129)
MATTE_COLOUR: Colour = (255, 196, 0)

STATUS_COLOURS: dict[str, Colour] = {"missing": (87, 96, 106), "outlier": (209, 36, 47), "uncertain": (230, 150, 0)}
"""Of frames that are not ok."""

LARGEST_DIFFERENCE = 0.25
"""Difference, of values in 0..1, that has the scale's brightest colour."""


def colour_labels(labels: UInt8[ndarray, "H W"]) -> UInt8[ndarray, "H W 3"]:
    """Return label ids as their colours.

    Raises:
        ValueError: An id is no label.
    """
    if labels.max(initial=0) >= len(LABELS):
        raise ValueError(f"{labels.max()} is not the id of a label")
    return np.array([LABEL_COLOURS[name] for name in LABELS], np.uint8)[labels]


def colour_differences(first: UInt8[ndarray, "H W 3"], second: UInt8[ndarray, "H W 3"]) -> UInt8[ndarray, "H W 3"]:
    """Return the mean absolute difference of the channels as a colour: black at 0, pale yellow at the scale's end and over."""
    difference = np.abs(first.astype(np.float32) - second).mean(2) / 255
    return scale_colours(difference / LARGEST_DIFFERENCE)


def scale_colours(values: Float[ndarray, "*shape"]) -> UInt8[ndarray, "*shape 3"]:
    """Return values in 0..1 (clipped) as colours of matplotlib's *inferno*, which grows evenly in brightness."""
    return matplotlib.colormaps["inferno"](np.clip(values, 0, 1), bytes=True)[..., :3]


def legend(entries: Sequence[tuple[str, Colour]], width: int, size: int = 22) -> UInt8[ndarray, "H W 3"]:
    """Return swatches with their names, in as many lines as the width needs."""
    step, places, x, y = round(size * 1.7), [], 0, 0
    for name, _ in entries:
        length = size * 2 + text_width(name, size)
        if x and x + length > width:
            x, y = 0, y + step
        places.append((x, y))
        x += length + size
    strip = Image.new("RGB", (width, y + step), PAPER)
    pen = ImageDraw.Draw(strip)
    for (name, colour), (left, top) in zip(entries, places, strict=True):
        pen.rectangle((left, top + 2, left + round(size * 1.4), top + size + 2), fill=colour, outline=INK)
        pen.text((left + round(size * 1.8), top), name, font=font(size), fill=INK)
    return np.asarray(strip)


def scale_legend(width: int, size: int = 22) -> UInt8[ndarray, "H W 3"]:
    """Return the colour bar of ``colour_differences`` with its ends named, differences in percent of the full range."""
    bar = np.broadcast_to(scale_colours(np.linspace(0, 1, width // 2))[None], (size, width // 2, 3))
    strip = Image.new("RGB", (width, round(size * 1.7)), PAPER)
    pen = ImageDraw.Draw(strip)
    pen.text((0, 0), "difference 0 %", font=font(size), fill=INK)
    left = text_width("difference 0 %  ", size)
    strip.paste(Image.fromarray(np.ascontiguousarray(bar)), (left, 2))
    pen.text((left + width // 2 + size // 2, 0), f"{100 * LARGEST_DIFFERENCE:.0f} % and more", font=font(size), fill=INK)
    return np.asarray(strip)
