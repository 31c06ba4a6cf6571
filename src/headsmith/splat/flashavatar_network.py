"""The network that moves FlashAvatar's Gaussians, as its `src/deform_model.py` and `utils/general_utils.py` have it."""

from itertools import pairwise
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import linear, relu

FREQUENCIES = 8
"""Frequencies of the positional encoding (`Deform_Model.pts_freq`)."""

WIDTH, LAYERS = 256, 6
"""Of the hidden layers (`Deform_Model.init_networks`)."""

OUTPUTS = 10
"""Three of offset, four of rotation, three of scale (`Deform_Model.init_networks`)."""


class Change(NamedTuple):
    """What the network does to N Gaussians under a condition.

    Attributes:
        offset: From the bound surface point, metres; each coordinate within 1.
        turn: Quaternion wxyz, of any length: the base rotation is multiplied with it from the right.
        factor: Of the *logarithm* of the scale, between 1/e and e.
    """

    offset: Float[Tensor, "N 3"]
    turn: Float[Tensor, "N 4"]
    factor: Float[Tensor, "N 3"]


def positional_encoding(points: Float[Tensor, "N 3"]) -> Float[Tensor, "N 51"]:
    """Return each coordinate with its sines and cosines at 2^0..2^7 (Mildenhall et al., ECCV 2020, eq. 4, without pi)."""
    parts = [points]
    for power in range(FREQUENCIES):
        parts += [torch.sin(points * 2.0**power), torch.cos(points * 2.0**power)]
    return torch.cat(parts, -1)


class DeformationNetwork(nn.Module):
    """Six ReLU layers 256 wide over the encoded surface point and the condition, then ten numbers within -1..1.

    Layers start as torch starts them, as FlashAvatar leaves them: all Gaussians begin with about the same offset, centimetres
    long. The condition is the same for all points, so its part of the first layer is worked out once.

    Args:
        points: Bound points of the person's head at rest, metres.
        condition_size: Length of the condition; 120 on FLAME.
    """

    encoding: Tensor

    def __init__(self, points: Float[Tensor, "N 3"], condition_size: int) -> None:
        super().__init__()
        self.register_buffer("encoding", positional_encoding(points))
        sizes = [self.encoding.shape[1] + condition_size, *[WIDTH] * LAYERS]
        self.hidden = nn.ModuleList(nn.Linear(*pair) for pair in pairwise(sizes))
        self.last = nn.Linear(WIDTH, OUTPUTS)

    def forward(self, condition: Float[Tensor, " C"]) -> Change:
        """Return what a condition does."""
        first, *others = self.hidden
        known = self.encoding.shape[1]
        shared = linear(condition, first.weight[:, known:], first.bias)
        state = relu(linear(self.encoding, first.weight[:, :known], shared))
        for layer in others:
            state = relu(layer(state))
        bounded = torch.tanh(self.last(state).to(self.encoding.dtype))
        return Change(bounded[:, :3], torch.cat([bounded[:, 3:4].exp(), bounded[:, 4:7]], -1), bounded[:, 7:].exp())
