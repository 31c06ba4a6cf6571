"""The 68 points of iBUG on a head, from the places of MediaPipe's points that stand for them."""

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from headsmith.contract.conventions import IBUG68_FROM_MEDIAPIPE
from headsmith.heads.embedding_types import Embedding
from headsmith.heads.sighting import Places, nearest_on_mesh


def embed_ibug(
    measured: Embedding, vertices: Float[ndarray, "V 3"], triangles: Int[ndarray, "F 3"], surface: Int[ndarray, " n"]
) -> Embedding:
    """Return the embedding of the 68 points.

    Where one MediaPipe point stands for a point, it lies at the same place; where two do, at the place of the surface nearest
    to their middle. Points whose sources were not all found are left out.

    Args:
        measured: The embedding of MediaPipe's points.
        vertices: The head at rest, metres.
        triangles: Its triangles.
        surface: The triangles that may carry points.
    """
    found = set(measured.points.tolist())
    points = [point for point, sources in enumerate(IBUG68_FROM_MEDIAPIPE) if found.issuperset(sources)]
    first = measured.take(tuple(IBUG68_FROM_MEDIAPIPE[point][0] for point in points))
    faces, weights = first.faces.copy(), first.barycentrics.copy()
    rows = [row for row, point in enumerate(points) if len(IBUG68_FROM_MEDIAPIPE[point]) > 1]
    middles = [_middle(measured, IBUG68_FROM_MEDIAPIPE[points[row]], vertices, triangles) for row in rows]
    if rows:
        places = nearest_on_mesh(np.stack(middles), vertices, triangles, surface)
        faces[rows], weights[rows] = places.faces, places.barycentrics
    return Embedding(np.array(points, np.int32), faces, weights)


def _middle(
    measured: Embedding, sources: tuple[int, ...], vertices: Float[ndarray, "V 3"], triangles: Int[ndarray, "F 3"]
) -> Float[ndarray, "3"]:
    chosen = measured.take(sources)
    return Places(chosen.faces, chosen.barycentrics).on(vertices, triangles).mean(0)
