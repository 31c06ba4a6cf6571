"""Pictures over a part of a mesh' unwrapping: looked up, differentiably, and made from pixels that see it."""

from dataclasses import dataclass

import torch
import torch.nn.functional as nn
from jaxtyping import Bool, Float
from torch import Tensor


@dataclass(frozen=True)
class TextureFrame:
    """A rectangle of texture coordinates, and how many texels it is wide and high.

    Attributes:
        low: Least u and v, v up.
        high: Greatest u and v.
        width: Texels along u.
        height: Texels along v; the first row is at the greatest v.
    """

    low: tuple[float, float]
    high: tuple[float, float]
    width: int
    height: int

    def places(self, uv: Float[Tensor, "n 2"]) -> Float[Tensor, "n 2"]:
        """Return texture coordinates as shares of the rectangle, -1..1, y down."""
        low, high = (uv.new_tensor(corner) for corner in (self.low, self.high))
        share = 2 * (uv - low) / (high - low) - 1
        return share * share.new_tensor((1.0, -1.0))

    def look_up(self, texture: Float[Tensor, "C h w"], uv: Float[Tensor, "n 2"]) -> Float[Tensor, "n C"]:
        """Return the texture at coordinates, linear between texels; differentiable in both."""
        grid = self.places(uv)[None, None]
        return nn.grid_sample(texture[None], grid, align_corners=False, padding_mode="border")[0, :, 0].mT

    def spread(self, uv: Float[Tensor, "n 2"], values: Float[Tensor, "n C"]) -> Float[Tensor, "C h w"]:
        """Return the sum of values over texels, each divided among the four around its place: the transpose of ``look_up``.

        What falls outside the rectangle counts for its border.
        """
        sides = uv.new_tensor((self.width, self.height))
        place = (self.places(uv) + 1) / 2 * sides - 0.5
        first = place.floor()
        share = place - first
        total = values.new_zeros(self.height * self.width, values.shape[1])
        for right in (0, 1):
            for down in (0, 1):
                x, y = ((first[:, axis] + by).clamp(0, sides[axis] - 1).long() for axis, by in enumerate((right, down)))
                weight = (share[:, 0] if right else 1 - share[:, 0]) * (share[:, 1] if down else 1 - share[:, 1])
                total.index_add_(0, y * self.width + x, weight[:, None] * values)
        return total.mT.reshape(-1, self.height, self.width)

    def slopes(self, texture: Float[Tensor, "C h w"]) -> Float[Tensor, "D h w"]:
        """Return the derivatives of all channels by u, then of all by v: central differences."""
        wide, high = nn.pad(texture, (1, 1, 0, 0), mode="replicate"), nn.pad(texture, (0, 0, 1, 1), mode="replicate")
        by_u = (wide[..., 2:] - wide[..., :-2]) / 2 * self.width / (self.high[0] - self.low[0])
        by_v = (high[:, :-2] - high[:, 2:]) / 2 * self.height / (self.high[1] - self.low[1])
        return torch.cat([by_u, by_v])


def fill_unseen(texture: Float[Tensor, "C h w"], seen: Bool[Tensor, "h w"], rings: int) -> Float[Tensor, "C h w"]:
    """Return the texture with texels beside seen ones filled by their mean, ring by ring; those farther off stay 0."""
    known = seen[None].to(texture)
    filled = texture * known
    for _ in range(rings):
        share = nn.avg_pool2d(known, 3, 1, 1)
        mean = nn.avg_pool2d(filled, 3, 1, 1) / share.clamp(min=1e-6)
        filled = torch.where(known > 0, filled, mean)
        known = (share > 0).to(texture)
    return filled
