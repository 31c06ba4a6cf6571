"""Colours that change with the viewing direction: real spherical harmonics up to degree 3."""

import math
from typing import Final

import torch
from jaxtyping import Float
from torch import Tensor

from headsmith.maths.cameras import Camera

BANDS: Final = (
    math.sqrt(1 / (4 * math.pi)),
    math.sqrt(3 / (4 * math.pi)),
    math.sqrt(15 / (4 * math.pi)),
    math.sqrt(5 / (16 * math.pi)),
    math.sqrt(15 / (16 * math.pi)),
    math.sqrt(35 / (32 * math.pi)),
    math.sqrt(105 / (4 * math.pi)),
    math.sqrt(21 / (32 * math.pi)),
    math.sqrt(7 / (16 * math.pi)),
    math.sqrt(105 / (16 * math.pi)),
)
"""Norms of the real spherical harmonics (Sloan, Efficient Spherical Harmonic Evaluation, JCGT 2013, appendix A2)."""

GREY: Final = 0.5
"""Colour where all coefficients are 0 (Kerbl et al., 3D Gaussian Splatting, 2023)."""


def harmonics(directions: Float[Tensor, "N 3"], count: int) -> Float[Tensor, "N K"]:
    """Return the first ``count`` harmonics (1, 4, 9 or 16) at unit directions, with the signs of 3D Gaussian Splatting."""
    x, y, z = directions.unbind(-1)
    c = BANDS
    parts = [torch.full_like(x, c[0])]
    if count > 1:
        parts += [-c[1] * y, c[1] * z, -c[1] * x]
    if count > 4:
        parts += [c[2] * x * y, -c[2] * y * z, c[3] * (3 * z * z - 1), -c[2] * x * z, c[4] * (x * x - y * y)]
    if count > 9:
        parts += [-c[5] * y * (3 * x * x - y * y), c[6] * x * y * z, -c[7] * y * (5 * z * z - 1), c[8] * z * (5 * z * z - 3)]
        parts += [-c[7] * x * (5 * z * z - 1), c[9] * z * (x * x - y * y), -c[5] * x * (x * x - 3 * y * y)]
    return torch.stack(parts, -1)


def view_colours(coefficients: Float[Tensor, "N K 3"], means: Float[Tensor, "N 3"], camera: Camera) -> Float[Tensor, "N 3"]:
    """Return RGB, at least 0, of Gaussians seen from a camera; directions run from the camera to the Gaussian."""
    centre = -camera.rotation.transpose(-1, -2) @ camera.translation
    directions = torch.nn.functional.normalize(means - centre, dim=-1)
    basis = harmonics(directions, coefficients.shape[1])
    return ((basis[..., None] * coefficients).sum(1) + GREY).clamp(min=0)
