"""Spherical harmonics of viewing directions, against SciPy's complex ones and against the constants that 3DGS files imply."""

import numpy as np
import torch
from scipy.special import sph_harm_y

from headsmith.splat.harmonics import harmonics, shade


def directions_of(count):
    generator = torch.Generator().manual_seed(0)
    return torch.nn.functional.normalize(torch.randn(count, 3, generator=generator).double(), dim=1)


def real_harmonics(directions):
    """Real harmonics from complex ones: sqrt(2) times the imaginary part where the order is below 0, the real part above."""
    x, y, z = directions.numpy().T
    polar, azimuth = np.arccos(z), np.arctan2(y, x)
    columns = []
    for degree in range(4):
        for order in range(-degree, degree + 1):
            value = sph_harm_y(degree, abs(order), polar, azimuth)
            columns.append(value.real if order == 0 else np.sqrt(2) * (value.imag if order < 0 else value.real))
    return np.stack(columns, -1)


def test_they_are_the_real_parts_of_the_complex_ones():
    """SciPy's have the Condon-Shortley phase."""
    directions = directions_of(50)
    np.testing.assert_allclose(harmonics(directions, 16).numpy(), real_harmonics(directions), atol=1e-12)


def test_constants_are_those_of_3dgs():
    """Along the axes: values of the constants in Inria's `utils/sh_utils.py`, to six digits."""
    along_x, along_y, along_z = harmonics(torch.eye(3).double(), 16).numpy()
    np.testing.assert_allclose(
        along_x[[0, 3, 6, 8, 13, 15]], [0.282095, -0.488603, -0.315392, 0.546274, 0.457046, -0.590044], atol=1e-6
    )
    np.testing.assert_allclose(along_y[[1, 6, 8, 9, 11]], [-0.488603, -0.315392, -0.546274, 0.590044, 0.457046], atol=1e-6)
    np.testing.assert_allclose(along_z[[2, 6, 12]], [0.488603, 0.630783, 0.746353], atol=1e-6)


def test_a_colour_of_degree_0_is_plain_and_never_negative():
    coefficients = torch.tensor([[[1.0, -1.0, -9.0]]]).double()
    colour = shade(coefficients, torch.tensor([[3.0, 4.0, 0.0]]).double())
    np.testing.assert_allclose(colour.numpy(), [[0.5 + 0.282095, 0.5 - 0.282095, 0]], atol=1e-6)
