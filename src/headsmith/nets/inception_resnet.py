"""Inception-ResNet v1: who a face is, as a vector, with the names of facenet-pytorch's weights.

Szegedy, Ioffe, Vanhoucke, Alemi: Inception-v4, Inception-ResNet and the Impact of Residual Connections on Learning, AAAI 2017,
figures 10 to 15, with the scales of FaceNet's TensorFlow version (davidsandberg/facenet, ``inception_resnet_v1.py``). The
weights (``20180402-114759-vggface2.pt``) are the user's to fetch from the release page of facenet-pytorch.
"""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from jaxtyping import Float, Float32, UInt8
from numpy import ndarray
from torch import Tensor, nn
from torch.nn.functional import max_pool2d, normalize, relu

from headsmith.nets.faces import Box
from headsmith.nets.weights import load_weights

SIDE = 160
"""Side in pixels of the faces that the network was trained on."""
IDENTITIES = 8631
"""How many people the network told apart in training (VGGFace2); 10575 in the weights of CASIA-WebFace."""
PAGE = "https://github.com/timesler/facenet-pytorch/releases"


class Convolution(nn.Module):
    """A convolution, normalised and rectified."""

    def __init__(self, before: int, after: int, side: int | tuple[int, int], stride: int = 1) -> None:
        super().__init__()
        sides = (side, side) if isinstance(side, int) else side
        padding = tuple(length // 2 if stride == 1 else 0 for length in sides)
        self.conv = nn.Conv2d(before, after, sides, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(after, eps=0.001)

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B D h w"]:
        """Return the features; a stride of 2 drops what does not fill the kernel at the border."""
        return relu(self.bn(self.conv(x)))


class Branches(nn.Module):
    """Branches that look at the same features."""

    def __init__(self, branches: Sequence[nn.Module]) -> None:
        super().__init__()
        self.count = len(branches)
        for index, branch in enumerate(branches):
            self.add_module(f"branch{index}", branch)

    def look(self, x: Float[Tensor, "B C H W"]) -> list[Tensor]:
        """Return what each branch sees."""
        return [self.get_submodule(f"branch{index}")(x) for index in range(self.count)]


class Residual(Branches):
    """Branches side by side, mixed, scaled and added to the features."""

    def __init__(self, branches: Sequence[nn.Module], mixed: tuple[int, int], scale: float, *, rectified: bool = True) -> None:
        super().__init__(branches)
        self.conv2d = nn.Conv2d(*mixed, 1)
        self.scale, self.rectified = scale, rectified

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
        """Return features of the same shape."""
        mixed = x + self.scale * self.conv2d(torch.cat(self.look(x), 1))
        return relu(mixed) if self.rectified else mixed


class Reduction(Branches):
    """Branches that halve the picture, beside its maxima."""

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B D h w"]:
        """Return features of half the height and width."""
        return torch.cat([*self.look(x), max_pool2d(x, 3, 2)], 1)


def block_35() -> Residual:
    """Return the block for pictures of 35 pixels in the paper (17 for faces of 160)."""
    second = nn.Sequential(Convolution(256, 32, 1), Convolution(32, 32, 3))
    third = nn.Sequential(Convolution(256, 32, 1), Convolution(32, 32, 3), Convolution(32, 32, 3))
    return Residual([Convolution(256, 32, 1), second, third], (96, 256), 0.17)


def block_17() -> Residual:
    """Return the block for pictures of 17 pixels in the paper (8 for faces of 160)."""
    second = nn.Sequential(Convolution(896, 128, 1), Convolution(128, 128, (1, 7)), Convolution(128, 128, (7, 1)))
    return Residual([Convolution(896, 128, 1), second], (256, 896), 0.10)


def block_8(scale: float, *, rectified: bool = True) -> Residual:
    """Return the block for pictures of 8 pixels in the paper (3 for faces of 160)."""
    second = nn.Sequential(Convolution(1792, 192, 1), Convolution(192, 192, (1, 3)), Convolution(192, 192, (3, 1)))
    return Residual([Convolution(1792, 192, 1), second], (384, 1792), scale, rectified=rectified)


def reduction_to_17() -> Reduction:
    """Return what leads from ``block_35`` to ``block_17``."""
    second = nn.Sequential(Convolution(256, 192, 1), Convolution(192, 192, 3), Convolution(192, 256, 3, 2))
    return Reduction([Convolution(256, 384, 3, 2), second])


def reduction_to_8() -> Reduction:
    """Return what leads from ``block_17`` to ``block_8``."""
    first = nn.Sequential(Convolution(896, 256, 1), Convolution(256, 384, 3, 2))
    second = nn.Sequential(Convolution(896, 256, 1), Convolution(256, 256, 3, 2))
    third = nn.Sequential(Convolution(896, 256, 1), Convolution(256, 256, 3), Convolution(256, 256, 3, 2))
    return Reduction([first, second, third])


class InceptionResnet(nn.Module):
    """Faces to vectors of length 1: those of one person lie close together.

    Args:
        identities: How many people the weights were trained to tell apart; their classifier is loaded and not used.
    """

    def __init__(self, identities: int = IDENTITIES) -> None:
        super().__init__()
        self.conv2d_1a, self.conv2d_2a = Convolution(3, 32, 3, 2), unpadded(32, 32)
        self.conv2d_2b, self.conv2d_3b = Convolution(32, 64, 3), Convolution(64, 80, 1)
        self.conv2d_4a, self.conv2d_4b = unpadded(80, 192), Convolution(192, 256, 3, 2)
        self.repeat_1 = nn.Sequential(*(block_35() for _ in range(5)))
        self.mixed_6a = reduction_to_17()
        self.repeat_2 = nn.Sequential(*(block_17() for _ in range(10)))
        self.mixed_7a = reduction_to_8()
        self.repeat_3 = nn.Sequential(*(block_8(0.20) for _ in range(5)))
        self.block8 = block_8(1.0, rectified=False)
        self.last_linear, self.last_bn = nn.Linear(1792, 512, bias=False), nn.BatchNorm1d(512, eps=0.001)
        self.logits = nn.Linear(512, identities)

    def forward(self, faces: Float[Tensor, "B 3 160 160"]) -> Float[Tensor, "B 512"]:
        """Return unit vectors; values go in as ``(value - 127.5) / 128``."""
        x = max_pool2d(self.conv2d_2b(self.conv2d_2a(self.conv2d_1a(faces))), 3, 2)
        x = self.conv2d_4b(self.conv2d_4a(self.conv2d_3b(x)))
        x = self.repeat_2(self.mixed_6a(self.repeat_1(x)))
        x = self.block8(self.repeat_3(self.mixed_7a(x)))
        return normalize(self.last_bn(self.last_linear(x.mean((2, 3)))), dim=1)


def unpadded(before: int, after: int) -> Convolution:
    """Return a convolution of 3 pixels that loses a pixel at each border."""
    convolution = Convolution(before, after, 3)
    convolution.conv.padding = (0, 0)
    return convolution


def load_inception_resnet(path: Path, identities: int = IDENTITIES) -> InceptionResnet:
    """Load the network from facenet-pytorch's weights.

    Raises:
        UserError: The file is missing or does not hold these weights.
    """
    remedy = f"download 20180402-114759-vggface2.pt from {PAGE}"
    return load_weights(InceptionResnet(identities), path, what="Inception-ResNet v1 of facenet-pytorch", remedy=remedy)


@torch.inference_mode()
def embed_face(network: InceptionResnet, image: UInt8[ndarray, "H W 3"], box: Box) -> Float32[ndarray, "512"]:
    """Return who the face in a box of an RGB picture is: the nearer two such vectors, the likelier one person.

    The part of the box inside the picture is brought to the network's size as facenet-pytorch does, whatever its shape.

    Raises:
        ValueError: The box covers no pixel of the picture.
    """
    left, top = (max(0, int(edge)) for edge in box[:2])
    part = image[top : max(0, int(box[3])), left : max(0, int(box[2]))]
    if not part.size:
        raise ValueError(f"the box {box} covers no pixel of a picture of {image.shape[1]} x {image.shape[0]}")
    face = cv2.resize(part, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    return network((torch.from_numpy(face).permute(2, 0, 1)[None] - 127.5) / 128)[0].numpy()
