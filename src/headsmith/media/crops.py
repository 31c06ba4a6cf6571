"""One square crop for a whole clip, placed around a face that moves."""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, UInt8

SPREAD = (5.0, 95.0)
"""Percentiles of the faces' edges that the crop must hold: one wrong detection in twenty does not move it."""
AIR = 1.1
"""The crop is never smaller than this many times the faces' union, even where the picture is: then it is padded."""
RISE = 0.1
"""The crop lies higher than the face by this share of the face's side: hair lies above the detected points."""


@dataclass(frozen=True)
class Crop:
    """A square in a picture.

    Attributes:
        x: Left edge in pixels; negative where the square sticks out of the picture.
        y: Top edge in pixels.
        size: Side in pixels.
    """

    x: int
    y: int
    size: int


def place_crop(boxes: Float[np.ndarray, "n 4"], margin: float, picture: tuple[int, int]) -> Crop:
    """Return the square that holds a face throughout a clip.

    Its side is the side of the union of the boxes (between percentiles), plus ``margin - 1`` times the face's larger side
    (the median), so a face that stands still fills ``1 / margin`` of it. It shrinks to fit the picture, and is shifted into
    it; only where the union itself does not fit does it stick out.

    Args:
        boxes: Left, top, right, bottom of the face in some frames, in pixels.
        margin: Side of the crop as a multiple of the face's larger side, 1 or more.
        picture: Width and height of the picture, in pixels.
    """
    low = np.percentile(boxes[:, :2], SPREAD[0], axis=0)
    high = np.percentile(boxes[:, 2:], SPREAD[1], axis=0)
    union = float((high - low).max())
    face = median_side(boxes)
    side = round(max(min(union + (margin - 1) * face, *picture), AIR * union))
    x, y = ((low + high) / 2 - side / 2).tolist()
    return Crop(_shifted(x, side, picture[0]), _shifted(y - RISE * face, side, picture[1]), side)


def central_crop(picture: tuple[int, int]) -> Crop:
    """Return the largest square in the middle of a picture of the given width and height."""
    side = min(picture)
    return Crop((picture[0] - side) // 2, (picture[1] - side) // 2, side)


def median_side(boxes: Float[np.ndarray, "n 4"]) -> float:
    """Return the median of the boxes' larger sides, in pixels."""
    return float(np.median((boxes[:, 2:] - boxes[:, :2]).max(1)))


def sticks_out(crop: Crop, picture: tuple[int, int]) -> bool:
    """Whether a crop reaches beyond a picture of the given width and height."""
    return min(crop.x, crop.y) < 0 or crop.x + crop.size > picture[0] or crop.y + crop.size > picture[1]


def cut_crop(image: UInt8[np.ndarray, "H W 3"], crop: Crop, size: int) -> UInt8[np.ndarray, "size size 3"]:
    """Return the crop of an image, resized to ``size`` pixels a side: by area averaging down, bicubically up.

    What lies outside of the image repeats its edge.
    """
    height, width = image.shape[:2]
    rows = np.arange(crop.y, crop.y + crop.size).clip(0, height - 1)
    columns = np.arange(crop.x, crop.x + crop.size).clip(0, width - 1)
    part = image[rows][:, columns]
    if crop.size == size:
        return part
    return cv2.resize(part, (size, size), interpolation=cv2.INTER_AREA if crop.size > size else cv2.INTER_CUBIC)


def _shifted(start: float, side: int, length: int) -> int:
    """Return where a span starts once it lies inside 0..length, or, if longer than that, centred on it."""
    if side > length:
        return (length - side) // 2
    return min(max(round(start), 0), length - side)
