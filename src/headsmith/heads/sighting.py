"""Finding the triangle and the barycentric coordinates under points of a rendering, between the pixels."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from headsmith.maths.barycentrics import closest_barycentrics, perspective_barycentrics

REACH = 4
"""Pixels. A point that lies beside the surface is put on the nearest visible triangle up to this far away."""

NOWHERE = -1

CLOSE = 48
"""Triangles searched around a point for the nearest place."""


@dataclass(frozen=True)
class Sight:
    """A head as a camera saw it.

    Attributes:
        pixels: Where each vertex is in the image (the centre of the first pixel at 0.5, 0.5).
        depth: Depth of each vertex, metres.
        face_ids: Triangle that covers each pixel, -1 where there is none; only triangles that may carry points.
    """

    pixels: Float[ndarray, "V 2"]
    depth: Float[ndarray, " V"]
    face_ids: Int[ndarray, "H W"]


@dataclass(frozen=True)
class Places:
    """Points on triangles.

    Attributes:
        faces: Triangle of each point, ``NOWHERE`` where none was near.
        barycentrics: Weights of its corners in space (not in the image), in 0..1.
    """

    faces: Int[ndarray, " L"]
    barycentrics: Float[ndarray, "L 3"]

    @property
    def found(self) -> Bool[ndarray, " L"]:
        """Which points lie on a triangle."""
        return self.faces != NOWHERE

    def on(self, vertices: Float[ndarray, "V D"], triangles: Int[ndarray, "F 3"]) -> Float[ndarray, "L D"]:
        """Return the points on a mesh with the same triangles; NaN where there is no triangle."""
        corners = vertices[triangles[np.where(self.found, self.faces, 0)]]
        points = np.einsum("lc,lcd->ld", self.barycentrics, corners)
        return np.where(self.found[:, None], points, np.nan)


def locate(points: Float[ndarray, "L 2"], sight: Sight, triangles: Int[ndarray, "F 3"], reach: int = REACH) -> Places:
    """Return where continuous image points lie on the visible surface.

    Of the triangles visible within ``reach`` pixels, that which comes nearest to the point is taken, and of several that
    contain it the one in front. Points beside the surface are moved to its edge.

    Args:
        points: Pixels from the image's upper left corner.
        sight: The rendering.
        triangles: Corner ids of all triangles.
        reach: Pixels.
    """
    rows, candidates = visible_near(points, sight.face_ids, reach)
    faces = np.full(len(points), NOWHERE, np.int64)
    weights = np.full((len(points), 3), 1 / 3)
    if len(rows) == 0:
        return Places(faces, weights)
    corners = triangles[candidates]
    in_image = closest_barycentrics(torch.as_tensor(points[rows]), torch.as_tensor(sight.pixels[corners])).numpy()
    miss = np.linalg.norm(np.einsum("nc,ncd->nd", in_image, sight.pixels[corners]) - points[rows], axis=1)
    depth = np.einsum("nc,nc->n", in_image, sight.depth[corners])
    best = first_of_each(rows, np.lexsort((depth, miss.round(6), rows)))
    faces[rows[best]] = candidates[best]
    in_space = perspective_barycentrics(torch.as_tensor(in_image[best]), torch.as_tensor(sight.depth[corners[best]]))
    weights[rows[best]] = in_space.numpy()
    return Places(faces, weights)


def nearest_on_mesh(
    points: Float[ndarray, "L 3"], vertices: Float[ndarray, "V 3"], triangles: Int[ndarray, "F 3"], chosen: Int[ndarray, " n"]
) -> Places:
    """Return the nearest place to each point on some of the triangles; points that are NaN have none.

    Of all triangles the ``CLOSE`` whose centres are nearest are searched: exact where triangles are not far larger than their
    neighbours, as on a head.
    """
    corners = vertices[triangles[chosen]]
    known = np.flatnonzero(np.isfinite(points).all(1))
    distance = np.linalg.norm(points[known, None] - corners.mean(1), axis=-1)
    near = np.argsort(distance, axis=1, kind="stable")[:, :CLOSE]
    flat = torch.as_tensor(np.repeat(points[known], near.shape[1], 0)), torch.as_tensor(corners[near].reshape(-1, 3, 3))
    weights = closest_barycentrics(*flat).numpy().reshape(*near.shape, 3)
    feet = np.einsum("lnc,lncd->lnd", weights, corners[near])
    best = np.linalg.norm(feet - points[known, None], axis=-1).argmin(1)
    rows = np.arange(len(known))
    places = Places(np.full(len(points), NOWHERE, np.int64), np.full((len(points), 3), 1 / 3))
    places.faces[known] = chosen[near[rows, best]]
    places.barycentrics[known] = weights[rows, best]
    return places


def visible_near(
    points: Float[ndarray, "L 2"], face_ids: Int[ndarray, "H W"], reach: int = REACH
) -> tuple[Int[ndarray, " n"], Int[ndarray, " n"]]:
    """Return pairs of a point's row and a triangle visible within ``reach`` pixels of it."""
    pairs = []
    for row, (x, y) in enumerate(np.floor(points).astype(int)):
        window = face_ids[max(y - reach, 0) : max(y + reach + 1, 0), max(x - reach, 0) : max(x + reach + 1, 0)]
        near = np.unique(window[window >= 0])
        pairs.append(np.stack([np.full(len(near), row), near]))
    rows, candidates = np.concatenate(pairs, 1) if pairs else np.zeros((2, 0), np.int64)
    return rows.astype(np.int64), candidates.astype(np.int64)


def first_of_each(rows: Int[ndarray, " n"], order: Int[ndarray, " n"]) -> Int[ndarray, " m"]:
    """Return the first position of each row in an order that is sorted by row."""
    ordered = rows[order]
    return order[np.flatnonzero(np.diff(ordered, prepend=-1))]
