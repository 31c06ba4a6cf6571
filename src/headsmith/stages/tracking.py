"""The stage *tracking*: one joint fit of the head to the landmarks of the whole clip."""

import math
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy import ndarray

from headsmith.bridges.track import Track
from headsmith.contract.manifest import read_manifest
from headsmith.contract.settings import TrackingSettings
from headsmith.heads.clip_fit import ClipFit, fit_clip, mean_distance, start_clip
from headsmith.heads.clip_identity import Person, narrow_identity
from headsmith.heads.clip_learning import learn_beliefs
from headsmith.heads.clip_sample import sample_frames, start_from_sample, take_problem
from headsmith.heads.clip_step import work
from headsmith.heads.clip_types import ClipProblem, ClipState, project_landmarks, take_frames, translation
from headsmith.heads.model import HeadModel
from headsmith.stages.tracking_advice import advise
from headsmith.stages.tracking_causes import Case
from headsmith.stages.tracking_certainty import ask_certainty, deviations_of, judge_frames
from headsmith.stages.tracking_given import CERTAIN, read_given, with_given
from headsmith.stages.tracking_input import SeenLandmarks, check_bad_share, check_input, read_landmarks
from headsmith.stages.tracking_output import Tracked, on_outline, write_tracking
from headsmith.stages.tracking_problem import Places, eye_rows, pose_problem

TOLERANCE = 1e-3
"""A step that lowers the cost by a smaller share ends the fit; the landmark error then moves in its third digit at most."""
TOLD = 64
"""Frames by which progress tells the error."""
ROUNDS = 3
"""Most fits: after each but the last, frames that are found to be outliers are left out."""


def track_head(
    *,
    clip: str,
    frames: Path,
    landmarks: Path,
    head: Path,
    output: Path,
    summary: Path,
    table: Path,
    settings: TrackingSettings,
    threads: int,
    focal: float | None = None,
    identity: Path | None = None,
) -> None:
    """Fit identity, focal length, and each frame's pose, expression, jaw, eyes and lids to the clip's landmarks.

    Frames without landmarks, and frames that fit badly (``outlier``), get what smoothness in time gives them, and are marked.
    The neck stays at rest: landmarks of a face show the head's pose alone. The principal point is the image's centre.

    Args:
        clip: Name of the clip.
        frames: Manifest of the frames.
        landmarks: The clip's landmarks.
        head: The head container.
        output: The ``.npz`` to write.
        summary: The ``.json`` to write: errors in percent of the distance between the outer eye corners,
            averaged over the usable frames; ``landmark_error_percent_iod`` is the mean over the frames that are ok and all
            embedded points, irises included, the outline of the face left out.
        table: The ``.csv`` to write.
        settings: The stage's settings.
        threads: Threads; the result does not depend on them.
        focal: The camera's focal length in pixels of the video's own frames; None: sought.
        identity: A file of the person's identity codes; None: sought.

    Raises:
        UserError: An input cannot be read, inputs do not belong together, or too many frames cannot be tracked.
    """
    torch.set_num_threads(1)
    manifest = read_manifest(frames, clip=clip, verify=False)
    facts, seen = manifest.details, read_landmarks(landmarks, clip)
    model = HeadModel.load(head, torch.float64)
    check_input(seen, model.container, manifest, clip, landmarks)
    check_bad_share(seen.reasons, seen, settings.max_bad, clip, landmarks)
    embedding = model.container.embeddings[seen.convention.name]
    given = read_given(clip, manifest, frames, model.container, focal=focal, identity=identity)
    contour = model.container.contours.get(seen.convention.name)
    places = Places.of(embedding, contour)
    sought = pose_problem(model, embedding, seen, manifest.size, settings, contour)
    problem = with_given(sought, given)
    tracked = fit_in_rounds(model, problem, seen, places, manifest.size, settings, threads, clip)
    case = Case(clip, str(landmarks), problem, sought, given, tracked, facts.get("scale", 1.0), facts.get("fps"), threads)
    remarks = advise(case, settings.max_bad)
    write_tracking(replace(tracked, notes=tracked.notes | {"remarks": remarks}), output, summary, table)


def fit_in_rounds(
    model: HeadModel,
    problem: ClipProblem,
    seen: SeenLandmarks,
    places: Places,
    size: tuple[int, int],
    settings: TrackingSettings,
    threads: int,
    clip: str,
) -> Tracked:
    """Fit, leave out the frames that do not fit, and fit again until none is left out; then ask how certain all is."""
    fixed = problem.priors.identity <= CERTAIN
    problem, person = narrow_identity(problem, eye_rows(places.points, seen.convention), fixed)
    problem, state = first_fit(problem, settings, threads, clip)
    reasons = dict(seen.reasons)
    for last in (False,) * (ROUNDS - 1) + (True,):
        fit = run_fit(problem, state, settings.iterations, threads, f"{clip}: tracking")
        final = within_bounds(problem, fit.state)
        points, errors = error_percent(problem, final, seen, places)
        residual = errors[:, ~on_outline(points, seen.convention)].mean(1)
        outliers = np.flatnonzero(seen.usable & (residual > settings.max_residual))
        fresh = [int(place) for place in outliers if int(place) not in reasons]
        reasons |= {place: f"error of {residual[place]:.1f} %" for place in fresh}
        if last or not fresh or len(reasons) == len(seen.ids):
            break
        weights = problem.weights.clone()
        weights[fresh] = 0
        problem, state = replace(problem, weights=weights), fit.state
        del fit  # with its equations, a clip's largest thing
    notes = {"iterations": fit.iterations, "settled": fit.settled}
    certainty = ask_certainty(problem, fit, threads)
    known = deviations_of(certainty, person, problem, seen)
    status, reasons = judge_frames(known["deviation"], reasons, seen, settings)
    track = track_of(final, person, problem, seen, status, residual, size, model.sha256)
    return Tracked(track, seen, model.container, problem.pivot.numpy(), points, errors, reasons, notes, **known)


def track_of(
    state: ClipState,
    person: Person,
    problem: ClipProblem,
    seen: SeenLandmarks,
    status: tuple[str, ...],
    residual: Float[ndarray, " T"],
    size: tuple[int, int],
    head_sha256: str,
) -> Track:
    """Return the fitted state as a tracked clip; the neck is at rest."""
    codes, layout = state.codes.numpy(), problem.landmarks.layout
    return Track(
        ids=np.array(seen.ids, np.int64),
        identity=person.codes(state.identity).numpy(),
        expression=codes[:, : layout.expression],
        jaw=codes[:, layout.angles(0)],
        eyes=codes[:, layout.linear + 3 :].reshape(-1, 2, 3),
        neck=np.zeros((len(codes), 3)),
        eyelids=codes[:, layout.expression : layout.linear],
        rotation=state.rotation.numpy(),
        translation=translation(state, problem.pivot).numpy(),
        focal=float(state.log_focal.exp()),
        principal=problem.principal.numpy(),
        size=size,
        status=status,
        residual=residual,
        head_sha256=head_sha256,
        convention=seen.convention.name,
    )


def first_fit(problem: ClipProblem, settings: TrackingSettings, threads: int, clip: str) -> tuple[ClipProblem, ClipState]:
    """Return a problem that has learned from a fit of some of its frames, and where the fit of all begins."""
    frames = sample_frames(problem.seen)
    sample = take_problem(problem, frames)
    what = f"{clip}: tracking {len(frames)} frames"
    state = run_fit(sample, start_clip(sample, math.exp(problem.priors.log_focal[0])), settings.iterations, threads, what).state
    if settings.learned_priors:
        with work(threads) as worker:
            learned = learn_beliefs(sample, state, worker).priors
        own = {"code_precision": learned.code_precision, "code_step": learned.code_step}
        sample, problem = (replace(part, priors=replace(part.priors, **own)) for part in (sample, problem))
        state = run_fit(sample, state, settings.iterations, threads, f"{what} again").state
    return problem, start_from_sample(problem, state, frames)


def run_fit(problem: ClipProblem, state: ClipState, iterations: int, threads: int, what: str) -> ClipFit:
    """Fit once, telling how it goes: the error in some of the frames, in multiples of what is expected, and the time left."""
    began = time.monotonic()
    some = torch.arange(0, len(problem.pixels), max(1, len(problem.pixels) // TOLD))
    few = take_problem(problem, some)

    def tell(iteration: int, state: ClipState) -> None:
        error = mean_distance(few, take_frames(state, some)) / problem.noise
        each = (time.monotonic() - began) / iteration
        left = f"{each:.1f} s a step, at most {each * (iterations - iteration):.0f} s left"
        sys.stderr.write(f"{what}: step {iteration}, landmarks {error:.2f} times as far off as expected; {left}\n")

    return fit_clip(problem, state, iterations=iterations, tolerance=TOLERANCE, threads=threads, tell=tell)


def within_bounds(problem: ClipProblem, state: ClipState) -> ClipState:
    """Return a state with its codes brought within their bounds.

    A fit leaves them a little beyond, and one that goes on from there must find them there: on a bound a code seems free.
    """
    return replace(state, codes=state.codes.clamp(problem.priors.code_low, problem.priors.code_high))


def error_percent(
    problem: ClipProblem, state: ClipState, seen: SeenLandmarks, places: Places
) -> tuple[Int[ndarray, " L"], Float[ndarray, "T L"]]:
    """Return the detector's points, and how far each lies from where it was seen in percent of the eye distance, or NaN."""
    points, distances = places.seen((project_landmarks(problem, state) - problem.pixels).norm(dim=-1), state)
    return points, np.where(seen.usable[:, None], 100 * distances.numpy() / seen.eye_distance, np.nan)
