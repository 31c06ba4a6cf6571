"""DECA's networks (Feng et al., SIGGRAPH 2021), with the names and shapes of its published weights, ``deca_model.tar``.

Section 4 there: two ResNet-50 (He et al. 2016, table 1) with two linear layers behind tell 236 numbers and 128 of detail; a
generator makes a displacement map of 256 x 256 of the detail, the expression and the jaw. What the file says of its parts:
``E_flame``, ``E_detail`` and ``D_detail``.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import relu

from headsmith.contract.errors import UserError
from headsmith.nets.weights import MOST_TOLD, UNREADABLE, differences

SIDE: Final = 224
"""Side of the pictures, pixels."""
CODES: Final[dict[str, int]] = {"shape": 100, "tex": 50, "exp": 50, "pose": 6, "cam": 3, "light": 27}
"""What the 236 numbers are, in order."""
DETAIL: Final = 128
DEEPEST: Final = 0.01
"""Metres: the largest displacement."""
BLOCKS, WIDTHS, WIDENING = (3, 4, 6, 3), (64, 128, 256, 512), 4
SLOPE, SOFTENED = 0.2, 0.8
"""The generator's leaky rectifier, and what its normalisations add to the variance."""
REMEDY: Final = "download deca_model.tar from https://deca.is.tue.mpg.de again, and name its path in portraits.network"


class Bottleneck(nn.Module):
    """Three convolutions around which their input is led (He et al. 2016, figure 5)."""

    def __init__(self, before: int, width: int, stride: int) -> None:
        super().__init__()
        after = WIDENING * width
        self.conv1, self.bn1 = nn.Conv2d(before, width, 1, bias=False), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = nn.Conv2d(width, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width)
        self.conv3, self.bn3 = nn.Conv2d(width, after, 1, bias=False), nn.BatchNorm2d(after)
        shortcut = nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after))
        self.downsample = shortcut if stride != 1 or before != after else None

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B D h w"]:
        """Return the block's features."""
        around = x if self.downsample is None else self.downsample(x)
        inner = relu(self.bn2(self.conv2(relu(self.bn1(self.conv1(x))))))
        return relu(around + self.bn3(self.conv3(inner)))


class ResNet50(nn.Module):
    """The ResNet without its classifier: 2048 features of a picture."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        before = 64
        for index, (count, width) in enumerate(zip(BLOCKS, WIDTHS, strict=True)):
            first = Bottleneck(before, width, 1 if index == 0 else 2)
            before = WIDENING * width
            self.add_module(
                f"layer{index + 1}", nn.Sequential(first, *(Bottleneck(before, width, 1) for _ in range(count - 1)))
            )

    def forward(self, x: Float[Tensor, "B 3 224 224"]) -> Float[Tensor, "B 2048"]:
        """Return the features of RGB pictures of 0..1."""
        x = self.maxpool(relu(self.bn1(self.conv1(x))))
        return self.layer4(self.layer3(self.layer2(self.layer1(x)))).mean((2, 3))


class Encoder(nn.Module):
    """Numbers of a picture.

    Args:
        count: How many.
    """

    def __init__(self, count: int) -> None:
        super().__init__()
        self.encoder = ResNet50()
        self.layers = nn.Sequential(nn.Linear(2048, 1024), nn.ReLU(), nn.Linear(1024, count))

    def forward(self, pictures: Float[Tensor, "B 3 224 224"]) -> Float[Tensor, "B n"]:
        """Return the numbers of RGB pictures of 0..1."""
        return self.layers(self.encoder(pictures))


class Generator(nn.Module):
    """A displacement map of numbers: 8 x 8 cells, doubled five times."""

    def __init__(self) -> None:
        super().__init__()
        self.l1 = nn.Sequential(nn.Linear(DETAIL + CODES["exp"] + 3, 128 * 8 * 8))
        parts: list[nn.Module] = [nn.BatchNorm2d(128)]
        for before, after in ((128, 128), (128, 64), (64, 64), (64, 32), (32, 16)):
            double = nn.Upsample(scale_factor=2, mode="bilinear")
            parts += [double, nn.Conv2d(before, after, 3, 1, 1), nn.BatchNorm2d(after, SOFTENED), nn.LeakyReLU(SLOPE)]
        self.conv_blocks = nn.Sequential(*parts, nn.Conv2d(16, 1, 3, 1, 1), nn.Tanh())

    def forward(self, numbers: Float[Tensor, "B 181"]) -> Float[Tensor, "B 1 256 256"]:
        """Return the map, metres, of the jaw's axis-angle, the expression and the detail, one after the other."""
        return DEEPEST * self.conv_blocks(self.l1(numbers).unflatten(1, (128, 8, 8)))


@dataclass(frozen=True)
class Deca:
    """The three networks, ready to run.

    Attributes:
        coarse: ``E_flame``.
        fine: ``E_detail``.
        generator: ``D_detail``.
    """

    coarse: Encoder
    fine: Encoder
    generator: Generator

    def to(self, device: torch.device) -> "Deca":
        """Return the networks on a device."""
        return Deca(self.coarse.to(device), self.fine.to(device), self.generator.to(device))

    @torch.inference_mode()
    def encode(self, pictures: Float[Tensor, "B 3 224 224"]) -> dict[str, Tensor]:
        """Return DECA's codes of RGB pictures of 0..1, by name; ``light`` is ``(B, 9, 3)``, ``detail`` ``(B, 128)``."""
        parts = self.coarse(pictures).split(list(CODES.values()), 1)
        found = dict(zip(CODES, parts, strict=True))
        return found | {"light": found["light"].unflatten(1, (9, 3)), "detail": self.fine(pictures)}

    @torch.inference_mode()
    def displacement(self, codes: dict[str, Tensor]) -> Float[Tensor, "B 256 256"]:
        """Return the displacements along the normals over FLAME's unwrapping, metres, the first row at v = 1."""
        return self.generator(torch.cat([codes["pose"][:, 3:], codes["exp"], codes["detail"]], 1))[:, 0]


def load_deca(path: Path) -> Deca:
    """Read DECA's networks; nothing in the file is executed.

    Raises:
        UserError: The file is missing, broken or another, or a part of it has other names or shapes.
    """
    try:
        content: Any = torch.load(path, map_location="cpu", weights_only=True)
        parts = {name: dict(content[name]) for name in ("E_flame", "E_detail", "D_detail")}
    except KeyError as error:
        told = ", ".join(map(str, list(content)[:MOST_TOLD])) or "nothing"
        raise UserError(f"this is not DECA's network: {error} is missing, it holds {told}", file=path, remedy=REMEDY) from error
    except UNREADABLE as error:
        raise UserError(f"DECA's network cannot be read: {error}", file=path, remedy=REMEDY) from error
    networks = (Encoder(sum(CODES.values())), Encoder(DETAIL), Generator())
    for network, (name, tensors) in zip(networks, parts.items(), strict=True):
        fill(network, tensors, name, path)
    return Deca(*networks)


def fill(network: nn.Module, tensors: dict[str, Any], name: str, path: Path) -> None:
    """Fill a network with the weights of a part of the file, frozen. What else the part holds is passed over, as DECA does.

    Raises:
        UserError: A weight is missing, of another shape, or no tensor.
    """
    wanted = network.state_dict()
    found = {key: tensor for key, tensor in tensors.items() if key in wanted and isinstance(tensor, Tensor)}
    if wrong := differences(found, wanted):
        rest = f" and {len(wrong) - MOST_TOLD} more" if len(wrong) > MOST_TOLD else ""
        what = f"this is not DECA's network, part {name}: {'; '.join(wrong[:MOST_TOLD])}{rest}"
        raise UserError(what, file=path, remedy=REMEDY)
    network.load_state_dict(found, strict=False)
    network.eval().requires_grad_(False)
