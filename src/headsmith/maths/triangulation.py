"""Points in space from their images in several cameras."""

import torch
from jaxtyping import Float
from torch import Tensor

from headsmith.maths.cameras import Camera, project, to_camera

ROUNDS = 8
"""Reweighted solves; the weights of inliers settle within a few."""


def triangulate(pixels: Float[Tensor, "N L 2"], cameras: Camera, tolerance: float) -> Float[Tensor, "L 3"]:
    """Return the points whose images are nearest to those given, outlying images counting less.

    Huber's loss by iteratively reweighted least squares (Holland and Welsch 1977); each solve makes the images' errors linear
    by fixing the depth of the round before (Hartley and Sturm 1997, *Triangulation*, section 4.2).

    Args:
        pixels: Images of L points in N cameras; NaN where a camera did not see a point.
        cameras: A batch of N cameras.
        tolerance: Pixels beyond which the loss of an image grows linearly.

    Returns:
        World points, metres; NaN for points with fewer than two images.
    """
    seen = pixels.isfinite().all(-1)
    rows, right = image_equations(pixels.nan_to_num(), cameras)
    weights = seen.to(pixels.dtype)
    points = solve_points(rows, right, weights)
    for _ in range(ROUNDS):
        images, depth = project(points.expand(len(pixels), -1, 3), cameras)
        miss = (images - pixels.nan_to_num()).norm(dim=-1)
        huber = torch.where(miss > tolerance, tolerance / miss.clamp(min=tolerance), torch.ones_like(miss))
        points = solve_points(rows, right, seen * huber / depth.square())
    return torch.where((seen.sum(0) > 1)[:, None], points, torch.nan)


def image_equations(pixels: Float[Tensor, "N L 2"], cameras: Camera) -> tuple[Float[Tensor, "N L 2 3"], Float[Tensor, "N L 2"]]:
    """Return matrices and right sides of ``A x = b``: the error in pixels times the depth is ``A x - b``.

    ``f q_x + (c - x) q_z = 0`` for the point q in the camera's axes, and the same in y.
    """
    offset = cameras.principal[:, None] - pixels
    origin = to_camera(torch.zeros(len(pixels), 1, 3, dtype=pixels.dtype), cameras)
    across, along = cameras.rotation[:, None, :2], cameras.rotation[:, None, 2:]
    rows = cameras.focal[:, None, :, None] * across + offset[..., None] * along
    right = -(cameras.focal[:, None] * origin[..., :2] + offset * origin[..., 2:])
    return rows, right


def solve_points(
    rows: Float[Tensor, "N L 2 3"], right: Float[Tensor, "N L 2"], weights: Float[Tensor, "N L"]
) -> Float[Tensor, "L 3"]:
    """Return the weighted least-squares solution of each point; any solution where it is not determined."""
    normal = torch.einsum("nl,nlai,nlaj->lij", weights, rows, rows)
    moment = torch.einsum("nl,nlai,nla->li", weights, rows, right)
    return (torch.linalg.pinv(normal) @ moment[..., None])[..., 0]
