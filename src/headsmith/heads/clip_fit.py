"""Fitting a head to all frames of a clip at once: Levenberg-Marquardt over shared and per-frame unknowns.

Identity and focal length are shared; pose and codes are each frame's own, tied in time.
Bounds are steep one-sided parabolas, not walls: a step then changes the set of active bounds freely and the fit settles in few
steps (semismooth Newton; Hintermueller, Ito and Kunisch 2002, section 3).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from headsmith.heads.clip_equations import damp, linearise, total_cost
from headsmith.heads.clip_types import POSE, ClipProblem, ClipState, at_rest
from headsmith.maths.arrow import solve_arrow
from headsmith.maths.poses import weak_perspective_pose
from headsmith.maths.rotations import axis_angle_to_matrix, matrix_from_6d, matrix_to_6d
from headsmith.maths.smoothness import bridge

FIRST_DAMPING, LEAST_DAMPING, MOST_DAMPING = 1e-3, 1e-9, 1e6


@dataclass(frozen=True)
class ClipFit:
    """A fitted state, its cost, the iterations taken and whether the cost had settled."""

    state: ClipState
    cost: float
    iterations: int
    settled: bool


def start_clip(problem: ClipProblem, focal: float) -> ClipState:
    """Return a first state: the mean head, each frame's pose in closed form, unseen frames bridged.

    Raises:
        ValueError: No frame has landmarks.
    """
    seen = problem.seen
    if not seen.any():
        raise ValueError("no frame has landmarks")
    rest = at_rest(problem, focal)
    used = problem.weights[seen].amin(0) > 0
    points = problem.landmarks.points(rest.identity, rest.codes[:1])[0] - problem.pivot
    rotation, scale, shift = weak_perspective_pose(points[used], problem.pixels[seen][:, used])
    depth = focal / scale
    position = torch.cat([(shift - problem.principal) / scale[:, None], depth[:, None]], -1)
    rows = torch.zeros(len(seen), 9, dtype=position.dtype)
    rows[seen] = torch.cat([matrix_to_6d(rotation), position], -1)
    rows = bridge(rows, seen)
    return ClipState(rest.identity, rest.log_focal, matrix_from_6d(rows[:, :6]), rows[:, 6:], rest.codes)


def fit_clip(
    problem: ClipProblem,
    state: ClipState,
    *,
    iterations: int,
    tolerance: float = 1e-6,
    threads: int = 1,
    tell: Callable[[int, float], None] = lambda iteration, cost: None,
) -> ClipFit:
    """Return the state of least cost near a first one.

    Args:
        problem: What is known.
        state: Where to begin.
        iterations: Most steps taken.
        tolerance: The fit has settled when a step lowers the cost by less than this share.
        threads: Threads that linearise; the result does not depend on them.
        tell: Called after each step with its number and the cost.
    """
    cost, damping = total_cost(problem, state), FIRST_DAMPING
    for iteration in range(1, iterations + 1):
        step = _lower(problem, state, cost, damping, threads)
        if step is None:
            return ClipFit(state, cost, iteration, True)
        gain = 1 - step.cost / cost if cost > 0 else 0.0
        state, cost, damping = step.state, step.cost, step.damping
        tell(iteration, cost)
        if gain < tolerance:
            return ClipFit(state, cost, iteration, True)
    return ClipFit(state, cost, iterations, False)


@dataclass(frozen=True)
class Step:
    """A step that lowered the cost, and the damping to try next."""

    state: ClipState
    cost: float
    damping: float


def _lower(problem: ClipProblem, state: ClipState, cost: float, damping: float, threads: int) -> Step | None:
    """Return a step that lowers the cost, with more damping until one does; nothing where none is found."""
    system = linearise(problem, state, threads)
    while damping <= MOST_DAMPING:
        try:
            own, shared = solve_arrow(damp(system, damping))
        except torch.linalg.LinAlgError:
            damping *= 10
            continue
        candidate = move(state, own, shared)
        lower = total_cost(problem, candidate)
        if math.isfinite(lower) and lower < cost:
            return Step(candidate, lower, max(damping / 5, LEAST_DAMPING))
        damping *= 10
    return None


def move(state: ClipState, own: Tensor, shared: Tensor) -> ClipState:
    """Return the state after a step of the frames' unknowns ``(T, P)`` and the shared ones ``(S)``."""
    kind = state.codes.dtype
    own, shared = own.to(kind), shared.to(kind)
    rotation = axis_angle_to_matrix(own[:, :3]) @ state.rotation
    position = state.position + own[:, 3:POSE]
    codes = state.codes + own[:, POSE:]
    return ClipState(state.identity + shared[:-1], state.log_focal + shared[-1], rotation, position, codes)
