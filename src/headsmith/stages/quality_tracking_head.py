"""The tracked head over a frame: where each vertex is seen, and how brightly it is lit."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, UInt8
from numpy import ndarray
from torch import Tensor

from headsmith.bridges.track import Track
from headsmith.heads.embedding_types import Embedding
from headsmith.heads.model import HeadModel
from headsmith.maths.barycentrics import interpolate_on_faces
from headsmith.maths.cameras import Camera, project, to_camera
from headsmith.mesh.rasterize import rasterize_mesh
from headsmith.mesh.shading import AMBIENT, DIFFUSE, LAMP
from headsmith.show.overlays import draw_mesh

BATCH = 16
"""Frames whose vertices are made at once."""


@dataclass(frozen=True)
class SeenHead:
    """The head of one frame, as the camera sees it.

    Attributes:
        vertices: x and y in pixels of the frame, and the depth in metres.
        light: On each vertex, 0..1.
        landmarks: Where its landmarks are, pixels of the frame.
    """

    vertices: Float[ndarray, "V 3"]
    light: Float[ndarray, " V"]
    landmarks: Float[ndarray, "M 2"]


def see_heads(
    track: Track, model: HeadModel, embedding: Embedding, places: Sequence[int]
) -> Iterator[tuple[int, SeenHead | None]]:
    """Yield places in the clip with their heads, a few in memory at once; None where nothing was tracked.

    Args:
        track: The clip.
        model: Its head, float32.
        embedding: The landmarks.
        places: Of the frames.
    """
    corners, weights = model.faces[torch.from_numpy(embedding.faces).long()], torch.from_numpy(embedding.barycentrics)
    for start in range(0, len(places), BATCH):
        some = list(places[start : start + BATCH])
        part = track.take(some)
        camera = single(part.cameras())
        vertices = model(part.parameters().to(torch.float32))
        pixels, depth = project(vertices, camera)
        landmarks = project(interpolate_on_faces(vertices, corners, weights), camera)[0].numpy()
        light = lit(to_camera(vertices, camera), model.faces).numpy()
        known = torch.isfinite(vertices).all((1, 2)) & torch.isfinite(pixels).all((1, 2))
        seen = torch.cat([pixels, depth[..., None]], -1).numpy()
        for row, place in enumerate(some):
            yield place, SeenHead(seen[row], light[row], landmarks[row]) if known[row] else None


def single(camera: Camera) -> Camera:
    """Return a camera in float32."""
    parts = (camera.rotation, camera.translation, camera.focal, camera.principal)
    return Camera(*(part.float() for part in parts), camera.size)


def lit(vertices: Float[Tensor, "T V 3"], faces: Tensor) -> Float[Tensor, "T V"]:
    """Return the light on each vertex, 0..1: Lambert's cosine law with smooth normals, the lamp above the camera.

    Args:
        vertices: In the camera's axes, metres.
        faces: Corner ids, counter-clockwise seen from outside.
    """
    first, second, third = (vertices[:, faces[:, corner]] for corner in range(3))
    across = torch.linalg.cross(second - first, third - first)
    normals = torch.zeros_like(vertices)
    for corner in range(3):
        normals.index_add_(1, faces[:, corner], across)
    normals = normals / normals.norm(dim=-1, keepdim=True).clamp(min=1e-12)
    return (AMBIENT + DIFFUSE * (normals @ torch.from_numpy(LAMP).to(normals)).clamp(min=0)).clamp(max=1)


def mesh_over(
    picture: UInt8[ndarray, "H W 3"], head: SeenHead, faces: ndarray, scale: float, share: float = 0.6
) -> UInt8[ndarray, "H W 3"]:
    """Return a picture with the head over it.

    Args:
        picture: The frame, enlarged or shrunk.
        head: As seen in the frame.
        faces: Corner ids of the head's triangles.
        scale: Pixels of the picture in one of the frame.
        share: Of the head in the mixture, 0..1.
    """
    corners = head.vertices * np.array([scale, scale, 1], np.float32)
    face_ids, barycentrics, _ = rasterize_mesh(corners, faces, picture.shape[1], picture.shape[0], True)
    return draw_mesh(picture, face_ids, barycentrics, head.light[faces], share)
