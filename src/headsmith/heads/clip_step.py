"""One Levenberg-Marquardt step of a clip: pieces of it are linearised and reduced side by side, then joined and solved."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor

from headsmith.heads.clip_equations import JACOBIAN_TYPE, add_priors, landmark_cost, landmark_equations
from headsmith.heads.clip_priors_terms import prior_cost, prior_terms
from headsmith.heads.clip_slopes import PixelSlopes
from headsmith.heads.clip_types import ClipPriors, ClipProblem, ClipState
from headsmith.maths.arrow import CHUNK, Ends, Equations, Piece, eliminate, join, solve_ends, substitute


@dataclass(frozen=True)
class Worker:
    """How a clip is worked through; none of it changes a result beyond rounding.

    Attributes:
        pool: Threads.
        chunk: Frames of a chunk (``maths.arrow``).
        chunks: Chunks of a piece.
        precision: Of the derivatives.
    """

    pool: ThreadPoolExecutor
    chunk: int = CHUNK
    chunks: int = 4
    precision: torch.dtype = JACOBIAN_TYPE
    bases: dict[int, PixelSlopes] = field(default_factory=dict)

    def pieces(self, frames: int) -> list[slice]:
        """Return the frames of each piece."""
        long = self.chunk * self.chunks
        return [slice(start, min(start + long, frames)) for start in range(0, frames, long)]

    def slopes(self, problem: ClipProblem) -> PixelSlopes:
        """Return the bases of a problem's landmarks, made once."""
        key = id(problem.landmarks)
        if key not in self.bases:
            self.bases[key] = PixelSlopes.of(problem.landmarks, self.precision)
        return self.bases[key]


@contextmanager
def work(threads: int, chunk: int = CHUNK) -> Iterator[Worker]:
    """Yield a worker with some threads."""
    with ThreadPoolExecutor(threads) as pool:
        yield Worker(pool, chunk)


def total_cost(problem: ClipProblem, state: ClipState, worker: Worker) -> float:
    """Return the whole cost."""
    parts = worker.pool.map(lambda frames: landmark_cost(problem, state, frames), worker.pieces(len(state.codes)))
    return sum(parts) + prior_cost(problem.priors, state)


@dataclass(frozen=True)
class Reduced:
    """A clip's equations with all frames eliminated: its pieces, and their ends with the shared unknowns."""

    pieces: tuple[Piece, ...]
    ends: Ends


def reduce_clip(problem: ClipProblem, state: ClipState, damping: float, worker: Worker) -> Reduced:
    """Return the factorised equations of a step from a state, the diagonal grown by a share (Marquardt, 1963).

    Raises:
        torch.linalg.LinAlgError: They are not positive definite.
    """
    slopes, terms = worker.slopes(problem), prior_terms(problem.priors, state)

    def piece(frames: slice) -> tuple[Piece, Tensor, Tensor]:
        equations, sums, side = landmark_equations(problem, slopes, state, frames)
        equations = _damped(add_priors(equations, terms, problem.priors.code_precision, frames), damping)
        return eliminate(equations, terms.ties, frames.start, worker.chunk), sums, side

    pieces, sums, sides = zip(*worker.pool.map(piece, worker.pieces(len(state.codes))), strict=True)
    corner, side = _shared(problem.priors, state, slopes.corner(sum(sums)), sum(sides))
    corner.diagonal().mul_(1 + damping)
    return Reduced(pieces, join(list(pieces), corner, side))


def solve_clip(reduced: Reduced, worker: Worker) -> tuple[Float[Tensor, "T P"], Float[Tensor, " S"]]:
    """Return the step of the frames' own unknowns, and of the shared ones."""
    ends, shared = solve_ends(reduced.ends)
    counts = [piece.lower.shape[1] for piece in reduced.pieces]
    parts = ends.split(counts)
    before = [parts[0][-1], *(part[-1] for part in parts[:-1])]
    jobs = zip(reduced.pieces, parts, before, strict=True)
    return torch.cat(list(worker.pool.map(lambda job: substitute(*job, shared), jobs))), shared


def _damped(equations: Equations, damping: float) -> Equations:
    equations.diagonal.diagonal(dim1=1, dim2=2).mul_(1 + damping)
    return equations


def _shared(
    priors: ClipPriors, state: ClipState, corner: Float[Tensor, "S S"], side: Float[Tensor, " S"]
) -> tuple[Float[Tensor, "S S"], Float[Tensor, " S"]]:
    """Return block and right-hand side of what is shared, with what is believed of it."""
    corner.diagonal()[:-1] += priors.identity**-2
    side[:-1] -= (state.identity - priors.identity_mean) / priors.identity**2
    corner[-1, -1] += priors.log_focal[1] ** -2
    side[-1] -= (state.log_focal - priors.log_focal[0]) / priors.log_focal[1] ** 2
    return corner, side
