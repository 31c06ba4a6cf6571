"""The stage *tracking*, where another program has tracked: its results are read, placed in our frames, and judged."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from headsmith.bridges.blinks import SCORED, calibrate_blinks
from headsmith.bridges.neck import fold_neck
from headsmith.bridges.readers import read_track
from headsmith.bridges.smoothing import runs_of, smooth_track
from headsmith.bridges.track import MISSING, OK, OUTLIER, UNCERTAIN, Track
from headsmith.contract.errors import UserError
from headsmith.contract.exchange import check_codes
from headsmith.contract.manifest import read_manifest
from headsmith.contract.settings import TrackingSettings
from headsmith.heads.embedding_types import Embedding
from headsmith.heads.model import HeadModel
from headsmith.maths.barycentrics import interpolate_on_faces
from headsmith.media.progress import note
from headsmith.stages.imports_checks import check_crops, check_share, offset_errors, tell_offset
from headsmith.stages.imports_frames import errors_percent, inner_errors, place
from headsmith.stages.tracking_input import SeenLandmarks, check_input, read_landmarks
from headsmith.stages.tracking_jitter import jitter
from headsmith.stages.tracking_output import Tracked, write_tracking

LEAP = "leap"
LEFT_OUT = "not tracked"
"""Why a frame is missing that the other program has no parameters of."""


def import_tracking(
    *,
    clip: str,
    frames: Path,
    landmarks: Path,
    given: Path,
    head: Path,
    output: Path,
    summary: Path,
    table: Path,
    settings: TrackingSettings,
    threads: int,
) -> None:
    """Write what another program tracked as our own solver writes its results, judged by the clip's own landmarks.

    Frames that the program left out hold what the nearest has, and are ``missing``; so are frames without landmarks. Frames
    whose landmarks lie elsewhere than the parameters have them are ``outlier``.

    Args:
        clip: Name of the clip.
        frames: Manifest of the frames.
        landmarks: The clip's landmarks.
        given: The program's results.
        head: The head container that their codes are of.
        output: The ``.npz`` to write.
        summary: The ``.json`` to write: as ``tracking.track_head``, and how it was read.
        table: The ``.csv`` to write.
        settings: The stage's settings.
        threads: Threads; the result does not depend on them.

    Raises:
        UserError: An input cannot be read, inputs do not belong together, or too many frames are missing or outliers.
    """
    torch.set_num_threads(1)
    manifest = read_manifest(frames, clip=clip, verify=False)
    seen = read_landmarks(landmarks, clip)
    model = HeadModel.load(head, torch.float64)
    with about(clip, given):
        check_codes(settings.source, model.container.name)
        check_input(seen, model.container, manifest, clip, landmarks)
        track, notes = read_given(given, model, settings)
        check_crops(settings.source, given, manifest, seen)
        embedding = model.container.embeddings[seen.convention.name]
        notes["frame_offset"] = offset_errors(track, manifest, settings.source, given, model, embedding, seen)
        placed = place(track, manifest, settings.source, given)
    tracked = judge(placed, model, embedding, seen, settings, notes, float(manifest.details["fps"]))
    check_share(tracked, settings, clip, given)
    tell(clip, write_tracking(tracked, output, summary, table))


@contextmanager
def about(clip: str, given: Path) -> Iterator[None]:
    """Name the clip, and the results where no file is named, in messages of readers, which do not know them."""
    try:
        yield
    except UserError as error:
        raise UserError(error.what, clip=clip, file=error.file or given, remedy=error.remedy) from error


def read_given(given: Path, model: HeadModel, settings: TrackingSettings) -> tuple[Track, dict[str, Any]]:
    """Return what a program tracked, with its blinks and its neck as the settings want them, and notes for the summary.

    Raises:
        UserError: It cannot be read.
    """
    track = read_track(settings.source, given, model)
    notes: dict[str, Any] = {"source": settings.source, "tracked": len(track.ids)}
    if settings.source in SCORED and settings.blink == "calibrated":
        track, ranges = calibrate_blinks(track)
        notes["blinks"] = {side: asdict(found) for side, found in zip(("left", "right"), ranges, strict=True)}
    if track.neck.any() and settings.neck == "fold":
        track, residual = fold_neck(track, model)
        notes["neck"] = residual.figures()
    return track, notes


def judge(
    track: Track,
    model: HeadModel,
    embedding: Embedding,
    seen: SeenLandmarks,
    settings: TrackingSettings,
    notes: dict[str, Any],
    fps: float,
) -> Tracked:
    """Mark the frames that are missing and those that lie elsewhere than the landmarks, then filter the others and measure.

    Frames that our own tracking called uncertain stay so.

    Args:
        track: In our frames.
        model: Its head.
        embedding: The head's landmarks.
        seen: The clip's.
        settings: The stage's settings.
        notes: What the summary tells beside.
        fps: Frames a second.
    """
    reasons = {place: LEFT_OUT if status == MISSING else status for place, status in enumerate(track.status) if status != OK}
    reasons |= {place: reason for place, reason in seen.reasons.items() if place not in reasons}
    missing = {place for place, reason in reasons.items() if reason not in (OUTLIER, UNCERTAIN, LEAP)}
    residual = inner_errors(errors_percent(track, model, embedding, seen), embedding, seen)
    outliers = [int(place) for place in np.flatnonzero(residual > settings.max_residual) if int(place) not in reasons]
    reasons |= {place: f"error of {residual[place]:.1f} %" for place in outliers}
    words = {t: MISSING if t in missing else UNCERTAIN if why == UNCERTAIN else OUTLIER for t, why in reasons.items()}
    track = replace(track, status=tuple(words.get(t, OK) for t in range(len(track.ids))), convention=seen.convention.name)
    pivot, runs = pivot_of(model, embedding), runs_of(track)
    smooth = smooth_track(track, settings.smoothing, fps)
    figures = {"jitter": jitter(smooth, pivot, runs), "jitter_as_given": jitter(track, pivot, runs)}
    errors = errors_percent(smooth, model, embedding, seen)
    smooth = replace(smooth, residual=inner_errors(errors, embedding, seen))
    notes = {**figures, "smoothing_hertz": settings.smoothing if smooth is not track else 0.0, **notes}
    return Tracked(smooth, seen, model.container, pivot, embedding.points, errors, reasons, notes)


def pivot_of(model: HeadModel, embedding: Embedding) -> np.ndarray:
    """Return the middle of the head's landmarks at rest, metres."""
    corners = model.faces[torch.from_numpy(embedding.faces).long()]
    return interpolate_on_faces(model.template, corners, torch.from_numpy(embedding.barycentrics)).mean(0).numpy()


def tell(clip: str, summary: dict[str, Any]) -> None:
    """Say what became of the program's results."""
    counts = ", ".join(f"{count} {status}" for status, count in summary["counts"].items())
    note(f"{clip}: tracking: {counts}; error {summary['landmark_error_percent_iod']:.2f} % of the eye distance")
    if "neck" in summary:
        told = "{mean_mm:.2f} mm on the mean, {largest_mm:.2f} mm at most".format(**summary["neck"])
        note(
            f"{clip}: tracking: the neck bends by up to {summary['neck']['bend_degrees']:.1f} degrees; the head turns in its "
            f"place, which moves the face by {told}"
        )
    for side, found in summary.get("blinks", {}).items():
        if found["closed"] is None:
            note(f"{clip}: tracking: the {side} eye never blinks: its scores stay as they are")
    tell_offset(clip, summary["frame_offset"])
