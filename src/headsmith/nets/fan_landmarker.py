"""The 68 points of FAN, in faces that a finder shows, on the weights of the package face-alignment.

Cut-outs and heat maps are as there (``FaceAlignment.get_landmarks_from_image``, ``LandmarksType.TWO_D``), but for its rounding
of the cut-out's corners and of the points to whole pixels, which costs up to a pixel.
"""

from pathlib import Path
from types import TracebackType

import numpy as np
import torch
from jaxtyping import Float, Float32, UInt8
from numpy import ndarray
from torch import Tensor

from headsmith.contract.conventions import IBUG68
from headsmith.nets.faces import Box, Face, cap_size
from headsmith.nets.fan_network import Fan
from headsmith.nets.finders import Finder
from headsmith.nets.squares import Square
from headsmith.nets.weights import load_weights

CUT_SIDE = 256
MAP_SIDE = 64
REFERENCE = 200 / 195
"""Side of the square that FAN sees, in half perimeters of the face's box, which is S3FD's (face-alignment: a reference scale of
195 for its detectors, and 200 pixels a unit of scale)."""
ABOVE = 0.12
"""How much higher than the box's the square's centre lies, in heights of the box (face-alignment, ``CENTER_Y_OFFSET``)."""

MIRRORED: tuple[int, ...] = (
    *range(16, -1, -1),
    *range(26, 16, -1),
    *(27, 28, 29, 30, 35, 34, 33, 32, 31),
    *(45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40),
    *(54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55),
    *(64, 63, 62, 61, 60, 67, 66, 65),
)
"""Which of the 68 each point is in a mirror."""


class FanLandmarker:
    """FAN for 68 points.

    Opening one sets torch to one thread: how torch splits a sum shows in its last bits. Several, in threads, fill the cores.

    Args:
        weights: Path of ``2DFAN4-11f355bf06.pth.tar``.
        finder: Shows where faces are; it is closed with this.

    Raises:
        UserError: The file is missing or does not hold these weights.
    """

    convention = IBUG68.name

    def __init__(self, weights: Path, finder: Finder) -> None:
        remedy = "fetch fan/2DFAN4-11f355bf06.pth.tar again, or put your own there (see config/assets.yaml)"
        torch.set_num_threads(1)
        self._network = load_weights(Fan(), weights, what="FAN (2DFAN4)", remedy=remedy)
        self._finder = finder

    def __enter__(self) -> "FanLandmarker":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._finder.__exit__(kind, error, trace)

    def detect(self, image: UInt8[ndarray, "H W 3"]) -> list[Face]:
        """Return the faces in an RGB picture; empty where there is none.

        A face's confidence is the finder's, a point's the height of its heat map's peak.
        """
        small, back = cap_size(image)
        return [self._predict(small, fan_square(found.box), found.confidence, back) for found in self._finder.detect(small)]

    def _predict(self, image: UInt8[ndarray, "H W 3"], square: Square, confidence: float, back: Float32[ndarray, "2"]) -> Face:
        cut = torch.from_numpy(square.cut(image, CUT_SIDE)).permute(2, 0, 1)[None].float() / 255
        places, heights = peaks(average_with_mirror(self._network, cut)[0].numpy())
        points = np.full((IBUG68.count, 3), np.nan, np.float32)
        points[:, :2] = square.to_picture(places, MAP_SIDE) * back
        return Face(points, np.zeros(0, np.float32), confidence, heights.clip(0, 1))


def fan_square(box: Box) -> Square:
    """Return the square that FAN is to see for a face, given S3FD's or MTCNN's box of it."""
    left, top, right, bottom = box
    width, height = right - left, bottom - top
    return Square((left + right) / 2, (top + bottom) / 2 - ABOVE * height, REFERENCE * (width + height))


@torch.inference_mode()
def average_with_mirror(network: torch.nn.Module, cut: Float[Tensor, "1 3 S S"]) -> Float[Tensor, "1 68 M M"]:
    """Return the heat maps of a cut-out: the mean of what the network sees in it, and in the mirror."""
    mirror = network(cut.flip(3)).flip(3)[:, list(MIRRORED)]
    return (network(cut) + mirror) / 2


def peaks(maps: Float32[ndarray, "L M M"]) -> tuple[Float32[ndarray, "L 2"], Float32[ndarray, " L"]]:
    """Return x and y of the highest cell of each heat map, in cells from its upper left corner, and how high it is.

    A cell's centre is at +0.5; the place is moved from there by a quarter towards the higher neighbour on each axis (Newell
    et al. 2016, section 4.1), but not where the peak is at the border.
    """
    count, side = maps.shape[:2]
    every, (row, column) = np.arange(count), np.divmod(maps.reshape(count, -1).argmax(1), side)
    places = np.stack((column, row), 1).astype(np.float32) + np.float32(0.5)
    inside = (np.minimum(row, column) > 0) & (np.maximum(row, column) < side - 1)
    which, y, x = every[inside], row[inside], column[inside]
    slope = np.stack((maps[which, y, x + 1] - maps[which, y, x - 1], maps[which, y + 1, x] - maps[which, y - 1, x]), 1)
    places[inside] += np.float32(0.25) * np.sign(slope)
    return places, maps[every, row, column]
