import numpy as np
import torch

from headsmith.maths.harmonics import harmonics
from headsmith.maths.irradiance import SHARES, irradiance


def test_it_has_decas_constants():
    """The constants as the field's programs write them, for a direction in which all nine count."""
    x, y, z, pi = 0.48, -0.6, 0.64, np.pi
    first, linear = 1 / np.sqrt(4 * pi), 2 * pi / 3 * np.sqrt(3 / (4 * pi))
    mixed, side = pi / 4 * 3 * np.sqrt(5 / (12 * pi)), pi / 4 * 3 / 2 * np.sqrt(5 / (12 * pi))
    constants = [first, linear, linear, linear, mixed, mixed, mixed, side, pi / 4 / 2 * np.sqrt(5 / (4 * pi))]
    forms = [1, x, y, z, x * y, x * z, y * z, x * x - y * y, 3 * z * z - 1]
    normal = torch.tensor([x, y, z], dtype=torch.float64)
    np.testing.assert_allclose(irradiance(normal), np.multiply(constants, forms), rtol=1e-12)
    np.testing.assert_allclose(irradiance(normal), harmonics(normal) * torch.tensor(SHARES, dtype=torch.float64))


def test_a_distant_lamp_lights_a_ball_by_lamberts_law_to_two_degrees():
    """A lamp of unit harmonics along z gives the first terms of max(0, cos) / pi after the shares, but for degree 0's."""
    lamp = torch.tensor([[0.0, 0.0, 1.0]], dtype=torch.float64)
    ball = torch.nn.functional.normalize(torch.randn(200, 3, dtype=torch.float64, generator=torch.manual_seed(1)), dim=-1)
    light = harmonics(lamp)[0]
    lit = irradiance(ball) @ light + (np.pi - 1) * harmonics(ball)[:, 0] * light[0]
    cosine = ball[:, 2]
    expected = 0.25 + cosine / 2 + 5 / 32 * (3 * cosine**2 - 1)
    np.testing.assert_allclose(lit, expected, atol=1e-12)
