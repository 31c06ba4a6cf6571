"""A mesh as a plain shaded picture: one lamp, smooth normals, colours by vertex."""

import numpy as np
from jaxtyping import Float, Int, UInt8
from numpy import ndarray

AMBIENT = 0.3
DIFFUSE = 0.75
LAMP = np.array([0.0, -0.4, -0.9]) / np.linalg.norm([0.0, -0.4, -0.9])
"""Towards the lamp, in the camera's axes (x right, y down, z forward): above the camera, so that both sides look alike."""


def face_normals(vertices: Float[ndarray, "V 3"], faces: Int[ndarray, "F 3"]) -> Float[ndarray, "F 3"]:
    """Return the normal of each triangle, outwards, as long as twice its area.

    Args:
        vertices: In whatever axes and unit.
        faces: Corner ids, counter-clockwise seen from outside.
    """
    first, second, third = (vertices[faces[:, corner]] for corner in range(3))
    return np.cross(second - first, third - first)


def vertex_normals(vertices: Float[ndarray, "V 3"], faces: Int[ndarray, "F 3"]) -> Float[ndarray, "V 3"]:
    """Return unit normals: the sum of the normals of a vertex' triangles, each as long as twice its area.

    A vertex of no triangle, or of triangles without area, gets a zero vector.
    """
    across = face_normals(vertices, faces)
    total = np.zeros_like(vertices)
    for corner in range(3):
        np.add.at(total, faces[:, corner], across)
    length = np.linalg.norm(total, axis=1, keepdims=True)
    return total / np.where(length > 0, length, 1)


def shade_pixels(
    colours: Float[ndarray, "H W 3"],
    normals: Float[ndarray, "V 3"],
    faces: Int[ndarray, "F 3"],
    face_ids: Int[ndarray, "H W"],
    barycentrics: Float[ndarray, "H W 3"],
) -> UInt8[ndarray, "H W 3"]:
    """Return the picture of Lambert's cosine law with some ambient light; white where there is no face.

    Args:
        colours: Colour of the surface at each pixel, 0..255.
        normals: Unit normals in the camera's axes, outwards.
        faces: Corner ids.
        face_ids: From ``rasterize_mesh``.
        barycentrics: From ``rasterize_mesh``.
    """
    covered = face_ids >= 0
    normal = spread(normals, faces, face_ids, barycentrics)[covered]
    light = AMBIENT + DIFFUSE * (normal @ LAMP).clip(0)
    picture = np.full((*face_ids.shape, 3), 255.0)
    picture[covered] = (colours[covered] * light[:, None]).clip(0, 255)
    return picture.round().astype(np.uint8)


def spread(
    values: Float[ndarray, "V C"],
    faces: Int[ndarray, "F 3"],
    face_ids: Int[ndarray, "H W"],
    barycentrics: Float[ndarray, "H W 3"],
) -> Float[ndarray, "H W C"]:
    """Return vertex values at each pixel, zero where there is no face."""
    covered = face_ids >= 0
    result = np.zeros((*face_ids.shape, values.shape[1]))
    result[covered] = np.einsum("nc,ncd->nd", barycentrics[covered], values[faces[face_ids[covered]]])
    return result
