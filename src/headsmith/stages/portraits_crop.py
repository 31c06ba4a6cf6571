"""The square that is cut around the face of a portrait, and the pixels in it."""

import cv2
import numpy as np
from jaxtyping import Float, UInt8
from numpy import ndarray

from headsmith.media.sizes import resize_image

POINTS_TO_SIDE = 1.1
"""DECA's crop is so many times the mean of the width and height of the points' box, times a margin (DECA, ``datasets.py``,
``bbox2point``; Feng et al. 2021)."""

Similarity = Float[ndarray, "3 3"]


def face_crop(points: Float[ndarray, "L 2"], margin: float, size: int) -> Similarity:
    """Return DECA's crop around a face: from the picture's pixels to the crop's, centres of pixels at +0.5.

    The middle of the points' box is in the middle of the square, whose side is that of the box' mean side times
    ``POINTS_TO_SIDE`` and the margin, a whole number of pixels. As DECA does, the square's edges are laid on the centres of the
    first and the last pixel of the crop, not on their outer edges.

    Args:
        points: x and y, pixels of the picture.
        margin: DECA's 1.25.
        size: Side of the crop, pixels.
    """
    low, high = points.min(0), points.max(0)
    side = max(1, int((high - low).mean() * POINTS_TO_SIDE * margin))
    corner = (low + high) / 2 - 0.5 - side / 2
    scale = (size - 1) / side
    return np.array([[scale, 0, 0.5 - scale * (corner[0] + 0.5)], [0, scale, 0.5 - scale * (corner[1] + 0.5)], [0, 0, 1.0]])


def whole_crop(picture: tuple[int, int], size: int) -> Similarity:
    """Return the crop that holds a whole picture of a width and height, its middle in the middle."""
    scale = size / max(picture)
    return np.array([[scale, 0, (size - scale * picture[0]) / 2], [0, scale, (size - scale * picture[1]) / 2], [0, 0, 1.0]])


def quarter_turn(picture: tuple[int, int], quarters: int) -> Similarity:
    """Return where the pixels of a picture of a width and height are after ``numpy.rot90`` so many times."""
    width, height = picture
    turns = {
        0: [[1, 0, 0], [0, 1, 0]],
        1: [[0, 1, 0], [-1, 0, width]],
        2: [[-1, 0, width], [0, -1, height]],
        3: [[0, -1, height], [1, 0, 0]],
    }
    return np.array([*turns[quarters % 4], [0, 0, 1]], np.float64)


def moved(points: Float[ndarray, "n 2"], similarity: Similarity) -> Float[ndarray, "n 2"]:
    """Return points after a similarity."""
    return points @ similarity[:2, :2].T + similarity[:2, 2]


def scale_of(similarity: Similarity) -> float:
    """Return by how much a similarity enlarges."""
    return float(np.sqrt(abs(np.linalg.det(similarity[:2, :2]))))


def cut(picture: UInt8[ndarray, "H W 3"], crop: Similarity, size: int) -> UInt8[ndarray, "size size 3"]:
    """Return the pixels of a crop, black beyond the picture.

    Where it shrinks, the picture is first brought down by area averaging to less than twice the crop's scale, so that no pixel
    is skipped; the rest is bilinear, as DECA has it.
    """
    shrinking = int(1 / scale_of(crop))
    before = np.eye(3)
    if shrinking > 1:
        height, width = picture.shape[:2]
        small = (max(1, round(width / shrinking)), max(1, round(height / shrinking)))
        before = np.diag([small[0] / width, small[1] / height, 1.0])
        picture = resize_image(picture, small)
    whole = crop @ np.linalg.inv(before)
    half = np.eye(3)
    half[:2, 2] = 0.5
    places = (np.linalg.inv(half) @ whole @ half)[:2]
    return cv2.warpAffine(picture, places, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)


def beyond(picture: tuple[int, int], crop: Similarity, size: int) -> ndarray:
    """Return which pixels of a crop lie beyond a picture of a width and height, (size, size), true or false."""
    row, column = np.mgrid[:size, :size] + 0.5
    places = moved(np.stack([column.ravel(), row.ravel()], 1), np.linalg.inv(crop))
    outside = (places < 0).any(1) | (places[:, 0] > picture[0]) | (places[:, 1] > picture[1])
    return outside.reshape(size, size)
