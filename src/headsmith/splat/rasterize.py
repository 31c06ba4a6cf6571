"""Draws Gaussians: one function, `rasterize`, over a compiled CPU rasterizer or the slow torch reference.

The first call in a fresh checkout compiles for some seconds; later starts read numba's cache beside the source, or in the
user's cache folder where the source is read-only (`NUMBA_CACHE_DIR` names another).
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable

from headsmith.maths.cameras import Camera
from headsmith.splat.kernels_blend import PULL, RECORD, blend, blend_backward
from headsmith.splat.kernels_order import deal_to_tiles, sort_by_depth
from headsmith.splat.kernels_project import project
from headsmith.splat.kernels_project_backward import project_backward
from headsmith.splat.reference import MARGIN, rasterize_reference

LANES = 8  # the projection works on 8 Gaussians at a time, so there must be 8


def rasterize(
    means: Float[Tensor, "N 3"],
    scales: Float[Tensor, "N 3"],
    quats: Float[Tensor, "N 4"],
    opacities: Float[Tensor, " N"],
    colours: Float[Tensor, "N C"],
    camera: Camera,
    background: Float[Tensor, " C"] | Float[Tensor, "H W C"],
    backend: Literal["cpu", "reference"] = "cpu",
    threads: int = 1,
) -> tuple[Float[Tensor, "H W C"], Float[Tensor, "H W"]]:
    """Blends 3D Gaussians over a background, near to far, by the rules of gsplat 1.5.3.

    A Gaussian adds 0.3 square pixels to its variance in the image, weighs min(0.999, opacity exp(-sigma)) at a pixel's centre
    (nothing below 1/255), and a pixel takes no more once its transmittance would come to 1e-4. Gaussians nearer than 0.01 m are
    left out. The weights and the order are differentiated as they stand: not their jumps.

    The `cpu` backend is float32 with 3 channels. It runs in the caller's thread and releases the GIL, so frames may be drawn in
    Python threads of one's own, forward and backward, at full speed. The same input gives the same bits, whatever the threads.

    Args:
        means: Centres, metres. Differentiable, like the next four.
        scales: Standard deviations along the Gaussian's own axes, metres.
        quats: Rotations from the own axes to the world's, wxyz; any length but 0, only the direction matters.
        opacities: 0 to 1.
        colours: 3 channels (any number for the reference), any range.
        camera: A single camera (no batch); it gets no gradient.
        background: One colour, or an image of the camera's size; it gets no gradient.
        backend: `cpu` (compiled) or `reference` (plain torch; float32 or float64; slow).
        threads: Threads that share the tiles of this one image, forward only. For training keep 1 and draw several frames at
            once.

    Returns:
        The image: colours times weights, plus the transmittance that is left times the background. And alpha, 1 less that rest.

    Raises:
        ValueError: Wrong dtype, channels or background for the backend; or a number is not finite, or a quaternion is 0.
    """
    if backend == "reference":
        return rasterize_reference(means, scales, quats, opacities, colours, camera, background)
    check(means, scales, quats, opacities, colours, camera, background)
    return Rasterization.apply(means, scales, quats, opacities, colours, camera, background, threads)


def check(*arguments: Any) -> None:
    """Refuses what the compiled rasterizer cannot draw."""
    *gaussians, camera, background = arguments
    width, height = camera.size
    kinds = {tensor.dtype for tensor in (*gaussians, background)}
    if kinds != {torch.float32}:
        raise ValueError(f"the cpu rasterizer takes float32, not {sorted(map(str, kinds))}")
    if gaussians[-1].shape[-1] != 3:
        raise ValueError(f"the cpu rasterizer draws 3 channels, not {gaussians[-1].shape[-1]}")
    if background.shape not in ((3,), (height, width, 3)):
        raise ValueError(f"the background is {tuple(background.shape)}, neither a colour nor an image of {height} x {width}")
    if camera.rotation.shape != (3, 3):
        raise ValueError("rasterize draws one camera at a time")


def flat(tensor: Tensor) -> Float32[np.ndarray, " n"]:
    """The tensor's numbers in one row."""
    return tensor.detach().contiguous().numpy().reshape(-1)


def view_of(camera: Camera) -> Float32[np.ndarray, " 20"]:
    """The camera as the kernels read it (`kernels_project.VIEW`)."""
    parts = [
        part.detach().numpy().reshape(-1) for part in (camera.rotation, camera.translation, camera.focal, camera.principal)
    ]
    focal, principal, size = parts[2], parts[3], np.array(camera.size)
    margin = MARGIN * 0.5 * size / focal
    least, most = -principal / focal - margin, (size - principal) / focal + margin
    return np.concatenate([*parts, [least[0], most[0], least[1], most[1]]], dtype=np.float32, casting="same_kind")


@cache
def helpers(threads: int) -> ThreadPoolExecutor:
    """Threads that share the tiles of one image."""
    return ThreadPoolExecutor(threads, thread_name_prefix="rasterize")


def over_tiles(work: Callable[[int, int], None], tiles: int, threads: int) -> None:
    """Calls work(first, last) over all tiles: at once, or in a few bands for each thread."""
    if threads == 1:
        work(0, tiles)
        return
    edges = np.linspace(0, tiles, min(tiles, 4 * threads) + 1).astype(int).tolist()
    for done in [helpers(threads).submit(work, *band) for band in pairwise(edges)]:
        done.result()


class Rasterization(torch.autograd.Function):
    """The compiled rasterizer as a differentiable function of its first five inputs."""

    @staticmethod
    def forward(
        ctx: FunctionCtx,
        means: Tensor,
        scales: Tensor,
        quats: Tensor,
        opacities: Tensor,
        colours: Tensor,
        camera: Camera,
        background: Tensor,
        threads: int,
    ) -> tuple[Tensor, Tensor]:
        """Draws; keeps what the backward pass needs."""
        count, (width, height) = len(means), camera.size
        inputs = [flat(tensor) for tensor in (means, scales, quats, opacities, colours)]
        if count < LANES:
            inputs = [np.concatenate([part, np.tile(still, LANES - count)]) for part, still in zip(inputs, STILL, strict=True)]
        slots = inputs[3].size
        records, boxes = np.empty(RECORD * slots, np.float32), np.empty(4 * slots, np.int32)
        depths, view = np.empty(slots, np.float32), view_of(camera)
        if not project(*inputs, view, width, height, records, boxes, depths):
            raise ValueError("Gaussians to draw hold numbers that are not finite, or a quaternion of length 0")
        starts, members = deal_to_tiles(sort_by_depth(depths), boxes, width, height)
        image, leftover = np.empty(3 * width * height, np.float32), np.empty(width * height, np.float32)
        behind, step = flat(background), 0 if background.ndim == 1 else 3
        lists = (records, boxes, starts, members, width, height)
        over_tiles(lambda first, last: blend(*lists, first, last, behind, step, image, leftover), len(starts) - 1, threads)
        ctx.kept = (count, inputs[:3], view, depths, lists, image, leftover)
        drawn = torch.from_numpy(image.reshape(height, width, 3))
        return drawn, torch.from_numpy(1 - leftover.reshape(height, width))

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, image_gradient: Tensor, alpha_gradient: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of the five inputs."""
        count, inputs, view, depths, lists, image, leftover = ctx.kept
        slots = depths.size
        pulls = np.zeros(PULL * slots, np.float32)
        blend_backward(*lists, image, leftover, flat(image_gradient), flat(alpha_gradient), pulls)
        gradients = [np.empty((slots, width), np.float32) for width in (3, 3, 4, 1, 3)]
        project_backward(*inputs, view, depths, lists[0], pulls, *(gradient.reshape(-1) for gradient in gradients))
        means, scales, quats, opacities, colours = (torch.from_numpy(gradient[:count]) for gradient in gradients)
        return means, scales, quats, opacities[:, 0], colours, None, None, None


STILL = tuple(np.array(row, np.float32) for row in ([0, 0, 0], [1, 1, 1], [1, 0, 0, 0], [0], [0, 0, 0]))  # draws nothing
