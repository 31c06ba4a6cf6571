"""Gaussians as they are learned: raw numbers, and what they stand for."""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor


class Gaussians(NamedTuple):
    """Learned numbers of N Gaussians, in the frame of the head that they are bound to.

    Attributes:
        offset: From the bound surface point, metres.
        log_scale: Logarithm of the standard deviations along the own axes, metres.
        rotation: Quaternion wxyz, any length but 0.
        opacity: Logit of the opacity.
        colour: Logit of RGB in 0..1.
    """

    offset: Float[Tensor, "N 3"]
    log_scale: Float[Tensor, "N 3"]
    rotation: Float[Tensor, "N 4"]
    opacity: Float[Tensor, " N"]
    colour: Float[Tensor, "N 3"]


START_OPACITY = 0.5
"""Logit of the opacity at the start; 0.62 covers the surface from the first image on."""

START_OVERLAP = 0.7
"""Standard deviation at the start as a share of the spacing between neighbours."""


def initial_gaussians(count: int, spacing: float, generator: torch.Generator) -> Gaussians:
    """Return Gaussians on the surface, round, grey, of the size that covers it; rotations are shaken to break symmetry.

    Args:
        count: Number of Gaussians.
        spacing: Distance between neighbours, metres.
        generator: Source of the shake.
    """
    rotation = torch.tensor([1.0, 0.0, 0.0, 0.0]).repeat(count, 1)
    return Gaussians(
        offset=torch.zeros(count, 3),
        log_scale=torch.full((count, 3), math.log(START_OVERLAP * spacing)),
        rotation=rotation + 0.01 * torch.randn(count, 4, generator=generator),
        opacity=torch.full((count,), START_OPACITY),
        colour=torch.zeros(count, 3),
    )
