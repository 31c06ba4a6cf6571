"""Light on a matte surface by nine real spherical harmonics of its normal."""

import math
from typing import Final

import torch
from jaxtyping import Float
from torch import Tensor

CONSTANT: Final = math.sqrt(1 / (4 * math.pi))
LINEAR: Final = math.sqrt(3 / (4 * math.pi))
MIXED: Final = math.sqrt(15 / (4 * math.pi))
AXIAL: Final = math.sqrt(5 / (16 * math.pi))
LATERAL: Final = math.sqrt(15 / (16 * math.pi))
"""0.282095, 0.488603, 1.092548, 0.315392 and 0.546274: the constants of Ramamoorthi and Hanrahan 2001, *An Efficient
Representation for Irradiance Environment Maps*, equation 3."""


def harmonics(normals: Float[Tensor, "*n 3"]) -> Float[Tensor, "*n 9"]:
    """Return the real spherical harmonics up to degree 2 at unit normals.

    Their order is that of DECA's shading: 1, x, y, z, xy, xz, yz, x^2 - y^2, 3 z^2 - 1. They are orthonormal over the sphere
    (Ramamoorthi and Hanrahan 2001, equation 3, which lists them by degree). A matte surface's light is a sum of them to within
    about 1 % whatever the lamps (section 3 there), so nine coefficients a colour stand for the lamps.

    Args:
        normals: Of length 1, in the axes in which the light stands still.
    """
    x, y, z = normals.unbind(-1)
    parts = [torch.full_like(x, CONSTANT), LINEAR * x, LINEAR * y, LINEAR * z, MIXED * x * y, MIXED * x * z, MIXED * y * z]
    return torch.stack([*parts, LATERAL * (x * x - y * y), AXIAL * (3 * z * z - 1)], -1)
