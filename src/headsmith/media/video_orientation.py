"""How a stored frame is turned and mirrored to stand upright, from the display matrix in its container."""

import struct
from dataclasses import dataclass

import av
import numpy as np
from jaxtyping import UInt8

TILT = 0.02
"""Share of a display matrix that may lie beside a quarter turn before the user is told."""


@dataclass(frozen=True)
class Orientation:
    """Transpose first, then reverse columns, then rows.

    Attributes:
        transposed: Whether rows become columns.
        flipped_x: Whether columns run backwards.
        flipped_y: Whether rows run backwards.
        tilted: Whether the file asks for something between the eight that these give.
    """

    transposed: bool = False
    flipped_x: bool = False
    flipped_y: bool = False
    tilted: bool = False

    @property
    def mirrored(self) -> bool:
        """Whether left and right are swapped, beyond a rotation."""
        return (self.transposed + self.flipped_x + self.flipped_y) % 2 == 1

    def size(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return the upright width and height of a stored one, and the reverse."""
        return size[::-1] if self.transposed else size

    def apply(self, image: UInt8[np.ndarray, "H W 3"]) -> UInt8[np.ndarray, "h w 3"]:
        """Return the upright image."""
        image = image.transpose(1, 0, 2) if self.transposed else image
        return np.ascontiguousarray(image[:: -1 if self.flipped_y else 1, :: -1 if self.flipped_x else 1])


def orientation_of(frame: av.VideoFrame) -> Orientation:
    """Return the orientation that a frame's display matrix asks for, rounded to quarter turns.

    ISO/IEC 14496-12, 8.3.2: the stored point (x, y) is shown at (a x + c y, b x + d y), y down; FFmpeg hands over
    a, b, u, c, d, v, x, y, w as native 32-bit integers.
    """
    data = next((bytes(item) for item in frame.side_data if item.type.name == "DISPLAYMATRIX"), b"")
    if len(data) < 20:
        return Orientation()
    a, b, _, c, d = struct.unpack("=5i", data[:20])
    turned = abs(b) + abs(c) > abs(a) + abs(d)
    beside, all_of_it = (abs(a) + abs(d) if turned else abs(b) + abs(c)), abs(a) + abs(b) + abs(c) + abs(d)
    across, down = (c, b) if turned else (a, d)
    return Orientation(turned, across < 0, down < 0, beside > TILT * all_of_it)
