"""Sizes of pictures: the bound that hostile files meet, the cap that every input is scaled down to."""

import os

import cv2
import numpy as np
from jaxtyping import UInt8

from headsmith.contract.errors import UserError

MOST_PIXELS = 2**27
"""Most pixels of a picture or a video's frame, 134 million (8K video has 33 million); RGB of that takes 400 MB."""


def check_pixels(
    width: int, height: int, *, clip: str | None = None, file: str | os.PathLike[str] | None = None, remedy: str | None = None
) -> None:
    """Refuse a size that a header claims, before anything is allocated for it.

    Raises:
        UserError: A side is not positive, or width x height exceeds ``MOST_PIXELS``.
    """
    if min(width, height) < 1 or width * height > MOST_PIXELS:
        what = f"the picture claims {width} x {height} pixels; 1 to {MOST_PIXELS} are accepted"
        remedy = remedy or "scale it down, or replace it: the file may be damaged"
        raise UserError(what, clip=clip, file=file, remedy=remedy)


def capped_size(size: tuple[int, int], max_side: int) -> tuple[int, int]:
    """Return width and height scaled down, never up, so that the longer is at most ``max_side`` pixels (0: as they are)."""
    if not max_side or max(size) <= max_side:
        return size
    scale = max_side / max(size)
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def resize_image(image: UInt8[np.ndarray, "H W 3"], size: tuple[int, int]) -> UInt8[np.ndarray, "h w 3"]:
    """Return an image of width and height ``size``: area averaging when it shrinks, cubic interpolation when it grows."""
    if (image.shape[1], image.shape[0]) != size:
        shrinks = image.shape[1] * image.shape[0] > size[0] * size[1]
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)
    return np.ascontiguousarray(image)
