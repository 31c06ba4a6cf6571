"""The compiled derivative of the projection of Gaussians, eight at a time."""

from typing import no_type_check

import numpy as np
from jaxtyping import Float32
from numba import njit

from headsmith.splat.kernels_blend import PULL, RECORD
from headsmith.splat.kernels_project import see, slopes, turn
from headsmith.splat.lanes import LanesType, gather, larger, root, scatter, select, smaller

MINUS_HALF, ONE, TWO, ZERO = np.float32(-0.5), np.float32(1), np.float32(2), np.float32(0)


@njit(inline="always")
@no_type_check
def turn_backward(w: LanesType, x: LanesType, y: LanesType, z: LanesType, d: tuple) -> tuple:
    """dL/d unit quaternion from dL/d rotation matrix (nine lanes, row by row)."""
    return (
        TWO * (x * (d[7] - d[5]) + y * (d[2] - d[6]) + z * (d[3] - d[1])),
        TWO * (y * (d[1] + d[3]) + z * (d[2] + d[6]) + w * (d[7] - d[5]) - TWO * x * (d[4] + d[8])),
        TWO * (x * (d[1] + d[3]) + z * (d[5] + d[7]) + w * (d[2] - d[6]) - TWO * y * (d[0] + d[8])),
        TWO * (x * (d[2] + d[6]) + y * (d[5] + d[7]) + w * (d[3] - d[1]) - TWO * z * (d[0] + d[4])),
    )


@njit(inline="always")
@no_type_check
def along(row: tuple, first: int, matrix: tuple, column: int) -> LanesType:
    """Three numbers from `first` on, times a column of a 3x3 matrix kept row by row."""
    return row[first] * matrix[column] + row[first + 1] * matrix[3 + column] + row[first + 2] * matrix[6 + column]


@njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def project_backward(
    means: Float32[np.ndarray, " 3N"],
    scales: Float32[np.ndarray, " 3N"],
    quats: Float32[np.ndarray, " 4N"],
    view: Float32[np.ndarray, " 20"],
    depths: Float32[np.ndarray, " N"],
    records: Float32[np.ndarray, " R"],
    pulls: Float32[np.ndarray, " Q"],
    of_means: Float32[np.ndarray, " 3N"],
    of_scales: Float32[np.ndarray, " 3N"],
    of_quats: Float32[np.ndarray, " 4N"],
    of_opacities: Float32[np.ndarray, " N"],
    of_colours: Float32[np.ndarray, " 3N"],
) -> None:
    """Carries the image plane's gradients back to all Gaussians; at least 8 of them.

    Args:
        means: As in `project`.
        scales: As in `project`.
        quats: As in `project`.
        view: As in `project`.
        depths: Result of `project`.
        records: Result of `project`.
        pulls: Result of `blend_backward`.
        of_means: Filled in: dL/d means.
        of_scales: Filled in: dL/d scales.
        of_quats: Filled in: dL/d quats.
        of_opacities: Filled in: dL/d opacities.
        of_colours: Filled in: dL/d colours.
    """
    count = depths.size
    for start in range(0, count, 8):
        i = min(start, count - 8)
        x, y, z = gather(means, 3 * i, 3), gather(means, 3 * i + 1, 3), gather(means, 3 * i + 2, 3)
        s0, s1, s2 = gather(scales, 3 * i, 3), gather(scales, 3 * i + 1, 3), gather(scales, 3 * i + 2, 3)
        qw, qx = gather(quats, 4 * i, 4), gather(quats, 4 * i + 1, 4)
        qy, qz = gather(quats, 4 * i + 2, 4), gather(quats, 4 * i + 3, 4)
        shown = gather(depths, i, 1) > ZERO
        cx, cy, cz = see(view, x, y, z)
        near = ONE / cz
        unit = ONE / root(qw * qw + qx * qx + qy * qy + qz * qz)
        qw, qx, qy, qz = qw * unit, qx * unit, qy * unit, qz * unit
        r = turn(qw, qx, qy, qz)
        free_across, free_down = cx * near, cy * near
        across, down = larger(smaller(free_across, view[17]), view[16]), larger(smaller(free_down, view[19]), view[18])
        k = slopes(view, across, down, near)
        h0, h1, h2 = along(k, 0, r, 0), along(k, 0, r, 1), along(k, 0, r, 2)
        l0, l1, l2 = along(k, 3, r, 0), along(k, 3, r, 1), along(k, 3, r, 2)
        # The conic Q is the inverse of the covariance: dL/d covariance = -Q (dL/dQ) Q.
        a, b, c = (
            gather(records, RECORD * i + 2, RECORD),
            gather(records, RECORD * i + 3, RECORD),
            gather(records, RECORD * i + 4, RECORD),
        )
        # sigma = (A dx dx + C dy dy) / 2 + B dx dy, with dx and dy from the centre.
        of_a, of_c = gather(pulls, PULL * i + 3, PULL) * MINUS_HALF, gather(pulls, PULL * i + 5, PULL) * MINUS_HALF
        of_b = gather(pulls, PULL * i + 4, PULL) * MINUS_HALF
        moment_x, moment_y = gather(pulls, PULL * i + 1, PULL), gather(pulls, PULL * i + 2, PULL)
        of_column, of_row = a * moment_x + b * moment_y, b * moment_x + c * moment_y
        u, v = of_a * a + of_b * b, of_a * b + of_b * c
        s, t = of_b * a + of_c * b, of_b * b + of_c * c
        of_wide, of_mixed, of_high = ZERO - (a * u + b * s), ZERO - (a * v + b * t), ZERO - (b * v + c * t)
        p0, p1, p2, q0, q1, q2 = h0 * s0, h1 * s1, h2 * s2, l0 * s0, l1 * s1, l2 * s2
        f0, g0 = TWO * (of_wide * p0 + of_mixed * q0), TWO * (of_mixed * p0 + of_high * q0)
        f1, g1 = TWO * (of_wide * p1 + of_mixed * q1), TWO * (of_mixed * p1 + of_high * q1)
        f2, g2 = TWO * (of_wide * p2 + of_mixed * q2), TWO * (of_mixed * p2 + of_high * q2)
        scatter(of_scales, 3 * i, 3, select(shown, f0 * h0 + g0 * l0, ZERO))
        scatter(of_scales, 3 * i + 1, 3, select(shown, f1 * h1 + g1 * l1, ZERO))
        scatter(of_scales, 3 * i + 2, 3, select(shown, f2 * h2 + g2 * l2, ZERO))
        f0, f1, f2, g0, g1, g2 = f0 * s0, f1 * s1, f2 * s2, g0 * s0, g1 * s1, g2 * s2
        of_turn = (
            k[0] * f0 + k[3] * g0, k[0] * f1 + k[3] * g1, k[0] * f2 + k[3] * g2,
            k[1] * f0 + k[4] * g0, k[1] * f1 + k[4] * g1, k[1] * f2 + k[4] * g2,
            k[2] * f0 + k[5] * g0, k[2] * f1 + k[5] * g1, k[2] * f2 + k[5] * g2,
        )  # fmt: skip
        of_w, of_x, of_y, of_z = turn_backward(qw, qx, qy, qz, of_turn)
        radial = qw * of_w + qx * of_x + qy * of_y + qz * of_z
        scatter(of_quats, 4 * i, 4, select(shown, (of_w - qw * radial) * unit, ZERO))
        scatter(of_quats, 4 * i + 1, 4, select(shown, (of_x - qx * radial) * unit, ZERO))
        scatter(of_quats, 4 * i + 2, 4, select(shown, (of_y - qy * radial) * unit, ZERO))
        scatter(of_quats, 4 * i + 3, 4, select(shown, (of_z - qz * radial) * unit, ZERO))
        # dL/dJ: J has four entries, (fx near, -fx near across) in the first row, (fy near, -fy near down) in the second.
        m0, m1, m2 = r[0] * f0 + r[1] * f1 + r[2] * f2, r[3] * f0 + r[4] * f1 + r[5] * f2, r[6] * f0 + r[7] * f1 + r[8] * f2
        n0, n1, n2 = r[0] * g0 + r[1] * g1 + r[2] * g2, r[3] * g0 + r[4] * g1 + r[5] * g2, r[6] * g0 + r[7] * g1 + r[8] * g2
        fx, fy = view[12], view[13]
        of_right, of_aside = m0 * view[0] + m1 * view[1] + m2 * view[2], m0 * view[6] + m1 * view[7] + m2 * view[8]
        of_low, of_below = n0 * view[3] + n1 * view[4] + n2 * view[5], n0 * view[6] + n1 * view[7] + n2 * view[8]
        of_near = fx * (of_right - across * of_aside) + fy * (of_low - down * of_below)
        within_x, within_y = (
            (free_across >= view[16]) & (free_across <= view[17]),
            (free_down >= view[18]) & (free_down <= view[19]),
        )
        of_across = fx * (of_column - select(within_x, near * of_aside, ZERO))
        of_down = fy * (of_row - select(within_y, near * of_below, ZERO))
        # across = cx near, down = cy near, near = 1 / cz
        of_cx, of_cy = of_across * near, of_down * near
        of_cz = ZERO - near * (of_cx * cx + of_cy * cy + near * of_near)
        scatter(of_means, 3 * i, 3, select(shown, view[0] * of_cx + view[3] * of_cy + view[6] * of_cz, ZERO))
        scatter(of_means, 3 * i + 1, 3, select(shown, view[1] * of_cx + view[4] * of_cy + view[7] * of_cz, ZERO))
        scatter(of_means, 3 * i + 2, 3, select(shown, view[2] * of_cx + view[5] * of_cy + view[8] * of_cz, ZERO))
        opacity = larger(gather(records, RECORD * i + 5, RECORD), np.float32(1e-30))
        scatter(of_opacities, i, 1, gather(pulls, PULL * i, PULL) / opacity)
        scatter(of_colours, 3 * i, 3, gather(pulls, PULL * i + 6, PULL))
        scatter(of_colours, 3 * i + 1, 3, gather(pulls, PULL * i + 7, PULL))
        scatter(of_colours, 3 * i + 2, 3, gather(pulls, PULL * i + 8, PULL))
