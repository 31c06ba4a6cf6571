"""Cameras of a converted clip: the rigid motion between two heads goes into them, so that both are seen at the same place."""

import torch
from jaxtyping import Float
from torch import Tensor

from headsmith.heads.container import JOINTS
from headsmith.heads.model import HeadModel, HeadParameters
from headsmith.maths.rotations import axis_angle_to_matrix

NECK = JOINTS.index("neck")


def carry_cameras(
    cameras: tuple[Float[Tensor, "T 3 3"], Float[Tensor, "T 3"]],
    between: tuple[Float[Tensor, "T 3 3"], Float[Tensor, "T 3"]],
    source: tuple[HeadModel, HeadParameters],
    target: tuple[HeadModel, HeadParameters],
) -> tuple[Float[Tensor, "T 3 3"], Float[Tensor, "T 3"]]:
    """Return rotation and translation of the second head's cameras.

    Both heads bend their necks by the same turn N, each about its own joint, J and J'. A place x of the first head that moves
    with the head alone is seen at ``R (N x + (I - N) J) + t``; with ``x = Q y + q`` the second head's y is seen there when
    ``R' = R N Q N^T`` and ``t' = R N q + R (I - N) J + t - R' (I - N) J'``. Places that bend only in part miss by what the two
    necks differ.

    Args:
        cameras: Rotation R and translation t of the first head's cameras, head to camera.
        between: Rotation Q and shift q from the second head's frame into the first's, the neck at rest.
        source: The first head and its parameters.
        target: The second head and its parameters; the necks' angles are the same.
    """
    (rotation, translation), (turn, shift) = cameras, between
    bend = axis_angle_to_matrix(source[1].neck)
    loose = torch.eye(3, dtype=bend.dtype) - bend
    joint, other = (head.places(parameters)[..., NECK, :] for head, parameters in (source, target))
    turned = rotation @ bend @ turn @ bend.mT
    moved = _apply(rotation @ bend, shift) + _apply(rotation @ loose, joint) + translation - _apply(turned @ loose, other)
    return turned, moved


def _apply(matrix: Float[Tensor, "T 3 3"], vector: Float[Tensor, "*T 3"]) -> Float[Tensor, "T 3"]:
    return (matrix @ vector[..., None])[..., 0]
