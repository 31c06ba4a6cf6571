"""A first guess of a pose, in closed form."""

import torch
from jaxtyping import Float
from torch import Tensor


def weak_perspective_pose(
    points: Float[Tensor, "L 3"], pixels: Float[Tensor, "B L 2"]
) -> tuple[Float[Tensor, "B 3 3"], Float[Tensor, "B"], Float[Tensor, "B 2"]]:
    """Return rotation, scale (pixels a metre) and shift (pixels) of the best affine camera, made orthonormal.

    The first two rows of a least-squares affine camera, brought to the nearest pair of orthonormal rows by its singular
    vectors; the third row is their cross product (Hartley and Zisserman, section 14.1 and appendix 4.4.1).
    """
    centre = points.mean(0)
    middle = pixels.mean(1)
    affine = (torch.linalg.pinv(points - centre) @ (pixels - middle[:, None])).mT
    left, sizes, right = torch.linalg.svd(affine, full_matrices=False)
    rows = left @ right
    rotation = torch.cat([rows, torch.linalg.cross(rows[:, 0], rows[:, 1])[:, None]], 1)
    scale = sizes.mean(-1)
    return rotation, scale, middle - scale[:, None] * (rows @ centre)
