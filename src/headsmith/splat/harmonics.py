"""Colours that depend on the viewing direction: real spherical harmonics up to degree 3, in plain torch.

Order and signs are those of the 3D Gaussian Splatting of Inria (Kerbl et al. 2023, `utils/sh_utils.py`) and of gsplat 1.5.3
(`SphericalHarmonicsCUDA.cu`): degree by degree, in each by the order -degree to degree, with the Condon-Shortley phase (a minus
where the order is odd). `maths.harmonics` has those of a matte surface's light in another order and without that phase.
"""

import math
from typing import Final

import torch
from jaxtyping import Float
from torch import Tensor

from headsmith.maths.harmonics import AXIAL, CONSTANT, LATERAL, LINEAR, MIXED

EDGE: Final = math.sqrt(35 / (32 * math.pi))
TRIPLE: Final = math.sqrt(105 / (4 * math.pi))
TILTED: Final = math.sqrt(21 / (32 * math.pi))
POLAR: Final = math.sqrt(7 / (16 * math.pi))
CUBIC: Final = math.sqrt(105 / (16 * math.pi))
"""0.590044, 2.890611, 0.457046, 0.373176, 1.445306: what makes the harmonics of degree 3 orthonormal over the sphere."""

BANDS: Final = (1, 4, 9, 16)
"""Coefficients a channel up to degree 0, 1, 2 and 3."""


def harmonics(directions: Float[Tensor, "*n 3"], bands: int) -> Float[Tensor, "*n K"]:
    """Return the first 1, 4, 9 or 16 harmonics of unit directions."""
    x, y, z = directions.unbind(-1)
    xx, yy, zz = x * x, y * y, z * z
    parts = [torch.full_like(x, CONSTANT), -LINEAR * y, LINEAR * z, -LINEAR * x]
    parts += [MIXED * x * y, -MIXED * y * z, AXIAL * (2 * zz - xx - yy), -MIXED * x * z, LATERAL * (xx - yy)]
    parts += [-EDGE * y * (3 * xx - yy), TRIPLE * x * y * z, -TILTED * y * (4 * zz - xx - yy)]
    parts += [POLAR * z * (2 * zz - 3 * xx - 3 * yy), -TILTED * x * (4 * zz - xx - yy), CUBIC * z * (xx - yy)]
    return torch.stack([*parts, -EDGE * x * (xx - 3 * yy)][:bands], -1)


def shade(coefficients: Float[Tensor, "*n K 3"], directions: Float[Tensor, "*n 3"]) -> Float[Tensor, "*n 3"]:
    """Return colours seen along directions of any length but 0: max(0, sum over k of c_k Y_k + 0.5)."""
    directions = directions / directions.norm(dim=-1, keepdim=True)
    weighed = harmonics(directions, coefficients.shape[-2])[..., None] * coefficients
    return torch.relu(weighed.sum(-2) + 0.5)
