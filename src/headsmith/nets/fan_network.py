"""FAN, the face alignment network, with the names of its published weights (2DFAN4 of face-alignment).

Bulat, Tzimiropoulos: How far are we from solving the 2D & 3D Face Alignment problem?, ICCV 2017, section 4.1: four stacked
hourglasses (Newell, Yang, Deng: Stacked Hourglass Networks for Human Pose Estimation, ECCV 2016) of the hierarchical,
parallel and multi-scale blocks of Bulat, Tzimiropoulos: Binarized Convolutional Landmark Localizers, ICCV 2017.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate, relu

POINTS = 68
WIDTH = 256
"""Channels of the hourglasses."""
LEVELS = 4
"""How often an hourglass halves its picture."""


class Block(nn.Module):
    """Three convolutions in a row, the outputs of all side by side, on top of the input."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.bn1, self.conv1 = nn.BatchNorm2d(before), nn.Conv2d(before, after // 2, 3, padding=1, bias=False)
        self.bn2, self.conv2 = nn.BatchNorm2d(after // 2), nn.Conv2d(after // 2, after // 4, 3, padding=1, bias=False)
        self.bn3, self.conv3 = nn.BatchNorm2d(after // 4), nn.Conv2d(after // 4, after // 4, 3, padding=1, bias=False)
        layers = (nn.BatchNorm2d(before), nn.ReLU(), nn.Conv2d(before, after, 1, bias=False))
        self.downsample = nn.Sequential(*layers) if before != after else None

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B D H W"]:
        """Return the features of the same picture with the channels after the block."""
        first = self.conv1(relu(self.bn1(x)))
        second = self.conv2(relu(self.bn2(first)))
        third = self.conv3(relu(self.bn3(second)))
        return torch.cat((first, second, third), 1) + (x if self.downsample is None else self.downsample(x))


class Hourglass(nn.Module):
    """Features at full size, added to what the same picture gives at half the size, and so on down."""

    def __init__(self) -> None:
        super().__init__()
        names = [f"{branch}_{level}" for level in range(LEVELS, 0, -1) for branch in ("b1", "b2", "b3")]
        for name in [*names, "b2_plus_1"]:
            self.add_module(name, Block(WIDTH, WIDTH))

    def forward(self, x: Float[Tensor, "B 256 H W"]) -> Float[Tensor, "B 256 H W"]:
        """Return features of the same shape; height and width are multiples of 16."""
        return self._descend(LEVELS, x)

    def _descend(self, level: int, x: Float[Tensor, "B 256 H W"]) -> Float[Tensor, "B 256 H W"]:
        low = self.get_submodule(f"b2_{level}")(avg_pool2d(x, 2))
        low = self._descend(level - 1, low) if level > 1 else self.get_submodule("b2_plus_1")(low)
        low = self.get_submodule(f"b3_{level}")(low)
        return self.get_submodule(f"b1_{level}")(x) + interpolate(low, scale_factor=2, mode="nearest")


class Fan(nn.Module):
    """The network: heat maps of 68 points.

    Args:
        stacks: How many hourglasses; the published weights have 4.
    """

    def __init__(self, stacks: int = 4) -> None:
        super().__init__()
        self.stacks = stacks
        self.conv1, self.bn1 = nn.Conv2d(3, 64, 7, stride=2, padding=3), nn.BatchNorm2d(64)
        self.conv2, self.conv3, self.conv4 = Block(64, 128), Block(128, 128), Block(128, WIDTH)
        for stack in range(stacks):
            self.add_module(f"m{stack}", Hourglass())
            self.add_module(f"top_m_{stack}", Block(WIDTH, WIDTH))
            self.add_module(f"conv_last{stack}", nn.Conv2d(WIDTH, WIDTH, 1))
            self.add_module(f"bn_end{stack}", nn.BatchNorm2d(WIDTH))
            self.add_module(f"l{stack}", nn.Conv2d(WIDTH, POINTS, 1))
        for stack in range(stacks - 1):
            self.add_module(f"bl{stack}", nn.Conv2d(WIDTH, WIDTH, 1))
            self.add_module(f"al{stack}", nn.Conv2d(POINTS, WIDTH, 1))

    def forward(self, pictures: Float[Tensor, "B 3 256 256"]) -> Float[Tensor, "B 68 64 64"]:
        """Return the heat maps of the last hourglass for RGB pictures of values 0..1."""
        x = avg_pool2d(self.conv2(relu(self.bn1(self.conv1(pictures)))), 2)
        x = self.conv4(self.conv3(x))
        for stack in range(self.stacks):
            features = self._part("top_m_", stack)(self._part("m", stack)(x))
            features = relu(self._part("bn_end", stack)(self._part("conv_last", stack)(features)))
            maps = self._part("l", stack)(features)
            if stack < self.stacks - 1:
                x = x + self._part("bl", stack)(features) + self._part("al", stack)(maps)
        return maps

    def _part(self, name: str, stack: int) -> nn.Module:
        return self.get_submodule(f"{name}{stack}")
