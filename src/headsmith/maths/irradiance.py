"""Light on a matte surface as DECA and its like write it: harmonics times what a matte surface returns of each degree."""

import math
from typing import Final

from jaxtyping import Float
from torch import Tensor

from headsmith.maths.harmonics import harmonics

SHARES: Final = (1.0, *(2 * math.pi / 3,) * 3, *(math.pi / 4,) * 5)
"""Shares of a light's harmonics of degree 0, 1 and 2, in the order of ``harmonics``: equation 8 of Ramamoorthi and Hanrahan
2001 (see there), but that degree 0 has 1 in place of pi, as in DECA's shading, whose coefficients these make."""


def irradiance(normals: Float[Tensor, "*n 3"]) -> Float[Tensor, "*n 9"]:
    """Return DECA's nine functions of unit normals: light is their sum by the nine coefficients of each colour.

    ``harmonics`` times ``SHARES``: 1 / sqrt(4 pi); 2 pi / 3 sqrt(3 / (4 pi)) times x, y, z; pi / 4 times the rest.
    """
    values = harmonics(normals)
    return values * values.new_tensor(SHARES)
