"""What a clip's beliefs add to its equations: codes around their means and within bounds, smoothness in time."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from headsmith.heads.clip_slopes import POSE
from headsmith.heads.clip_types import ClipPriors, ClipState
from headsmith.maths.arrow import Ties
from headsmith.maths.smoothness import second_differences, turn_acceleration_jacobians, turn_accelerations

LOOSE = (0.1, 0.1, 0.1, 1e-4, 1e-4, 0.1)
"""Added to turn and spot, as inverse deviations: nothing to what anything shows, but what nothing shows stays where it is."""


@dataclass(frozen=True)
class PriorTerms:
    """Quadratic terms around a state, all that is a frame's own on the diagonal.

    Attributes:
        codes: What varies of the codes' diagonal, beside their common precision.
        codes_side: Right-hand side of the codes.
        pose: Blocks of turn and shift.
        pose_side: Right-hand side of turn and shift.
        ties: What couples neighbouring frames.
    """

    codes: Float[Tensor, "T C"]
    codes_side: Float[Tensor, "T C"]
    pose: Float[Tensor, "T 6 6"]
    pose_side: Float[Tensor, "T 6"]
    ties: Ties


def prior_cost(priors: ClipPriors, state: ClipState) -> float:
    """Return the cost of codes, changes in time, identity and focal length."""
    away, tied = state.codes - priors.code_mean, priors.tied[:-1]
    both = tied[1:] & tied[:-1]
    parts = [
        ((away @ priors.code_precision) * away).sum(),
        (outside(priors, state) / priors.code_slack).square().sum(),
        ((state.codes[1:] - state.codes[:-1])[tied] / priors.code_step).square().sum(),
        (second_differences(state.spot)[both] / priors.spot_step).square().sum(),
        (turn_accelerations(state.rotation)[both] / priors.turn_step).square().sum(),
        ((state.identity - priors.identity_mean) / priors.identity).square().sum(),
        ((state.log_focal - priors.log_focal[0]) / priors.log_focal[1]).square(),
    ]
    return float(sum(parts))


def outside(priors: ClipPriors, state: ClipState) -> Float[Tensor, "T C"]:
    """Return how far each code lies beyond its bounds, with its sign; zero inside."""
    return state.codes - state.codes.clamp(priors.code_low, priors.code_high)


def prior_terms(priors: ClipPriors, state: ClipState) -> PriorTerms:
    """Return the quadratic terms around a state (Gauss-Newton)."""
    codes, codes_side, single = _code_terms(priors, state)
    frames = len(state.codes)
    pose, next_, after = (state.codes.new_zeros(frames, POSE, POSE) for _ in range(3))
    pose += torch.diag(state.codes.new_tensor(LOOSE)) ** 2
    pose_side = state.codes.new_zeros(frames, POSE)
    if frames > 2:
        both = (priors.tied[1:-1] & priors.tied[:-2]).to(state.codes)
        eye = torch.eye(3).to(state.codes).expand(frames - 2, 3, 3)
        for place, blocks, change, step in (
            (slice(0, 3), turn_acceleration_jacobians(state.rotation), turn_accelerations(state.rotation), priors.turn_step),
            (slice(3, POSE), (eye, -2 * eye, eye), second_differences(state.spot), priors.spot_step),
        ):
            _add_second(
                (pose, next_, after), pose_side, place, blocks, both[:, None] / step**2 * torch.ones(3).to(both), change
            )
    return PriorTerms(codes, codes_side, pose, pose_side, Ties(single, next_, after))


def _code_terms(priors: ClipPriors, state: ClipState) -> tuple[Tensor, Tensor, Tensor]:
    """Return diagonal and right-hand side of the codes, and what ties each frame's to the next one's."""
    beyond = outside(priors, state)
    diagonal = (beyond != 0) / priors.code_slack**2
    side = -(state.codes - priors.code_mean) @ priors.code_precision - beyond / priors.code_slack**2
    weight = priors.tied[:-1, None] * priors.code_step**-2
    pull = weight * (state.codes[1:] - state.codes[:-1])
    single = torch.zeros_like(state.codes)
    single[:-1] = -weight
    diagonal[1:] += weight
    diagonal[:-1] += weight
    side[1:] -= pull
    side[:-1] += pull
    return diagonal, side, single


def _add_second(
    bands: tuple[Tensor, Tensor, Tensor],
    side: Float[Tensor, "T 6"],
    place: slice,
    blocks: tuple[Tensor, ...],
    weight: Float[Tensor, "U 3"],
    error: Float[Tensor, "U 3"],
) -> None:
    """Add the squares of errors that touch three frames in a row, given their derivatives by each and their weights."""
    count = len(error)
    weighted = [block.mT * weight[:, None] for block in blocks]
    for later in range(3):
        side[later : later + count, place] -= (weighted[later] @ error[..., None])[..., 0]
        for earlier in range(later + 1):
            bands[later - earlier][earlier : earlier + count, place, place] += weighted[later] @ blocks[earlier]
