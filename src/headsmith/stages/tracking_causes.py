"""Why a clip does not fit: few of its frames are fitted again, mirrored, or without what was given.

Landmarks whose left and right are swapped fit nearly as well as right ones, by a head that turns its back: on franck 1.35 % of
the eye distance instead of 1.23 %, so that it is the head's side that tells. A wrong focal length costs little where a face
hardly turns: there 1.9 % at 0.3 sides of the frames, 1.34 % at 1, 1.23 % at 3.5 and 1.26 % at 14.
"""

import math
from dataclasses import dataclass, replace
from functools import cached_property

import torch

from headsmith.heads.clip_fit import fit_clip, mean_distance, start_clip
from headsmith.heads.clip_sample import take_problem
from headsmith.heads.clip_types import ClipProblem
from headsmith.stages.tracking_given import Given
from headsmith.stages.tracking_output import Tracked

FEW, STEPS, TOLERANCE = 60, 15, 1e-3
"""Frames that are fitted again, and the fit's steps."""
LOOSE = 0.25
"""Least deviation of the logarithm of a focal length that is sought."""
BETTER = 0.7
"""Share of the error that mirroring may leave where it is the cause."""
CLOSER, APART = 0.87, 1.3
"""Share of the error that letting go of what was given may leave, and the factor by which the focal length must differ then."""


@dataclass(frozen=True)
class Trial:
    """A fit of few frames.

    Attributes:
        error: Mean over the landmarks, percent of the eye distance.
        focal: Focal length, pixels of the frames.
        behind: Share of frames in which the head's front, +z, points away from the camera.
        below: Share of frames in which the head's top, +y, points down.
    """

    error: float
    focal: float
    behind: float
    below: float


@dataclass(frozen=True)
class Case:
    """A tracked clip, and what it was tracked by.

    Attributes:
        clip: Name of the clip.
        landmarks: Path of its landmarks.
        problem: All frames with landmarks, and what was given.
        sought: The same with nothing given.
        given: What was given.
        tracked: How the fit ended.
        scale: Pixels of the frames for one of the video's.
        fps: Frames per second; None where unknown.
        threads: Threads of a fit.
    """

    clip: str
    landmarks: str
    problem: ClipProblem
    sought: ClipProblem
    given: Given
    tracked: Tracked
    scale: float = 1.0
    fps: float | None = None
    threads: int = 1

    @cached_property
    def as_it_is(self) -> Trial:
        """The fit of few frames, as the clip was fitted."""
        return self.attempt(self.problem)

    def attempt(self, problem: ClipProblem) -> Trial:
        """Return how few frames of a problem fit."""
        few = take_problem(problem, torch.arange(0, len(problem.pixels), math.ceil(len(problem.pixels) / FEW)))
        few = few if few.seen.any() else problem
        start = start_clip(few, math.exp(few.priors.log_focal[0]))
        state = fit_clip(few, start, iterations=STEPS, tolerance=TOLERANCE, threads=self.threads).state
        error = 100 * mean_distance(few, state) / self.tracked.seen.eye_distance
        below, behind = (float((state.rotation[few.seen, axis, axis] > 0).double().mean()) for axis in (1, 2))
        return Trial(error, float(state.log_focal.exp()), behind, below)


@dataclass(frozen=True)
class Cause:
    """What is wrong, a sentence without its full stop, and what to do about it."""

    what: str
    remedy: str


def find_swap(case: Case) -> Cause | None:
    """Return what is wrong where the landmarks fit a face once they are mirrored."""
    pixels = case.problem.pixels.clone()
    pixels[..., 0] = 2 * case.problem.principal[0] - pixels[..., 0]
    mirrored = case.attempt(replace(case.problem, pixels=pixels))
    turned = case.as_it_is.behind > 0.5 >= mirrored.behind
    if not turned and mirrored.error > BETTER * case.as_it_is.error:
        return None
    if mirrored.below > 0.5:
        what = "the landmarks are upside down: only with y counted from the bottom do they fit a face that looks at the camera"
        return Cause(what, "count y from the top: y -> height - y in the file that the column `landmarks` names")
    what = "left and right of the landmarks are swapped: only mirrored do they fit a face that looks at the camera"
    remedy = (
        "in the file that the column `landmarks` names, call the subject's own left left; or, if it was made from a mirrored "
    )
    return Cause(what, f"{remedy}video, turn it back: x -> width - x")


def find_given(case: Case) -> Cause | None:
    """Return what is wrong where the clip fits better without what was given of it."""
    return focal_cause(case) or identity_cause(case)


def focal_cause(case: Case) -> Cause | None:
    """Return what is wrong where another focal length than the given fits better."""
    if case.given.focal is None:
        return None
    mean, deviation = case.sought.priors.log_focal
    free = replace(case.problem.priors, log_focal=(mean, max(LOOSE, deviation)))
    trial = case.attempt(replace(case.problem, priors=free))
    apart = max(trial.focal / case.given.focal, case.given.focal / trial.focal)
    if trial.error > CLOSER * case.as_it_is.error or apart < APART:
        return None
    own, asked = tell_pixels(case.given.focal / case.scale), tell_pixels(trial.focal / case.scale, 2)
    what = f"the focal length given, {own}, does not fit: the landmarks ask for about {asked} ({tell_errors(case, trial)})"
    return Cause(what, "correct the column `focal` (pixels of the video's own frames), or leave it blank")


def identity_cause(case: Case) -> Cause | None:
    """Return what is wrong where another person than the given fits better."""
    if case.given.identity is None:
        return None
    free = replace(case.problem.priors, identity=case.sought.priors.identity, identity_mean=case.sought.priors.identity_mean)
    trial = case.attempt(replace(case.problem, priors=free))
    if trial.error > CLOSER * case.as_it_is.error:
        return None
    what = f"the identity given does not fit: the landmarks ask for another face ({tell_errors(case, trial)})"
    return Cause(what, "name codes of this person in the column `identity`, or leave it blank")


def tell_errors(case: Case, trial: Trial) -> str:
    """Return an error beside what it was."""
    return f"an error of {trial.error:.1f} % of the eye distance instead of {case.as_it_is.error:.1f} %"


def tell_pixels(value: float, digits: int = 4) -> str:
    """Return a positive length to some digits."""
    rounded = round(value, digits - 1 - math.floor(math.log10(value)))
    return f"{rounded:,.0f} px" if rounded >= 10 else f"{rounded:g} px"
