"""The compiled geometry of eight Gaussians that a projection and its derivative share."""

from typing import no_type_check

import numpy as np
from jaxtyping import Float
from numba import njit

from headsmith.splat.lanes import LanesType

ONE, TWO = 1.0, 2.0


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
def see(view: Float[np.ndarray, " 32"], x: LanesType, y: LanesType, z: LanesType) -> tuple:
    """Points in the camera's axes."""
    return (
        view[0] * x + view[1] * y + view[2] * z + view[9],
        view[3] * x + view[4] * y + view[5] * z + view[10],
        view[6] * x + view[7] * y + view[8] * z + view[11],
    )


@njit(inline="always")
@no_type_check
def slopes(view: Float[np.ndarray, " 32"], across: LanesType, down: LanesType, near: LanesType) -> tuple:
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
def crossed(
    view: Float[np.ndarray, " 32"],
    across: LanesType,
    down: LanesType,
    near: LanesType,
    r: tuple,
    s0: LanesType,
    s1: LanesType,
    s2: LanesType,
) -> tuple:
    """The cross product of the two rows of J W R S, by W's and R's cofactors: near-alike rows would lose digits."""
    scale = near * near * (view[12] * view[13])
    x = scale * (view[29] + down * view[26] + across * view[23])
    y = scale * (view[30] + down * view[27] + across * view[24])
    z = scale * (view[31] + down * view[28] + across * view[25])
    return (
        s1 * s2 * (r[0] * x + r[3] * y + r[6] * z),
        s0 * s2 * (r[1] * x + r[4] * y + r[7] * z),
        s0 * s1 * (r[2] * x + r[5] * y + r[8] * z),
    )


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
