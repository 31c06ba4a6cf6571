"""What of the tracked head's surface each pixel of skin shows: drawn frame by frame, at any size."""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import torch
import torch.nn.functional as nn
from jaxtyping import Bool, Float, Int
from torch import Tensor

from headsmith.bridges.track import Track
from headsmith.heads.container import HeadContainer
from headsmith.heads.model import HeadModel
from headsmith.maths.cameras import Camera, project
from headsmith.mesh.renderers import Renderer
from headsmith.stages.photometric_pictures import Pictures

REGION: Final = "face"
"""Where the head's surface is compared: without ears, scalp and neck, which masks often miss, and which move by themselves."""
GRAZING: Final = 0.3
"""Cosine between normal and viewing direction below which skin is not compared: 73 degrees."""


@dataclass(frozen=True)
class Surface:
    """The head with its unwrapping: vertices that lie on a seam are there once for each side.

    Attributes:
        model: The head, float32.
        renderer: Draws it.
    """

    model: HeadModel
    renderer: Renderer

    @property
    def head(self) -> HeadContainer:
        """The head's container."""
        return self.model.container

    @cached_property
    def uv(self) -> Float[Tensor, "U 2"]:
        """Texture coordinates, v up."""
        return torch.from_numpy(self.head.uv)

    @cached_property
    def faces(self) -> Int[Tensor, "F 3"]:
        """Triangles over texture coordinates."""
        return torch.from_numpy(self.head.uv_faces)

    @cached_property
    def vertex_of(self) -> Int[Tensor, " U"]:
        """The vertex of each texture coordinate."""
        result = np.zeros(len(self.head.uv), np.int64)
        result[self.head.uv_faces] = self.head.faces
        return torch.from_numpy(result)

    @cached_property
    def compared(self) -> Bool[Tensor, " F"]:
        """Triangles of the region in which pictures are compared."""
        return torch.from_numpy(np.isin(self.head.faces, self.head.regions[REGION]).all(1))


@dataclass(frozen=True)
class Look:
    """The pixels of one frame that are compared.

    Attributes:
        screen: x, y in pixels and depth of every texture coordinate's vertex; gradients reach it.
        uv: Texture coordinates at the pixels; depend on ``screen``.
        normals: Unit normals in the camera's axes.
        colours: What the frame shows, 0..1.
        faces: Triangles.
        barycentrics: Weights of their corners.
        rows: Where the pixels lie.
        columns: Where the pixels lie.
    """

    screen: Float[Tensor, "U 3"]
    uv: Float[Tensor, "n 2"]
    normals: Float[Tensor, "n 3"]
    colours: Float[Tensor, "n 3"]
    faces: Int[Tensor, " n"]
    barycentrics: Float[Tensor, "n 3"]
    rows: Int[Tensor, " n"]
    columns: Int[Tensor, " n"]


def look_at(surface: Surface, track: Track, place: int, pictures: Pictures, size: int) -> Look:
    """Return what a frame shows of the tracked head's skin, drawn with ``size`` pixels on a side."""
    seen, pixels = seen_vertices(surface, track.take([place]))
    scale = size / track.size[0]
    screen = torch.cat([pixels * scale, seen[:, 2:]], -1)[surface.vertex_of].requires_grad_()
    normals = smooth_normals(seen, torch.from_numpy(surface.head.faces).long())[surface.vertex_of]
    drawn = surface.renderer.interpolate(screen[None], surface.faces, torch.cat([surface.uv, normals], -1)[None], (size, size))
    picture, skin = (torch.from_numpy(part) for part in pictures.at(place, size))
    used = drawn.mask[0] & skin
    used[used.clone()] = surface.compared[drawn.face_ids[0][used].long()]
    facing = nn.normalize(drawn.image[0, ..., 2:].detach(), dim=-1)
    used &= facing[..., 2] < -GRAZING
    found = (drawn.face_ids[0][used].long(), drawn.barycentrics[0][used], *used.nonzero(as_tuple=True))
    return Look(screen, drawn.image[0][used][:, :2], facing[used], picture[used], *found)


def seen_vertices(surface: Surface, frame: Track) -> tuple[Float[Tensor, "V 3"], Float[Tensor, "V 2"]]:
    """Return the vertices in the camera's axes, metres, and their pixels, for a clip of one frame."""
    with torch.no_grad():
        camera = frame.cameras()
        parts = (camera.rotation, camera.translation, camera.focal, camera.principal)
        camera = Camera(*(part.float() for part in parts), camera.size)
        vertices = surface.model(frame.parameters().to(torch.float32))
        seen = vertices @ camera.rotation.mT + camera.translation[:, None]
        return seen[0], project(vertices, camera)[0][0]


def smooth_normals(vertices: Float[Tensor, "V 3"], faces: Int[Tensor, "F 3"]) -> Float[Tensor, "V 3"]:
    """Return unit normals, outwards: the sum over a vertex' triangles, each by its area."""
    first, second, third = vertices[faces].unbind(1)
    across = torch.linalg.cross(second - first, third - first)
    total = torch.zeros_like(vertices)
    for corner in faces.unbind(1):
        total.index_add_(0, corner, across)
    return nn.normalize(total, dim=-1)
