"""Points bound to a head's surface: each is a place in a triangle, chosen in UV space.

FlashAvatar (Xiang et al., CVPR 2024, section 3.1) takes every texel of a UV map; its density in space follows the UV map's
distortions. Here texels of a finer map are weighed by the surface that they stand for, so that density in space is a choice.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int, Integer
from torch import Tensor

from headsmith.maths.barycentrics import interpolate_on_faces


@dataclass(frozen=True)
class Binding:
    """Where points lie on a surface.

    Attributes:
        faces: Triangle of each point.
        barycentrics: Weights of the triangle's corners, summing to 1.
    """

    faces: Int[Tensor, " N"]
    barycentrics: Float[Tensor, "N 3"]

    def points(self, vertices: Float[Tensor, "*b V 3"], triangles: Int[Tensor, "F 3"]) -> Float[Tensor, "*b N 3"]:
        """Return the points on a posed surface, in the vertices' unit."""
        return interpolate_on_faces(vertices, triangles[self.faces], self.barycentrics)


def morton_codes(columns: Integer[np.ndarray, " n"], rows: Integer[np.ndarray, " n"]) -> Integer[np.ndarray, " n"]:
    """Return codes along the Z curve (Morton 1966): the bits of column and row, interleaved; 0 <= column, row < 2^16."""
    code = np.zeros(len(columns), np.int64)
    for bit in range(16):
        code |= ((columns.astype(np.int64) >> bit) & 1) << (2 * bit)
        code |= ((rows.astype(np.int64) >> bit) & 1) << (2 * bit + 1)
    return code


def systematic_sample(weights: Float[np.ndarray, " n"], count: int) -> Integer[np.ndarray, " m"]:
    """Return about ``count`` distinct indices, each as likely as its weight: equal steps along the cumulative sum.

    An index whose weight exceeds a step is taken once, so fewer than ``count`` may be returned (Madow's systematic sampling,
    Annals of Mathematical Statistics 20(3), 1949).
    """
    edges = np.cumsum(weights)
    return np.unique(
        np.searchsorted(edges, (np.arange(count) + 0.5) / count * edges[-1], side="right").clip(max=len(edges) - 1)
    )


def bind_texels(
    texel_faces: Integer[np.ndarray, "H W"],
    texel_barycentrics: Float[np.ndarray, "H W 3"],
    face_density: Float[np.ndarray, " F"],
    count: int,
) -> Binding:
    """Choose texels of a rasterized UV map so that points lie on the surface at a wished density.

    Args:
        texel_faces: Triangle under each texel's centre, -1 for none.
        texel_barycentrics: Weights of that triangle's corners.
        face_density: Wished share of points in each triangle, any scale: its area in space times an importance.
        count: Number of points, about.

    Raises:
        ValueError: No texel is covered by a triangle of positive density.
    """
    rows, columns = np.nonzero(texel_faces >= 0)
    order = np.argsort(morton_codes(columns, rows), kind="stable")
    rows, columns = rows[order], columns[order]
    faces = texel_faces[rows, columns]
    texels = np.bincount(faces, minlength=len(face_density)).clip(min=1)
    weights = (face_density / texels)[faces].astype(np.float64)
    if not weights.sum() > 0:
        raise ValueError("the UV map covers no triangle of positive density")
    chosen = systematic_sample(weights, count)
    barycentrics = texel_barycentrics[rows[chosen], columns[chosen]]
    return Binding(torch.as_tensor(faces[chosen], dtype=torch.int64), torch.as_tensor(barycentrics, dtype=torch.float32))
