"""What DECA's network tells of wrinkles: a displacement map, the normals and the dense mesh that come of it.

DECA adds a correction of its own, ``fixed_displacement_256.npy``, and limits both to ``uv_face_eye_mask.png``; these are files
of its data, not of its network. Here displacements count on the head's region of the face, and there is no correction.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from jaxtyping import Bool, Float, Float32, Int, UInt8
from numpy import ndarray

from headsmith.contract.settings import PortraitsSettings
from headsmith.media.arrays import read_arrays
from headsmith.mesh.shading import vertex_normals
from headsmith.stages.portraits_codes import DecodedPortrait
from headsmith.stages.portraits_texture import Layout, resized

CODES: Final = ("shape", "tex", "exp", "pose", "cam", "light", "detail")
REGION: Final = "face"
LONGEST: Final = 6.0
"""An edge of the dense mesh is at most so many times the usual one: a longer one crosses a seam of the unwrapping."""


@dataclass(frozen=True)
class Detail:
    """What the network tells.

    Attributes:
        codes: DECA's codes by name, without a leading shape.
        displacement: Along the normals, metres, over the unwrapping, the first row at v = 1; at most 0.01.
    """

    codes: dict[str, ndarray]
    displacement: Float[ndarray, "256 256"]


def read_detail(path: Path, settings: PortraitsSettings) -> Detail | None:
    """Return what the network told of a picture; None where portraits are fitted, which tells no wrinkles.

    Raises:
        UserError: The file is missing or broken.
    """
    if settings.method != "deca":
        return None
    keys = (*CODES, "displacement")
    arrays = read_arrays(path, keys, path.stem, what="detail", remake="the network is run anew")
    return Detail({name: arrays[name] for name in CODES}, arrays["displacement"])


def displaced(detail: Detail, decoded: DecodedPortrait, layout: Layout) -> Float32[ndarray, "M 3"]:
    """Return the texels of the head in space, moved along the normals within the face."""
    texels, faces = layout.texels, layout.surface.faces
    points, normals = (texels.spread(part, faces) for part in (decoded.vertices, decoded.normals))
    normals = normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    inside = np.zeros((len(decoded.vertices), 1))
    inside[layout.head.regions.get(REGION, np.arange(len(inside)))] = 1
    share = texels.spread(inside, faces)
    by = resized(detail.displacement, layout.size)[texels.covered]
    return points + share * by[:, None] * normals


def dense_faces(covered: Bool[ndarray, "U U"], points: Float[ndarray, "M 3"]) -> Int[ndarray, "m 3"]:
    """Return triangles between neighbouring texels, outwards, those left out that would cross a seam of the unwrapping."""
    place = np.full(covered.shape, -1)
    place[covered] = np.arange(covered.sum())
    corners = [place[:-1, :-1], place[1:, :-1], place[1:, 1:], place[:-1, 1:]]
    quads = np.stack([part.ravel() for part in corners], 1)
    quads = quads[(quads >= 0).all(1)]
    faces = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    sides = np.linalg.norm(points[faces] - points[np.roll(faces, 1, 1)], axis=2).max(1)
    return faces[sides <= LONGEST * np.median(sides)]


def detail_normals(detail: Detail, decoded: DecodedPortrait, layout: Layout) -> Float32[ndarray, "U U 3"]:
    """Return the normals of the dense mesh over the unwrapping, unit, in DECA's world."""
    points = displaced(detail, decoded, layout)
    normals = vertex_normals(points.astype(np.float64), dense_faces(layout.texels.covered, points))
    spread = layout.texels.spread(decoded.normals, layout.surface.faces)
    own = np.where(np.abs(normals).any(1, keepdims=True), normals, spread)
    picture = layout.texels.picture(own)
    return (picture / np.maximum(np.linalg.norm(picture, axis=-1, keepdims=True), 1e-6)).astype(np.float32)


def dense_mesh(
    detail: Detail, decoded: DecodedPortrait, layout: Layout, texture: UInt8[ndarray, "U U 3"]
) -> tuple[Float32[ndarray, "M 3"], Float32[ndarray, "M 3"], Int[ndarray, "m 3"]]:
    """Return vertices, a texel each, their colours 0..255, and triangles."""
    points = displaced(detail, decoded, layout)
    return points, texture[layout.texels.covered].astype(np.float32), dense_faces(layout.texels.covered, points)
