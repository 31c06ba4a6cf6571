"""Which texel lies on the other side of the face from each, and what values of vertices or texels are where none was seen."""

from typing import Final

import numpy as np
from jaxtyping import Bool, Float, Float32, Int64
from numpy import ndarray
from scipy.sparse import csr_matrix, diags_array
from scipy.sparse.linalg import splu
from scipy.spatial import cKDTree

from headsmith.exports.texture_fill import adjacency
from headsmith.stages.texture_space_unwrap import Sheet

NEAR: Final = 0.003
"""Metres within which a texel is another's counterpart; heads are nearly symmetric, their triangles need not be."""


def counterparts(sheet: Sheet) -> Int64[ndarray, " M"]:
    """Return the texel at each one's place mirrored at x = 0, on the mean head; -1 where there is none near."""
    points = sheet.texels.spread(sheet.head.template, sheet.surface.faces)
    distances, other = cKDTree(points).query(points * np.array([-1, 1, 1], np.float32), workers=1)
    return np.where(distances < NEAR, other, -1).astype(np.int64)


def extend(sheet: Sheet, values: Float32[ndarray, "M D"], weights: Float[ndarray, " M"]) -> Float32[ndarray, "M D"]:
    """Return values for all texels: those of weight above 0 as they are, the others smooth over the head between them.

    Laplace's equation on the mesh, as ``exports.texture_fill`` solves it for one texture: for many values at once, over what
    hangs together with something seen; 0 on parts of the mesh of which nothing was seen.
    """
    at_vertices, known = gather(sheet, values, weights)
    around = sheet.texels.spread(settle(sheet, at_vertices, known), sheet.surface.faces)
    return np.where(weights[:, None] > 0, values, around).astype(np.float32)


def gather(
    sheet: Sheet, values: Float32[ndarray, "M D"], weights: Float[ndarray, " M"]
) -> tuple[Float[ndarray, "V D"], Bool[ndarray, " V"]]:
    """Return each vertex' value, the mean over the seen texels of its triangles, and which vertices have one."""
    count, texels = sheet.surface.count, sheet.texels
    corners, shares = sheet.surface.faces[texels.faces], texels.barycentrics * weights[:, None]
    rows = np.repeat(np.arange(len(values)), 3)
    spread = csr_matrix((shares.ravel(), (corners.ravel(), rows)), (count, len(values)))
    weight = np.asarray(spread.sum(1)).ravel()
    known = weight > 0
    return (spread @ values.astype(np.float64)) / np.maximum(weight, 1e-12)[:, None], known


def settle(sheet: Sheet, values: Float[ndarray, "V D"], known: Bool[ndarray, " V"]) -> Float[ndarray, "V D"]:
    """Return values for all vertices: the known ones as they are, the others of least change between them."""
    count = sheet.surface.count
    edges = adjacency(sheet.surface.faces, np.zeros((count, 3)))
    result = np.where(known[:, None], values, 0.0)
    free = np.flatnonzero(~known)
    if len(free):
        laplacian = csr_matrix(diags_array(np.asarray(edges.sum(1)).ravel() + 1e-9) - edges)
        system, border = laplacian[free][:, free], laplacian[free][:, np.flatnonzero(known)]
        result[free] = splu(system.tocsc()).solve(np.ascontiguousarray(-(border @ result[known])))
    return result
