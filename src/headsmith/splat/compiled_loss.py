"""A weighted Huber loss: compiled on a CPU, torch's own operations elsewhere."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable

from headsmith.splat.compiled_frame import flat
from headsmith.splat.kernels_loss import huber


class WeightedHuber(torch.autograd.Function):
    """The compiled loss as a differentiable function of its first input."""

    @staticmethod
    def forward(ctx: FunctionCtx, picture: Tensor, goal: Tensor, weight: Tensor, delta: float) -> Tensor:
        """Return the mean; the gradient is made at once and kept."""
        flat_picture = flat(picture)
        gradient = np.empty_like(flat_picture)
        whole = huber(flat_picture, flat(goal), flat(weight), flat_picture.dtype.type(delta), gradient)
        ctx.gradient = torch.from_numpy(gradient).view(picture.shape)
        return picture.new_tensor(whole / gradient.size)

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, of_mean: Tensor) -> tuple[Tensor | None, ...]:
        """Gradient of the picture."""
        return ctx.gradient * (of_mean / ctx.gradient.numel()), None, None, None


def weighted_huber(
    picture: Float[Tensor, "H W 3"], goal: Float[Tensor, "H W 3"], weight: Float[Tensor, "H W"], delta: float
) -> Float[Tensor, ""]:
    """Return the mean of Huber's losses (1964), each times its pixel's weight.

    Args:
        picture: What was drawn; it alone gets a gradient on a CPU.
        goal: What should have been.
        weight: How much each pixel counts.
        delta: Where a loss turns from squared, d^2 / 2, to linear.
    """
    if picture.device.type == "cpu":
        return WeightedHuber.apply(picture, goal.to(picture.dtype), weight.to(picture.dtype), delta)
    difference = torch.nn.functional.huber_loss(picture, goal, reduction="none", delta=delta)
    return (difference * weight[..., None]).mean()
