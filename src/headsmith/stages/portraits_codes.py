"""A fitted portrait in DECA's words: its ``codedict``, and what DECA's decoder makes of it (Feng et al. 2021, ``deca.py``).

DECA's world has the head's own axes, x to the subject's left, y up, z out of the face; the head is turned there about its root
joint. Its camera sees a point X at ``s (X + (tx, ty))``, x right and y up, -1..1 over the crop; files have y down. With our
weak camera, which sees ``f q + c`` where ``q = R p + t``, and F = diag(1, -1, -1), which takes one's axes to the other's,

    global rotation = F R,    s = 2 f / S,    (tx, ty) = (F t - o)_xy + ((c_x - S/2) / f, (S/2 - c_y) / f),

with o = j - F R j for the root joint j and S the crop's side: exact. A pinhole has no such camera; then the nearest one, by
least squares over where the vertices are seen, is told with its error.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray

from headsmith.contract.conventions import IBUG68
from headsmith.contract.errors import UserError
from headsmith.heads.embedding_contour import head_yaw
from headsmith.heads.embedding_model import EmbeddedModel
from headsmith.heads.model import HeadModel
from headsmith.maths.cameras import FLIP
from headsmith.maths.rotations import matrix_to_axis_angle
from headsmith.mesh.shading import vertex_normals
from headsmith.stages.portraits_file import WEAK, FittedPortrait
from headsmith.stages.portraits_prepared import PreparedPortrait

SHAPE, TEXTURE, EXPRESSION = 100, 50, 50
"""Codes that DECA has."""
LIGHT_SIGNS: Final = np.array([1, 1, -1, -1, -1, -1, 1, 1, 1])
"""What turning y and z does to DECA's nine functions 1, x, y, z, xy, xz, yz, x^2 - y^2, 3 z^2 - 1."""
TURNED_AWAY: Final = 0.1
"""A point counts as visible in ``kpt3d`` while the part of its normal along the viewing direction is below this."""


@dataclass(frozen=True)
class WeakCamera:
    """DECA's ``cam``, and how far from the fit's own camera it sees the vertices.

    Attributes:
        cam: s, tx, ty.
        mean_error: Pixels of the crop; 0 where the fit's camera is weak.
        largest_error: Pixels of the crop.
    """

    cam: Float[ndarray, "3"]
    mean_error: float
    largest_error: float


@dataclass(frozen=True)
class DecodedPortrait:
    """The head of a fitted portrait.

    Attributes:
        vertices: In DECA's world, metres.
        normals: Of the vertices, unit, in the same axes.
        before: The same in the camera's axes, metres.
        seen: Where the fit's camera sees them: x and y in pixels of the crop, and the depth, metres.
        camera: The nearest of DECA's cameras.
        flat: The 68 points as they are seen, those of the outline sliding over the cheeks, -1..1 over the crop, y down.
        solid: The 68 points at fixed places: x, y as ``flat``; z in the same unit, larger farther away; visible 0 or 1.
        solid_world: The same in DECA's world, metres.
    """

    vertices: Float[ndarray, "V 3"]
    normals: Float[ndarray, "V 3"]
    before: Float[ndarray, "V 3"]
    seen: Float[ndarray, "V 3"]
    camera: WeakCamera
    flat: Float[ndarray, "68 2"]
    solid: Float[ndarray, "68 4"]
    solid_world: Float[ndarray, "68 3"]


class Decoder:
    """Decodes the portraits of one head.

    Args:
        model: The head, float64.

    Raises:
        UserError: The head lacks some of the 68 points.
    """

    def __init__(self, model: HeadModel) -> None:
        self.model, name = model, IBUG68.name
        embedding = model.container.embeddings.get(name)
        if embedding is None or len(embedding.points) != IBUG68.count:
            remedy = "delete the head's container and run snakemake again: its points are measured anew"
            raise UserError(f"the head {model.container.name} has not all {IBUG68.count} points of {name}", remedy=remedy)
        self._corners = model.container.faces[embedding.faces]
        self._weights = embedding.barycentrics.astype(np.float64)
        slides = name in model.container.contours
        self._sliding = EmbeddedModel.from_head(model, name, sliding=True) if slides else None

    @torch.no_grad()
    def decode(self, fitted: FittedPortrait) -> DecodedPortrait:
        """Return the head of a fitted portrait."""
        points = self.model(fitted.parameters()).numpy()
        joint = self.model.places(fitted.parameters())[0].numpy()
        turn = FLIP[:, None] * fitted.rotation
        vertices, before = (points - joint) @ turn.T + joint, fitted.in_camera(points)
        camera, normals = weak_camera(fitted, points, joint), vertex_normals(vertices, self.model.container.faces)
        fixed, world = self._at(points), self._at(vertices)
        visible = (-self._at(normals)[:, 2:] < TURNED_AWAY).astype(np.float64)
        solid = np.concatenate([spanned(fitted, fixed), -camera.cam[0] * world[:, 2:], visible], 1)
        flat = self._flat(fitted, fixed)
        return DecodedPortrait(vertices, normals, before, fitted.seen_at(before), camera, flat, solid, world)

    def _at(self, values: Float[ndarray, "V 3"]) -> Float[ndarray, "68 3"]:
        return np.einsum("lc,lcd->ld", self._weights, values[self._corners])

    def _flat(self, fitted: FittedPortrait, fixed: Float[ndarray, "68 3"]) -> Float[ndarray, "68 2"]:
        if self._sliding is None:
            return spanned(fitted, fixed)
        yaw = head_yaw(torch.from_numpy(fitted.rotation), torch.from_numpy(fitted.translation))
        return spanned(fitted, self._sliding(fitted.parameters(), yaw=yaw).numpy())


def spanned(fitted: FittedPortrait, points: Float[ndarray, "n 3"]) -> Float[ndarray, "n 2"]:
    """Return where points of the head's frame are seen, -1..1 from edge to edge of the crop, y down."""
    return 2 * fitted.seen_at(fitted.in_camera(points))[:, :2] / fitted.size - 1


def weak_camera(fitted: FittedPortrait, points: Float[ndarray, "V 3"], joint: Float[ndarray, "3"]) -> WeakCamera:
    """Return DECA's camera of a fitted portrait.

    Args:
        fitted: The portrait.
        points: The head's vertices in its own frame.
        joint: Its root joint.
    """
    moved = fitted.in_camera(points)
    scale, centre, apart = fitted.focal, fitted.principal, np.zeros(1)
    if fitted.camera != WEAK:
        seen, plane = fitted.seen_at(moved)[:, :2], moved[:, :2]
        scale = float(((seen - seen.mean(0)) * (plane - plane.mean(0))).sum() / np.square(plane - plane.mean(0)).sum())
        centre = seen.mean(0) - scale * plane.mean(0)
        apart = np.linalg.norm(scale * plane + centre - seen, axis=1)
    middle, turn = fitted.size / 2, FLIP[:, None] * fitted.rotation
    shift = (FLIP * fitted.translation - (joint - turn @ joint))[:2]
    shift = shift + np.array([centre[0] - middle, middle - centre[1]]) / scale
    return WeakCamera(np.array([scale / middle, *shift]), float(apart.mean()), float(apart.max()))


def codedict(fitted: FittedPortrait, decoded: DecodedPortrait, prepared: PreparedPortrait, head: str) -> dict[str, ndarray]:
    """Return DECA's ``codedict`` of a fitted portrait, a picture a batch of one, and what tells whose codes they are.

    Codes beyond DECA's numbers are left out of ``shape`` and ``exp``, and fewer are filled up with zeros; ``identity`` and
    ``expression`` have them all. ``light`` is in DECA's world, and of the texture space's own colours.

    Args:
        fitted: The portrait.
        decoded: Its head.
        prepared: Its picture.
        head: Name of the head.
    """
    turn = matrix_to_axis_angle(torch.from_numpy(FLIP[:, None] * fitted.rotation)).numpy()
    colour = fitted.colour if len(fitted.texture) else np.ones(3)
    codes: dict[str, Any] = {
        "shape": sized(fitted.identity, SHAPE),
        "tex": sized(fitted.texture, TEXTURE),
        "exp": sized(fitted.expression, EXPRESSION),
        "pose": np.concatenate([turn, fitted.jaw])[None],
        "cam": decoded.camera.cam[None],
        "light": (LIGHT_SIGNS[:, None] * fitted.light * colour)[None],
        "images": prepared.picture.transpose(2, 0, 1)[None] / 255,
    }
    own = {
        **{name: getattr(fitted, name) for name in ("identity", "expression", "eyelids", "eyes", "neck", "colour")},
        **{"head": head, "head_sha256": fitted.head_sha256, "tform": tform(prepared)},
        **{"width": prepared.size[0], "height": prepared.size[1], "cam_error": decoded.camera.largest_error},
    }
    return {name: np.asarray(value, np.float32) for name, value in codes.items()} | {
        name: np.asarray(value) for name, value in own.items()
    }


def sized(codes: Float[ndarray, " n"], count: int) -> Float[ndarray, "1 m"]:
    """Return so many codes: the first, or all with zeros behind."""
    whole = np.zeros((1, count))
    whole[0, : len(codes)] = codes[:count]
    return whole


def tform(prepared: PreparedPortrait) -> Float[ndarray, "3 3"]:
    """Return the crop as DECA's ``tform``: between pixels whose centres are whole numbers."""
    half = np.eye(3)
    half[:2, 2] = 0.5
    return np.linalg.inv(half) @ prepared.crop @ half


def opdict(fitted: FittedPortrait, decoded: DecodedPortrait) -> dict[str, ndarray]:
    """Return the geometry of DECA's ``opdict`` as its ``.mat`` has it, without a leading shape.

    ``trans_verts`` are the vertices as they are seen; their depth is DECA's, and without what its renderer adds to it.
    """
    depth = -decoded.camera.cam[0] * decoded.vertices[:, 2:]
    trans = np.concatenate([2 * decoded.seen[:, :2] / fitted.size - 1, depth], 1)
    found = {
        **{"verts": decoded.vertices, "trans_verts": trans, "normals": decoded.normals},
        **{"landmarks2d": decoded.flat, "landmarks3d": decoded.solid, "landmarks3d_world": decoded.solid_world},
    }
    return {name: values.astype(np.float32) for name, values in found.items()}
