"""Squares cut out of pictures at any place and scale, without rounding, and the way of points back."""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, UInt8
from numpy import ndarray


@dataclass(frozen=True)
class Square:
    """A square of a picture; it may reach beyond the picture.

    Attributes:
        x: Centre, in pixels from the picture's left edge.
        y: Centre, in pixels from its upper edge.
        side: Length of a side, in pixels, above 0.
    """

    x: float
    y: float
    side: float

    def cut(self, image: UInt8[ndarray, "H W 3"], size: int) -> UInt8[ndarray, "size size 3"]:
        """Return what the square covers, black beyond the picture, bilinearly brought to ``size`` pixels a side."""
        step = self.side / size
        first = np.array((self.x, self.y)) - self.side / 2 + step / 2 - 0.5
        places = np.array(((step, 0, first[0]), (0, step, first[1])))
        return cv2.warpAffine(
            image, places, (size, size), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_CONSTANT
        )

    def to_picture(self, points: Float[ndarray, "*L 2"], size: int) -> Float[ndarray, "*L 2"]:
        """Return points of a cut-out in pixels of the picture; both are counted from the upper left corner."""
        return points * (self.side / size) + (np.array((self.x, self.y)) - self.side / 2)
