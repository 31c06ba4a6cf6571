"""The cost of a clip's state and its Gauss-Newton equations, piece by piece.

The cost is a sum of squares in units of standard deviations: robust landmark errors, codes around their means, changes in time,
identity and focal length. Landmarks are worked through in runs of frames, so memory beyond the equations does not grow.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from headsmith.heads.clip_priors_terms import PriorTerms
from headsmith.heads.clip_slopes import POSE, PixelSlopes
from headsmith.heads.clip_types import ClipProblem, ClipState, project_landmarks, take_frames
from headsmith.maths.arrow import Equations
from headsmith.maths.robust import charbonnier

JACOBIAN_TYPE = torch.float32
"""Precision of the derivatives in the equations; errors, cost and solution are float64, so this bends the way, not the goal."""

RUN = 16
"""Frames whose landmark Jacobians are held at once: about 10 MB for 478 landmarks and 150 unknowns."""


def landmark_cost(problem: ClipProblem, state: ClipState, frames: slice = slice(None)) -> float:
    """Return the robust cost of the landmark errors of some frames."""
    errors = (project_landmarks(problem, take_frames(state, frames)) - problem.pixels[frames]) / problem.noise
    loss, _ = charbonnier(errors.square().sum(-1), problem.robust)
    return float((problem.weights[frames] * loss).sum())


def landmark_equations(
    problem: ClipProblem, slopes: PixelSlopes, state: ClipState, frames: slice
) -> tuple[Equations, Float[Tensor, "L A A"], Float[Tensor, " S"]]:
    """Return the landmarks' equations ``H x = -g`` for a step of some frames.

    Returns:
        The equations; what makes the block of the shared unknowns (``PixelSlopes.corner``), and their right-hand side.
    """
    own, count = slopes.own, slopes.own + slopes.shared
    parts, sums, shared_side = [], 0, state.codes.new_zeros(slopes.shared)
    for first in range(frames.start, frames.stop, RUN):
        jacobian, errors, stack = _weighted_run(problem, slopes, state, slice(first, min(first + RUN, frames.stop)))
        used = jacobian[..., :count]
        side = -(errors[:, None] @ used)[:, 0].to(state.codes)
        rows = stack.permute(3, 0, 1, 2).flatten(1, 2)
        sums = sums + (rows.mT @ rows).to(state.codes)
        shared_side += side[:, own:].sum(0)
        parts.append(((used[..., :own].mT @ used).to(state.codes), side[:, :own]))
    normal, side = (torch.cat(part) for part in zip(*parts, strict=True))
    return Equations(normal[..., :own], normal[..., own:], side), sums, shared_side


def add_priors(equations: Equations, terms: PriorTerms, precision: Float[Tensor, "C C"], frames: slice) -> Equations:
    """Return the equations of some frames with what is believed of them."""
    diagonal, side, codes = equations.diagonal, equations.side, precision.shape[0]
    diagonal[:, :codes, :codes] += precision + torch.diag_embed(terms.codes[frames])
    diagonal[:, codes:, codes:] += terms.pose[frames]
    side[:, :codes] += terms.codes_side[frames]
    side[:, codes:] += terms.pose_side[frames]
    return Equations(diagonal, equations.coupling, side)


def _weighted_run(
    problem: ClipProblem, slopes: PixelSlopes, state: ClipState, run: slice
) -> tuple[Float[Tensor, "B R N"], Float[Tensor, "B R"], Float[Tensor, "B 2 A L"]]:
    """Return Jacobian, errors and stack of a run of frames, times the root of their weights; rows are x of all, then y."""
    part = take_frames(state, run)
    errors = (project_landmarks(problem, part) - problem.pixels[run]) / problem.noise
    _, robust = charbonnier(errors.square().sum(-1), problem.robust)
    root = (robust * problem.weights[run]).sqrt()
    jacobian, stack = project_jacobian(problem, slopes, part, root / problem.noise)
    return jacobian.flatten(1, 2), (errors * root[..., None]).mT.flatten(1).to(jacobian.dtype), stack


def project_jacobian(
    problem: ClipProblem, slopes: PixelSlopes, state: ClipState, weights: Float[Tensor, "B L"]
) -> tuple[Float[Tensor, "B 2 L N"], Float[Tensor, "B 2 A L"]]:
    """Return the derivatives of the landmarks' pixels by codes, turn, shift, identity and log focal length; and their stack.

    Args:
        problem: The clip.
        slopes: Its landmarks' bases, in the precision in which the derivatives are wanted; columns behind are for them.
        state: Some frames.
        weights: What each landmark's derivatives are multiplied by.
    """
    kind = slopes.still.dtype
    codes = state.codes.to(kind)
    apart = slopes.landmarks.apart(state.identity.to(kind), codes)
    rotation, focal = state.rotation.to(kind), state.log_focal.exp().to(kind)
    position, a_pixel = state.position.to(kind), (-state.spot[:, 2:]).exp().to(kind)
    arm = ((apart.points - problem.pivot.to(kind)) @ rotation.mT).mT
    seen = arm + position[..., None]
    slope, weights = seen[:, :2] / seen[:, 2:], weights.to(kind)[:, None]
    near = weights * focal / seen[:, 2:]
    through = (rotation[:, :2, :, None] - slope[:, :, None] * rotation[:, 2:, :, None]) * near[:, None]
    stack = slopes.stack(through, apart.turns, slope * (focal * weights - near * position[:, 2:, None]))
    result = slopes.mix(stack)
    slopes.add_angles(result, codes, through, apart)
    own = slopes.own
    result[..., own - POSE : own - 3] = _by_turn(arm, slope, near)
    result[:, 0, :, own - 3] = result[:, 1, :, own - 2] = near[:, 0] * a_pixel
    result[..., own - 1] = near * (slope * position[:, 2:, None] - position[:, :2, None])
    result[..., own + slopes.shared - 1] = stack[:, :, -1]
    return result, stack


def _by_turn(
    arm: Float[Tensor, "B 3 L"], slope: Float[Tensor, "B 2 L"], near: Float[Tensor, "B 1 L"]
) -> Float[Tensor, "B 2 L 3"]:
    """Return the derivatives by a turn: the arm's cross product with each row ``near (1, 0, -slope)`` of the lens."""
    x, y, z = (arm * near).unbind(1)
    across, down = slope.unbind(1)
    rows = [torch.stack([-y * across, z + x * across, -y], -1), torch.stack([-z - y * down, x * down, x], -1)]
    return torch.stack(rows, 1)
