"""Differences in time of vectors and rotations, with exact derivatives.

Rotations change by small turns on the left, ``R <- R(d) R``, so that turns of neighbouring frames are in the same axes.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from headsmith.maths.rotations import inverse_left_jacobian, matrix_to_axis_angle


def second_differences(values: Float[Tensor, "T *n"]) -> Float[Tensor, "U *n"]:
    """Return ``x[t + 2] - 2 x[t + 1] + x[t]``; nothing for fewer than three frames."""
    return values[2:] - 2 * values[1:-1] + values[:-2]


def turns_between(rotations: Float[Tensor, "T 3 3"]) -> Float[Tensor, "U 3"]:
    """Return the axis-angle ``v[t]`` with ``R[t + 1] = R(v[t]) R[t]``, radians."""
    return matrix_to_axis_angle(rotations[1:] @ rotations[:-1].mT)


def turn_accelerations(rotations: Float[Tensor, "T 3 3"]) -> Float[Tensor, "U 3"]:
    """Return the changes of the turn from one pair of frames to the next, radians; nothing for fewer than three frames."""
    turns = turns_between(rotations)
    return turns[1:] - turns[:-1]


def turn_acceleration_jacobians(rotations: Float[Tensor, "T 3 3"]) -> tuple[Tensor, Tensor, Tensor]:
    """Return the derivatives ``(T - 2, 3, 3)`` of ``turn_accelerations`` by small turns of frames t, t + 1 and t + 2.

    ``log(R(d') R(v) R(-d)) = v + J^-1(v) d' - J^-1(v)' d`` to first order, J the left Jacobian (Sola et al., eq. 146).
    """
    inverse = inverse_left_jacobian(turns_between(rotations))
    earlier, later = inverse[:-1], inverse[1:]
    return earlier.mT, -(earlier + later.mT), later


def bridge(values: Float[Tensor, "T *n"], known: Tensor) -> Float[Tensor, "T *n"]:
    """Return values with those of unknown frames drawn straight between their known neighbours (held at the ends).

    Args:
        values: One entry a frame; entries of unknown frames are ignored.
        known: Whether each frame is known ``(T)``; at least one must be.
    """
    times = torch.arange(len(values), dtype=torch.float64)
    places = times[known]
    after = torch.searchsorted(places, times).clamp(max=len(places) - 1)
    before = (after - 1).clamp(min=0)
    gap = (places[after] - places[before]).clamp(min=1)
    share = ((times - places[before]) / gap).clamp(0, 1).to(values.dtype)
    share = torch.where(after == before, torch.zeros_like(share), share).reshape(-1, *[1] * (values.ndim - 1))
    solid = values[known]
    return solid[before] * (1 - share) + solid[after] * share
