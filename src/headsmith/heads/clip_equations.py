"""The cost of a clip's state and its Gauss-Newton equations, piece by piece.

The cost is a sum of squares in units of standard deviations: robust landmark errors, codes around their means, changes in time,
identity and focal length. Landmarks are worked through in runs of frames, so memory beyond the equations does not grow.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from headsmith.heads.clip_priors_terms import PriorTerms
from headsmith.heads.clip_slopes import PixelSlopes
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
    kind, layout = slopes.still.dtype, slopes.layout
    codes = state.codes.to(kind)
    apart = slopes.landmarks.apart(state.identity.to(kind), codes)
    rotation, focal = state.rotation.to(kind), state.log_focal.exp().to(kind)
    arm = (apart.points - problem.pivot.to(kind)) @ rotation.mT
    position, a_pixel = state.position.to(kind), (-state.spot[:, 2]).exp().to(kind)
    seen = arm + position[:, None]
    slope = seen[..., :2] / seen[..., 2:]
    near = weights.to(kind) * focal / seen[..., 2]
    through = rotation[:, :2, :, None] - slope.mT[:, :, None] * rotation[:, 2:, :, None]
    through = through * near[:, None, None]
    lens = torch.cat([torch.eye(2).to(slope)[:, None].expand(len(slope), 2, slope.shape[1], 2), -slope.mT[..., None]], -1)
    lens = lens * near[:, None, :, None]
    by_focal = (focal * weights.to(kind))[:, None] * slope.mT + lens[..., 2] * position[:, None, None, 2]
    stack = slopes.stack(through, apart.turns, by_focal)
    result = slopes.mix(stack)
    slopes.add_angles(result, codes, through, apart)
    result[..., layout.count : layout.count + 3] = torch.linalg.cross(arm[:, None].expand_as(lens), lens)
    result[..., layout.count + 3 : layout.count + 5] = lens[..., :2] * a_pixel[:, None, None, None]
    result[..., layout.count + 5] = -(lens @ position[:, None, :, None])[..., 0]
    result[..., slopes.own + slopes.shared - 1] = stack[:, :, -1]
    return result, stack
