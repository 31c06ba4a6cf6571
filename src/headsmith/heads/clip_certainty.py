"""How certainly a fitted clip is known: standard deviations from its factorised equations, under the priors and the noise.

They tell what landmarks and priors leave open, frame by frame; not what all landmarks of a clip get wrong alike.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from headsmith.heads.clip_equations import project_jacobian
from headsmith.heads.clip_fit import choose_places
from headsmith.heads.clip_step import Reduced, Worker, reduce_clip
from headsmith.heads.clip_types import ClipProblem, ClipState, take_frames
from headsmith.maths.arrow_covariance import Covariances, covariances, end_covariances

VIEWS = 32
"""Frames over which the effect of the unknowns on the landmarks is averaged."""


@dataclass(frozen=True)
class Certainty:
    """Standard deviations.

    Attributes:
        pixels: Of the landmarks' places in the picture, root mean square over the landmarks, along one axis.
        own: Of each frame's codes, turn (radians, the camera's axes) and spot (pixels, pixels, logarithm).
        shift: Of the head's shift, metres.
        identity: Of the identity codes that are sought.
        log_focal: Of the logarithm of the focal length.
    """

    pixels: Float[Tensor, " T"]
    own: Float[Tensor, "T P"]
    shift: Float[Tensor, "T 3"]
    identity: Float[Tensor, " D"]
    log_focal: float


def clip_certainty(problem: ClipProblem, state: ClipState, worker: Worker, reduced: Reduced | None = None) -> Certainty:
    """Return how certainly a clip is known at its fit.

    Args:
        problem: The clip.
        state: Its fit.
        worker: Threads.
        reduced: The equations of the fit's last step, where they are at hand; else they are made.

    Raises:
        torch.linalg.LinAlgError: The state is not near a fit.
    """
    chosen = choose_places(problem, state)
    reduced = reduced or reduce_clip(chosen, state, 0.0, worker)
    told = problem.priors.told
    corner = end_covariances(reduced.ends).corner
    effect = landmark_effect(chosen, state, worker)
    parts, first = [], 0
    for sharp in covariances(list(reduced.pieces), reduced.ends):
        part = _blurred(sharp, corner, told)
        frames = slice(first, first + len(part.own))
        pixels = _trace(effect, part, corner / told).clamp(min=0).sqrt()
        own = part.own.diagonal(dim1=1, dim2=2).clamp(min=0).sqrt()
        parts.append((pixels, own, _shift_deviation(take_frames(state, frames), part, corner / told)))
        first = frames.stop
    pixels, own, shift = (torch.cat(values) for values in zip(*parts, strict=True))
    shared = (corner.diagonal() / told).clamp(min=0).sqrt()
    return Certainty(pixels, own, shift, shared[:-1], float(shared[-1]))


def _blurred(part: Covariances, corner: Float[Tensor, "S S"], told: float) -> Covariances:
    """Return the covariances if only a share of the frames told what all share: its own are larger by that, and more."""
    hang = torch.linalg.solve(corner, part.shared.mT).mT
    return Covariances(part.own + (1 / told - 1) * hang @ part.shared.mT, part.next, part.shared / told)


def landmark_effect(problem: ClipProblem, state: ClipState, worker: Worker) -> Float[Tensor, "N N"]:
    """Return ``J' J`` over a frame's own and the shared unknowns, the mean over landmarks, axes and some frames.

    Its trace with a frame's covariance is the variance of the landmarks' places in the picture.
    """
    slopes, seen = worker.slopes(problem), problem.seen.nonzero()[:, 0]
    frames = torch.unique(seen[torch.linspace(0, len(seen) - 1, VIEWS).round().long()])
    counted = (problem.weights[frames] > 0).to(state.codes)
    jacobian, _ = project_jacobian(problem, slopes, take_frames(state, frames), counted)
    used = jacobian[..., : slopes.own + slopes.shared].flatten(0, 2).to(state.codes)
    return used.mT @ used / (2 * counted.sum())


def _trace(effect: Float[Tensor, "N N"], part: Covariances, corner: Float[Tensor, "S S"]) -> Float[Tensor, " B"]:
    own = part.own.shape[-1]
    frames = (part.own * effect[:own, :own]).sum((1, 2)) + 2 * (part.shared * effect[:own, own:]).sum((1, 2))
    return frames + (corner * effect[own:, own:]).sum()


def _shift_deviation(state: ClipState, part: Covariances, corner: Float[Tensor, "S S"]) -> Float[Tensor, "B 3"]:
    """Return the deviation of the pivot's place, from those of its spot and the focal length (first order)."""
    position, a_pixel = state.position, (-state.spot[:, 2]).exp()
    slopes = position.new_zeros(len(position), 3, 4)
    slopes[:, 0, 0] = slopes[:, 1, 1] = a_pixel
    slopes[..., 2] = -position
    slopes[:, 2, 3] = position[:, 2]
    joint = position.new_zeros(len(position), 4, 4)
    joint[:, :3, :3] = part.own[:, -3:, -3:]
    joint[:, :3, 3] = joint[:, 3, :3] = part.shared[:, -3:, -1]
    joint[:, 3, 3] = corner[-1, -1]
    return (slopes @ joint @ slopes.mT).diagonal(dim1=1, dim2=2).clamp(min=0).sqrt()
