import numpy as np
import torch

from headsmith.maths.irradiance import irradiance
from headsmith.maths.room_lights import GAMMA, LEVEL, room_lights, seen_normals

ODD, EVEN = [1, 4, 5], [0, 2, 3, 6, 7, 8]
"""Coefficients of x, xy and xz; of all others."""


def test_rooms_are_alike_from_both_sides_and_lit_from_above_and_before():
    mean, spread = room_lights()
    deviation = spread.diagonal().sqrt()
    assert bool((torch.linalg.eigvalsh(spread) > 1e-4).all()), "it can be inverted"
    assert float((mean[ODD] / deviation[ODD]).abs().max()) < 0.1
    assert float((spread / deviation[:, None] / deviation)[ODD][:, EVEN].abs().max()) < 0.1
    assert mean[2] < 0 and mean[3] < 0, "y is down and z away"


def test_the_mean_light_over_the_normals_that_are_seen_is_1_and_its_level_is_not_sure():
    mean, spread = room_lights()
    base = irradiance(seen_normals())
    lit = base @ mean
    np.testing.assert_allclose(float(lit.mean()), 1, atol=1e-9)
    over = base.mean(0)
    np.testing.assert_allclose(float(over @ spread @ over), LEVEL**2, rtol=1e-6)


def test_a_lamp_at_one_side_is_likely_and_light_from_behind_is_not():
    """Distances in deviations, in nine dimensions: a lamp at 60 degrees, and a rim that is brighter than the middle."""
    mean, spread = room_lights()
    normals = seen_normals()

    def distance(linear):
        light = torch.linalg.lstsq(irradiance(normals), (linear / linear.mean()) ** (1 / GAMMA)).solution
        return float(((light - mean) @ torch.linalg.inv(spread) @ (light - mean)).sqrt())

    aside = 0.8 + (normals @ torch.tensor([0.87, 0.0, -0.5], dtype=torch.float64)).clamp(min=0)
    rim = 0.1 + (1 + normals[:, 2]) ** 2
    assert distance(aside) < 5 < 12 < distance(rim), (distance(aside), distance(rim))
