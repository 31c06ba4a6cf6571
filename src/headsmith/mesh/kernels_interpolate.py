"""The compiled loops that spread vertices' attributes over the pixels of a rasterized mesh, and their gradients.

Written for the precision of the arrays they are given: float32, or float64 for checks. See `kernels` on fast-math and shapes.
"""

from typing import no_type_check

import numpy as np
from jaxtyping import Float, Int32
from numba import njit

from headsmith.mesh.kernels import HALF, ONE, ZERO


@njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def interpolate(
    vertices: Float[np.ndarray, "V 3"],
    faces: Int32[np.ndarray, "F 3"],
    attributes: Float[np.ndarray, "V C"],
    face_ids: Int32[np.ndarray, "H W"],
    barycentrics: Float[np.ndarray, "H W 3"],
    image: Float[np.ndarray, "H W C"],
) -> None:
    """Writes the weights of the corners, as `kernels.weigh_corners` has them, and the attributes at every pixel.

    Args:
        vertices: x, y in pixels and depth.
        faces: Corner indices.
        attributes: Of the vertices.
        face_ids: Index of the face of each pixel, -1 where there is none.
        barycentrics: Filled in; 0 where there is no face.
        image: Filled in; 0 where there is no face.
    """
    height, width = face_ids.shape
    for row in range(height):
        for column in range(width):
            f = face_ids[row, column]
            if f < 0:
                barycentrics[row, column, 0] = barycentrics[row, column, 1] = barycentrics[row, column, 2] = ZERO
                for c in range(attributes.shape[1]):
                    image[row, column, c] = ZERO
                continue
            i0, i1, i2 = faces[f, 0], faces[f, 1], faces[f, 2]
            x, y = np.float32(column) + HALF, np.float32(row) + HALF
            u0, u1, u2 = vertices[i0, 0] - x, vertices[i1, 0] - x, vertices[i2, 0] - x
            v0, v1, v2 = vertices[i0, 1] - y, vertices[i1, 1] - y, vertices[i2, 1] - y
            w0, w1, w2 = u1 * v2 - u2 * v1, u2 * v0 - u0 * v2, u0 * v1 - u1 * v0
            w0, w1, w2 = w0 / vertices[i0, 2], w1 / vertices[i1, 2], w2 / vertices[i2, 2]
            total = w0 + w1 + w2
            b0, b1, b2 = w0 / total, w1 / total, w2 / total
            barycentrics[row, column, 0], barycentrics[row, column, 1], barycentrics[row, column, 2] = b0, b1, b2
            for c in range(attributes.shape[1]):
                image[row, column, c] = b0 * attributes[i0, c] + b1 * attributes[i1, c] + b2 * attributes[i2, c]


@njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def interpolate_backward(
    vertices: Float[np.ndarray, "V 3"],
    faces: Int32[np.ndarray, "F 3"],
    attributes: Float[np.ndarray, "V C"],
    face_ids: Int32[np.ndarray, "H W"],
    barycentrics: Float[np.ndarray, "H W 3"],
    pull: Float[np.ndarray, "H W C"],
    by_vertices: Float[np.ndarray, "V 3"],
    by_attributes: Float[np.ndarray, "V C"],
) -> None:
    """Adds the gradients of the interpolated attributes; which face is seen where counts as fixed.

    With the edge functions ``e``, the weights are ``b_i = w_i / sum(w)``, ``w_i = e_i / z_i`` (`kernels.weigh_corners`). By the
    quotient rule a loss L has ``dL/dw_i = (h_i - sum_j b_j h_j) / sum(w)``, where ``h_i`` is the corner's attributes times the
    pixel's gradient; the rest is the chain rule through ``e_0 = u1 v2 - u2 v1`` and its two turns.

    Args:
        vertices: x, y in pixels and depth.
        faces: Corner indices.
        attributes: Of the vertices.
        face_ids: Index of the face of each pixel, -1 where there is none.
        barycentrics: Weights of the face's corners.
        pull: The loss' gradient by the image.
        by_vertices: What the loss' gradient by x, y and depth is added to.
        by_attributes: The same by attributes.
    """
    height, width = face_ids.shape
    for row in range(height):
        for column in range(width):
            f = face_ids[row, column]
            if f < 0:
                continue
            i0, i1, i2 = faces[f, 0], faces[f, 1], faces[f, 2]
            b0, b1, b2 = barycentrics[row, column, 0], barycentrics[row, column, 1], barycentrics[row, column, 2]
            h0, h1, h2 = ZERO * b0, ZERO * b0, ZERO * b0
            for c in range(attributes.shape[1]):
                g = pull[row, column, c]
                by_attributes[i0, c] += b0 * g
                by_attributes[i1, c] += b1 * g
                by_attributes[i2, c] += b2 * g
                h0 += attributes[i0, c] * g
                h1 += attributes[i1, c] * g
                h2 += attributes[i2, c] * g
            x, y = np.float32(column) + HALF, np.float32(row) + HALF
            u0, u1, u2 = vertices[i0, 0] - x, vertices[i1, 0] - x, vertices[i2, 0] - x
            v0, v1, v2 = vertices[i0, 1] - y, vertices[i1, 1] - y, vertices[i2, 1] - y
            n0, n1, n2 = ONE / vertices[i0, 2], ONE / vertices[i1, 2], ONE / vertices[i2, 2]
            total = (u1 * v2 - u2 * v1) * n0 + (u2 * v0 - u0 * v2) * n1 + (u0 * v1 - u1 * v0) * n2
            middle, over = b0 * h0 + b1 * h1 + b2 * h2, ONE / total
            k0, k1, k2 = h0 - middle, h1 - middle, h2 - middle
            by_vertices[i0, 2] -= k0 * b0 * n0
            by_vertices[i1, 2] -= k1 * b1 * n1
            by_vertices[i2, 2] -= k2 * b2 * n2
            q0, q1, q2 = k0 * n0 * over, k1 * n1 * over, k2 * n2 * over
            by_vertices[i0, 0] += q2 * v1 - q1 * v2
            by_vertices[i0, 1] += q1 * u2 - q2 * u1
            by_vertices[i1, 0] += q0 * v2 - q2 * v0
            by_vertices[i1, 1] += q2 * u0 - q0 * u2
            by_vertices[i2, 0] += q1 * v0 - q0 * v1
            by_vertices[i2, 1] += q0 * u1 - q1 * u0
