"""Fitting a head to all frames of a clip at once: Levenberg-Marquardt over shared and per-frame unknowns.

Identity and focal length are shared; pose and codes are each frame's own, tied in time.
Bounds are steep one-sided parabolas, not walls: a step then changes the set of active bounds freely and the fit settles in few
steps (semismooth Newton; Hintermueller, Ito and Kunisch 2002, section 3).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool
from torch import Tensor

from headsmith.heads.clip_slopes import POSE
from headsmith.heads.clip_step import Reduced, Worker, reduce_clip, solve_clip, total_cost, work
from headsmith.heads.clip_types import ClipPriors, ClipProblem, ClipState, at_rest, project_landmarks
from headsmith.maths.arrow import CHUNK
from headsmith.maths.poses import weak_perspective_pose
from headsmith.maths.rotations import axis_angle_to_matrix, matrix_from_6d, matrix_to_6d
from headsmith.maths.smoothness import bridge

FIRST_DAMPING, LEAST_DAMPING, MOST_DAMPING = 1e-6, 1e-9, 1e6
BEYOND = 1.5
"""Slacks beyond a bound at which codes are held."""


@dataclass(frozen=True)
class ClipFit:
    """A fitted state, its cost, the iterations taken and whether the cost had settled.

    ``reduced`` are the equations of the last step, solved nearly undamped; nothing where there are none.
    """

    state: ClipState
    cost: float
    iterations: int
    settled: bool
    reduced: Reduced | None


def start_clip(problem: ClipProblem, known: float | ClipState) -> ClipState:
    """Return a first state: each frame's pose in closed form, unseen frames bridged.

    Args:
        problem: What is known.
        known: A focal length in pixels, for the expected head at rest; or a state whose person, focal length and first frame's
            codes all frames begin with.

    Raises:
        ValueError: No frame has landmarks.
    """
    seen = problem.seen
    if not seen.any():
        raise ValueError("no frame has landmarks")
    rest = known if isinstance(known, ClipState) else at_rest(problem, known)
    used = (problem.weights[seen].amin(0) > 0) & kept_places(problem)
    points = problem.landmarks.points(rest.identity, rest.codes[:1])[0] - problem.pivot
    rotation, scale, shift = weak_perspective_pose(points[used], problem.pixels[seen][:, used])
    rows = scale.new_zeros(len(seen), 9)
    rows[seen] = torch.cat([matrix_to_6d(rotation), shift - problem.principal, scale[:, None].log()], -1)
    rows = bridge(rows, seen)
    codes = rest.codes[:1].expand(len(seen), -1)
    return ClipState(rest.identity, rest.log_focal, matrix_from_6d(rows[:, :6]), rows[:, 6:], codes)


def kept_places(problem: ClipProblem) -> Bool[Tensor, " L"]:
    """Return which of a problem's landmarks keep their places."""
    return torch.ones_like(problem.weights[0], dtype=torch.bool) if problem.sliding is None else problem.sliding.rows < 0


def fit_clip(
    problem: ClipProblem,
    state: ClipState,
    *,
    iterations: int,
    tolerance: float = 1e-6,
    threads: int = 1,
    chunk: int = CHUNK,
    tell: Callable[[int, ClipState], None] = lambda iteration, state: None,
) -> ClipFit:
    """Return the state of least cost near a first one.

    Args:
        problem: What is known.
        state: Where to begin.
        iterations: Most steps taken.
        tolerance: The fit has settled when a step lowers the cost by less than this share, or the next one would: one that
            lowers it as much less than this one as this one did than the one before.
        threads: Threads; the result does not depend on them.
        chunk: Frames that are eliminated in a row; the result does not depend on it beyond rounding.
        tell: Called after each step with its number and the state.
    """
    with work(threads, chunk) as worker:
        return _descend(problem, state, iterations, tolerance, worker, tell)


def _descend(
    problem: ClipProblem,
    state: ClipState,
    iterations: int,
    tolerance: float,
    worker: Worker,
    tell: Callable[[int, ClipState], None],
) -> ClipFit:
    damping, cost, before, reduced = FIRST_DAMPING, math.inf, 0.0, None
    for iteration in range(1, iterations + 1):
        reduced = None  # a clip's equations are its largest thing: never two of them at once
        chosen = choose_places(problem, state)
        cost = total_cost(chosen, state, worker)
        step = _lower(chosen, state, cost, damping, worker)
        if step is None:
            return ClipFit(state, cost, iteration, True, None)
        gain = 1 - step.cost / cost if cost > 0 else 0.0
        state, cost, damping, reduced = step.state, step.cost, step.damping, step.reduced
        del step
        tell(iteration, state)
        if gain < tolerance or (gain < before / 2 and gain**2 / before < tolerance):
            return ClipFit(state, cost, iteration, True, reduced)
        before = gain
    return ClipFit(state, cost, iterations, False, reduced)


def choose_places(problem: ClipProblem, state: ClipState) -> ClipProblem:
    """Return the problem with only those places of sliding landmarks that are seen from a state."""
    if problem.sliding is None:
        return problem
    return replace(problem, weights=problem.weights * problem.sliding.chosen(state))


def mean_distance(problem: ClipProblem, state: ClipState) -> float:
    """Return how far landmarks lie from where they were seen, pixels: the weighted mean, sliding ones at the chosen places."""
    weights = choose_places(problem, state).weights
    distances = (project_landmarks(problem, state) - problem.pixels).norm(dim=-1)
    return float((weights * distances).sum() / weights.sum().clamp(min=1e-12))


@dataclass(frozen=True)
class Step:
    """A step that lowered the cost, the damping to try next, and its equations, if they were nearly undamped."""

    state: ClipState
    cost: float
    damping: float
    reduced: Reduced | None


def _lower(problem: ClipProblem, state: ClipState, cost: float, damping: float, worker: Worker) -> Step | None:
    """Return a step that lowers the cost, with more damping until one does; nothing where none is found."""
    while damping <= MOST_DAMPING:
        try:
            reduced = reduce_clip(problem, state, damping, worker)
            own, shared = solve_clip(reduced, worker)
        except torch.linalg.LinAlgError:
            damping *= 10
            continue
        candidate = near_bounds(problem.priors, move(state, own, shared))
        lower = total_cost(problem, candidate, worker)
        if math.isfinite(lower) and lower < cost:
            kept = reduced if damping <= FIRST_DAMPING else None
            return Step(candidate, lower, max(damping / 5, LEAST_DAMPING), kept)
        damping *= 10
    return None


def near_bounds(priors: ClipPriors, state: ClipState) -> ClipState:
    """Return a state whose codes lie within their bounds, or as far beyond as landmarks can push them.

    A step knows only the bounds that it starts beyond. One that runs past another would pay for it a hundredfold.
    """
    give = BEYOND * priors.code_slack
    return replace(state, codes=state.codes.clamp(priors.code_low - give, priors.code_high + give))


def move(state: ClipState, own: Tensor, shared: Tensor) -> ClipState:
    """Return the state after a step of the frames' unknowns ``(T, P)`` and the shared ones ``(S)``."""
    kind = state.codes.dtype
    own, shared = own.to(kind), shared.to(kind)
    codes, turn, shift = own.split([own.shape[1] - POSE, 3, 3], -1)
    rotation = axis_angle_to_matrix(turn) @ state.rotation
    person, log_focal = state.identity + shared[:-1], state.log_focal + shared[-1]
    return ClipState(person, log_focal, rotation, state.spot + shift, state.codes + codes)
