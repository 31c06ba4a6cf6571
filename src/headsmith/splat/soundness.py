"""Counts of what falls apart when an avatar is turned or moved further than any frame showed: floaters, needles, holes, spikes.

Every count is zero for a sound avatar. The first two look at the Gaussians of a view, the other two at its picture.
"""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from headsmith.splat.avatar import Splats

FAINT = 0.05
"""Opacity below which a Gaussian is not counted: over white, it changes a pixel by less than 13 of 255."""

FAR = 0.03
"""Distance from the surface beyond which a Gaussian floats, metres."""

NEEDLE_RATIO = 10.0
"""Longest over middle standard deviation from which on a Gaussian is a needle. Flat ones are sound, so the shortest does
not count. A flat Gaussian of this ratio has an effective rank of 1.06, a round disc 2: those near 1 are called needle-like by
Hyung et al., Effective Rank Analysis and Regularization for Enhanced 3D Gaussian Splatting, NeurIPS 2024, section 3."""

NEEDLE_LENGTH = 0.009
"""Longest standard deviation from which on a needle counts, metres: an opaque Gaussian falls below 1/255, where the rasterizer
stops drawing it, at 3.33 standard deviations, so that from here on it reaches farther than ``FAR``."""

THIN = 0.9
"""Alpha below which a pixel inside the head's outline is a hole: a tenth of the background can be seen through it."""

THICK = 0.1
"""Alpha above which a pixel far outside the head's outline is part of a spike."""

STEP = 1024
"""Gaussians whose distances to all surface points are taken at once."""


class Soundness(NamedTuple):
    """Counts in one view, or sums and maxima over several.

    Attributes:
        floaters: Gaussians far from the surface.
        needles: Gaussians that are long and thin.
        holes: Pixels inside the head through which the background shows.
        spikes: Pixels far outside the head on which something is drawn.
    """

    floaters: int
    needles: int
    holes: int
    spikes: int


def find_floaters(splats: Splats, points: Float[Tensor, "N 3"]) -> Bool[Tensor, " N"]:
    """Return which Gaussians can be seen and lie farther than ``FAR`` from every point of the surface.

    Args:
        splats: The Gaussians of a view.
        points: The bound surface points of the same view, metres: thousands, millimetres apart, so they stand for the surface.
    """
    far = ((splats.means - points).norm(dim=-1) > FAR) & (splats.opacities > FAINT)
    candidates = far.nonzero()[:, 0]
    for some in candidates.split(STEP):
        far[some] = torch.cdist(splats.means[some], points).amin(1) > FAR
    return far


def find_needles(splats: Splats) -> Bool[Tensor, " N"]:
    """Return which Gaussians can be seen, are longer than ``NEEDLE_LENGTH``, and ``NEEDLE_RATIO`` times as long as wide."""
    _, middle, longest = splats.scales.sort(-1).values.unbind(-1)
    return (longest > NEEDLE_LENGTH) & (longest > NEEDLE_RATIO * middle) & (splats.opacities > FAINT)


def find_holes(alpha: Float[Tensor, "H W"], inside: Bool[Tensor, "H W"]) -> Bool[Tensor, "H W"]:
    """Return the pixels inside the head's outline, drawn in a little, that are thinner than ``THIN``."""
    return inside & (alpha < THIN)


def find_spikes(alpha: Float[Tensor, "H W"], outside: Bool[Tensor, "H W"]) -> Bool[Tensor, "H W"]:
    """Return the pixels farther from the head's outline than hair reaches that are thicker than ``THICK``."""
    return outside & (alpha > THICK)


def count_faults(
    splats: Splats,
    points: Float[Tensor, "N 3"],
    alpha: Float[Tensor, "H W"],
    inside: Bool[Tensor, "H W"],
    outside: Bool[Tensor, "H W"],
) -> Soundness:
    """Count the faults of one view.

    Args:
        splats: The Gaussians.
        points: The surface points that they are bound to, metres.
        alpha: Of the picture, 0..1.
        inside: The head's outline, drawn in a little.
        outside: What lies farther from it than the person's hair does.
    """
    found = (find_floaters(splats, points), find_needles(splats), find_holes(alpha, inside), find_spikes(alpha, outside))
    return Soundness(*(int(fault.sum()) for fault in found))
