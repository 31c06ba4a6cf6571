"""The frame in which patch experts see a face: upright, and of a known size."""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, Float32, UInt8
from numpy import ndarray

SHRINK_BELOW = 0.75
"""Where the reference frame is smaller than the picture by more than this, the picture is first shrunk, each pixel the mean of
those it covers: bilinear sampling alone would skip pixels."""


@dataclass(frozen=True)
class Similarity:
    """A turn, a scale and a shift: ``q = matrix p + shift``."""

    matrix: Float[ndarray, "2 2"]
    shift: Float[ndarray, "2"]

    @property
    def scale(self) -> float:
        """How many times as long things become."""
        return float(np.sqrt(abs(np.linalg.det(self.matrix))))

    def apply(self, points: Float[ndarray, "*N 2"]) -> Float[ndarray, "*N 2"]:
        """Return points after it."""
        return points @ self.matrix.T + self.shift

    def inverse(self) -> "Similarity":
        """Return the way back."""
        back = np.linalg.inv(self.matrix)
        return Similarity(back, -back @ self.shift)


def lay_shape(source: Float[ndarray, "L 2"], target: Float[ndarray, "L 2"]) -> Similarity:
    """Return the similarity of least squares from one shape to another (Umeyama 1991, eq. 40 to 42, in the plane)."""
    from_, to = source.mean(0), target.mean(0)
    a, b = source - from_, target - to
    spread = max(float(np.square(a).sum()), np.finfo(np.float64).tiny)
    along, across = float((a * b).sum()) / spread, float((a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum()) / spread
    matrix = np.array([[along, -across], [across, along]])
    return Similarity(matrix, to - matrix @ from_)


@dataclass(frozen=True)
class Shrunk:
    """A picture in about the resolution of the reference frame.

    Attributes:
        image: Grey.
        factors: Its size, in sizes of the picture as given, on x and y.
    """

    image: UInt8[ndarray, "h w"]
    factors: Float[ndarray, "2"]


def shrink(image: UInt8[ndarray, "H W"], factor: float) -> Shrunk:
    """Return a grey picture shrunk by a factor, where that is much below 1."""
    if factor >= SHRINK_BELOW:
        return Shrunk(image, np.ones(2))
    height, width = image.shape
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return Shrunk(small, np.array((size[0] / width, size[1] / height)))


def sample_areas(
    shrunk: Shrunk, centres: Float[ndarray, "N 2"], to_picture: Float[ndarray, "2 2"], side: int
) -> Float32[ndarray, "N S S"]:
    """Return squares of the reference frame around places, bilinearly; beyond the picture its edge goes on.

    Args:
        shrunk: The picture.
        centres: The places, in pixels of the picture as given; a pixel's centre is at +0.5.
        to_picture: What a step of a pixel in the reference frame is in the picture, a matrix.
        side: Of the squares, in pixels of the reference frame.
    """
    steps = np.arange(side) - (side - 1) / 2
    grid = np.stack(np.meshgrid(steps, steps), -1).reshape(-1, 2) @ to_picture.T
    places = (centres[:, None] + grid[None]) * shrunk.factors - 0.5
    flat = places.astype(np.float32).reshape(len(centres) * side, side, 2)
    # OpenCV addresses what it remaps into with 16 bits: so many rows at a time
    rows = 32_000 // side * side
    parts = [
        cv2.remap(shrunk.image, flat[first : first + rows], None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        for first in range(0, len(flat), rows)
    ]
    return np.concatenate(parts).astype(np.float32).reshape(len(centres), side, side)
