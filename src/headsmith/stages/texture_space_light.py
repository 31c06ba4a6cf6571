"""What light a fit left in a texture, found against the other textures and divided out.

A fit tells albedo from light by beliefs alone, and each picture's light is wrong in its own way. Over many pictures that is
seen: a person's texture differs from the mean by freckles and tone, wrong light by a smooth function of where the surface
points. So the logarithm of the ratio of both, grey, is described by the harmonics of degree 1 and 2 of the normals, which is
what light on a matte surface can be (``maths.harmonics``), and divided out. Degree 0 stays: it would take the tone of skin
with it, and a space of textures without dark or light skin is of no use.
"""

from typing import Final

import numpy as np
import torch
from jaxtyping import Float32
from numpy import ndarray

from headsmith.maths.harmonics import harmonics

ROUNDS: Final = 2
DEVIATION: Final = 0.05
"""How large each coefficient is believed to be, in logarithms of light."""
OWN: Final = 0.15
"""Deviation of a texture's own differences from the mean, in logarithms."""
PATCHES: Final = 60.0
"""How many places of a face differ from the mean each in a way of its own: neighbouring texels do so together."""
LEAST: Final = 0.02
"""Albedo below which a logarithm tells the sensor's noise."""


def align_light(
    albedo: Float32[ndarray, "N M 3"], weights: Float32[ndarray, "N M"], normals: Float32[ndarray, "M 3"]
) -> Float32[ndarray, "N M 3"]:
    """Return textures from which the light that is left in each alone was taken.

    Args:
        albedo: RGB, 0..1.
        weights: How well each texel was seen; 0: hidden.
        normals: Of the texels of the mean head, in its own axes: turned harmonics are harmonics of the same degree.
    """
    basis = harmonics(torch.from_numpy(normals.astype(np.float64))).numpy()[:, 1:]
    grey = np.log(np.maximum(albedo.mean(2), LEAST)).astype(np.float64)
    left, total = np.zeros_like(grey), np.maximum(weights.sum(0), 1e-12)
    for _ in range(ROUNDS):
        mean = (weights * (grey - left)).sum(0) / total
        for row, weight in enumerate(weights):
            left[row] = basis @ residual_light(grey[row] - mean, weight, basis)
    return (albedo / np.exp(left)[..., None]).astype(np.float32)


def residual_light(ratio: ndarray, weight: ndarray, basis: ndarray) -> ndarray:
    """Return the coefficients of the light in a logarithm of ratios; its mean over the seen texels is no light."""
    share = weight.astype(np.float64) * (PATCHES / max(float(weight.sum()), 1e-12) / OWN**2)
    long = np.concatenate([basis, np.ones((len(basis), 1))], 1)
    belief = np.diag([1 / DEVIATION**2] * basis.shape[1] + [1e-6])
    return np.linalg.solve(long.T @ (share[:, None] * long) + belief, long.T @ (share * ratio))[:-1]
