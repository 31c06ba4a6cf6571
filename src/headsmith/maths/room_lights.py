"""What light falls on a face, before it is seen: mean and covariance of nine harmonics over many rooms with lamps."""

import math
from functools import lru_cache
from typing import Final

import torch
from jaxtyping import Float
from torch import Tensor

from headsmith.maths.irradiance import irradiance

ROOMS: Final = 2000
LAMPS: Final = 2
"""A room has one or two lamps, each of a strength of 0 to 1 where the surface faces it."""
AMBIENT: Final = (0.3, 1.5)
"""Light from everywhere, of the same measure."""
FROM_ABOVE: Final = 0.4
"""Share by which ambient light from above may be stronger than from the height of the face."""
ACROSS: Final = math.radians(100)
"""How far to either side of the camera lamps stand: what stands farther behind lights no skin that is seen."""
UP, UP_DEVIATION = math.radians(25), math.radians(20)
GAMMA: Final = 2.2
"""Pictures show light to the power of one over this (IEC 61966-2-1, as one power)."""
LEVEL: Final = 0.1
"""Share by which the mean light of a picture's own pixels is another than that of all normals."""
NORMALS: Final = 400
LEAST: Final = 0.2
"""Cosine to the camera of normals that are seen."""


@lru_cache(maxsize=1)
def room_lights() -> tuple[Float[Tensor, "9"], Float[Tensor, "9 9"]]:
    """Return mean and covariance of light on a face, as pictures show it; the mean light over the seen normals is 1.

    Each room is its ambient light and the cosines of its lamps (Lambert), to the power of 1 / ``GAMMA``, as the nine
    coefficients of ``irradiance`` nearest to it over normals towards the camera. Axes are the camera's: x right, y down,
    z away. The rooms are drawn from a fixed seed.
    """
    random = torch.Generator().manual_seed(0)

    def uniform(low: float, high: float, *sizes: int) -> Tensor:
        return low + (high - low) * torch.rand(*sizes, generator=random, dtype=torch.float64)

    normals = seen_normals()
    across = uniform(-ACROSS, ACROSS, ROOMS, LAMPS)
    up = UP + UP_DEVIATION * torch.randn(ROOMS, LAMPS, generator=random, dtype=torch.float64)
    lamps = torch.stack([across.sin() * up.cos(), -up.sin(), -across.cos() * up.cos()], -1)
    strength = uniform(0.0, 1.0, ROOMS, LAMPS)
    strength[: ROOMS // 2, 1:] = 0
    above = 1 - uniform(0.0, FROM_ABOVE, ROOMS, 1) * normals[:, 1]
    linear = uniform(*AMBIENT, ROOMS, 1) * above + (strength[..., None] * (lamps @ normals.mT).clamp(min=0)).sum(1)
    shown = linear ** (1 / GAMMA)
    lights = shown / shown.mean(1, keepdim=True) @ torch.linalg.pinv(irradiance(normals)).mT
    mean = lights.mean(0)
    return mean, lights.mT.cov() + LEVEL**2 * torch.outer(mean, mean)


def seen_normals() -> Float[Tensor, "n 3"]:
    """Return unit normals towards the camera, evenly spread: Fibonacci's spiral."""
    rows = torch.arange(NORMALS, dtype=torch.float64) + 0.5
    z, turn = LEAST + (1 - LEAST) * rows / NORMALS, math.pi * (1 + math.sqrt(5)) * rows
    flat = (1 - z * z).sqrt()
    return torch.stack([flat * turn.cos(), flat * turn.sin(), -z], 1)
