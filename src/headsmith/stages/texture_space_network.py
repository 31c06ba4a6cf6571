"""A small network that completes textures, trained on what they show: random strokes hide more, and it learns to undo that.

The recipe of FLAME's texture space (github.com/HavenFeng/photometric_optimization, README, "Texture space") has GMCNN for this,
a generative network of 12 million parameters trained on 1500 faces for days. This is a U-Net (Ronneberger et al. 2015) of
gated convolutions (Yu et al. 2019, *Free-Form Image Inpainting with Gated Convolution*, section 3.1, whose strokes these are
too), without an adversary, at a small size, that trains in minutes. It works on differences from the mean texture.
"""

from typing import Final

import cv2
import numpy as np
import torch
from jaxtyping import Float, Float32
from numpy import ndarray
from torch import Tensor, nn
from torch.nn.functional import elu, interpolate, max_pool2d

SIDE: Final = 128
STEPS: Final = 300
BATCH: Final = 4
WIDTHS: Final = (16, 32, 48, 64)
RATE: Final = 2e-3
STROKES: Final = (2, 7)
GAIN: Final = 5.0
"""Differences from the mean are about 0.1; the network sees them by this much larger."""


class Gated(nn.Module):
    """A convolution whose answer is multiplied by what a second one says of its worth."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.both = nn.Conv2d(before, 2 * after, 3, padding=1)

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B D H W"]:
        """Return the answer, of the same size."""
        value, worth = self.both(x).chunk(2, 1)
        return elu(value) * worth.sigmoid()


class Completer(nn.Module):
    """From differences (3), 0 where hidden, and what is seen (1), to differences everywhere."""

    def __init__(self) -> None:
        super().__init__()
        before = (4, *WIDTHS[:-1])
        self.down = nn.ModuleList(Gated(one, two) for one, two in zip(before, WIDTHS, strict=True))
        self.up = nn.ModuleList(Gated(low + high, high) for low, high in zip(WIDTHS[:0:-1], WIDTHS[-2::-1], strict=True))
        self.last = nn.Conv2d(WIDTHS[0], 3, 3, padding=1)

    def forward(self, x: Float[Tensor, "B 4 H W"]) -> Float[Tensor, "B 3 H W"]:
        """Return the differences."""
        kept = []
        for number, layer in enumerate(self.down):
            x = layer(max_pool2d(x, 2) if number else x)
            kept.append(x)
        for layer, skip in zip(self.up, kept[-2::-1], strict=True):
            x = layer(torch.cat([interpolate(x, scale_factor=2, mode="nearest"), skip], 1))
        return self.last(x)


def complete_by_network(
    apart: Float32[ndarray, "N S S 3"], seen: Float32[ndarray, "N S S 1"], seed: int = 0, steps: int = STEPS
) -> Float32[ndarray, "N S S 3"]:
    """Train on textures and return them completed, smooth where the network works at a smaller size.

    Args:
        apart: Differences from the mean, 0..1; 0 where hidden.
        seen: 1 where a texel was seen.
        seed: Of weights, strokes and order.
        steps: Of training.
    """
    size = apart.shape[1]
    small_seen = np.stack([_resize(mask, SIDE) for mask in seen])
    small = np.stack([_resize(picture, SIDE) for picture in apart]) / np.maximum(small_seen, 0.25)
    known = (small_seen > 0.5).astype(np.float32)
    values, masks = (torch.from_numpy(array).movedim(-1, 1).contiguous() for array in (GAIN * small * known, known))
    network = train(values, masks, seed, steps)
    with torch.no_grad():
        parts = [network(torch.cat([values[row : row + 1], masks[row : row + 1]], 1)) for row in range(len(values))]
    found = (torch.cat(parts) / GAIN).movedim(1, -1).numpy()
    return np.stack([cv2.resize(picture, (size, size), interpolation=cv2.INTER_LINEAR) for picture in found])


def train(values: Float[Tensor, "N 3 H W"], masks: Float[Tensor, "N 1 H W"], seed: int, steps: int) -> Completer:
    """Return a network that undoes random strokes over what is seen: absolute differences there, what was hidden thrice."""
    torch.manual_seed(seed)
    random = np.random.default_rng(seed)
    network = Completer()
    optimiser = torch.optim.Adam(network.parameters(), lr=RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for _ in range(steps):
        rows = torch.from_numpy(random.integers(0, len(values), BATCH))
        holes = torch.from_numpy(np.stack([strokes(random, values.shape[-1]) for _ in rows]))[:, None]
        truth, seen = values[rows], masks[rows]
        shown = seen * (1 - holes)
        found = network(torch.cat([truth * shown, shown], 1))
        loss = (seen * (1 + 2 * holes) * (found - truth).abs()).sum() / (3 * seen).sum().clamp(min=1)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return network.eval()


def strokes(random: np.random.Generator, side: int) -> Float32[ndarray, "S S"]:
    """Return a picture of broken lines of a brush, 1 where it went."""
    picture = np.zeros((side, side), np.uint8)
    for _ in range(random.integers(*STROKES)):
        points = [random.uniform(0, side, 2)]
        for _ in range(random.integers(2, 6)):
            points.append(points[-1] + random.normal(0, side / 8, 2))
        line = np.round(points).astype(np.int32)
        cv2.polylines(picture, [line], False, 1, int(random.integers(side // 24, side // 8)))
    return picture.astype(np.float32)


def _resize(picture: ndarray, side: int) -> ndarray:
    small = cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)
    return small if small.ndim == 3 else small[..., None]
