"""Squares that are turned with the face and cut anew in each frame, by the rule of flame-head-tracker 4.1.

The rule is that of the FFHQ data set (Karras et al. 2019, appendix A), its square enlarged for tracking: ``image_align`` with
``standard="tracking"``. The tracker's camera fits such a square alone, so pictures without theirs can be cut again from the
video.
"""

import math

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from headsmith.contract.conventions import IBUG68

WIDER = 1.3
"""How many times FFHQ's square the tracker's is."""
EYES, MOUTH, LOWER = 2.0, 1.8, 0.1
"""Half a side is the larger of so many distances between the eyes, and from the eyes to the mouth; the centre lies below the
eyes by so much of the latter."""
HALF_PIXEL = 0.5
"""The tracker takes landmarks, which count from the picture's corner, for places that count from the first pixel's centre."""
OUTSIDE = (255, 255, 255)
"""What lies outside of the picture is white, as where the tracker pads; it fades the edge besides, which is not done here."""
REACH = 4
"""Pixels around a square that its interpolation may look at."""
TURN = np.array([[0.0, 1.0], [-1.0, 0.0]])
"""A row vector times this is turned by a quarter, clockwise as seen in a picture: x becomes y."""

Quad = Float[np.ndarray, "4 2"]


def face_square(points: Float[np.ndarray, "68 2"]) -> Quad:
    """Return the corners of the square that the tracker cuts around a face: upper left, upper right, lower right, lower left.

    The square's upper edge is parallel to the sum of two directions: from eye to eye, and the one that is a quarter turn
    from the way from the eyes to the mouth. Upper and left are meant as in the square, which is upright for the face.

    Args:
        points: Of ``contract.conventions.IBUG68``, in pixels from the picture's upper left corner, of any resolution.
    """
    right, left = (points[list(IBUG68.parts["eyes"][place : place + 6])].mean(0) for place in (0, 6))
    mouth = points[[IBUG68.outer_lips[0], IBUG68.outer_lips[6]]].mean(0)
    eyes = (right + left) / 2
    across, down = left - right, mouth - eyes
    edge = across - down @ TURN
    edge *= WIDER * max(EYES * np.linalg.norm(across), MOUTH * np.linalg.norm(down)) / np.linalg.norm(edge)
    centre = eyes + LOWER * down + HALF_PIXEL
    signs = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)])
    return centre + signs @ np.stack([edge, edge @ TURN])


def leaves_picture(quad: Quad, picture: tuple[int, int]) -> bool:
    """Whether a square reaches beyond a picture of the given width and height."""
    return bool((quad < 0).any() or (quad > picture).any())


def cut_square(image: UInt8[np.ndarray, "H W 3"], quad: Quad, size: int) -> UInt8[np.ndarray, "size size 3"]:
    """Return a turned square of an image, ``size`` pixels a side.

    Cubic interpolation when it grows. When it shrinks, each pixel is the mean of ``n`` times ``n`` places inside it, cubically
    interpolated, with ``n`` such that they lie no farther apart than pixels of the image do: area averaging, turned.

    Args:
        image: RGB.
        quad: As ``face_square`` returns it: a square, in pixels of the image from its upper left corner.
        size: Side of the result.
    """
    across, down = quad[1] - quad[0], quad[3] - quad[0]
    image, corner = _around(image, quad)
    finer = size * max(1, math.ceil(float(np.linalg.norm(across)) / size - 1e-6))
    first = quad[0] - corner + (across + down) / (2 * finer) - 0.5
    warp = np.stack([across / finer, down / finer, first], 1)
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    square = cv2.warpAffine(image, warp, (finer, finer), flags=flags, borderMode=cv2.BORDER_CONSTANT, borderValue=OUTSIDE)
    return square if finer == size else cv2.resize(square, (size, size), interpolation=cv2.INTER_AREA)


def _around(image: UInt8[np.ndarray, "H W 3"], quad: Quad) -> tuple[UInt8[np.ndarray, "h w 3"], Float[np.ndarray, "2"]]:
    """Return the part of an image that a square needs, and its left and top: OpenCV takes no side above 32,767 pixels."""
    most = np.array(image.shape[1::-1])
    low = np.clip(np.floor(quad.min(0)) - REACH, 0, most - 1).astype(int)
    high = np.clip(np.ceil(quad.max(0)) + REACH, low + 1, most).astype(int)
    return image[low[1] : high[1], low[0] : high[0]], low.astype(float)
