"""BiSeNet on a ResNet, the parser of face-parsing.PyTorch: modules whose state dict has the published names and shapes.

BiSeNet: Yu et al. 2018, "BiSeNet: Bilateral Segmentation Network for Real-time Semantic Segmentation"; ResNet: He et al.
2016, "Deep Residual Learning for Image Recognition", table 1. As published for faces, the spatial path is left out: its place
is taken by the ResNet's features at an eighth. The names are those of zllrunning/face-parsing.PyTorch;
``bisenet_resnet_names`` brings others to them.
"""

from collections import OrderedDict

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import interpolate, relu

BLOCKS: dict[int, tuple[int, int, int, int]] = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3)}
"""Residual blocks of the four layers, by the depth of the ResNet (He et al. 2016, table 1)."""
WIDTHS = (64, 128, 256, 512)
CLASSES = 19


class Residual(nn.Module):
    """Two 3x3 convolutions around which their input is led (He et al. 2016, figure 2)."""

    def __init__(self, before: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        shortcut = nn.Sequential(nn.Conv2d(before, width, 1, stride, bias=False), nn.BatchNorm2d(width))
        self.downsample = shortcut if stride != 1 or before != width else None

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B D h w"]:
        """Return the block's features."""
        around = x if self.downsample is None else self.downsample(x)
        return relu(around + self.bn2(self.conv2(relu(self.bn1(self.conv1(x))))))


class ResNet(nn.Module):
    """The ResNet without its classifier; gives its features at an eighth, a sixteenth and a thirty-second of the picture."""

    def __init__(self, depth: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        for index, (count, width) in enumerate(zip(BLOCKS[depth], WIDTHS, strict=True)):
            before, stride = (64, 1) if index == 0 else (WIDTHS[index - 1], 2)
            first, rest = Residual(before, width, stride), [Residual(width, width, 1) for _ in range(count - 1)]
            setattr(self, f"layer{index + 1}", nn.Sequential(first, *rest))

    def forward(self, x: Float[Tensor, "B 3 H W"]) -> tuple[Tensor, Tensor, Tensor]:
        """Return features of 128, 256 and 512 channels."""
        eighth = self.layer2(self.layer1(self.maxpool(relu(self.bn1(self.conv1(x))))))
        sixteenth = self.layer3(eighth)
        return eighth, sixteenth, self.layer4(sixteenth)


class ConvBlock(nn.Module):
    """A convolution that keeps the size, normalised and rectified."""

    def __init__(self, before: int, width: int, kernel: int = 3) -> None:
        super().__init__()
        self.conv = nn.Conv2d(before, width, kernel, 1, kernel // 2, bias=False)
        self.bn = nn.BatchNorm2d(width)

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B D H W"]:
        """Return the block's features."""
        return relu(self.bn(self.conv(x)))


class Refinement(nn.Module):
    """BiSeNet's attention refinement module (section 3.2): features, each channel weighed by what its mean says."""

    def __init__(self, before: int, width: int) -> None:
        super().__init__()
        self.conv = ConvBlock(before, width)
        self.conv_atten = nn.Conv2d(width, width, 1, bias=False)
        self.bn_atten = nn.BatchNorm2d(width)

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B D H W"]:
        """Return the refined features."""
        features = self.conv(x)
        return features * torch.sigmoid(self.bn_atten(self.conv_atten(features.mean((2, 3), keepdim=True))))


class ContextPath(nn.Module):
    """BiSeNet's context path (section 3.2): refined features of the two coarsest sizes, led up to an eighth."""

    def __init__(self, depth: int) -> None:
        super().__init__()
        self.resnet = ResNet(depth)
        self.arm16 = Refinement(256, 128)
        self.arm32 = Refinement(512, 128)
        self.conv_head32 = ConvBlock(128, 128)
        self.conv_head16 = ConvBlock(128, 128)
        self.conv_avg = ConvBlock(512, 128, 1)

    def forward(self, x: Float[Tensor, "B 3 H W"]) -> tuple[Tensor, Tensor, Tensor]:
        """Return the ResNet's features at an eighth, and the path's at an eighth and at a sixteenth."""
        eighth, sixteenth, smallest = self.resnet(x)
        mean = self.conv_avg(smallest.mean((2, 3), keepdim=True))
        coarse = self.conv_head32(interpolate(self.arm32(smallest) + mean, size=sixteenth.shape[2:], mode="nearest"))
        fine = self.conv_head16(interpolate(self.arm16(sixteenth) + coarse, size=eighth.shape[2:], mode="nearest"))
        return eighth, fine, coarse


class Fusion(nn.Module):
    """BiSeNet's feature fusion module (section 3.3)."""

    def __init__(self) -> None:
        super().__init__()
        self.convblk = ConvBlock(256, 256, 1)
        self.conv1 = nn.Conv2d(256, 64, 1, bias=False)
        self.conv2 = nn.Conv2d(64, 256, 1, bias=False)

    def forward(self, spatial: Float[Tensor, "B 128 H W"], context: Float[Tensor, "B 128 H W"]) -> Float[Tensor, "B 256 H W"]:
        """Return both paths' features, joined."""
        features = self.convblk(torch.cat([spatial, context], 1))
        weights = torch.sigmoid(self.conv2(relu(self.conv1(features.mean((2, 3), keepdim=True)))))
        return features * weights + features


def score_head(before: int, width: int) -> nn.Sequential:
    """Return what turns features into a score for each class."""
    parts = OrderedDict(conv=ConvBlock(before, width), conv_out=nn.Conv2d(width, CLASSES, 1, bias=False))
    return nn.Sequential(parts)


class BiSeNetResNet(nn.Module):
    """The parser.

    Args:
        depth: 18 or 34.
    """

    def __init__(self, depth: int) -> None:
        super().__init__()
        self.depth = depth
        self.cp = ContextPath(depth)
        self.ffm = Fusion()
        self.conv_out = score_head(256, 256)
        self.conv_out16 = score_head(128, 64)
        self.conv_out32 = score_head(128, 64)

    def forward(self, x: Float[Tensor, "B 3 H W"]) -> Float[Tensor, "B 19 H/8 W/8"]:
        """Return the scores at an eighth of the picture, which the published code then enlarges with aligned corners.

        Two more heads, for training alone, are in the published files and not used here.
        """
        eighth, fine, _ = self.cp(x)
        return self.conv_out(self.ffm(eighth, fine))
