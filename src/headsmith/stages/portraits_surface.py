"""The part of a head that a portrait's fit looks at: its face, its landmarks, and the texels over them."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from torch import Tensor

from headsmith.contract.conventions import Convention
from headsmith.heads.clip_types import Sliding
from headsmith.heads.container import HeadContainer
from headsmith.heads.model import HeadModel
from headsmith.mesh.texture import TextureFrame
from headsmith.stages.portraits_shades import Shades, open_shades
from headsmith.stages.portraits_start import fewer_codes
from headsmith.stages.tracking_problem import Places

REGION: Final = "face"
"""Where pictures are compared: without ears, scalp and neck, which masks often miss, and which no landmark holds."""
ABOVE, BESIDE, BEHIND = 0.35, 0.05, 0.03
"""Of a head without such a region: shares of the landmarks' box above and beside it, and metres behind their middle."""

MIDDLE: Final = 0.005
"""Metres from the plane of symmetry within which a landmark is of neither side."""


@dataclass(frozen=True)
class Surface:
    """The face of a head. Vertices on a seam of the unwrapping are drawn once for each side.

    Attributes:
        model: The head's vertices that matter, with the codes that are sought.
        faces: Triangles by which normals are made.
        drawn: Triangles that are drawn, over texture coordinates.
        uv: Texture coordinates, v up.
        vertex_of: The vertex of each texture coordinate.
        corners: Vertices of each landmark's triangle.
        barycentrics: Their weights.
        points: Which of the detector's points each landmark is.
        sliding: How landmarks slide; none: all keep their places.
        pivot: The point of the head about which it turns, metres.
        frame: The texels over the face.
        shades: Of the skin.
        box: First and last row, first and last column of these texels within the whole unwrapping's, the last ones excluded.
    """

    model: HeadModel
    faces: Int[Tensor, "F 3"]
    drawn: Int[Tensor, "G 3"]
    uv: Float[Tensor, "U 2"]
    vertex_of: Int[Tensor, " U"]
    corners: Int[Tensor, "L 3"]
    barycentrics: Float[Tensor, "L 3"]
    points: Int[Tensor, " L"]
    sliding: Sliding | None
    pivot: Float[Tensor, "3"]
    frame: TextureFrame
    shades: Shades
    box: tuple[int, int, int, int]


def open_surface(model: HeadModel, convention: Convention, identity: int, expression: int, texels: int) -> Surface:
    """Return the face of a head, in the model's precision.

    Args:
        model: The head.
        convention: Of the landmarks.
        identity: How many identity codes are sought, at most.
        expression: How many expression codes are sought, at most.
        texels: Along a side of the whole unwrapping.
    """
    head, name = model.container, convention.name
    places = Places.of(head.embeddings[name], head.contours.get(name))
    region = face_region(head, places.faces)
    marks = head.faces[places.faces]
    near = head.faces[region[head.faces].any(1)]
    used = np.unique(np.concatenate([near.ravel(), marks.ravel()]))
    rows = np.full(len(head.template), -1)
    rows[used] = np.arange(len(used))
    compared = region[head.faces].all(1)
    corners, drawn = np.unique(head.uv_faces[compared], return_inverse=True)
    vertex_of = np.zeros(len(head.uv), np.int64)
    vertex_of[head.uv_faces] = head.faces
    frame, box = cut_frame(head.uv[corners], texels)
    small = fewer_codes(model, identity, expression).at(torch.from_numpy(used))
    kind = model.template.dtype
    weights = torch.from_numpy(places.barycentrics).to(kind)
    pivot = (model.template[torch.from_numpy(marks).long()] * weights[..., None]).sum(1)[: places.kept].mean(0)
    return Surface(
        small,
        torch.from_numpy(rows[near]),
        torch.from_numpy(drawn.reshape(-1, 3)),
        torch.from_numpy(head.uv[corners]).to(kind),
        torch.from_numpy(rows[vertex_of[corners]]),
        torch.from_numpy(rows[marks]),
        weights,
        torch.from_numpy(places.points).long(),
        places.sliding,
        pivot,
        frame,
        open_shades(torch.from_numpy(head.template[region])),
        box,
    )


def turned_away(surface: Surface, rotations: Float[Tensor, "B 3 3"], degrees: float) -> Bool[Tensor, "B L"]:
    """Return which landmarks are on the far side of a head that is turned farther than an angle.

    Args:
        surface: The head's; its plane of symmetry is x = 0.
        rotations: Head to camera.
        degrees: By how much the head's axis from ear to ear must point away from the picture's plane.
    """
    away = rotations[:, 2, 0]
    places = (surface.model.template[surface.corners] * surface.barycentrics[..., None]).sum(1)[:, 0]
    far = (places * away.sign()[:, None]) > MIDDLE
    return far & (away.abs() > math.sin(math.radians(degrees)))[:, None]


def face_region(head: HeadContainer, landmarks: Int[ndarray, " L"]) -> Bool[ndarray, " V"]:
    """Return which vertices are of the face: the head's own region, or the skin around its landmarks and before the ears."""
    inside = np.zeros(len(head.template), bool)
    if REGION in head.regions:
        inside[head.regions[REGION]] = True
        return inside
    marks = head.template[head.faces[landmarks]].mean(1)
    low, high = marks.min(0), marks.max(0)
    side = high - low
    low, high = low - BESIDE * side, high + BESIDE * side
    high[1] += ABOVE * side[1]
    inside[head.regions.get("skin", np.arange(len(inside)))] = True
    place = head.template
    inside &= (place >= low).all(1, where=[True, True, False]) & (place[:, :2] <= high[:2]).all(1)
    return inside & (place[:, 2] > marks[:, 2].mean() - BEHIND)


def cut_frame(uv: Float[ndarray, "n 2"], texels: int) -> tuple[TextureFrame, tuple[int, int, int, int]]:
    """Return the texels of the whole unwrapping that hold some coordinates, and first and last rows and columns of theirs."""
    low, high = uv.min(0), uv.max(0)
    left, right = max(int(low[0] * texels) - 1, 0), min(int(high[0] * texels) + 2, texels)
    top, bottom = max(int((1 - high[1]) * texels) - 1, 0), min(int((1 - low[1]) * texels) + 2, texels)
    lowest, highest = (left / texels, 1 - bottom / texels), (right / texels, 1 - top / texels)
    return TextureFrame(lowest, highest, right - left, bottom - top), (top, bottom, left, right)
