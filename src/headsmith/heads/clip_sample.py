"""A clip's fit begun on a few windows of its frames: identity and focal length settle there at a fraction of the cost."""

from dataclasses import replace

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from headsmith.heads.clip_fit import start_clip
from headsmith.heads.clip_types import ClipProblem, ClipState

WINDOWS, LENGTH = 16, 16
"""Windows of the sample, spread evenly, and frames of each: they show the person in many poses, and how fast things change."""


def sample_frames(seen: Bool[Tensor, " T"]) -> Int[Tensor, " W"]:
    """Return the frames of the sample: windows of consecutive frames that begin at a frame with landmarks, or all of them."""
    count = len(seen)
    if count <= WINDOWS * LENGTH:
        return torch.arange(count)
    places = seen.nonzero()[:, 0]
    chosen = places[torch.linspace(0, len(places) - 1, WINDOWS).round().long()].clamp(max=count - LENGTH)
    return torch.unique(chosen[:, None] + torch.arange(LENGTH))


def take_problem(problem: ClipProblem, frames: Int[Tensor, " W"]) -> ClipProblem:
    """Return the problem of some frames; those that do not follow each other are not tied."""
    priors = problem.priors
    tied = priors.tied[frames]
    tied[:-1] &= frames[1:] == frames[:-1] + 1
    tied[-1] = False
    fewer = replace(priors, code_mean=priors.code_mean[frames], tied=tied)
    return replace(problem, pixels=problem.pixels[frames], weights=problem.weights[frames], priors=fewer)


def start_from_sample(problem: ClipProblem, sample: ClipState, frames: Int[Tensor, " W"]) -> ClipState:
    """Return a first state of all frames: the sample's person, camera and frames as fitted, the other poses in closed form.

    Codes of the other frames begin at their expected values, moved by what the sample's lay beside theirs on average.
    """
    means = problem.priors.code_mean
    codes = means + (sample.codes - means[frames]).mean(0)
    person = ClipState(sample.identity, sample.log_focal, sample.rotation[:1], sample.spot[:1], sample.codes.mean(0)[None])
    start = start_clip(problem, person)
    rotation, spot = start.rotation.clone(), start.spot.clone()
    rotation[frames], spot[frames], codes[frames] = sample.rotation, sample.spot, sample.codes
    return ClipState(sample.identity, sample.log_focal, rotation, spot, codes)
