"""One square crop for a whole clip, placed around a face that moves."""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from headsmith.media.sizes import resize_image

SPREAD = (5.0, 95.0)
"""Percentiles of the faces' edges that the crop must hold: one wrong detection in twenty does not move it."""
AIR = 1.1
"""The crop is never smaller than this many times the faces' union, even where the picture is: then it is padded."""
RISE = 0.1
"""The crop lies higher than the face by this share of the face's side: hair lies above the detected points."""

Box = tuple[float, float, float, float]
"""Left, top, right and bottom in pixels."""


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
    it; only where the union itself does not fit does it stick out. Its edges lie on even pixels, between the chroma samples of
    most videos, so that nothing around it has to be converted.

    Args:
        boxes: Left, top, right, bottom of the face in some frames, in pixels.
        margin: Side of the crop as a multiple of the face's larger side, 1 or more.
        picture: Width and height of the picture, in pixels.
    """
    low = np.percentile(boxes[:, :2], SPREAD[0], axis=0)
    high = np.percentile(boxes[:, 2:], SPREAD[1], axis=0)
    union = float((high - low).max())
    face = median_side(boxes)
    most = _even_below(min(picture))
    side = max(min(_even(union + (margin - 1) * face), most), _even(AIR * union))
    x, y = ((low + high) / 2 - side / 2).tolist()
    return Crop(_shifted(x, side, picture[0]), _shifted(y - RISE * face, side, picture[1]), side)


def central_crop(picture: tuple[int, int]) -> Crop:
    """Return the largest square in the middle of a picture of the given width and height; it begins on even pixels."""
    side = min(picture)
    return Crop(_even_below((picture[0] - side) // 2), _even_below((picture[1] - side) // 2), side)


def median_side(boxes: Float[np.ndarray, "n 4"]) -> float:
    """Return the median of the boxes' larger sides, in pixels."""
    return float(np.median((boxes[:, 2:] - boxes[:, :2]).max(1)))


def sticks_out(crop: Crop, picture: tuple[int, int]) -> bool:
    """Whether a crop reaches beyond a picture of the given width and height."""
    return min(crop.x, crop.y) < 0 or crop.x + crop.size > picture[0] or crop.y + crop.size > picture[1]


def is_outside(crop: Crop, picture: tuple[int, int]) -> bool:
    """Whether a crop and a picture of the given width and height have no pixel in common."""
    return crop.x >= picture[0] or crop.y >= picture[1] or min(crop.x, crop.y) + crop.size <= 0


def reach_beyond(box: Box, crop: Crop) -> float:
    """Return how far a box reaches out of a crop, in pixels; negative: how far it stays away from the nearest edge."""
    left, top, right, bottom = box
    return max(crop.x - left, crop.y - top, right - crop.x - crop.size, bottom - crop.y - crop.size)


def cut_crop(image: UInt8[np.ndarray, "H W 3"], crop: Crop, size: int) -> UInt8[np.ndarray, "size size 3"]:
    """Return the crop of an image, resized to ``size`` pixels a side: by area averaging down, bicubically up.

    What lies outside of the image repeats its edge.
    """
    height, width = image.shape[:2]
    left, top, right, bottom = inner_part(crop, (width, height))
    part = image[top:bottom, left:right]
    sides = (top - crop.y, crop.y + crop.size - bottom, left - crop.x, crop.x + crop.size - right)
    return resize_image(cv2.copyMakeBorder(part, *sides, cv2.BORDER_REPLICATE) if any(sides) else part, (size, size))


def inner_part(crop: Crop, picture: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return left, top, right and bottom of what a crop and a picture of width and height share.

    Raises:
        ValueError: They share nothing.
    """
    if is_outside(crop, picture):
        raise ValueError(f"{crop} and a picture of {picture} share nothing")
    return max(crop.x, 0), max(crop.y, 0), min(crop.x + crop.size, picture[0]), min(crop.y + crop.size, picture[1])


def _shifted(start: float, side: int, length: int) -> int:
    """Return where a span starts once it lies inside 0..length, on an even pixel, or, if longer than that, centred on it."""
    if side > length:
        return (length - side) // 2
    return min(max(_even(start), 0), _even_below(length - side))


def _even(number: float) -> int:
    """Return the nearest even number."""
    return 2 * round(number / 2)


def _even_below(number: int) -> int:
    """Return the largest even number that is not larger."""
    return number // 2 * 2
