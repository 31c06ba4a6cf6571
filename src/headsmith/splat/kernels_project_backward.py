"""The compiled derivative of the projection of Gaussians, eight at a time."""

from typing import no_type_check

import numpy as np
from jaxtyping import Float
from numba import njit

from headsmith.splat.kernels_blend import RECORD
from headsmith.splat.kernels_blend_backward import PULL
from headsmith.splat.kernels_geometry import along, crossed, see, slopes, turn, turn_backward
from headsmith.splat.kernels_harmonics import MOST, put_harmonics, put_slopes, shades_backward, towards
from headsmith.splat.kernels_project import BLUR
from headsmith.splat.lanes import larger, root, select, smaller
from headsmith.splat.lanes_memory import gather, scatter

ONE, ZERO = 1.0, 0.0


@njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def project_backward(
    means: Float[np.ndarray, " 3N"],
    scales: Float[np.ndarray, " 3N"],
    quats: Float[np.ndarray, " 4N"],
    colours: Float[np.ndarray, " C"],
    bands: int,
    view: Float[np.ndarray, " 32"],
    depths: Float[np.ndarray, " N"],
    records: Float[np.ndarray, " R"],
    pulls: Float[np.ndarray, " Q"],
    first: int,
    last: int,
    of_means: Float[np.ndarray, " 3N"],
    of_scales: Float[np.ndarray, " 3N"],
    of_quats: Float[np.ndarray, " 4N"],
    of_opacities: Float[np.ndarray, " N"],
    of_colours: Float[np.ndarray, " C"],
) -> None:
    """Carries the image plane's gradients back to Gaussians `first` to `last` (excluded) of at least 8, as in `project`.

    Args:
        means: As in `project`.
        scales: As in `project`.
        quats: As in `project`.
        colours: As in `project`.
        bands: As in `project`.
        view: As in `project`.
        depths: Result of `project`.
        records: Result of `project`.
        pulls: Result of `blend_backward`.
        first: As in `project`.
        last: As in `project`.
        of_means: Filled in: dL/d means.
        of_scales: Filled in: dL/d scales.
        of_quats: Filled in: dL/d quats.
        of_opacities: Filled in: dL/d opacities.
        of_colours: Filled in: dL/d colours.
    """
    count = depths.size
    harmonics, along_directions = np.empty(8 * MOST, records.dtype), np.empty(24 * MOST, records.dtype)
    for start in range(first, last, 8):
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
        # sigma = (A u u + C dy dy) / 2, with u = dx + m dy and dx, dy from the centre.
        a, lean = gather(records, RECORD * i + 2, RECORD), gather(records, RECORD * i + 3, RECORD)
        c = gather(records, RECORD * i + 4, RECORD)
        of_column = a * gather(pulls, PULL * i + 1, PULL)
        of_row = lean * of_column + c * gather(pulls, PULL * i + 2, PULL)
        # In u and y the covariance is diagonal, 1/A and 1/C, and dL/d covariance = -Q (dL/dQ) Q for its inverse Q. Twice that:
        uu, uy = a * a * gather(pulls, PULL * i + 3, PULL), a * c * gather(pulls, PULL * i + 4, PULL)
        yy = c * c * gather(pulls, PULL * i + 5, PULL)
        p0, p1, p2, q0, q1, q2 = h0 * s0, h1 * s1, h2 * s2, l0 * s0, l1 * s1, l2 * s2
        # u's row p + m q without a difference of near equals: (q x (p x q) + 0.3 p) C.
        n0, n1, n2 = crossed(view, across, down, near, r, s0, s1, s2)
        u0, u1 = c * (q1 * n2 - q2 * n1 + BLUR * p0), c * (q2 * n0 - q0 * n2 + BLUR * p1)
        u2 = c * (q0 * n1 - q1 * n0 + BLUR * p2)
        f0, f1, f2 = uu * u0 + uy * q0, uu * u1 + uy * q1, uu * u2 + uy * q2
        g0, g1, g2 = lean * f0 + uy * u0 + yy * q0, lean * f1 + uy * u1 + yy * q1, lean * f2 + uy * u2 + yy * q2
        scatter(of_scales, 3 * i, 3, select(shown, f0 * h0 + g0 * l0, ZERO))
        scatter(of_scales, 3 * i + 1, 3, select(shown, f1 * h1 + g1 * l1, ZERO))
        scatter(of_scales, 3 * i + 2, 3, select(shown, f2 * h2 + g2 * l2, ZERO))
        f0, f1, f2, g0, g1, g2 = f0 * s0, f1 * s1, f2 * s2, g0 * s0, g1 * s1, g2 * s2
        of_turn = (
            k[0] * f0 + k[3] * g0, k[0] * f1 + k[3] * g1, k[0] * f2 + k[3] * g2,
            k[1] * f0 + k[4] * g0, k[1] * f1 + k[4] * g1, k[1] * f2 + k[4] * g2,
            k[2] * f0 + k[5] * g0, k[2] * f1 + k[5] * g1, k[2] * f2 + k[5] * g2,
        )  # fmt: skip
        of_qw, of_qx, of_qy, of_qz = turn_backward(qw, qx, qy, qz, of_turn)
        radial = qw * of_qw + qx * of_qx + qy * of_qy + qz * of_qz
        scatter(of_quats, 4 * i, 4, select(shown, (of_qw - qw * radial) * unit, ZERO))
        scatter(of_quats, 4 * i + 1, 4, select(shown, (of_qx - qx * radial) * unit, ZERO))
        scatter(of_quats, 4 * i + 2, 4, select(shown, (of_qy - qy * radial) * unit, ZERO))
        scatter(of_quats, 4 * i + 3, 4, select(shown, (of_qz - qz * radial) * unit, ZERO))
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
        of_x = view[0] * of_cx + view[3] * of_cy + view[6] * of_cz
        of_y = view[1] * of_cx + view[4] * of_cy + view[7] * of_cz
        of_z = view[2] * of_cx + view[5] * of_cy + view[8] * of_cz
        of_red, of_green = gather(pulls, PULL * i + 6, PULL), gather(pulls, PULL * i + 7, PULL)
        of_blue = gather(pulls, PULL * i + 8, PULL)
        if bands:
            of_red = select(gather(records, RECORD * i + 6, RECORD) > ZERO, of_red, ZERO)
            of_green = select(gather(records, RECORD * i + 7, RECORD) > ZERO, of_green, ZERO)
            of_blue = select(gather(records, RECORD * i + 8, RECORD) > ZERO, of_blue, ZERO)
            east, south, ahead, closeness = towards(view, x, y, z)
            put_harmonics(harmonics, bands, east, south, ahead)
            put_slopes(along_directions, bands, east, south, ahead)
            pull_x, pull_y, pull_z = shades_backward(
                colours, i, bands, harmonics, along_directions, of_red, of_green, of_blue, of_colours
            )
            # A unit direction d of length r turns by (1 - d d^T) / r of a point's step.
            outwards = pull_x * east + pull_y * south + pull_z * ahead
            of_x = of_x + closeness * (pull_x - outwards * east)
            of_y = of_y + closeness * (pull_y - outwards * south)
            of_z = of_z + closeness * (pull_z - outwards * ahead)
        else:
            scatter(of_colours, 3 * i, 3, of_red)
            scatter(of_colours, 3 * i + 1, 3, of_green)
            scatter(of_colours, 3 * i + 2, 3, of_blue)
        scatter(of_means, 3 * i, 3, select(shown, of_x, ZERO))
        scatter(of_means, 3 * i + 1, 3, select(shown, of_y, ZERO))
        scatter(of_means, 3 * i + 2, 3, select(shown, of_z, ZERO))
        opacity = larger(gather(records, RECORD * i + 5, RECORD), 1e-30)
        scatter(of_opacities, i, 1, gather(pulls, PULL * i, PULL) / opacity)
