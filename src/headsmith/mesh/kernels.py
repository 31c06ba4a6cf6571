"""The compiled loops of the mesh rasterizer (numba, compiled on the first call and cached on disk).

No fast-math: a shared edge's function must come out exactly opposite from its two faces, or pixel centres on it could fall in
neither. `no_type_check` keeps the shape checks of the tests out of the compiler.
"""

import math
from typing import no_type_check

import numpy as np
from jaxtyping import Bool, Float, Int32
from numba import njit

ONE, ZERO, HALF = np.float32(1), np.float32(0), np.float32(0.5)


@njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def cover_pixels(
    vertices: Float[np.ndarray, "V 3"],
    faces: Int32[np.ndarray, "F 3"],
    cull: Bool,
    face_ids: Int32[np.ndarray, "H W"],
    nearness: Float[np.ndarray, "H W"],
) -> None:
    """Writes the index of the nearest face, and 1/depth there, into each pixel that a face covers.

    Args:
        vertices: x, y in pixels and depth.
        faces: Corner indices.
        cull: Leave out faces that run clockwise on the screen.
        face_ids: Filled in; -1 beforehand.
        nearness: 1/depth, filled in; 0 beforehand.
    """
    height, width = face_ids.shape
    for f in range(faces.shape[0]):
        i0, i1, i2 = faces[f, 0], faces[f, 1], faces[f, 2]
        x0, y0, z0 = vertices[i0, 0], vertices[i0, 1], vertices[i0, 2]
        x1, y1, z1 = vertices[i1, 0], vertices[i1, 1], vertices[i1, 2]
        x2, y2, z2 = vertices[i2, 0], vertices[i2, 1], vertices[i2, 2]
        if not (z0 > ZERO and z1 > ZERO and z2 > ZERO):
            continue
        top = int(max(ZERO, math.ceil(min(y0, y1, y2) - HALF)))
        bottom = int(min(np.float32(height - 1), math.floor(max(y0, y1, y2) - HALF)))
        left = int(max(ZERO, math.ceil(min(x0, x1, x2) - HALF)))
        right = int(min(np.float32(width - 1), math.floor(max(x0, x1, x2) - HALF)))
        if top > bottom or left > right:
            continue
        area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)  # y runs down: negative when counter-clockwise to the eye
        if area == ZERO or (cull and area > ZERO):
            continue
        n0, n1, n2 = ONE / (area * z0), ONE / (area * z1), ONE / (area * z2)
        turn = ONE if area > ZERO else -ONE
        for row in range(top, bottom + 1):
            v0, v1, v2 = y0 - (row + HALF), y1 - (row + HALF), y2 - (row + HALF)
            for column in range(left, right + 1):
                centre = np.float32(column) + HALF
                u0, u1, u2 = x0 - centre, x1 - centre, x2 - centre
                e0, e1, e2 = u1 * v2 - u2 * v1, u2 * v0 - u0 * v2, u0 * v1 - u1 * v0
                if turn * e0 >= ZERO and turn * e1 >= ZERO and turn * e2 >= ZERO:
                    near = e0 * n0 + e1 * n1 + e2 * n2
                    if near > nearness[row, column]:
                        nearness[row, column] = near
                        face_ids[row, column] = f


@njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def weigh_corners(
    vertices: Float[np.ndarray, "V 3"],
    faces: Int32[np.ndarray, "F 3"],
    face_ids: Int32[np.ndarray, "H W"],
    barycentrics: Float[np.ndarray, "H W 3"],
    depth: Float[np.ndarray, "H W"],
) -> None:
    """Writes perspective-correct barycentric coordinates and depth where a face was found.

    Args:
        vertices: x, y in pixels and depth.
        faces: Corner indices.
        face_ids: Result of `cover_pixels`.
        barycentrics: Filled in where there is a face.
        depth: Filled in where there is a face.
    """
    height, width = face_ids.shape
    for row in range(height):
        for column in range(width):
            f = face_ids[row, column]
            if f < 0:
                continue
            i0, i1, i2 = faces[f, 0], faces[f, 1], faces[f, 2]
            x, y = np.float32(column) + HALF, np.float32(row) + HALF
            u0, u1, u2 = vertices[i0, 0] - x, vertices[i1, 0] - x, vertices[i2, 0] - x
            v0, v1, v2 = vertices[i0, 1] - y, vertices[i1, 1] - y, vertices[i2, 1] - y
            e0, e1, e2 = u1 * v2 - u2 * v1, u2 * v0 - u0 * v2, u0 * v1 - u1 * v0
            w0, w1, w2 = e0 / vertices[i0, 2], e1 / vertices[i1, 2], e2 / vertices[i2, 2]
            total = w0 + w1 + w2
            barycentrics[row, column, 0] = w0 / total
            barycentrics[row, column, 1] = w1 / total
            barycentrics[row, column, 2] = w2 / total
            depth[row, column] = (e0 + e1 + e2) / total
