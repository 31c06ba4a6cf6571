"""Landmarks that slide over the skin: which places of a contour a camera sees, by how far the head is turned from it."""

import torch
from jaxtyping import Float, Int
from torch import Tensor


def head_yaw(rotation: Float[Tensor, "*#b 3 3"], position: Float[Tensor, "*#b 3"] | None = None) -> Float[Tensor, "*b"]:
    """Return by how much a head is turned away from the line of sight, radians in -pi/2..pi/2, positive to its own left.

    The direction d from the head to the camera, in the head's axes, has ``sin(yaw) = -d_x``: a head turned by an angle about +y
    has that yaw, whatever its pitch and roll. For a far camera that is ``atan2(-R_20, sqrt(R_00^2 + R_10^2))`` of the head's
    turn R in its own axes, by which FLAME's own code chooses the places of its contour.

    Args:
        rotation: Head to camera, OpenCV's axes.
        position: The head in the camera's axes, metres; without it the camera is far away, straight ahead.
    """
    ahead = rotation.new_tensor((0.0, 0.0, 1.0)) if position is None else position
    direction = -(ahead[..., None, :] @ rotation)[..., 0, :]
    return torch.atan2(-direction[..., 0], direction[..., 1:].norm(dim=-1))


def nearest_rows(yaws: Float[Tensor, " R"], yaw: Float[Tensor, "*b"]) -> Int[Tensor, "*b"]:
    """Return the row of the nearest yaw; of two as near the first, beyond the ends the end's.

    Args:
        yaws: Of a contour's rows, radians.
        yaw: Of the heads, radians.
    """
    return (yaw[..., None] - yaws).abs().argmin(-1)
