"""The three networks of MTCNN, with the names of facenet-pytorch's weights.

Zhang, Zhang, Li, Qiao: Joint Face Detection and Alignment Using Multitask Cascaded Convolutional Networks, IEEE Signal
Processing Letters 23(10), 2016, figure 2. Pictures go in as ``(value - 127.5) / 128``.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn


class ProposalNetwork(nn.Module):
    """P-Net: runs over a whole picture and judges a window of 12 pixels at every second pixel."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.prelu1 = nn.Conv2d(3, 10, 3), nn.PReLU(10)
        self.pool1 = nn.MaxPool2d(2, 2, ceil_mode=True)
        self.conv2, self.prelu2 = nn.Conv2d(10, 16, 3), nn.PReLU(16)
        self.conv3, self.prelu3 = nn.Conv2d(16, 32, 3), nn.PReLU(32)
        self.conv4_1, self.conv4_2 = nn.Conv2d(32, 2, 1), nn.Conv2d(32, 4, 1)

    def forward(self, picture: Float[Tensor, "B 3 H W"]) -> tuple[Float[Tensor, "B h w"], Float[Tensor, "B 4 h w"]]:
        """Return the probability of a face in each window, and how far its box's sides lie from the window's.

        The latter are left, top, right, bottom, in sides of the window. The picture has at least 12 pixels a side.
        """
        x = self.pool1(self.prelu1(self.conv1(picture)))
        x = self.prelu3(self.conv3(self.prelu2(self.conv2(x))))
        return torch.softmax(self.conv4_1(x), 1)[:, 1], self.conv4_2(x)


class RefinementNetwork(nn.Module):
    """R-Net: judges cut-outs of 24 pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.prelu1 = nn.Conv2d(3, 28, 3), nn.PReLU(28)
        self.pool1 = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.conv2, self.prelu2 = nn.Conv2d(28, 48, 3), nn.PReLU(48)
        self.pool2 = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.conv3, self.prelu3 = nn.Conv2d(48, 64, 2), nn.PReLU(64)
        self.dense4, self.prelu4 = nn.Linear(576, 128), nn.PReLU(128)
        self.dense5_1, self.dense5_2 = nn.Linear(128, 2), nn.Linear(128, 4)

    def forward(self, cuts: Float[Tensor, "B 3 24 24"]) -> tuple[Float[Tensor, "B"], Float[Tensor, "B 4"]]:
        """Return the probability of a face in each cut-out, and the offsets of its box as ``ProposalNetwork`` does."""
        x = self.pool1(self.prelu1(self.conv1(cuts)))
        x = self.pool2(self.prelu2(self.conv2(x)))
        x = self.prelu4(self.dense4(columns_first(self.prelu3(self.conv3(x)))))
        return torch.softmax(self.dense5_1(x), 1)[:, 1], self.dense5_2(x)


class OutputNetwork(nn.Module):
    """O-Net: judges cut-outs of 48 pixels and finds five points in them."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.prelu1 = nn.Conv2d(3, 32, 3), nn.PReLU(32)
        self.pool1 = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.conv2, self.prelu2 = nn.Conv2d(32, 64, 3), nn.PReLU(64)
        self.pool2 = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.conv3, self.prelu3 = nn.Conv2d(64, 64, 3), nn.PReLU(64)
        self.pool3 = nn.MaxPool2d(2, 2, ceil_mode=True)
        self.conv4, self.prelu4 = nn.Conv2d(64, 128, 2), nn.PReLU(128)
        self.dense5, self.prelu5 = nn.Linear(1152, 256), nn.PReLU(256)
        self.dense6_1, self.dense6_2, self.dense6_3 = nn.Linear(256, 2), nn.Linear(256, 4), nn.Linear(256, 10)

    def forward(
        self, cuts: Float[Tensor, "B 3 48 48"]
    ) -> tuple[Float[Tensor, "B"], Float[Tensor, "B 4"], Float[Tensor, "B 5 2"]]:
        """Return probability and box offsets as ``RefinementNetwork``, and x and y of five points in sides of the cut-out.

        The points are the subject's right eye, left eye, nose tip, right and left corner of the mouth.
        """
        x = self.pool1(self.prelu1(self.conv1(cuts)))
        x = self.pool2(self.prelu2(self.conv2(x)))
        x = self.pool3(self.prelu3(self.conv3(x)))
        x = self.prelu5(self.dense5(columns_first(self.prelu4(self.conv4(x)))))
        points = self.dense6_3(x).view(-1, 2, 5).transpose(1, 2)
        return torch.softmax(self.dense6_1(x), 1)[:, 1], self.dense6_2(x), points


def columns_first(features: Float[Tensor, "B C H W"]) -> Float[Tensor, "B N"]:
    """Return features in one row each, columns slowest and channels fastest: as the weights' first owner, MATLAB, had them."""
    return features.permute(0, 3, 2, 1).flatten(1)
