"""How expression changes Gaussians: two models behind one interface, ``deform(gaussians, condition) -> gaussians``.

``basis``: the condition is mapped to a few weights over learned per-Gaussian bases (the idea of RGBAvatar, Li et al., CVPR
2025, section 3.2); no network runs per Gaussian, so it is the default on a CPU.
``mlp``: FlashAvatar's network (Xiang et al., CVPR 2024, section 3.2): one evaluation per Gaussian, 4.4 GMAC an image of
13,000.
"""

import math
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn

from headsmith.maths.rotations import quaternion_multiply
from headsmith.splat.gaussians import Gaussians

BASIS_UNITS = (0.025, 0.025, 0.025, 1.0, 1.0, 1.0, 2.5, 1.0, 1.0, 1.0)
"""Unit of a basis' ten numbers: three of offset (metres), three of log scale, one of opacity, three of colour. With them one
learning rate fits all ten."""

FREQUENCIES = 8
"""Frequencies of FlashAvatar's positional encoding."""


class BasisDeformation(nn.Module):
    """Adds ``sum_k w_k(condition) B_k`` to offset, log scale, opacity and colour of every Gaussian.

    Args:
        count: Number of Gaussians N.
        condition_size: Length of the condition.
        bases: Number of bases.
        hidden: Width of the two hidden layers that map the condition to weights.
    """

    def __init__(self, count: int, condition_size: int, bases: int, hidden: int) -> None:
        super().__init__()
        self.weights = nn.Sequential(
            nn.Linear(condition_size, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, bases)
        )
        self.bases = nn.Parameter(torch.zeros(bases, count * len(BASIS_UNITS)))

    def forward(self, gaussians: Gaussians, condition: Float[Tensor, " C"]) -> Gaussians:
        """Return the Gaussians under a condition."""
        units = torch.tensor(BASIS_UNITS, device=condition.device)
        change = (self.weights(condition) @ self.bases).view(-1, len(BASIS_UNITS)) * units
        return Gaussians(
            offset=gaussians.offset + change[:, :3],
            log_scale=gaussians.log_scale + change[:, 3:6],
            rotation=gaussians.rotation,
            opacity=gaussians.opacity + change[:, 6],
            colour=gaussians.colour + change[:, 7:],
        )


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
