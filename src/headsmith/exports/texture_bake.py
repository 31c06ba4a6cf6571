"""A texture from a clip: what the frames show of each point of the tracked head.

Every texel is looked up in every view where its point is seen: it faces the camera, nothing of the head lies before it, and
the mask says that the picture shows the person's head there, clothes and background left out. The colours of the views are
averaged, those from straight ahead counting most; twice more with less weight for views that say something else (a hand, a
highlight, a lock of hair): iterated reweighting after Holland and Welsch 1977, *Robust regression using iteratively reweighted
least-squares*, with the weights of Geman and McClure 1987.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from jaxtyping import Bool, Float, Float32, Int, UInt8
from numpy import ndarray

from headsmith.exports.texture_layout import Texels
from headsmith.mesh.rasterize import rasterize_mesh
from headsmith.mesh.shading import vertex_normals

BEHIND: Final = 0.003
"""Metres by which a point may lie behind what the frame shows there, and still be that."""

GRAZING: Final = 0.2
"""Cosine between the normal and the way to the camera, below which a point is not looked at: 78 degrees."""

STEEPNESS: Final = 3
"""Power of that cosine in a view's weight."""

BORDER: Final = 0.008
"""Share of the picture's side by which masks are made smaller: near their edge colours of what lies behind bleed in."""

DISAGREEMENT: Final = 25.0
"""Distance of colours, of 255, at which a view counts a quarter."""

PASSES: Final = 3


@dataclass(frozen=True)
class View:
    """A frame and the head in it.

    Attributes:
        picture: RGB.
        mask: Where the picture shows the head.
        vertices: Of the head in the camera's axes, metres.
        pixels: Where they are seen.
    """

    picture: UInt8[ndarray, "H W 3"]
    mask: Bool[ndarray, "H W"]
    vertices: Float[ndarray, "V 3"]
    pixels: Float[ndarray, "V 2"]


def bake(
    texels: Texels, faces: Int[ndarray, "F 3"], views: Callable[[], Iterable[View]]
) -> tuple[Float32[ndarray, "M 3"], Float32[ndarray, " M"]]:
    """Return the colour of each texel, 0..255, and how well it was seen: the sum of its views' weights, 0 where never.

    Memory holds one view at a time and a few numbers a texel; the views are gone through ``PASSES`` times.

    Args:
        texels: Of the texture.
        faces: Triangles of the head.
        views: Starts the views anew each time it is called, the same ones.
    """
    colours = None
    for _ in range(PASSES):
        total, weight = np.zeros((len(texels.faces), 3), np.float32), np.zeros(len(texels.faces), np.float32)
        for view in views():
            seen, xy, share = look(texels, faces, view)
            found = sample(view.picture, xy)
            if colours is not None:
                apart = np.square(found - colours[seen]).sum(1) / DISAGREEMENT**2
                share = share / np.square(1 + apart)
            total[seen] += share[:, None] * found
            weight[seen] += share
        colours = total / np.maximum(weight, 1e-12)[:, None]
    return colours, weight


def look(
    texels: Texels, faces: Int[ndarray, "F 3"], view: View
) -> tuple[Int[ndarray, " n"], Float32[ndarray, "n 2"], Float32[ndarray, " n"]]:
    """Return which texels a view shows, at which pixels, and with what weight."""
    mask = shrink(view.mask)
    height, width = mask.shape
    depths = view.vertices[:, 2:]
    screen = np.concatenate([view.pixels, depths], 1).astype(np.float32)
    _, _, depth = rasterize_mesh(screen, faces, width, height, cull=True)
    normals = vertex_normals(view.vertices, faces)
    rows = np.flatnonzero((facing(view.vertices, normals)[faces] > GRAZING).any(1)[texels.faces])
    values = texels.take(rows).spread(np.concatenate([view.vertices, normals, view.pixels * depths], 1), faces)
    cosine, xy = facing(values[:, :3], values[:, 3:6]), values[:, 6:] / values[:, 2:3]
    seen = np.flatnonzero((cosine > GRAZING) & inside(xy, width, height))
    column, row = xy[seen].astype(np.int64).T
    near = values[seen, 2] <= depth[row, column] + BEHIND
    seen = seen[near & np.isfinite(depth[row, column]) & mask[row, column]]
    return rows[seen], xy[seen], cosine[seen] ** STEEPNESS


def shrink(mask: Bool[ndarray, "H W"]) -> Bool[ndarray, "H W"]:
    """Return the mask without its border."""
    side = 1 + 2 * max(1, round(BORDER * mask.shape[0]))
    return cv2.erode(mask.astype(np.uint8), np.ones((side, side), np.uint8)) > 0


def facing(points: Float[ndarray, "n 3"], normals: Float[ndarray, "n 3"]) -> Float[ndarray, " n"]:
    """Return the cosine between normals and the way to the camera, which stands at the origin."""
    lengths = np.linalg.norm(points, axis=1) * np.linalg.norm(normals, axis=1)
    return -(points * normals).sum(1) / np.maximum(lengths, 1e-12)


def inside(xy: Float32[ndarray, "n 2"], width: int, height: int) -> Bool[ndarray, " n"]:
    """Return which pixel coordinates have a pixel centre on every side."""
    return (xy[:, 0] > 0.5) & (xy[:, 1] > 0.5) & (xy[:, 0] < width - 0.5) & (xy[:, 1] < height - 0.5)


def sample(picture: UInt8[ndarray, "H W 3"], xy: Float32[ndarray, "n 2"]) -> Float32[ndarray, "n 3"]:
    """Return the colours at pixel coordinates, whose pixel centres are at halves, linear between pixels."""
    side = 1024
    rows = -(-len(xy) // side)
    places = np.full((rows * side, 2), 0.5, np.float32)
    places[: len(xy)] = xy
    maps = (places - 0.5).reshape(rows, side, 2)
    if not rows:
        return np.zeros((0, 3), np.float32)
    found = cv2.remap(picture.astype(np.float32), maps, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return found.reshape(-1, 3)[: len(xy)]
