"""Where a head may be seen, and where it must be: its mesh's outline, and how far the person's own hair and skin lie off it.

Hair lies outside of the mesh, and a mesh does not fit to the pixel. How far off a person's head masks are is measured in
training frames, for each part of the outline by itself: much around the hair, little along a cheek. Where hair covers the face
it is taken to be as thick as it is at the outline; where no labels tell of hair, it may be anywhere, and fewer spikes are seen.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from jaxtyping import Bool, Float, Int, UInt8
from numpy import ndarray
from torch import Tensor

from headsmith.contract.labels import LABELS
from headsmith.heads.container import HeadContainer
from headsmith.maths.cameras import Camera, project
from headsmith.mesh.rasterize import rasterize_mesh

NEAR = 0.03
"""Vertices share what was measured with those this near to them, metres: another turn shows another outline."""

MARGIN = 0.006
"""What is allowed beside what was measured, metres: soft edges, and hair that moves."""

DEEPEST = 0.01
"""Most that a person's head is taken to lie inside of the mesh, metres: what lies deeper is a gap in a mask."""

HAIR = [LABELS.index(name) for name in ("hair", "hat")]
"""Labels of what is thick and lies over the mesh."""

OFTEN = 0.25
"""Share of the frames that see a vertex in which hair must cover it to count as hairy."""

LOWER = ("neck", "boundary")
"""Regions below the head: a collar hides what it likes of them, so nothing must be seen there."""

Mask = Bool[ndarray, "H W"]
Distance = Float[ndarray, "H W"]
Corners = Int[ndarray, "H W"]


@dataclass(frozen=True)
class Reach:
    """How far a person lies off the outline of the mesh, by the vertex that the outline passes.

    Attributes:
        beyond: Outside of it, metres.
        within: Inside of it, metres.
    """

    beyond: Float[ndarray, " V"]
    within: Float[ndarray, " V"]


@dataclass(frozen=True)
class Outline:
    """A head's mesh in one view.

    Attributes:
        out: Distance from the mesh of each pixel outside, 0 inside, pixels.
        out_vertex: The vertex at the nearest pixel of the mesh.
        deep: Distance of each pixel inside of the head (neck left out) from what is not head, 0 outside, pixels.
        deep_vertex: The vertex at the nearest pixel of the head's rim.
        pixel: Metres that a pixel stands for at the head's depth.
    """

    out: Distance
    out_vertex: Corners
    deep: Distance
    deep_vertex: Corners
    pixel: float

    def masks(self, reach: Reach) -> tuple[Bool[Tensor, "H W"], Bool[Tensor, "H W"]]:
        """Return the pixels that the head must cover, and those that it must leave free."""
        inside = self.deep * self.pixel > reach.within[self.deep_vertex] + MARGIN
        outside = self.out * self.pixel > reach.beyond[self.out_vertex] + MARGIN
        return torch.from_numpy(inside), torch.from_numpy(outside)


def upper_faces(head: HeadContainer) -> Int[ndarray, "F 3"]:
    """Return the triangles of a head above its neck."""
    lower = np.zeros(len(head.template), bool)
    for name in LOWER:
        lower[head.regions.get(name, [])] = True
    return head.faces[~lower[head.faces].any(1)]


def outline_of(vertices: Float[Tensor, "V 3"], head: HeadContainer, camera: Camera) -> Outline:
    """Return the outline of a posed head; where the camera does not see it, nothing is inside and all is far outside.

    Args:
        vertices: In the head's axes, metres.
        head: Triangles and regions.
        camera: Head to camera.
    """
    pixels, depth = project(vertices, camera)
    seen = torch.cat([pixels, depth[:, None]], -1).numpy()
    whole, upper = (first_corners(seen, faces, camera.size) for faces in (head.faces, upper_faces(head)))
    out, out_vertex = distances(whole < 0, whole)
    rim = cv2.dilate((upper < 0).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    deep, deep_vertex = distances(~rim, np.where(rim, upper, -1))
    return Outline(out, out_vertex, deep, deep_vertex, float(depth.mean() / camera.focal[0]))


def first_corners(seen: Float[ndarray, "V 3"], faces: Int[ndarray, "F 3"], size: tuple[int, int]) -> Corners:
    """Return a vertex of the triangle at each pixel, -1 where there is none."""
    found, _, _ = rasterize_mesh(seen, faces, *size, cull=False)
    return np.where(found >= 0, faces[found, 0], -1)


def distances(away: Mask, corners: Corners) -> tuple[Distance, Corners]:
    """Return the distance of pixels to the nearest one that is not away, in pixels, and the vertex there."""
    if away.all():
        return np.full(away.shape, np.inf), np.zeros(away.shape, np.int64)
    how = {"distanceType": cv2.DIST_L2, "maskSize": 5, "labelType": cv2.DIST_LABEL_PIXEL}
    far, labels = cv2.distanceTransformWithLabels(away.astype(np.uint8), **how)
    vertex = np.zeros(labels.max() + 1, np.int64)
    vertex[labels[~away]] = corners[~away].clip(0)
    return far, vertex[labels]


class ReachMeter:
    """Measures how far a person lies off the mesh, a frame at a time.

    Args:
        rest: The person's vertices at rest, metres.
    """

    def __init__(self, rest: Float[ndarray, "V 3"]) -> None:
        self.rest = rest
        self.beyond, self.within, self.hairy, self.seen = np.zeros((4, len(rest)))
        self.known = np.zeros(len(rest), bool)

    def add(self, outline: Outline, mask: UInt8[ndarray, "H W"], labels: UInt8[ndarray, "H W"] | None) -> None:
        """Take a frame: the mesh, the head mask, and the label of each pixel where there are labels."""
        off, gap = (mask > 0) & (outline.out > 0), (mask == 0) & (outline.deep > 0)
        np.maximum.at(self.beyond, outline.out_vertex[off], outline.out[off] * outline.pixel)
        np.maximum.at(self.within, outline.deep_vertex[gap], outline.deep[gap] * outline.pixel)
        self.known[outline.out_vertex[outline.out == 1]] = True
        covered = outline.out == 0
        self.seen[np.unique(outline.out_vertex[covered])] += 1
        hair = covered if labels is None else covered & np.isin(labels, HAIR)
        self.hairy[np.unique(outline.out_vertex[hair])] += 1

    def reach(self) -> Reach:
        """Return what was measured, shared between neighbours."""
        hairy = (self.hairy > 0) & (self.hairy >= OFTEN * self.seen)
        thick = self.beyond[self.known & hairy].max(initial=0)
        beyond = np.where(hairy, np.maximum(self.beyond, thick), self.beyond)
        known = self.known | hairy
        return Reach(shared(beyond, known, self.rest), shared(self.within, known, self.rest).clip(max=DEEPEST))


def shared(values: Float[ndarray, " V"], known: Bool[ndarray, " V"], rest: Float[ndarray, "V 3"]) -> Float[ndarray, " V"]:
    """Return for each vertex the largest value known near it, or that of the nearest known one where none is near."""
    places, told = torch.from_numpy(rest), torch.from_numpy(rest[known])
    if not len(told):
        return values
    apart, here = torch.cdist(places.float(), told.float()).numpy(), values[known]
    near = np.where(apart < NEAR, here, 0).max(1)
    return np.where((apart < NEAR).any(1), near, here[apart.argmin(1)])
