"""The compiled deformation of the ``basis`` avatar, as torch's autograd sees it."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable

from headsmith.splat.compiled_frame import flat
from headsmith.splat.kernels_basis import blend_bases, blend_bases_backward, deform, deform_backward

FEWEST = 8
"""Gaussians that the kernels work on at a time."""


class BasisSplats(torch.autograd.Function):
    """What `kernels_basis` makes of raw numbers and weighted bases, as a differentiable function of its first seven inputs."""

    @staticmethod
    def forward(
        ctx: FunctionCtx,
        points: Float[Tensor, "N 3"],
        offset: Float[Tensor, "N 3"],
        log_scale: Float[Tensor, "N 3"],
        opacity: Float[Tensor, " N"],
        colour: Float[Tensor, "N 3"],
        weights: Float[Tensor, " K"],
        bases: Float[Tensor, "K M"],
        units: tuple[float, ...],
        farthest: float,
        largest: float,
    ) -> tuple[Tensor, ...]:
        """Return means, scales, opacities and colours of at least ``FEWEST`` Gaussians; limits as in `deform`.

        Raises:
            ValueError: A number is not finite: the limits, compiled, would make a finite one of it.
        """
        count, dtype = len(points), flat(points).dtype
        change = np.empty(bases.shape[1], dtype)
        blend_bases(flat(weights), flat(bases), change)
        limits = np.array(units, dtype), dtype.type(farthest), dtype.type(largest)
        offsets, means, scales, colours = (np.empty(3 * count, dtype) for _ in range(4))
        opacities = np.empty(count, dtype)
        raw = [flat(part) for part in (points, offset, log_scale, opacity, colour)]
        if not np.isfinite(sum(float(part.sum()) for part in (*raw, change))):
            raise ValueError("Gaussians to deform hold numbers that are not finite")
        deform(*raw, change, *limits, offsets, means, scales, opacities, colours)
        ctx.save_for_backward(weights, bases)
        ctx.made = (offsets, scales, opacities, colours), limits
        return (*(torch.from_numpy(part).view(-1, 3) for part in (means, scales)), torch.from_numpy(opacities),
                torch.from_numpy(colours).view(-1, 3))  # fmt: skip

    @staticmethod
    @once_differentiable
    def backward(
        ctx: FunctionCtx, of_means: Tensor, of_scales: Tensor, of_opacities: Tensor, of_colours: Tensor
    ) -> tuple[Tensor | None, ...]:
        """Gradients of the seven inputs."""
        weights, bases = ctx.saved_tensors
        made, limits = ctx.made
        count, dtype = len(of_means), limits[0].dtype
        of_offset, of_log_scale, of_colour = (np.empty(3 * count, dtype) for _ in range(3))
        of_opacity, of_change = np.empty(count, dtype), np.empty(bases.shape[1], dtype)
        given = (flat(part) for part in (of_means, of_scales, of_opacities, of_colours))
        deform_backward(*made, *limits, *given, of_offset, of_log_scale, of_opacity, of_colour, of_change)
        of_weights, of_bases = torch.empty_like(weights), torch.empty_like(bases, memory_format=torch.contiguous_format)
        blend_bases_backward(flat(weights), flat(bases), of_change, flat(of_weights), flat(of_bases))
        threes = (torch.from_numpy(part).view(-1, 3) for part in (of_offset, of_log_scale, of_colour))
        by_offset, by_log_scale, by_colour = threes
        by_opacity = torch.from_numpy(of_opacity)
        return of_means, by_offset, by_log_scale, by_opacity, by_colour, of_weights, of_bases, None, None, None
