"""FlashAvatar's own avatar (Xiang et al., CVPR 2024): one evaluation of a network per Gaussian, 4.4 GMAC an image of 13,000."""

import math
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn

from headsmith.maths.rotations import quaternion_multiply
from headsmith.splat.avatar import Avatar, AvatarShape, Splats, Target, View
from headsmith.splat.basis import HUBER_DELTA, RATES
from headsmith.splat.gaussians import Gaussians, initial_gaussians

FREQUENCIES = 8
"""Frequencies of FlashAvatar's positional encoding."""

MLP_RATE = 1e-4
"""Adam's learning rate of the network."""


def positional_encoding(points: Float[Tensor, "N 3"]) -> Float[Tensor, "N 51"]:
    """Return each coordinate with its sines and cosines at 2^0..2^7 (Mildenhall et al., ECCV 2020, eq. 4, without pi)."""
    parts = [points]
    for power in range(FREQUENCIES):
        parts += [torch.sin(points * 2.0**power), torch.cos(points * 2.0**power)]
    return torch.cat(parts, -1)


class MlpDeformation(nn.Module):
    """FlashAvatar's network: six ReLU layers 256 wide over the encoded surface point and the condition, ten outputs, tanh.

    The outputs are an offset within 1 m, a rotation ``(exp(r), v)`` applied on the left, and a factor ``exp(s)`` on the **log**
    scale. Opacity and colour do not change.

    Args:
        points: Surface points of the head at rest, metres.
        condition_size: Length of the condition.
        width: Width of the hidden layers.
        layers: Number of hidden layers.
    """

    encoding: Tensor

    def __init__(self, points: Float[Tensor, "N 3"], condition_size: int, width: int = 256, layers: int = 6) -> None:
        super().__init__()
        self.register_buffer("encoding", positional_encoding(points))
        sizes = [self.encoding.shape[1] + condition_size, *[width] * layers]
        hidden = [part for pair in pairwise(sizes) for part in (nn.Linear(*pair), nn.ReLU())]
        last = nn.Linear(width, 10)
        nn.init.normal_(last.weight, std=1e-4 / math.sqrt(width))
        nn.init.zeros_(last.bias)
        self.network = nn.Sequential(*hidden, last)

    def forward(self, gaussians: Gaussians, condition: Float[Tensor, " C"]) -> Gaussians:
        """Return the Gaussians under a condition."""
        inputs = torch.cat([self.encoding, condition.expand(len(self.encoding), -1)], -1)
        change = torch.tanh(self.network(inputs))
        turn = torch.cat([change[:, 3:4].exp(), change[:, 4:7]], -1)
        return gaussians._replace(
            offset=gaussians.offset + change[:, :3],
            rotation=quaternion_multiply(turn, gaussians.rotation),
            log_scale=gaussians.log_scale * change[:, 7:].exp(),
        )


class FlashAvatar(Avatar):
    """Learned Gaussians and the network that moves them.

    Args:
        points: Bound points of the person's head at rest, metres.
        shape: Sizes.
        seed: Seed of the start.
    """

    def __init__(self, points: Float[Tensor, "N 3"], shape: AvatarShape, seed: int) -> None:
        super().__init__()
        self.shape = shape
        start = initial_gaussians(len(points), shape.spacing, torch.Generator().manual_seed(seed))
        self.gaussians = nn.ParameterDict({name: nn.Parameter(value) for name, value in start._asdict().items()})
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.deformation = MlpDeformation(points, shape.condition_size)

    def splats(self, view: View) -> Splats:
        """Return the Gaussians as a view shows them."""
        raw = self.deformation(Gaussians(**dict(self.gaussians.items())), view.condition)
        return Splats(
            view.points + raw.offset, raw.log_scale.exp(), raw.rotation, torch.sigmoid(raw.opacity), torch.sigmoid(raw.colour)
        )

    def loss(self, view: View, target: Target, background: Tensor, progress: float) -> Float[Tensor, ""]:
        """Return the Huber loss, weighted, averaged over all pixels."""
        image, _ = self(view, background)
        difference = torch.nn.functional.huber_loss(image, target.image, reduction="none", delta=HUBER_DELTA)
        return (difference * target.weight[..., None]).mean()

    def optimiser(self) -> torch.optim.Adam:
        """Return Adam with a learning rate for each kind of number."""
        groups = [{"params": [self.gaussians[name]], "lr": rate} for name, rate in RATES.items()]
        groups.append({"params": list(self.deformation.parameters()), "lr": MLP_RATE})
        return torch.optim.Adam(groups, fused=True)

    def set_rates(self, optimiser: torch.optim.Adam, progress: float) -> None:
        """Keep the learning rates: FlashAvatar's do not fall."""
