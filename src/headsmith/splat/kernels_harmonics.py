"""The compiled spherical harmonics of eight viewing directions, and their derivatives.

Order and signs are those of the 3D Gaussian Splatting of Inria (Kerbl et al. 2023, `utils/sh_utils.py`), which gsplat has too
(`SphericalHarmonicsCUDA.cu`): degree by degree, and in each by the order -degree to degree, with the Condon-Shortley phase.
`harmonics.py` has the same in plain torch, and the constants.
"""

from typing import no_type_check

import numpy as np
from jaxtyping import Float
from numba import njit

from headsmith.splat.harmonics import AXIAL, CONSTANT, CUBIC, EDGE, LATERAL, LINEAR, MIXED, POLAR, TILTED, TRIPLE
from headsmith.splat.lanes import LanesType, larger, root
from headsmith.splat.lanes_memory import gather, load, scatter, store

MOST = 16  # harmonics up to degree 3


@njit(inline="always")
@no_type_check
def put_harmonics(out: Float[np.ndarray, " 128"], bands: int, x: LanesType, y: LanesType, z: LanesType) -> None:
    """Writes the first 1, 4, 9 or 16 harmonics of unit directions, eight lanes each."""
    store(out, 0, (x * 0.0) + CONSTANT)
    if bands > 1:
        store(out, 8, y * -LINEAR)
        store(out, 16, z * LINEAR)
        store(out, 24, x * -LINEAR)
    if bands > 4:
        xx, yy, zz = x * x, y * y, z * z
        store(out, 32, MIXED * (x * y))
        store(out, 40, -MIXED * (y * z))
        store(out, 48, AXIAL * (2.0 * zz - xx - yy))
        store(out, 56, -MIXED * (x * z))
        store(out, 64, LATERAL * (xx - yy))
        if bands > 9:
            store(out, 72, -EDGE * (y * (3.0 * xx - yy)))
            store(out, 80, TRIPLE * (x * y * z))
            store(out, 88, -TILTED * (y * (4.0 * zz - xx - yy)))
            store(out, 96, POLAR * (z * (2.0 * zz - 3.0 * (xx + yy))))
            store(out, 104, -TILTED * (x * (4.0 * zz - xx - yy)))
            store(out, 112, CUBIC * (z * (xx - yy)))
            store(out, 120, -EDGE * (x * (xx - 3.0 * yy)))


@njit(inline="always")
@no_type_check
def put_three(out: Float[np.ndarray, " 384"], harmonic: int, x: LanesType, y: LanesType, z: LanesType) -> None:
    """Writes the derivatives of a harmonic by x, y and z."""
    store(out, 24 * harmonic, x)
    store(out, 24 * harmonic + 8, y)
    store(out, 24 * harmonic + 16, z)


@njit(inline="always")
@no_type_check
def put_slopes(out: Float[np.ndarray, " 384"], bands: int, x: LanesType, y: LanesType, z: LanesType) -> None:
    """Writes the derivatives of the harmonics by the direction, as if x, y and z were free."""
    none = x * 0.0
    put_three(out, 0, none, none, none)
    if bands > 1:
        put_three(out, 1, none, none - LINEAR, none)
        put_three(out, 2, none, none, none + LINEAR)
        put_three(out, 3, none - LINEAR, none, none)
    if bands > 4:
        put_three(out, 4, MIXED * y, MIXED * x, none)
        put_three(out, 5, none, -MIXED * z, -MIXED * y)
        put_three(out, 6, (-2.0 * AXIAL) * x, (-2.0 * AXIAL) * y, (4.0 * AXIAL) * z)
        put_three(out, 7, -MIXED * z, none, -MIXED * x)
        put_three(out, 8, (2.0 * LATERAL) * x, (-2.0 * LATERAL) * y, none)
    if bands > 9:
        xx, yy, zz, xy, xz, yz = x * x, y * y, z * z, x * y, x * z, y * z
        put_three(out, 9, (-6.0 * EDGE) * xy, (-3.0 * EDGE) * (xx - yy), none)
        put_three(out, 10, TRIPLE * yz, TRIPLE * xz, TRIPLE * xy)
        put_three(out, 11, (2.0 * TILTED) * xy, -TILTED * (4.0 * zz - xx - 3.0 * yy), (-8.0 * TILTED) * yz)
        put_three(out, 12, (-6.0 * POLAR) * xz, (-6.0 * POLAR) * yz, (3.0 * POLAR) * (2.0 * zz - xx - yy))
        put_three(out, 13, -TILTED * (4.0 * zz - 3.0 * xx - yy), (2.0 * TILTED) * xy, (-8.0 * TILTED) * xz)
        put_three(out, 14, (2.0 * CUBIC) * xz, (-2.0 * CUBIC) * yz, CUBIC * (xx - yy))
        put_three(out, 15, (-3.0 * EDGE) * (xx - yy), (6.0 * EDGE) * xy, none)


@njit(inline="always")
@no_type_check
def towards(view: Float[np.ndarray, " 32"], x: LanesType, y: LanesType, z: LanesType) -> tuple:
    """Unit directions from the camera's centre to points, and one over their distance."""
    x, y, z = x - view[20], y - view[21], z - view[22]
    inverse = 1.0 / root(larger(x * x + y * y + z * z, 1e-30))
    return x * inverse, y * inverse, z * inverse, inverse


@njit(inline="always")
@no_type_check
def shades(
    colours: Float[np.ndarray, " C"], i: int, bands: int, harmonics: Float[np.ndarray, " 128"], like: LanesType
) -> tuple:
    """Red, green and blue, before negative ones are raised to 0, of eight Gaussians from `i` on."""
    red, green, blue = like * 0.0 + 0.5, like * 0.0 + 0.5, like * 0.0 + 0.5
    stride = 3 * bands
    for band in range(bands):
        harmonic, place = load(harmonics, 8 * band), stride * i + 3 * band
        red = red + harmonic * gather(colours, place, stride)
        green = green + harmonic * gather(colours, place + 1, stride)
        blue = blue + harmonic * gather(colours, place + 2, stride)
    return red, green, blue


@njit(inline="always")
@no_type_check
def shades_backward(
    colours: Float[np.ndarray, " C"],
    i: int,
    bands: int,
    harmonics: Float[np.ndarray, " 128"],
    slopes: Float[np.ndarray, " 384"],
    of_red: LanesType,
    of_green: LanesType,
    of_blue: LanesType,
    of_colours: Float[np.ndarray, " C"],
) -> tuple:
    """Writes dL/d coefficients; gives dL/d direction, as if its three numbers were free."""
    of_x, of_y, of_z = of_red * 0.0, of_red * 0.0, of_red * 0.0
    stride = 3 * bands
    for band in range(bands):
        harmonic, place = load(harmonics, 8 * band), stride * i + 3 * band
        scatter(of_colours, place, stride, harmonic * of_red)
        scatter(of_colours, place + 1, stride, harmonic * of_green)
        scatter(of_colours, place + 2, stride, harmonic * of_blue)
        if band:
            red, green = gather(colours, place, stride), gather(colours, place + 1, stride)
            pull = red * of_red + green * of_green + gather(colours, place + 2, stride) * of_blue
            of_x = of_x + pull * load(slopes, 24 * band)
            of_y = of_y + pull * load(slopes, 24 * band + 8)
            of_z = of_z + pull * load(slopes, 24 * band + 16)
    return of_x, of_y, of_z
