"""What detectors return: the landmarks of a face, or where a face is; and the size at which they look.

Coordinates are pixels from the picture's upper left corner, x right and y down; a pixel's centre is at +0.5.
"""

from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, runtime_checkable

import cv2
import numpy as np
from jaxtyping import Float32, UInt8
from numpy import ndarray

Box = tuple[float, float, float, float]
"""Left, top, right and bottom, in pixels."""

LARGEST_SIDE = 720
"""Detectors look at no more than this on the longer side: what is larger is scaled down first, and their points back up."""


@dataclass(frozen=True)
class Face:
    """The landmarks of one face.

    Attributes:
        points: ``(L, 3)`` float32: x and y in pixels; z in the same unit, smaller towards the camera, zero near the head's
            centre, NaN where the detector tells no depth.
        blendshapes: ``(52,)`` float32 in 0..1, in the order of ``BLENDSHAPE_NAMES``; ``(0,)`` where the detector has none.
        confidence: That this is a face, 0..1.
        point_confidence: ``(L,)`` float32 in 0..1, for each point; 1 where the detector tells none.
    """

    points: Float32[ndarray, "L 3"]
    blendshapes: Float32[ndarray, " E"]
    confidence: float
    point_confidence: Float32[ndarray, " L"]

    @property
    def box(self) -> Box:
        """Left, top, right and bottom of the points, in pixels."""
        return box_around(self.points)


@dataclass(frozen=True)
class FaceBox:
    """Where a face is.

    Attributes:
        box: Left, top, right and bottom, in pixels; may reach beyond the picture.
        confidence: That this is a face, 0..1.
        points: ``(5, 2)`` float32: the subject's right eye, left eye, nose tip, right and left corner of the mouth, in pixels.
    """

    box: Box
    confidence: float
    points: Float32[ndarray, "5 2"]


@runtime_checkable
class Detector(Protocol):
    """Finds the landmarks of all faces in a picture, with no memory of other pictures."""

    convention: str
    """Name of the convention that numbers the points (``contract/conventions.py``)."""

    def __enter__(self) -> "Detector":
        """Return itself."""
        ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Release the networks."""
        ...

    def detect(self, image: UInt8[ndarray, "H W 3"]) -> list[Face]:
        """Return the faces in an RGB picture; empty where there is none."""
        ...


def box_around(points: Float32[ndarray, "L C"]) -> Box:
    """Return the box of points whose first two coordinates are x and y."""
    low, high = points[:, :2].min(0), points[:, :2].max(0)
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def cap_size(image: UInt8[ndarray, "H W 3"]) -> tuple[UInt8[ndarray, "h w 3"], Float32[ndarray, "2"]]:
    """Return a picture whose longer side is at most ``LARGEST_SIDE``, and what to multiply its x and y with to get back.

    Each pixel of the smaller picture is the mean of those it covers, so that none is skipped. A side never falls below one
    pixel.
    """
    height, width = image.shape[:2]
    scale = LARGEST_SIDE / max(height, width)
    if scale >= 1:
        return np.ascontiguousarray(image), np.ones(2, np.float32)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    back = np.array((width / size[0], height / size[1]), np.float32)
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA), back
