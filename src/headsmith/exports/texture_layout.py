"""Which point of a head's surface each texel of its texture shows."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float32, Int, Int32, UInt8
from numpy import ndarray
from scipy.ndimage import distance_transform_edt

from headsmith.exports.surface import Surface
from headsmith.mesh.rasterize import rasterize_mesh


@dataclass(frozen=True)
class Texels:
    """The texels of a square texture that lie on the surface, row by row from the top.

    Attributes:
        covered: Which texels of the picture they are.
        faces: Triangle of each.
        barycentrics: Weights of its corners.
    """

    covered: Bool[ndarray, "S S"]
    faces: Int32[ndarray, " M"]
    barycentrics: Float32[ndarray, "M 3"]

    def take(self, rows: Int[ndarray, " n"]) -> "Texels":
        """Return some of the texels; the picture stays the whole one's."""
        return Texels(self.covered, self.faces[rows], self.barycentrics[rows])

    def spread(self, values: Float[ndarray, "V C"], triangles: Int[ndarray, "F 3"]) -> Float32[ndarray, "M C"]:
        """Return the values of vertices at the texels."""
        corners = triangles[self.faces]
        columns = values.astype(np.float32)
        return sum(self.barycentrics[:, corner, None] * columns[corners[:, corner]] for corner in range(3))

    def picture(self, values: Float[ndarray, "M C"]) -> Float32[ndarray, "S S C"]:
        """Return values of the texels as a picture; those that lie on no surface get the value of the nearest that does.

        So no colour of nowhere bleeds in where a renderer blends neighbours or shrinks the texture.
        """
        result = np.zeros((*self.covered.shape, values.shape[1]), np.float32)
        result[self.covered] = values
        rows, columns = distance_transform_edt(~self.covered, return_distances=False, return_indices=True)
        return result[rows, columns]


def lay_out(surface: Surface, size: int) -> Texels:
    """Return the texels of a texture of so many pixels a side; where parts of the surface share a place, the first has it."""
    corners = np.ones((len(surface.uv), 3), np.float32)
    corners[:, :2] = surface.uv * [size, -size] + [0, size]
    faces, barycentrics, _ = rasterize_mesh(corners, surface.uv_faces, size, size, cull=False)
    covered = faces >= 0
    return Texels(covered, faces[covered], barycentrics[covered])


def as_picture(values: Float[ndarray, "S S 3"]) -> UInt8[ndarray, "S S 3"]:
    """Return colours 0..255 as a picture of 8 bits."""
    return values.clip(0, 255).round().astype(np.uint8)
