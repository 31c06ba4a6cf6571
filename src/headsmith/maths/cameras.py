"""Pinhole cameras: world to camera, OpenCV axes (x right, y down, z forward), metres to pixels.

Pixel coordinates have the image's upper left corner as origin, so the centre of the first pixel is at (0.5, 0.5) and the
centre of an image of width W at W / 2. No skew, no lens distortion.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float
from torch import Tensor

FLIP: Final = np.array([1.0, -1.0, -1.0])
"""The diagonal of D, which takes OpenCV's axes to OpenGL's (x right, y up, z backwards) and back."""


@dataclass(frozen=True)
class Camera:
    """One camera, or a batch of cameras that share the image size.

    Attributes:
        rotation: World to camera.
        translation: World to camera, metres: ``q = rotation p + translation``.
        focal: Focal lengths along x and y, pixels.
        principal: Principal point, pixels from the upper left corner.
        size: Width and height of the image, pixels.
    """

    rotation: Float[Tensor, "*batch 3 3"]
    translation: Float[Tensor, "*batch 3"]
    focal: Float[Tensor, "*batch 2"]
    principal: Float[Tensor, "*batch 2"]
    size: tuple[int, int]

    def __getitem__(self, index: int | slice | Tensor) -> "Camera":
        """Return a part of the batch."""
        parts = (self.rotation, self.translation, self.focal, self.principal)
        return Camera(*(part[index] for part in parts), self.size)


def to_camera(points: Float[Tensor, "*points L 3"], camera: Camera) -> Float[Tensor, "*seen L 3"]:
    """Return world points in the camera's axes, metres."""
    return points @ camera.rotation.transpose(-1, -2) + camera.translation[..., None, :]


def project(
    points: Float[Tensor, "*points L 3"], camera: Camera
) -> tuple[Float[Tensor, "*seen L 2"], Float[Tensor, "*seen L"]]:
    """Project world points.

    Args:
        points: Metres; batch dimensions broadcast against the camera's.
        camera: The camera.

    Returns:
        Pixels ``(*seen, L, 2)``, and depth along the optical axis ``(*seen, L)``, metres. Points on or behind the camera's
        plane (depth <= 0) have no image: their pixels are meaningless and may be infinite.
    """
    seen = to_camera(points, camera)
    depth = seen[..., 2]
    pixels = camera.focal[..., None, :] * seen[..., :2] / depth[..., None] + camera.principal[..., None, :]
    return pixels, depth
