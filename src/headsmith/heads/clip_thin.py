"""A clip's fit begun on a few of its frames: identity and focal length settle there at a fraction of the cost."""

from dataclasses import replace

import torch
from jaxtyping import Bool
from torch import Tensor

from headsmith.heads.clip_types import ClipProblem, ClipState, take_frames
from headsmith.maths.rotations import matrix_from_6d, matrix_to_6d
from headsmith.maths.smoothness import bridge


def thin_problem(problem: ClipProblem, every: int) -> ClipProblem:
    """Return the problem of every so-manieth frame.

    A first difference over n frames is a sum of n steps, so its deviation grows with the root of n; a second difference is one
    of sums of n such sums, so its deviation grows with n to the power of 3/2.
    """
    chosen, priors = slice(None, None, every), problem.priors
    thinned = replace(
        priors,
        code_mean=priors.code_mean[chosen],
        code_step=priors.code_step * every**0.5,
        turn_step=priors.turn_step * every**1.5,
        position_step=priors.position_step * every**1.5,
    )
    return replace(problem, pixels=problem.pixels[chosen], weights=problem.weights[chosen], priors=thinned)


def thin_state(state: ClipState, every: int) -> ClipState:
    """Return every so-manieth frame of a state."""
    return take_frames(state, slice(None, None, every))


def spread_state(state: ClipState, count: int, every: int) -> ClipState:
    """Return a state of all frames from one of every so-manieth: codes and poses drawn straight between those."""
    known: Bool[Tensor, " T"] = torch.zeros(count, dtype=torch.bool)
    known[::every] = True
    rows = torch.cat([matrix_to_6d(state.rotation), state.position, state.codes], -1)
    filled = torch.zeros(count, rows.shape[-1], dtype=rows.dtype)
    filled[known] = rows
    filled = bridge(filled, known)
    rotation = matrix_from_6d(filled[:, :6])
    return ClipState(state.identity, state.log_focal, rotation, filled[:, 6:9], filled[:, 9:])
