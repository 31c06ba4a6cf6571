import numpy as np
import pytest
import torch
from scipy.special import sph_harm_y

from headsmith.maths.harmonics import harmonics

CONSTANTS = (0.282095, 0.488603, 0.488603, 0.488603, 1.092548, 1.092548, 1.092548, 0.546274, 0.315392)
"""As printed beside equation 3 of Ramamoorthi and Hanrahan 2001."""


def sphere(rows=12, columns=16):
    """Directions and weights of a quadrature that is exact for polynomials up to degree 15: Gauss-Legendre over z."""
    z, weight = np.polynomial.legendre.leggauss(rows)
    turn = 2 * np.pi * np.arange(columns) / columns
    ring = np.sqrt(1 - z**2)[:, None]
    points = np.stack([ring * np.cos(turn), ring * np.sin(turn), np.broadcast_to(z[:, None], (rows, columns))], -1)
    return torch.from_numpy(points.reshape(-1, 3)), torch.from_numpy(np.repeat(weight * 2 * np.pi / columns, columns))


def test_they_are_orthonormal():
    points, weights = sphere()
    values = harmonics(points)
    torch.testing.assert_close(values.mT @ (weights[:, None] * values), torch.eye(9, dtype=torch.float64), atol=1e-12, rtol=0)


def test_closed_forms_at_a_direction():
    x, y, z = 0.48, -0.6, 0.64
    forms = (1, x, y, z, x * y, x * z, y * z, x * x - y * y, 3 * z * z - 1)
    expected = [constant * form for constant, form in zip(CONSTANTS, forms, strict=True)]
    found = harmonics(torch.tensor([x, y, z], dtype=torch.float64))
    np.testing.assert_allclose(found, expected, atol=2e-6)


@pytest.mark.parametrize(
    ("place", "degree", "order"),
    [(0, 0, 0), (1, 1, 1), (2, 1, -1), (3, 1, 0), (4, 2, -2), (5, 2, 1), (6, 2, -1), (7, 2, 2), (8, 2, 0)],
)
def test_they_are_scipys_up_to_the_phase(place, degree, order):
    points, _ = sphere()
    x, y, z = points.numpy().T
    whole = sph_harm_y(degree, abs(order), np.arccos(z), np.arctan2(y, x))
    real = whole.real if order >= 0 else whole.imag
    scale = 1 if order == 0 else np.sqrt(2) * (-1) ** order
    np.testing.assert_allclose(harmonics(points)[:, place], scale * real, atol=1e-12)


def test_a_lamp_on_a_matte_ball_is_met_within_a_percent():
    """Lambert's cosine, cut at zero, against its first nine coefficients: an error of energy under 1 % (section 3)."""
    points, weights = sphere(200, 256)
    lit = points[:, 2].clamp(min=0)
    values = harmonics(points)
    rest = lit - values @ (values.mT @ (weights * lit))
    assert (weights * rest.square()).sum() < 0.01 * (weights * lit.square()).sum()
