"""The compiled loops that project Gaussians onto the image plane, eight at a time, and their derivative.

Elliptical weighted average: the covariance R S S R^T of a Gaussian is carried to the image by the Jacobian J of the projection
at its centre, J W R S S R^T W^T J^T, plus 0.3 on the diagonal (Zwicker et al., "EWA Volume Splatting", 2001; Kerbl et al.,
"3D Gaussian Splatting", 2023, section 4). As in gsplat 1.5.3 (`Utils.cuh`, `persp_proj`), J is taken no further out than 0.3
tan(half the field of view) beyond the image's edge, and Gaussians nearer than 0.01 are left out.
"""

from typing import no_type_check

import numpy as np
from jaxtyping import Float32, Int32
from numba import njit

from headsmith.splat.kernels_blend import RECORD
from headsmith.splat.lanes import (
    LanesType,
    any_lane,
    ceiling,
    exponent,
    floor,
    gather,
    larger,
    magnitude,
    mantissa,
    root,
    scatter,
    select,
    smaller,
)

NEAR, BLUR, MARGIN = np.float32(0.01), np.float32(0.3), np.float32(0.3)
HALF, ONE, TWO, ZERO = np.float32(0.5), np.float32(1), np.float32(2), np.float32(0)
LARGEST = np.float32(3.4e38)
VIEW = 20  # numbers in a view: rotation (9), translation (3), focal (2), principal (2), least and most x/z, least and most y/z


@njit(inline="always")
@no_type_check
def turn(w: LanesType, x: LanesType, y: LanesType, z: LanesType) -> tuple:
    """The rotation matrix of a unit quaternion, row by row."""
    return (
        ONE - TWO * (y * y + z * z),
        TWO * (x * y - w * z),
        TWO * (x * z + w * y),
        TWO * (x * y + w * z),
        ONE - TWO * (x * x + z * z),
        TWO * (y * z - w * x),
        TWO * (x * z - w * y),
        TWO * (y * z + w * x),
        ONE - TWO * (x * x + y * y),
    )


@njit(inline="always")
@no_type_check
def see(view: Float32[np.ndarray, " 20"], x: LanesType, y: LanesType, z: LanesType) -> tuple:
    """Points in the camera's axes."""
    return (
        view[0] * x + view[1] * y + view[2] * z + view[9],
        view[3] * x + view[4] * y + view[5] * z + view[10],
        view[6] * x + view[7] * y + view[8] * z + view[11],
    )


@njit(inline="always")
@no_type_check
def slopes(view: Float32[np.ndarray, " 20"], across: LanesType, down: LanesType, near: LanesType) -> tuple:
    """J W, two rows of three, of points at (across, down) of z = 1, `near` being 1/z."""
    right, low = near * view[12], near * view[13]
    aside, below = right * across, low * down
    return (
        right * view[0] - aside * view[6],
        right * view[1] - aside * view[7],
        right * view[2] - aside * view[8],
        low * view[3] - below * view[6],
        low * view[4] - below * view[7],
        low * view[5] - below * view[8],
    )


@njit(inline="always")
@no_type_check
def octaves(value: LanesType) -> LanesType:
    """The logarithm to base 2 of numbers from 1, never too small and at most 4e-4 too large."""
    fraction = mantissa(value)
    z = (fraction - ONE) / (fraction + ONE)
    square = z * z
    series = z * (np.float32(2.8853901) + square * (np.float32(0.9617967) + square * np.float32(0.5770780)))
    return exponent(value) + series + np.float32(3e-4)


@njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def project(
    means: Float32[np.ndarray, " 3N"],
    scales: Float32[np.ndarray, " 3N"],
    quats: Float32[np.ndarray, " 4N"],
    opacities: Float32[np.ndarray, " N"],
    colours: Float32[np.ndarray, " 3N"],
    view: Float32[np.ndarray, " 20"],
    width: int,
    height: int,
    records: Float32[np.ndarray, " R"],
    boxes: Int32[np.ndarray, " B"],
    depths: Float32[np.ndarray, " N"],
) -> bool:
    """Projects all Gaussians; at least 8 of them.

    Args:
        means: Centres in the world, metres.
        scales: Standard deviations along the own axes, metres.
        quats: Rotations of the own axes, wxyz, of any length but 0.
        opacities: 0 to 1.
        colours: Red, green, blue.
        view: See `VIEW`.
        width: Pixels in a row.
        height: Rows.
        records: Filled in, see `blend`.
        boxes: Filled in, see `blend`.
        depths: Filled in: distance along the viewing direction; 0 where a Gaussian shows nowhere.

    Returns:
        Whether all numbers are finite, no quaternion is 0 and no covariance overflows.
    """
    count = opacities.size
    sound = True
    for start in range(0, count, 8):
        i = min(start, count - 8)
        x, y, z = gather(means, 3 * i, 3), gather(means, 3 * i + 1, 3), gather(means, 3 * i + 2, 3)
        s0, s1, s2 = gather(scales, 3 * i, 3), gather(scales, 3 * i + 1, 3), gather(scales, 3 * i + 2, 3)
        qw, qx, qy, qz = (
            gather(quats, 4 * i, 4),
            gather(quats, 4 * i + 1, 4),
            gather(quats, 4 * i + 2, 4),
            gather(quats, 4 * i + 3, 4),
        )
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
        n0, n1, n2 = p1 * q2 - p2 * q1, p2 * q0 - p0 * q2, p0 * q1 - p1 * q0
        # Lagrange's identity: |p|^2 |q|^2 - (p.q)^2 = |p x q|^2, so the determinant loses no digits and is never below 0.09.
        area = n0 * n0 + n1 * n1 + n2 * n2 + BLUR * (wide + high) + BLUR * BLUR
        wide, high = wide + BLUR, high + BLUR
        inverse = ONE / area
        column, row = view[12] * (cx * near) + view[14], view[13] * (cy * near) + view[15]
        reach = np.float32(2 * np.log(2)) * octaves(opacity * np.float32(255))
        side, rise = root(reach * wide) + np.float32(1e-3), root(reach * high) + np.float32(1e-3)
        left, right = clamp(ceiling(column - side - HALF), width), clamp(floor(column + side + HALF), width)
        top, bottom = clamp(ceiling(row - rise - HALF), height), clamp(floor(row + rise + HALF), height)
        in_front = (cz > NEAR) & (opacity * np.float32(255) >= ONE)
        shown = in_front & (left < right) & (top < bottom)
        scatter(depths, i, 1, select(shown, cz, ZERO))
        scatter(boxes, 4 * i, 4, left)
        scatter(boxes, 4 * i + 1, 4, right)
        scatter(boxes, 4 * i + 2, 4, top)
        scatter(boxes, 4 * i + 3, 4, bottom)
        scatter(records, RECORD * i, RECORD, column)
        scatter(records, RECORD * i + 1, RECORD, row)
        scatter(records, RECORD * i + 2, RECORD, high * inverse)
        scatter(records, RECORD * i + 3, RECORD, ZERO - mixed * inverse)
        scatter(records, RECORD * i + 4, RECORD, wide * inverse)
        scatter(records, RECORD * i + 5, RECORD, opacity)
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
    return smaller(larger(value, ZERO), np.float32(limit))
