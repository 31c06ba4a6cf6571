"""Fitting an avatar to frames: the loss of a frame, the optimiser, and its schedule."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from headsmith.splat.avatar import Avatar, View

HUBER_DELTA = 0.1
"""Where the loss turns from squared to linear, in 0..1 colour (FlashAvatar, section 3.3)."""

OFFSET_WEIGHT = 1e-3
"""Weight of the mean squared offset, per square metre: keeps Gaussians that no frame sees where they are."""

LAST_RATE = 0.03
"""Learning rates at the end, as a share of those at the start."""

RATES = {"offset": 1e-4, "log_scale": 5e-3, "rotation": 2e-3, "opacity": 2e-2, "colour": 1e-2}
"""Adam's learning rates of the Gaussians' raw numbers."""

BASES_RATE, WEIGHTS_RATE, MLP_RATE = 2e-3, 1e-3, 1e-4
"""Adam's learning rates of the bases, of the network that weighs them, and of FlashAvatar's network."""


@dataclass(frozen=True)
class Target:
    """A true frame and how much each pixel counts.

    Attributes:
        image: RGB in 0..1.
        weight: 0 where the picture shows what the avatar does not model (clothes), more than 1 in the mouth.
    """

    image: Float[Tensor, "H W 3"]
    weight: Float[Tensor, "H W"]


def frame_loss(
    avatar: Avatar, view: View, target: Target, background: Float[Tensor, "3"] | Float[Tensor, "H W 3"]
) -> Float[Tensor, ""]:
    """Return the loss of one frame: the Huber loss (1964), weighted, averaged over all pixels, and the offsets' prior."""
    image, _ = avatar(view, background)
    difference = torch.nn.functional.huber_loss(image, target.image, reduction="none", delta=HUBER_DELTA)
    picture = (difference * target.weight[..., None]).mean()
    return picture + OFFSET_WEIGHT * avatar.gaussians["offset"].square().mean()


def make_optimiser(avatar: Avatar) -> torch.optim.Adam:
    """Return Adam with a learning rate for each kind of number."""
    groups = [{"params": [avatar.gaussians[name]], "lr": rate} for name, rate in RATES.items()]
    for name, parameter in avatar.deformation.named_parameters():
        rate = BASES_RATE if name == "bases" else WEIGHTS_RATE if name.startswith("weights") else MLP_RATE
        groups.append({"params": [parameter], "lr": rate})
    for group in groups:
        group["first_lr"] = group["lr"]
    return torch.optim.Adam(groups, fused=True)


def set_rates(optimiser: torch.optim.Adam, progress: float) -> None:
    """Set the learning rates for a point of the training: half a cosine from the first rates to ``LAST_RATE`` of them.

    Args:
        optimiser: From ``make_optimiser``.
        progress: 0 at the start, 1 at the end.
    """
    factor = LAST_RATE + (1 - LAST_RATE) * 0.5 * (1 + math.cos(math.pi * progress))
    for group in optimiser.param_groups:
        group["lr"] = group["first_lr"] * factor
