"""The 68 points of iBUG on the tracked head, in the files that DECA writes: ``_kpt2d.txt`` and ``_kpt3d.txt``.

As in DECA (Feng et al. 2021, ``demo_reconstruct.py``), the points of the outline slide over the cheeks in 2D and keep their
places in 3D. x runs right and y down, -1..1 over the picture. z has the unit of x at the head's distance, is 0 at the head's
origin, and grows away from the camera. DECA projects by weak perspective into its crop; here the tracked camera sees them in
the whole frame.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from jaxtyping import Bool, Float
from numpy import ndarray
from torch import Tensor

from headsmith.contract.conventions import IBUG68
from headsmith.contract.errors import UserError
from headsmith.heads.embedding_contour import head_yaw
from headsmith.heads.embedding_model import EmbeddedModel
from headsmith.heads.model import HeadModel, HeadParameters
from headsmith.maths.cameras import Camera, project, to_camera
from headsmith.mesh.rasterize import rasterize_mesh
from headsmith.mesh.shading import face_normals

BEHIND: Final = 0.002
"""Metres by which a point's triangle may lie behind what its pixel shows, and still be that."""


@dataclass(frozen=True)
class Keypoints:
    """The points of one frame.

    Attributes:
        flat: Where they are seen, x right, y down, -1..1 over the picture.
        solid: The same of the points that keep their places, and their depth.
        visible: Which of the latter face the camera with nothing of the head before them.
    """

    flat: Float[ndarray, "68 2"]
    solid: Float[ndarray, "68 3"]
    visible: Bool[ndarray, "68"]


class KeypointFinder:
    """Finds the 68 points of a head, frame by frame.

    Args:
        model: The head, float64.

    Raises:
        UserError: The head lacks some of the 68 points.
    """

    def __init__(self, model: HeadModel) -> None:
        name, head = IBUG68.name, model.container
        if name not in head.embeddings or len(head.embeddings[name].points) != IBUG68.count:
            remedy = "delete the head's container and run snakemake again: its points are measured anew"
            raise UserError(f"the head {head.name} has not all {IBUG68.count} points of {name}", remedy=remedy)
        self.model = model
        self.fixed = EmbeddedModel.from_head(model, name)
        self.slides = name in head.contours
        self.flat = EmbeddedModel.from_head(model, name, sliding=True) if self.slides else self.fixed

    def find(self, parameters: HeadParameters, camera: Camera) -> Keypoints:
        """Return the points of one frame.

        Args:
            parameters: Of the frame, without a leading shape.
            camera: Of the frame.
        """
        yaw = {"yaw": head_yaw(camera.rotation, camera.translation)} if self.slides else {}
        flat, _ = project(self.flat(parameters, **yaw), camera)
        pixels, depth = project(self.fixed(parameters), camera)
        away = (depth - camera.translation[2]) * 2 * camera.focal[0] / (camera.translation[2] * camera.size[0])
        solid = torch.cat([spanned(pixels, camera.size), away[:, None]], 1)
        visible = self._visible(to_camera(self.model(parameters), camera), camera, pixels.numpy())
        return Keypoints(spanned(flat, camera.size).numpy(), solid.numpy(), visible)

    def _visible(self, vertices: Float[Tensor, "V 3"], camera: Camera, pixels: Float[ndarray, "68 2"]) -> Bool[ndarray, " 68"]:
        """Compare what each point's pixel shows with the plane of the point's triangle, both at the pixel's centre."""
        head, (width, height) = self.model.container, camera.size
        own_faces = head.faces[head.embeddings[IBUG68.name].faces]
        outwards = face_normals(vertices.numpy(), own_faces)
        offset = (outwards * vertices.numpy()[own_faces[:, 0]]).sum(1)
        seen = camera.focal * vertices[:, :2] / vertices[:, 2:] + camera.principal
        screen = torch.cat([seen, vertices[:, 2:]], 1).numpy().astype(np.float32)
        _, _, nearest = rasterize_mesh(screen, head.faces, width, height, cull=True)
        column, row = np.floor(pixels).astype(np.int64).T
        within = (column >= 0) & (row >= 0) & (column < width) & (row < height)
        centres = np.stack([column + 0.5, row + 0.5], 1)
        rays = np.concatenate([(centres - camera.principal.numpy()) / camera.focal.numpy(), np.ones((len(row), 1))], 1)
        own = offset / np.minimum((outwards * rays).sum(1), -1e-12)
        shown = nearest[row.clip(0, height - 1), column.clip(0, width - 1)]
        return (offset < 0) & within & (own <= shown + BEHIND)


def spanned(pixels: Float[Tensor, "L 2"], size: tuple[int, int]) -> Float[Tensor, "L 2"]:
    """Return pixel coordinates as -1..1 from edge to edge of the picture."""
    return 2 * pixels / torch.tensor(size, dtype=pixels.dtype) - 1


def write_keypoints(folder: Path, stem: str, points: Keypoints) -> None:
    """Write ``<stem>_kpt2d.txt`` (68 x 2) and ``<stem>_kpt3d.txt`` (68 x 4: x, y, z, visible)."""
    np.savetxt(folder / f"{stem}_kpt2d.txt", points.flat, "%.7f")
    np.savetxt(folder / f"{stem}_kpt3d.txt", np.column_stack([points.solid, points.visible]), ("%.7f", "%.7f", "%.7f", "%d"))
