"""LPIPS, the learned perceptual distance that most avatar papers report, on VGG-16 or AlexNet.

Zhang, Isola, Efros, Shechtman, Wang: The Unreasonable Effectiveness of Deep Features as a Perceptual Metric, CVPR 2018:
responses of five layers of an ImageNet network, brought to unit length over the channels at each place, are subtracted and
squared; a linear head weighs the channels; places are averaged and layers summed (equation 1).

The heads are version 0.1 of the authors' package (``lpips/weights/v0.1`` of lpips 0.1.4, BSD-2). The networks are torchvision's
(BSD-3), trained on ImageNet; the user brings their file. Both packages are imported nowhere: the networks stand here, under
the published names of their tensors. Published code of avatars often multiplies the result by 0.05; this one never does.
"""

import hashlib
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import conv2d

from headsmith.contract.errors import UserError
from headsmith.contract.lpips import LPIPS_BACKBONES
from headsmith.nets.weights import differences, read_tensors

SHIFT = (-0.030, -0.088, -0.188)
SCALE = (0.458, 0.448, 0.450)
"""What the authors' scaling layer subtracts from RGB in -1..1, then divides by: ImageNet's mean and deviation in that range."""

EPSILON = 1e-10
"""Added to the length of a feature vector before dividing by it (the authors' ``normalize_tensor``)."""

SMALLEST_SIDE = 32
"""Smallest side of a picture in pixels: AlexNet has nothing left of one below 31."""

POOL = 0
LAYERS: dict[str, tuple[tuple[int, ...], int]] = {
    "vgg": ((64, 64, POOL, 128, 128, POOL, 256, 256, 256, POOL, 512, 512, 512, POOL, 512, 512, 512), 2),
    "alex": ((64, POOL, 192, POOL, 384, 256, 256), 3),
}
"""Channels of each convolution and where the picture is halved; the side of the window of which each half keeps the largest.

VGG: Simonyan and Zisserman, ICLR 2015, table 1, column D. AlexNet: Krizhevsky: One weird trick for parallelizing convolutional
neural networks, 2014, as torchvision has it."""

KERNELS: dict[str, tuple[tuple[int, int, int], ...]] = {
    "vgg": ((3, 1, 1),) * 13,
    "alex": ((11, 4, 2), (5, 1, 2), (3, 1, 1), (3, 1, 1), (3, 1, 1)),
}
"""Side, stride and zeros around the picture of each convolution."""

SEEN: dict[str, tuple[int, ...]] = {"vgg": (3, 8, 15, 22, 29), "alex": (1, 4, 7, 9, 11)}
"""Numbers of the modules whose responses are compared: conv1_2, 2_2, 3_3, 4_3, 5_3, or the five convolutions, rectified."""

Picture = Float[Tensor, "#B 3 H W"]


class Head(nn.Module):
    """Weights of the channels of one layer; the authors' training drops some of them out before, hence the empty first part."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.model = nn.Sequential(nn.Identity(), nn.Conv2d(channels, 1, 1, bias=False))

    @property
    def weight(self) -> Float[Tensor, "1 C 1 1"]:
        """The weights."""
        return self.model[1].weight


class Lpips(nn.Module):
    """The distance between pictures: 0 for equal ones, growing with what a person would notice.

    Its state dict has the published names: ``features.0.weight`` (torchvision), ``lin0.model.1.weight`` (lpips).

    Args:
        backbone: ``vgg`` or ``alex``.
    """

    def __init__(self, backbone: str) -> None:
        super().__init__()
        self.backbone = backbone
        self.features = make_features(backbone)
        self.register_buffer("shift", torch.tensor(SHIFT)[:, None, None], persistent=False)
        self.register_buffer("scale", torch.tensor(SCALE)[:, None, None], persistent=False)
        for level, number in enumerate(SEEN[backbone]):
            setattr(self, f"lin{level}", Head(self.features[number - 1].out_channels))

    def forward(self, first: Picture, second: Picture) -> Float[Tensor, "B"]:
        """Return one distance a pair; RGB pictures with values in -1..1. Differentiable in both.

        A single picture is compared with each of a batch.

        Raises:
            ValueError: The pictures are smaller than ``SMALLEST_SIDE``.
        """
        if min(first.shape[-2:]) < SMALLEST_SIDE:
            raise ValueError(f"the pictures are {tuple(first.shape[-2:])}, smaller than {SMALLEST_SIDE} pixels")
        layers = zip(self.respond(first), self.respond(second), strict=True)
        return torch.stack([self._distance(level, *pair) for level, pair in enumerate(layers)]).sum(0)

    def respond(self, picture: Picture) -> list[Float[Tensor, "B _C _H _W"]]:
        """Return the rectified responses of the five layers that are compared."""
        values, found = (picture - self.shift) / self.scale, []
        for number, module in enumerate(self.features):
            values = module(values)
            if number in SEEN[self.backbone]:
                found.append(values)
        return found

    def _distance(self, level: int, first: Tensor, second: Tensor) -> Float[Tensor, "B"]:
        gap = (_unit(first) - _unit(second)) ** 2
        return conv2d(gap, getattr(self, f"lin{level}").weight).mean(dim=(1, 2, 3))


def make_features(backbone: str) -> nn.Sequential:
    """Return a network's convolutions under torchvision's numbers, as far as the last layer that is compared."""
    modules: list[nn.Module] = []
    widths, window = LAYERS[backbone]
    kernels, before = iter(KERNELS[backbone]), 3
    for width in widths:
        if width == POOL:
            modules.append(nn.MaxPool2d(window, 2))
            continue
        side, stride, zeros = next(kernels)
        modules += [nn.Conv2d(before, width, side, stride, zeros), nn.ReLU()]
        before = width
    return nn.Sequential(*modules)


def _unit(features: Tensor) -> Tensor:
    """Divide by the length over the channels; unlike a written-out root, that has a gradient where all channels are 0."""
    return features / (torch.linalg.vector_norm(features, dim=1, keepdim=True) + EPSILON)


def load_lpips(heads: Path, backbone: Path) -> Lpips:
    """Load the network, frozen and ready to compare; nothing in the files is executed.

    Args:
        heads: ``lpips/vgg.pth`` or ``lpips/alex.pth`` of the assets; it tells which backbone is meant.
        backbone: torchvision's file of that network; its classifier is not used.

    Raises:
        UserError: A file is missing, or is not the published one.
    """
    found = read_tensors(heads, "the heads of LPIPS", "fetch the asset again (config/assets.yaml)")
    fits = [name for name in SEEN if not differences(found, heads_of(Lpips(name)))]
    if not fits:
        raise UserError("these are not the heads of LPIPS", file=heads, remedy="fetch the asset again (config/assets.yaml)")
    network = Lpips(fits[0])
    network.load_state_dict(found | read_backbone(fits[0], backbone, network))
    return network.eval().requires_grad_(False)


def heads_of(network: Lpips) -> dict[str, Tensor]:
    """Return the tensors of the linear heads, by their published names."""
    return {name: tensor for name, tensor in network.state_dict().items() if name.startswith("lin")}


def read_backbone(name: str, path: Path, network: Lpips) -> dict[str, Tensor]:
    """Return the tensors of a network's convolutions, from torchvision's file.

    Raises:
        UserError: The file is missing, or its sha256 does not begin as its published name says: networks of the same shape,
            trained otherwise, give other distances.
    """
    known = LPIPS_BACKBONES[name]
    remedy = known.remedy(str(path))
    if not path.is_file():
        raise UserError(f"the network behind LPIPS ({name}) is not there", file=path, remedy=remedy)
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    if not digest.startswith(known.digits):
        what = f"this is not {known.file}: its sha256 does not begin with {known.digits}"
        raise UserError(what, file=path, remedy=remedy)
    tensors = read_tensors(path, known.file, remedy)
    found = {key: tensor for key, tensor in tensors.items() if key.startswith("features.")}
    wanted = {key: tensor for key, tensor in network.state_dict().items() if key.startswith("features.")}
    if wrong := differences(found, wanted):
        raise UserError(f"this is not {known.file}: {'; '.join(wrong[:3])}", file=path, remedy=remedy)
    return found
