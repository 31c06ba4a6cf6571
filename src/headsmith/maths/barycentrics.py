"""Barycentric coordinates: points on triangles, and the triangle coordinates under a point of an image."""

import torch
from jaxtyping import Float, Int
from torch import Tensor


def interpolate_on_faces(
    values: Float[Tensor, "*batch V C"], corners: Int[Tensor, "M 3"], barycentrics: Float[Tensor, "M 3"]
) -> Float[Tensor, "*batch M C"]:
    """Return values at points of triangles: the corners' values weighted by barycentric coordinates.

    Args:
        values: One row a vertex (positions in metres, colours, anything linear).
        corners: Vertex ids of each point's triangle.
        barycentrics: Weights of the three corners; they sum to 1.
    """
    return (values[..., corners, :] * barycentrics[..., None].to(values.dtype)).sum(-2)


def barycentrics_in_plane(
    points: Float[Tensor, "*batch 2"], triangles: Float[Tensor, "*batch 3 2"]
) -> Float[Tensor, "*batch 3"]:
    """Return the barycentric coordinates of points in the plane of triangles: ratios of signed areas.

    They sum to 1; one is negative where the point lies outside. A triangle without area gives infinities or NaN.
    """
    from_point = triangles - points[..., None, :]
    first, second, third = from_point.unbind(-2)
    areas = torch.stack([cross_2d(second, third), cross_2d(third, first), cross_2d(first, second)], -1)
    return areas / areas.sum(-1, keepdim=True)


def perspective_barycentrics(
    in_image: Float[Tensor, "*batch 3"], depths: Float[Tensor, "*batch 3"]
) -> Float[Tensor, "*batch 3"]:
    """Return coordinates on the triangle in space from those in its image.

    Perspective division makes ``b_i / z_i`` the quantity that is linear in the image (Heckbert and Moreton 1991,
    *Interpolation for polygon texture mapping and shading*).

    Args:
        in_image: Barycentric coordinates in the image plane.
        depths: Depth of the three corners, metres, positive.
    """
    weighted = in_image / depths
    return weighted / weighted.sum(-1, keepdim=True)


def cross_2d(first: Float[Tensor, "*batch 2"], second: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch"]:
    """Return the signed area of the parallelogram that two plane vectors span."""
    return first[..., 0] * second[..., 1] - first[..., 1] * second[..., 0]
