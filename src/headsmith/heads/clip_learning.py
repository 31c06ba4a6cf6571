"""How far and how fast a clip's own expressions go, estimated from a first fit of some of its frames.

How much landmarks weigh against priors is the ratio of their variances, and people and head models differ: empirical Bayes by
expectation maximisation, where the expectations are those of the factorised equations (Shumway and Stoffer 1982, *An approach
to time series smoothing and forecasting using the EM algorithm*, section 3). Only expression is learned: of lids, jaw and eyes
a short sample may show nothing; and what landmarks scatter around their fit is less than their error, most of which stays.
"""

from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from headsmith.heads.clip_fit import choose_places
from headsmith.heads.clip_step import Worker, reduce_clip
from headsmith.heads.clip_types import ClipProblem, ClipState
from headsmith.maths.arrow_covariance import covariances

LIMITS = (1 / 3, 3.0)
"""Smallest and largest factor by which what is learned may differ from what was believed."""


def learn_beliefs(problem: ClipProblem, state: ClipState, worker: Worker) -> ClipProblem:
    """Return the problem with the deviations and steps of expression codes that a fit of it tells.

    Raises:
        torch.linalg.LinAlgError: The state is not near a fit.
    """
    chosen = choose_places(problem, state)
    reduced = reduce_clip(chosen, state, 0.0, worker)
    parts = list(covariances(list(reduced.pieces), reduced.ends))
    codes = problem.landmarks.layout.expression
    rows = (torch.cat([getattr(part, name).diagonal(dim1=1, dim2=2) for part in parts]) for name in ("own", "next"))
    own, next_ = (row[:, :codes] for row in rows)
    priors, known = problem.priors, problem.seen
    away = (state.codes - priors.code_mean)[:, :codes].square() + own
    deviation = _within(away[known].mean(0).sqrt(), priors.code_precision.diagonal()[:codes] ** -0.5)
    step = _within(_steps(state.codes[:, :codes], own, next_, priors.tied & known), priors.code_step[:codes])
    precision, steps = priors.code_precision.clone(), priors.code_step.clone()
    precision.diagonal()[:codes] = deviation**-2
    steps[:codes] = step
    return replace(problem, priors=replace(priors, code_precision=precision, code_step=steps))


def _steps(
    codes: Float[Tensor, "T E"], own: Float[Tensor, "T E"], next_: Float[Tensor, "T E"], tied: Tensor
) -> Float[Tensor, " E"]:
    """Return the root mean square of the codes' changes, what is not known of them included."""
    change = (codes[1:] - codes[:-1]).square() + own[1:] + own[:-1] - 2 * next_[:-1]
    counted = tied[:-1, None] & change.isfinite()
    return (torch.where(counted, change, 0.0).sum(0) / counted.sum(0).clamp(min=1)).sqrt()


def _within(learned: Float[Tensor, "*n"], believed: Float[Tensor, "*n"]) -> Float[Tensor, "*n"]:
    """Return what was learned, no farther from what was believed than ``LIMITS``."""
    return torch.minimum(torch.maximum(learned, believed * LIMITS[0]), believed * LIMITS[1])
