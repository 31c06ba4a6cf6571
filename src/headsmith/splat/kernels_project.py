"""The compiled loops that project Gaussians onto the image plane, eight at a time, and their derivative.

Elliptical weighted average: the covariance R S S R^T of a Gaussian is carried to the image by the Jacobian J of the projection
at its centre, J W R S S R^T W^T J^T, plus 0.3 on the diagonal (Zwicker et al., "EWA Volume Splatting", 2001; Kerbl et al.,
"3D Gaussian Splatting", 2023, section 4). As in gsplat 1.5.3 (`Utils.cuh`, `persp_proj`), J is taken no further out than 0.3
tan(half the field of view) beyond the image's edge, and Gaussians nearer than 0.01 are left out.
"""

from typing import no_type_check

import numpy as np
from jaxtyping import Float, Int32
from numba import njit

from headsmith.splat.kernels_blend import RECORD
from headsmith.splat.kernels_geometry import crossed, see, slopes, turn
from headsmith.splat.kernels_harmonics import MOST, put_harmonics, shades, towards
from headsmith.splat.lanes import LanesType, any_lane, ceiling, floor, larger, magnitude, root, select, smaller
from headsmith.splat.lanes_memory import gather, scatter
from headsmith.splat.lanes_power import exponent, mantissa

NEAR, BLUR = 0.01, 0.3
HALF, ONE, ZERO = 0.5, 1.0, 0.0
LARGEST = 3.4e38
ROUNDING = 1e-3  # pixels that a box is wider than its contour
VIEW = 32
"""Numbers in a view: rotation W (9), translation (3), focal (2), principal (2), least and most x/z, least and most y/z, centre
(3), cross products of W's second and third row, third and first, first and second (9)."""


@njit(inline="always")
@no_type_check
def octaves(value: LanesType) -> LanesType:
    """The logarithm to base 2 of numbers from 1, never too small and at most 4e-4 too large."""
    fraction = mantissa(value)
    z = (fraction - ONE) / (fraction + ONE)
    square = z * z
    series = z * (2.8853901 + square * (0.9617967 + square * 0.5770780))
    return exponent(value) + series + 3e-4


@njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def project(
    means: Float[np.ndarray, " 3N"],
    scales: Float[np.ndarray, " 3N"],
    quats: Float[np.ndarray, " 4N"],
    opacities: Float[np.ndarray, " N"],
    colours: Float[np.ndarray, " C"],
    bands: int,
    view: Float[np.ndarray, " 32"],
    width: int,
    height: int,
    first: int,
    last: int,
    records: Float[np.ndarray, " R"],
    boxes: Int32[np.ndarray, " B"],
    depths: Float[np.ndarray, " N"],
) -> bool:
    """Projects Gaussians `first` to `last` (excluded) of at least 8, eight at a time: some of the next, or the last 8 anew.

    Args:
        means: Centres in the world, metres.
        scales: Standard deviations along the own axes, metres.
        quats: Rotations of the own axes, wxyz, of any length but 0.
        opacities: 0 to 1.
        colours: Red, green, blue; or coefficients of harmonics, 3 of each.
        bands: 0 for colours; else 1, 4, 9 or 16 harmonics.
        view: See `VIEW`.
        width: Pixels in a row.
        height: Rows.
        first: First Gaussian.
        last: One past the last Gaussian.
        records: Filled in, see `blend`.
        boxes: Filled in, see `blend`.
        depths: Filled in: distance along the viewing direction; 0 where a Gaussian shows nowhere.

    Returns:
        Whether all numbers are finite, no quaternion is 0 and no covariance overflows.
    """
    count = opacities.size
    harmonics = np.empty(8 * MOST, records.dtype)
    sound = True
    for start in range(first, last, 8):
        i = min(start, count - 8)
        x, y, z = gather(means, 3 * i, 3), gather(means, 3 * i + 1, 3), gather(means, 3 * i + 2, 3)
        s0, s1, s2 = gather(scales, 3 * i, 3), gather(scales, 3 * i + 1, 3), gather(scales, 3 * i + 2, 3)
        qw, qx = gather(quats, 4 * i, 4), gather(quats, 4 * i + 1, 4)
        qy, qz = gather(quats, 4 * i + 2, 4), gather(quats, 4 * i + 3, 4)
        if bands:
            east, south, ahead, _ = towards(view, x, y, z)
            put_harmonics(harmonics, bands, east, south, ahead)
            red, green, blue = shades(colours, i, bands, harmonics, x)
        else:
            red, green, blue = gather(colours, 3 * i, 3), gather(colours, 3 * i + 1, 3), gather(colours, 3 * i + 2, 3)
        opacity = gather(opacities, i, 1)
        length = qw * qw + qx * qx + qy * qy + qz * qz
        everything = x + y + z + s0 + s1 + s2 + opacity + red + green + blue
        cx, cy, cz = see(view, x, y, z)
        near = ONE / cz
        unit = ONE / root(length)
        r = turn(qw * unit, qx * unit, qy * unit, qz * unit)
        across = larger(smaller(cx * near, view[17]), view[16])
        down = larger(smaller(cy * near, view[19]), view[18])
        k = slopes(view, across, down, near)
        p0, p1, p2 = (
            (k[0] * r[0] + k[1] * r[3] + k[2] * r[6]) * s0,
            (k[0] * r[1] + k[1] * r[4] + k[2] * r[7]) * s1,
            (k[0] * r[2] + k[1] * r[5] + k[2] * r[8]) * s2,
        )
        q0, q1, q2 = (
            (k[3] * r[0] + k[4] * r[3] + k[5] * r[6]) * s0,
            (k[3] * r[1] + k[4] * r[4] + k[5] * r[7]) * s1,
            (k[3] * r[2] + k[4] * r[5] + k[5] * r[8]) * s2,
        )
        wide, high, mixed = p0 * p0 + p1 * p1 + p2 * p2, q0 * q0 + q1 * q1 + q2 * q2, p0 * q0 + p1 * q1 + p2 * q2
        n0, n1, n2 = crossed(view, across, down, near, r, s0, s1, s2)
        # Lagrange's identity: |p|^2 |q|^2 - (p.q)^2 = |p x q|^2, so the determinant loses no digits and is never below 0.09.
        area = n0 * n0 + n1 * n1 + n2 * n2 + BLUR * (wide + high) + BLUR * BLUR
        wide, high = wide + BLUR, high + BLUR
        column, row = view[12] * (cx * near) + view[14], view[13] * (cy * near) + view[15]
        reach = (2 * np.log(2)) * octaves(opacity * 255.0)
        side, rise = root(reach * wide) + ROUNDING, root(reach * high) + ROUNDING
        left, right = clamp(ceiling(column - side - HALF), width), clamp(floor(column + side + HALF), width)
        top, bottom = clamp(ceiling(row - rise - HALF), height), clamp(floor(row + rise + HALF), height)
        in_front = (cz > NEAR) & (opacity * 255.0 >= ONE)
        shown = in_front & (left < right) & (top < bottom)
        scatter(depths, i, 1, select(shown, cz, ZERO))
        scatter(boxes, 4 * i, 4, left)
        scatter(boxes, 4 * i + 1, 4, right)
        scatter(boxes, 4 * i + 2, 4, top)
        scatter(boxes, 4 * i + 3, 4, bottom)
        scatter(records, RECORD * i, RECORD, column)
        scatter(records, RECORD * i + 1, RECORD, row)
        scatter(records, RECORD * i + 2, RECORD, high / area)
        scatter(records, RECORD * i + 3, RECORD, (ZERO - mixed) / high)
        scatter(records, RECORD * i + 4, RECORD, ONE / high)
        scatter(records, RECORD * i + 5, RECORD, opacity)
        if bands:
            red, green, blue = larger(red, ZERO), larger(green, ZERO), larger(blue, ZERO)
        scatter(records, RECORD * i + 6, RECORD, red)
        scatter(records, RECORD * i + 7, RECORD, green)
        scatter(records, RECORD * i + 8, RECORD, blue)
        finite = select((magnitude(everything) <= LARGEST) & (length > ZERO) & (length <= LARGEST), ZERO, ONE)
        sound = (
            sound
            and not any_lane(finite > ZERO)
            and not any_lane(select(in_front, select(area <= LARGEST, ZERO, ONE), ZERO) > ZERO)
        )
    return sound


@njit(inline="always")
@no_type_check
def clamp(value: LanesType, limit: int) -> LanesType:
    """Brings pixel positions into 0 to limit; what is no number becomes 0."""
    return smaller(larger(value, ZERO), float(limit))
