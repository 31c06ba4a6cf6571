"""The cost of a clip's state and its Gauss-Newton equations, as an arrow over a block band.

The cost is a sum of squares in units of standard deviations: robust landmark errors, codes around their means, changes in time,
identity and focal length. Landmarks are worked through in runs of frames, so memory beyond the equations does not grow.
"""

from concurrent.futures import ThreadPoolExecutor

import torch
from jaxtyping import Float
from torch import Tensor

from headsmith.heads.clip_types import POSE, ClipProblem, ClipState, project_landmarks, take_frames
from headsmith.heads.landmark_model import LandmarkModel
from headsmith.maths.arrow import ArrowSystem
from headsmith.maths.robust import charbonnier
from headsmith.maths.rotations import skew
from headsmith.maths.smoothness import second_differences, turn_acceleration_jacobians, turn_accelerations

JACOBIAN_TYPE = torch.float32
"""Precision of the derivatives in the equations; errors, cost and solution are float64, so this bends the way, not the goal."""

RUN = 32
"""Frames whose landmark Jacobians are held at once: about 30 MB for 440 landmarks and 120 unknowns."""


def total_cost(problem: ClipProblem, state: ClipState) -> float:
    """Return the whole cost."""
    return landmark_cost(problem, state) + prior_cost(problem, state)


def landmark_cost(problem: ClipProblem, state: ClipState) -> float:
    """Return the robust cost of the landmark errors."""
    errors = (project_landmarks(problem, state) - problem.pixels) / problem.noise
    loss, _ = charbonnier(errors.square().sum(-1), problem.robust)
    return float((problem.weights * loss).sum())


def prior_cost(problem: ClipProblem, state: ClipState) -> float:
    """Return the cost of codes, changes in time, identity and focal length."""
    priors = problem.priors
    away = state.codes - priors.code_mean
    parts = [
        ((away @ priors.code_precision) * away).sum(),
        (outside(problem, state) / priors.code_slack).square().sum(),
        ((state.codes[1:] - state.codes[:-1]) / priors.code_step).square().sum(),
        (second_differences(state.position) / priors.position_step).square().sum(),
        (turn_accelerations(state.rotation) / priors.turn_step).square().sum(),
        ((state.identity - priors.identity_mean) / priors.identity).square().sum(),
        ((state.log_focal - priors.log_focal[0]) / priors.log_focal[1]).square(),
    ]
    return float(sum(parts))


def outside(problem: ClipProblem, state: ClipState) -> Float[Tensor, "T C"]:
    """Return how far each code lies beyond its bounds, with its sign; zero inside."""
    return state.codes - state.codes.clamp(problem.priors.code_low, problem.priors.code_high)


def linearise(problem: ClipProblem, state: ClipState, threads: int = 1) -> ArrowSystem:
    """Return the Gauss-Newton equations ``H x = -g`` for a step from a state; the number of threads changes no bit."""
    system = _landmark_equations(problem, state, threads)
    _add_codes(system, problem, state)
    _add_positions(system, problem, state)
    _add_turns(system, problem, state)
    count, priors = len(state.identity), problem.priors
    system.corner.diagonal()[:count] += priors.identity**-2
    system.shared_side[:count] -= (state.identity - priors.identity_mean) / priors.identity**2
    system.corner[-1, -1] += priors.log_focal[1] ** -2
    system.shared_side[-1] -= (state.log_focal - priors.log_focal[0]) / priors.log_focal[1] ** 2
    return system


def _landmark_equations(problem: ClipProblem, state: ClipState, threads: int) -> ArrowSystem:
    frames, codes = state.codes.shape
    own, shared = POSE + codes, len(state.identity) + 1
    zeros = [(frames, own, own)] * 3 + [(frames, own, shared), (shared, shared), (frames, own), (shared,)]
    system = ArrowSystem(*(torch.zeros(*shape, dtype=torch.float64) for shape in zeros))
    rough = problem.landmarks.to(JACOBIAN_TYPE)
    runs = [slice(start, min(start + RUN, frames)) for start in range(0, frames, RUN)]
    with ThreadPoolExecutor(threads) as pool:
        parts = pool.map(lambda run: _normal_equations(problem, rough, state, run), runs)
        for run, (normal, side) in zip(runs, parts, strict=True):
            system.diagonal[run] = normal[:, :own, :own]
            system.coupling[run] = normal[:, :own, own:]
            system.corner.add_(normal[:, own:, own:].sum(0))
            system.frame_side[run] = side[:, :own]
            system.shared_side.add_(side[:, own:].sum(0))
    return system


def _normal_equations(
    problem: ClipProblem, rough: LandmarkModel, state: ClipState, run: slice
) -> tuple[Float[Tensor, "B N N"], Float[Tensor, "B N"]]:
    """Return each frame's own part of the equations, over its unknowns and the shared ones."""
    jacobian, errors = _weighted_run(problem, rough, state, run)
    return (jacobian.mT @ jacobian).double(), -(jacobian.mT @ errors[..., None])[..., 0].double()


def _weighted_run(
    problem: ClipProblem, rough: LandmarkModel, state: ClipState, run: slice
) -> tuple[Float[Tensor, "B R N"], Float[Tensor, "B R"]]:
    """Return Jacobian and errors of a run of frames, times the root of their weights; rows are x of all points, then y."""
    part = take_frames(state, run)
    errors = (project_landmarks(problem, part) - problem.pixels[run]) / problem.noise
    _, robust = charbonnier(errors.square().sum(-1), problem.robust)
    root = (robust * problem.weights[run]).sqrt()
    jacobian = project_jacobian(problem, rough, part)
    jacobian *= (root / problem.noise).to(jacobian.dtype)[:, None, :, None]
    return jacobian.flatten(1, 2), (errors * root[..., None]).mT.flatten(1).to(jacobian.dtype)


def project_jacobian(problem: ClipProblem, rough: LandmarkModel, state: ClipState) -> Float[Tensor, "B 2 L N"]:
    """Return the derivatives of the landmarks' pixels by turn, shift, codes, identity and log focal length.

    Args:
        problem: The clip.
        rough: The problem's landmarks in the precision in which the derivatives are wanted.
        state: Some frames.
    """
    kind = rough.base.dtype
    inner = rough.jacobian(state.identity.to(kind), state.codes.to(kind))
    rotation, focal = state.rotation.to(kind), state.log_focal.exp().to(kind)
    arm = (inner.points - problem.pivot.to(kind)) @ rotation.mT
    seen = arm + state.position[:, None].to(kind)
    slope = seen[..., :2] / seen[..., 2:]
    lens = torch.cat([torch.eye(2, dtype=kind).expand(*slope.shape[:2], 2, 2), -slope[..., None]], -1)
    lens = lens * (focal / seen[..., 2])[..., None, None]
    through = (lens @ rotation[:, None]).permute(0, 2, 3, 1)
    own = POSE + inner.codes.shape[-1]
    result = lens.new_empty(len(lens), 2, lens.shape[1], own + inner.identity.shape[-1] + 1)
    result[..., :3] = (lens @ -skew(arm)).transpose(1, 2)
    result[..., 3:POSE] = lens.transpose(1, 2)
    _mix(through, inner.codes, result[..., POSE:own])
    _mix(through, inner.identity, result[..., own:-1])
    result[..., -1] = focal * slope.mT
    return result


def _mix(through: Float[Tensor, "B 2 3 L"], inner: Float[Tensor, "B 3 L Q"], result: Float[Tensor, "B 2 L Q"]) -> None:
    """Write ``sum_k through[i, k] inner[k]``; three long passes, where a product of tiny matrices is an order slower."""
    for row in range(2):
        torch.mul(through[:, row, 0, :, None], inner[:, 0], out=result[:, row])
        for axis in (1, 2):
            result[:, row].addcmul_(through[:, row, axis, :, None], inner[:, axis])


def _add_codes(system: ArrowSystem, problem: ClipProblem, state: ClipState) -> None:
    priors, codes = problem.priors, slice(POSE, None)
    system.diagonal[:, codes, codes] += priors.code_precision
    system.frame_side[:, codes] -= (state.codes - priors.code_mean) @ priors.code_precision
    beyond = outside(problem, state)
    system.diagonal.diagonal(dim1=1, dim2=2)[:, codes] += (beyond != 0) / priors.code_slack**2
    system.frame_side[:, codes] -= beyond / priors.code_slack**2
    weight = priors.code_step**-2
    pull = weight * (state.codes[1:] - state.codes[:-1])
    system.diagonal.diagonal(dim1=1, dim2=2)[1:, codes] += weight
    system.diagonal.diagonal(dim1=1, dim2=2)[:-1, codes] += weight
    system.next.diagonal(dim1=1, dim2=2)[:-1, codes] -= weight
    system.frame_side[1:, codes] -= pull
    system.frame_side[:-1, codes] += pull


def _add_positions(system: ArrowSystem, problem: ClipProblem, state: ClipState) -> None:
    change = second_differences(state.position)
    weight = torch.diag(problem.priors.position_step**-2).expand(len(change), 3, 3)
    blocks = tuple(factor * torch.eye(3, dtype=torch.float64).expand(len(change), 3, 3) for factor in (1, -2, 1))
    _add_second(system, slice(3, POSE), blocks, weight, change)


def _add_turns(system: ArrowSystem, problem: ClipProblem, state: ClipState) -> None:
    if len(state.rotation) < 3:
        return
    change = turn_accelerations(state.rotation)
    weight = (torch.eye(3, dtype=torch.float64) / problem.priors.turn_step**2).expand(len(change), 3, 3)
    _add_second(system, slice(0, 3), turn_acceleration_jacobians(state.rotation), weight, change)


def _add_second(
    system: ArrowSystem, place: slice, blocks: tuple[Tensor, ...], weight: Float[Tensor, "U 3 3"], error: Float[Tensor, "U 3"]
) -> None:
    """Add the squares of errors that touch three frames in a row, given their derivatives by each."""
    count = len(error)
    weighted = [block.mT @ weight for block in blocks]
    for later in range(3):
        system.frame_side[later : later + count, place] -= (weighted[later] @ error[..., None])[..., 0]
        for earlier in range(later + 1):
            band = (system.diagonal, system.next, system.after_next)[later - earlier]
            band[earlier : earlier + count, place, place] += weighted[later] @ blocks[earlier]


def damp(system: ArrowSystem, damping: float) -> ArrowSystem:
    """Return the equations with the diagonal grown by a share (Levenberg-Marquardt in Marquardt's scaling, 1963)."""
    diagonal = system.diagonal + damping * torch.diag_embed(system.diagonal.diagonal(dim1=1, dim2=2))
    corner = system.corner + damping * torch.diag(system.corner.diag())
    bands = (system.next, system.after_next, system.coupling)
    return ArrowSystem(diagonal, *bands, corner, system.frame_side, system.shared_side)
