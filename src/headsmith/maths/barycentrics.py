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


def closest_barycentrics(points: Float[Tensor, "n D"], triangles: Float[Tensor, "n 3 D"]) -> Float[Tensor, "n 3"]:
    """Return the barycentric coordinates, all in 0..1, of the point of each triangle that is nearest to a point.

    The foot of the perpendicular where it falls inside, else the nearest point of the three edges (as in Ericson 2005,
    *Real-Time Collision Detection*, section 5.1.5, there by cases). Triangles without area are served by their edges.

    Args:
        points: In a space of any dimension.
        triangles: Corners, in the same space.
    """
    foot = foot_barycentrics(points, triangles)
    options = [edge_barycentrics(points, triangles, side) for side in range(3)]
    inside = foot.isfinite().all(-1) & (foot >= 0).all(-1)
    edges = torch.stack(options, 1)
    miss = (torch.einsum("nec,ncd->ned", edges, triangles) - points[:, None]).square().sum(-1)
    nearest = edges[torch.arange(len(points)), miss.argmin(1)]
    return torch.where(inside[:, None], foot, nearest)


def foot_barycentrics(points: Float[Tensor, "n D"], triangles: Float[Tensor, "n 3 D"]) -> Float[Tensor, "n 3"]:
    """Return the coordinates of the perpendicular's foot in each triangle's plane: a 2 x 2 least-squares problem.

    NaN or infinite where the triangle has no area.
    """
    first, second = triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0]
    offset = points - triangles[:, 0]
    aa, ab, bb = (first * first).sum(-1), (first * second).sum(-1), (second * second).sum(-1)
    ap, bp = (first * offset).sum(-1), (second * offset).sum(-1)
    area = aa * bb - ab * ab
    one, two = (bb * ap - ab * bp) / area, (aa * bp - ab * ap) / area
    return torch.stack([1 - one - two, one, two], -1)


def edge_barycentrics(points: Float[Tensor, "n D"], triangles: Float[Tensor, "n 3 D"], side: int) -> Float[Tensor, "n 3"]:
    """Return the coordinates of the nearest point on the edge from corner ``side`` to the next."""
    start, end = triangles[:, side], triangles[:, (side + 1) % 3]
    length = (end - start).square().sum(-1)
    share = ((points - start) * (end - start)).sum(-1) / torch.where(length > 0, length, torch.ones_like(length))
    share = share.clamp(0, 1)
    weights = torch.zeros(len(points), 3, dtype=points.dtype)
    weights[:, side], weights[:, (side + 1) % 3] = 1 - share, share
    return weights


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
