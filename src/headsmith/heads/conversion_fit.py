"""The fits of a head to points of another: a person at rest, then that person's frames; Gauss-Newton with a ridge."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from headsmith.heads.conversion_equations import HeadState, normal_equations
from headsmith.heads.conversion_sums import SQUARE_MILLIMETRES, PersonSums
from headsmith.heads.landmark_model import LandmarkModel
from headsmith.maths.rotations import axis_angle_to_matrix, skew

ANGLE_DEVIATION, LID_DEVIATION = 0.1, 0.2
"""How far, in radians and shares of closing, joints and lids go from where they were on the first head for a unit of ridge."""
LID_RANGE = (0.0, 1.0)
MOST_STEPS, SETTLED = 30, 1e-6
"""Steps of a fit, and the largest change of a code, radian or metre at which it ends."""
DAMPING = 1e-9
"""Square millimetres added so that codes which move nothing stay; it slows the fit, and does not move where it ends."""


def fit_person(
    model: LandmarkModel, given: Float[Tensor, "L 3"], weights: Float[Tensor, " L"], ridge: float
) -> tuple[Float[Tensor, " K"], Float[Tensor, "3 3"], Float[Tensor, "3"]]:
    """Return the identity codes of a person at rest, and the rigid motion from the model's frame into that of ``given``.

    Gauss-Newton in the model's frame, where the identity basis, and so its part of the matrix, stays as it is.
    """
    base, basis = _at_rest(model)
    loaded = SQUARE_MILLIMETRES * weights[:, None] * basis
    count = len(basis)
    matrix = basis.new_zeros(count + 6, count + 6)
    matrix[:count, :count] = loaded.flatten(1) @ basis.flatten(1).mT
    prior = torch.cat([torch.full((count,), ridge, dtype=basis.dtype), basis.new_zeros(6)])
    identity, turn, shift = basis.new_zeros(count), torch.eye(3, dtype=basis.dtype), basis.new_zeros(3)
    for _ in range(MOST_STEPS):
        own = (given - shift) @ turn
        miss = base + torch.tensordot(identity, basis, 1) - own
        rigid = torch.cat([-skew(own), torch.eye(3, dtype=basis.dtype).expand(len(own), 3, 3)], 2)
        weighed = SQUARE_MILLIMETRES * weights[:, None, None] * rigid
        matrix[:count, count:] = torch.einsum("kna,nar->kr", basis, weighed)
        matrix[count:, :count] = matrix[:count, count:].mT
        matrix[count:, count:] = torch.einsum("nar,nas->rs", rigid, weighed)
        slope = torch.cat([torch.einsum("kna,na->k", loaded, miss), torch.einsum("nar,na->r", weighed, miss)])
        slope[:count] += ridge * identity
        step = -torch.linalg.solve(matrix + torch.diag(prior + DAMPING), slope)
        identity = identity + step[:count]
        shift = shift + turn @ step[count + 3 :]
        turn = turn @ axis_angle_to_matrix(step[count : count + 3])
        if step.abs().max() < SETTLED:
            break
    return identity, turn, shift


def fit_frames(sums: PersonSums, points: Float[Tensor, "B L 3"], start: HeadState, ridge: float) -> HeadState:
    """Return the frames that meet given points best, lids kept in 0..1.

    Expression is drawn to zero by the ridge; joints and lids mean the same on all heads, so they are drawn to where they start.
    """
    moments, mean = sums.moments(points), torch.einsum("n,bna->ba", sums.weights, points)
    expression = start.linear.shape[1] - 2
    deviations = [torch.ones(expression), torch.full((2,), LID_DEVIATION), torch.full((9,), ANGLE_DEVIATION)]
    prior = torch.cat([ridge / torch.cat(deviations).to(points) ** 2, points.new_zeros(6)])
    home = torch.cat([torch.zeros_like(start.linear[:, :-2]), start.linear[:, -2:], start.angles.flatten(1)], 1)
    state = start
    for _ in range(MOST_STEPS):
        matrix, slope = normal_equations(sums, state, moments, mean)
        away = torch.cat([state.linear, state.angles.flatten(1)], 1) - home
        slope = slope + prior * torch.nn.functional.pad(away, (0, 6))
        step = _bounded_step(matrix + torch.diag(prior + DAMPING), slope, state.linear[:, -2:], expression)
        state = state.moved(step)
        if step.abs().max() < SETTLED:
            break
    return state


def _bounded_step(
    matrix: Float[Tensor, "B U U"], slope: Float[Tensor, "B U"], lids: Float[Tensor, "B 2"], first: int
) -> Float[Tensor, "B U"]:
    """Return the step downhill; a lid at an end of its range that would go beyond stays there, and the others know."""
    low, high = LID_RANGE
    toward = slope[:, first : first + 2]
    stuck = torch.zeros_like(slope, dtype=torch.bool)
    stuck[:, first : first + 2] = ((lids <= low) & (toward > 0)) | ((lids >= high) & (toward < 0))
    step = _free_step(matrix, slope, stuck)
    inside = (lids + step[:, first : first + 2]).clamp(low, high) - lids
    return torch.cat([step[:, :first], inside, step[:, first + 2 :]], 1)


def _free_step(matrix: Float[Tensor, "B U U"], slope: Float[Tensor, "B U"], stuck: Bool[Tensor, "B U"]) -> Float[Tensor, "B U"]:
    free = (~stuck).to(matrix)
    held = matrix * free[:, :, None] * free[:, None] + torch.diag_embed(1 - free)
    return -torch.linalg.solve(held, slope * free)


def _at_rest(model: LandmarkModel) -> tuple[Float[Tensor, "L 3"], Float[Tensor, "K L 3"]]:
    """Return the places of the mean head at rest, and of its identity basis."""
    base, basis = model.base.clone(), model.identity.clone()
    for part in model.parts:
        base[part.rows] += part.base
        basis[:, part.rows] += part.identity
    return base, basis
