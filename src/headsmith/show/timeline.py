"""What stands on every frame of a video: words in the corner, and a curve over the whole clip with a cursor."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, UInt8
from numpy import ndarray
from PIL import Image, ImageDraw

from headsmith.show.colours import STATUS_COLOURS
from headsmith.show.curves import spans
from headsmith.show.text import MARGIN, Colour, font, text_width

Picture = UInt8[ndarray, "H W 3"]

NIGHT: Colour = (22, 24, 29)
CHALK: Colour = (232, 234, 237)
DIM: Colour = (140, 146, 156)
LINE: Colour = (110, 180, 255)
SIZE = 18
"""Of letters, pixels."""
HEIGHT = 96
HEADROOM = 1.15
"""Top of the scale over the largest value that is drawn whole, the 99th percentile."""


@dataclass(frozen=True)
class Timeline:
    """A curve over a clip.

    Attributes:
        picture: The curve, without a cursor.
        places: x of each frame, pixels.
    """

    picture: Picture
    places: Float[ndarray, " T"]

    @classmethod
    def of(cls, values: Float[ndarray, " T"], status: Sequence[str], width: int) -> "Timeline":
        """Return the curve of errors in percent, NaN where there are none; frames that are not ok are marked by colour."""
        places = (np.arange(len(values)) + 0.5) * width / len(values)
        known = values[np.isfinite(values)]
        top = HEADROOM * float(np.percentile(known, 99)) if len(known) else 1.0
        strip = np.full((HEIGHT, width, 3), NIGHT, np.uint8)
        for span in spans(range(len(values)), status, STATUS_COLOURS):
            left, right = (places[[span.first, span.last]] + np.array([-0.5, 0.5]) * width / len(values)).round()
            strip[:, int(left) : max(int(right), int(left) + 2)] = np.multiply(span.colour, 0.6)
        heights = HEIGHT - 1 - (HEIGHT - 2 * MARGIN - SIZE) * np.clip(values / max(top, 1e-9), 0, 1)
        for run in np.ma.clump_unmasked(np.ma.masked_invalid(values)):
            line = np.stack([places[run], heights[run]], 1).round().astype(np.int32)
            cv2.polylines(strip, [line], False, LINE, 1, cv2.LINE_AA)
        note = f"landmark error, % of the eye distance; top of the scale {top:.1f} %"
        return cls(_write(strip, [note], DIM), places)

    def at(self, place: int) -> Picture:
        """Return the curve with the cursor at a frame."""
        drawn = self.picture.copy()
        x = min(int(self.places[place]), drawn.shape[1] - 1)
        drawn[:, max(0, x - 1) : x + 1] = CHALK
        return drawn


def draw_words(picture: Picture, lines: Sequence[str], status: str) -> Picture:
    """Return a picture with lines in its upper left corner, on a dark ground with an edge in the colour of the status."""
    width = min(picture.shape[1], max(text_width(line, SIZE) for line in lines) + 3 * MARGIN)
    height = round(len(lines) * SIZE * 1.35) + MARGIN
    drawn = picture.copy()
    drawn[:height, :width] = drawn[:height, :width] // 4 + np.multiply(NIGHT, 0.75).astype(np.uint8)
    drawn[:height, :width] = _write(drawn[:height, :width], lines, CHALK)
    drawn[:height, :4] = STATUS_COLOURS.get(status, (60, 190, 100))
    return drawn


def _write(picture: Picture, lines: Sequence[str], colour: Colour) -> Picture:
    image = Image.fromarray(np.ascontiguousarray(picture))
    pen = ImageDraw.Draw(image)
    for number, line in enumerate(lines):
        pen.text((MARGIN + 4, round(number * SIZE * 1.35) + MARGIN // 2), line, font=font(SIZE), fill=colour)
    return np.asarray(image)
