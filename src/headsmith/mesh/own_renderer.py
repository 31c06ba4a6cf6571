"""Our own differentiable renderer: compiled loops, one thread a frame, the same bits for any number of threads."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int, Int32
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable

from headsmith.mesh.kernels import cover_pixels
from headsmith.mesh.kernels_interpolate import interpolate, interpolate_backward
from headsmith.mesh.rasterize import check_mesh
from headsmith.mesh.renderers import Drawn


@dataclass(frozen=True)
class OwnRenderer:
    """See ``mesh.renderers.Renderer``; ``threads`` share the frames of a batch.

    Takes float32, and float64 for checks. Differentiates what a face shows as long as it is the face that is seen: not the
    outline, where one face gives way to another.
    """

    threads: int = 1

    def interpolate(
        self,
        vertices: Float[Tensor, "B V 3"],
        faces: Int[Tensor, "F 3"],
        attributes: Float[Tensor, "B V C"],
        size: tuple[int, int],
    ) -> Drawn:
        """Return the attributes of the nearest front face at each pixel centre; see ``mesh.renderers.Renderer``."""
        triangles = np.ascontiguousarray(faces.numpy(), np.int32)
        return Drawn(*Interpolation.apply(vertices, attributes, triangles, size, self.threads))


class Interpolation(torch.autograd.Function):
    """Interpolated attributes as a differentiable function of vertices and attributes."""

    @staticmethod
    def forward(
        ctx: FunctionCtx,
        vertices: Float[Tensor, "B V 3"],
        attributes: Float[Tensor, "B V C"],
        faces: Int32[np.ndarray, "F 3"],
        size: tuple[int, int],
        threads: int,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Draws; keeps what the backward pass needs."""
        corners, values = (np.ascontiguousarray(part.detach().numpy()) for part in (vertices, attributes))
        width, height = size
        image = np.empty((len(corners), height, width, values.shape[-1]), values.dtype)
        face_ids = np.full(image.shape[:3], -1, np.int32)
        weights = np.empty((*image.shape[:3], 3), corners.dtype)

        def draw(frame: int) -> None:
            check_mesh(corners[frame], faces, width, height)
            cover_pixels(corners[frame], faces, True, face_ids[frame], np.zeros((height, width), corners.dtype))
            interpolate(corners[frame], faces, values[frame], face_ids[frame], weights[frame], image[frame])

        over_frames(draw, len(corners), threads)
        ctx.kept = (corners, faces, values, face_ids, weights, threads)
        results = tuple(map(torch.from_numpy, (image, face_ids, weights)))
        ctx.mark_non_differentiable(*results[1:])
        return results

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, pull: Tensor, *_: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of vertices and attributes."""
        corners, faces, values, face_ids, weights, threads = ctx.kept
        pulls = np.ascontiguousarray(pull.numpy())
        by_vertices, by_attributes = np.zeros_like(corners), np.zeros_like(values)

        def pass_back(t: int) -> None:
            seen = (corners[t], faces, values[t], face_ids[t], weights[t])
            interpolate_backward(*seen, pulls[t], by_vertices[t], by_attributes[t])

        over_frames(pass_back, len(corners), threads)
        return torch.from_numpy(by_vertices), torch.from_numpy(by_attributes), None, None, None


def over_frames(work: Callable[[int], None], count: int, threads: int) -> None:
    """Call ``work`` with the place of each frame, in the caller's thread or in several."""
    if threads == 1 or count == 1:
        for frame in range(count):
            work(frame)
        return
    with ThreadPoolExecutor(min(threads, count)) as pool:
        list(pool.map(work, range(count)))
