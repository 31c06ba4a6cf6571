"""ST-LPIPS, a learned perceptual distance that forgives small shifts, in its AlexNet variant.

Ghildyal, Liu: Shift-tolerant Perceptual Similarity Metric, ECCV 2022: AlexNet whose strides are replaced by blurred
subsampling (Zhang: Making Convolutional Networks Shift-Invariant Again, ICML 2019) behind mirrored borders, compared layer by
layer as in LPIPS (Zhang et al.: The Unreasonable Effectiveness of Deep Features as a Perceptual Metric, CVPR 2018, equation
1). It is *not* LPIPS: its numbers compare only with each other, so they go by the name ``stlpips`` everywhere.

The weights are those of the authors' package (``alex_shift_tolerant.pth`` of stlpips-pytorch 0.0.2, BSD-2). The network is
written here because that package imports torchvision.
"""

from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import conv2d, max_pool2d, pad, relu

from headsmith.contract.errors import UserError

SMALLEST_SIDE = 32
"""Smallest side of a picture in pixels: below, the last layers see border more than picture."""

CONVOLUTIONS: dict[str, tuple[int, int, int, int]] = {
    "net.slice1.0": (3, 64, 11, 2),
    "net.slice2.5": (64, 192, 5, 2),
    "net.slice3.9": (192, 384, 3, 1),
    "net.slice4.11": (384, 256, 3, 1),
    "net.slice5.13": (256, 256, 3, 1),
}
"""Name in the weights' file: channels in, channels out, side of the kernel, zeros around the picture. All of stride 1."""

BLURS: dict[str, int] = {"net.slice1.1": 64, "net.slice2.4": 64, "net.slice3.8": 192}
"""Name in the weights' file: channels of each blurred subsampling by two."""

EPSILON = 1e-10
"""Added to the length of a feature vector before dividing by it, as in LPIPS."""

Features = list[Float[Tensor, "B _C _H _W"]]


class StLpips(nn.Module):
    """The distance between pictures: 0 for equal ones, growing with what a person would notice.

    Args:
        weights: Tensors under the names of the authors' file; see ``stlpips_shapes``.

    Raises:
        ValueError: A tensor is missing, superfluous or of another shape.
    """

    def __init__(self, weights: dict[str, Tensor]) -> None:
        super().__init__()
        found = {name: tuple(tensor.shape) for name, tensor in weights.items()}
        if found != stlpips_shapes():
            wrong = sorted(dict(found.items() ^ stlpips_shapes().items()))
            raise ValueError(f"these are not the weights of ST-LPIPS (AlexNet): {', '.join(wrong)}")
        for name, tensor in weights.items():
            self.register_buffer(name.replace(".", "_"), tensor.float())

    def forward(self, first: Float[Tensor, "#B 3 H W"], second: Float[Tensor, "#B 3 H W"]) -> Float[Tensor, "B"]:
        """Return one distance a pair; RGB pictures with values in -1..1. Differentiable in both.

        A single picture is compared with each of a batch.

        Raises:
            ValueError: The pictures are smaller than ``SMALLEST_SIDE``.
        """
        if min(first.shape[-2:]) < SMALLEST_SIDE:
            raise ValueError(f"the pictures are {tuple(first.shape[-2:])}, smaller than {SMALLEST_SIDE} pixels")
        layers = zip(self.features(first), self.features(second), strict=True)
        return torch.stack([self._distance(level, *pair) for level, pair in enumerate(layers)]).sum(0)

    def features(self, picture: Float[Tensor, "B 3 H W"]) -> Features:
        """Return the responses of the five layers, after their rectifiers; the first three halve the picture's sides."""
        scaled = (picture - self.scaling_layer_shift) / self.scaling_layer_scale
        first = relu(self._halve("net.slice1.1", self._convolve("net.slice1.0", scaled)))
        second = self._layer("net.slice2.5", self._halve("net.slice2.4", max_pool2d(first, 3, 1)))
        third = self._layer("net.slice3.9", self._halve("net.slice3.8", max_pool2d(second, 3, 1)))
        fourth = self._layer("net.slice4.11", third)
        return [first, second, third, fourth, self._layer("net.slice5.13", fourth)]

    def _weight(self, name: str) -> Tensor:
        return getattr(self, name.replace(".", "_"))

    def _convolve(self, name: str, picture: Tensor) -> Tensor:
        return conv2d(picture, self._weight(f"{name}.weight"), self._weight(f"{name}.bias"), padding=CONVOLUTIONS[name][3])

    def _layer(self, name: str, picture: Tensor) -> Tensor:
        return relu(self._convolve(name, picture))

    def _halve(self, name: str, picture: Tensor) -> Tensor:
        mirrored = pad(picture, (2, 2, 2, 2), mode="reflect")
        return conv2d(mirrored, self._weight(f"{name}.filt"), stride=2, groups=BLURS[name])

    def _distance(self, level: int, first: Tensor, second: Tensor) -> Float[Tensor, "B"]:
        difference = (_unit(first) - _unit(second)) ** 2
        return conv2d(difference, self._weight(f"lin{level}.model.1.weight")).mean(dim=(1, 2, 3))


def _unit(features: Tensor) -> Tensor:
    return features / (torch.linalg.vector_norm(features, dim=1, keepdim=True) + EPSILON)


def stlpips_shapes() -> dict[str, tuple[int, ...]]:
    """Return the names and shapes of the tensors in the authors' file."""
    shapes: dict[str, tuple[int, ...]] = {"scaling_layer.shift": (1, 3, 1, 1), "scaling_layer.scale": (1, 3, 1, 1)}
    for level, (name, (before, after, side, _)) in enumerate(CONVOLUTIONS.items()):
        shapes |= {f"{name}.weight": (after, before, side, side), f"{name}.bias": (after,)}
        shapes |= {f"lin{level}.model.1.weight": (1, after, 1, 1)}
    return shapes | {f"{name}.filt": (channels, 1, 3, 3) for name, channels in BLURS.items()}


def load_stlpips(path: Path) -> StLpips:
    """Load the network, ready to compare; nothing in the file is executed.

    Raises:
        UserError: The file is missing or does not hold these weights.
    """
    remedy = "fetch stlpips_alex.pth again (see config/assets.yaml), or set `scores.perceptual: none`"
    try:
        content: Any = torch.load(path, map_location="cpu", weights_only=True)
        return StLpips(dict(content)).eval()
    except (OSError, EOFError, RuntimeError, TypeError, ValueError, AttributeError, UnpicklingError) as error:
        raise UserError(f"the perceptual metric cannot be read: {error}", file=path, remedy=remedy) from error
