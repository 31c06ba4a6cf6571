"""The compiled CPU rasterizer behind `rasterize`, as torch's autograd sees it.

The first call in a fresh checkout compiles for some seconds; later starts read numba's cache beside the source, or in the
user's cache folder where the source is read-only (`NUMBA_CACHE_DIR` names another).
"""

import math
from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable

from headsmith.maths.cameras import Camera
from headsmith.splat.compiled_frame import Drawn, draw, draw_backward, flat
from headsmith.splat.compiled_memory import keep_memory
from headsmith.splat.compiled_threads import over_frames


def together(parts: Sequence[Float[np.ndarray, " _"]], *shape: int) -> Float[Tensor, "..."]:
    """Arrays of frames as one tensor; that of a lone frame is not copied."""
    tensors = [torch.from_numpy(part[: math.prod(shape)]).view(shape) for part in parts]
    return tensors[0][None] if len(tensors) == 1 else torch.stack(tensors)


class Rasterization(torch.autograd.Function):
    """The compiled rasterizer as a differentiable function of its first five inputs, each with a leading axis of frames.

    Threads share the frames, or the one frame there is.
    """

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
        keep_memory()
        gaussians = means, scales, quats, opacities, colours
        frames, (width, height), own = len(means), camera.size, background.ndim in (2, 4)
        bands = 0 if colours.ndim == 3 else colours.shape[2]

        def draw_frame(frame: int, threads: int) -> Drawn:
            inputs = [flat(tensor[frame]) for tensor in gaussians]
            return draw(inputs, bands, camera[frame], background[frame] if own else background, threads)

        ctx.drawn = over_frames(draw_frame, frames, threads)
        ctx.threads, ctx.shapes = threads, [tensor.shape for tensor in gaussians]
        images = together([one.image for one in ctx.drawn], height, width, 3)
        return images, together([1 - one.leftover for one in ctx.drawn], height, width)

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, image_gradient: Tensor, alpha_gradient: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of the five inputs."""

        def pull_frame(frame: int, threads: int) -> list[Float[np.ndarray, " _"]]:
            return draw_backward(ctx.drawn[frame], image_gradient[frame], alpha_gradient[frame], threads)

        by_frame = over_frames(pull_frame, len(ctx.drawn), ctx.threads)
        by_kind = zip(zip(*by_frame, strict=True), ctx.shapes, strict=True)
        return (*(together(parts, *shape[1:]) for parts, shape in by_kind), None, None, None)
