"""PyTorch3D's rasterizer behind our interface; importing this module needs the package ``pytorch3d``.

PyTorch3D's screen has x to the left and y up, -1..1 along the shorter side (its *Cameras* note, "NDC coordinate system"), so
both axes turn and faces keep their direction.
"""

import torch
from jaxtyping import Float, Int
from pytorch3d.ops import interpolate_face_attributes
from pytorch3d.renderer.mesh import rasterize_meshes
from pytorch3d.structures import Meshes
from torch import Tensor

from headsmith.mesh.renderers import Drawn


def to_ndc(vertices: Float[Tensor, "B V 3"], size: tuple[int, int]) -> Float[Tensor, "B V 3"]:
    """Return pixels as PyTorch3D's screen coordinates; depth stays."""
    sides = vertices.new_tensor(size)
    return torch.cat([(sides - 2 * vertices[..., :2]) / sides.min(), vertices[..., 2:]], -1)


class Pytorch3dRenderer:
    """See ``mesh.renderers.Renderer``; runs where the vertices are."""

    def interpolate(
        self,
        vertices: Float[Tensor, "B V 3"],
        faces: Int[Tensor, "F 3"],
        attributes: Float[Tensor, "B V C"],
        size: tuple[int, int],
    ) -> Drawn:
        """Return the attributes of the nearest front face at each pixel centre; see ``mesh.renderers.Renderer``."""
        if not vertices.isfinite().all():
            raise ValueError("vertices are not finite")
        width, height = size
        meshes = Meshes(to_ndc(vertices, size), faces.expand(len(vertices), -1, -1))
        face_ids, _, weights, _ = rasterize_meshes(
            meshes,
            image_size=(height, width),
            blur_radius=0.0,
            faces_per_pixel=1,
            perspective_correct=True,
            cull_backfaces=True,
        )
        corners = attributes[:, faces].flatten(0, 1)
        image = interpolate_face_attributes(face_ids, weights, corners)[:, :, :, 0]
        covered = face_ids[..., 0] >= 0
        first = torch.arange(len(vertices), device=face_ids.device)[:, None, None] * len(faces)
        own = torch.where(covered, face_ids[..., 0] - first, -1)
        return Drawn(image, own, torch.where(covered[..., None], weights[:, :, :, 0], 0).detach())
