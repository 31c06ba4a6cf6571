"""What shows that another program's results and our frames do not belong together."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from headsmith.bridges.flame_head_tracker import holds_pictures, read_points
from headsmith.bridges.placing import CROP_TRAP
from headsmith.bridges.track import MISSING, OUTLIER, UNCERTAIN, Track
from headsmith.contract.conventions import IBUG68, IBUG68_FROM_MEDIAPIPE, MEDIAPIPE478
from headsmith.contract.errors import UserError
from headsmith.contract.manifest import Manifest
from headsmith.contract.settings import TrackingSettings
from headsmith.heads.embedding_types import Embedding
from headsmith.heads.model import HeadModel
from headsmith.media.progress import note
from headsmith.stages.imports_frames import details_seen, errors_percent, inner_errors, numbers_of, place
from headsmith.stages.tracking_input import SeenLandmarks
from headsmith.stages.tracking_output import Tracked

CROPPED = "flame_head_tracker"
SAME_CROP = {MEDIAPIPE478.name: 2.0, IBUG68.name: 6.0}
"""Percent of the eye distance by which the tracker's points may miss ours, on the median over the frames. MediaPipe, which is
the tracker's own detector, misses itself by 0.9 at most on two real clips of 96 to 512 pixels; others see other points."""
OFFSETS = (-1, 0, 1)
MEASURED = 300
"""Frames, about, by which offsets are compared."""
LEAST = 10
"""Frames below which offsets are not compared."""
CLEARLY = 0.8
"""An offset is told that has less than this share of the error."""


def check_crops(source: str, given: Path, manifest: Manifest, seen: SeenLandmarks) -> None:
    """Accept frames that are the very crops that flame-head-tracker looked at: its points lie where ours do.

    Raises:
        UserError: They are not.
    """
    read = read_points(given) if source == CROPPED else None
    if read is None:
        return
    distance = crop_distance(*read, manifest, source, seen)
    if not distance <= SAME_CROP[seen.convention.name]:
        what = (
            f"the frames are not the crops that the tracker saw: its points miss ours by {distance:.1f} % of the eye distance"
        )
        raise UserError(what, remedy=crop_remedy(given, manifest))


def crop_remedy(given: Path, manifest: Manifest) -> str:
    """Return how the frames become flame-head-tracker's crops."""
    if manifest.details.get("aligned"):
        return (
            "name the very video that was tracked in the column `video`, and give frames.fps (or the column `fps`) its rate "
            "times subsample_fps / original_fps of the tracker; docs/formats.md tells how frames count"
        )
    remedy = "flame-head-tracker turns and cuts each frame anew, and its camera fits these alone: "
    if holds_pictures(given):
        remedy += "name its folder, with the crops in it, in both columns `video` and `tracking` of the table of clips"
        return remedy
    remedy += "its folder holds no pictures any more, so name the video that was tracked in the column `video`, and set "
    return remedy + "frames.crop (or the column `crop`) to aligned: the same crops are then cut again"


def crop_distance(
    ids: list[int], points: Float[ndarray, "T 68 2"], manifest: Manifest, source: str, seen: SeenLandmarks
) -> float:
    """Return the median distance of the tracker's inner points from ours, percent of the eye distance; NaN without any."""
    ours = seen.points
    if seen.convention.name != IBUG68.name:
        ours = np.stack([seen.points[:, group].mean(1) for group in map(list, IBUG68_FROM_MEDIAPIPE)], 1)
    rows = {number: row for row, number in enumerate(ids)}
    numbers = numbers_of(manifest, source)
    pairs = [(t, rows[number]) for t, number in enumerate(numbers) if number in rows and seen.usable[t]]
    if not pairs:
        return float("nan")
    here, there = (list(side) for side in zip(*pairs, strict=True))
    details = details_seen(manifest)
    x, y, side = details["crop"]
    scale = manifest.size[0] / side
    theirs = (points[there] * details["source_size"][0] - (x, y)) * scale
    apart = np.linalg.norm(theirs - ours[here], axis=-1)[:, len(IBUG68.outline) :]
    return float(100 * np.median(apart.mean(1)) / seen.eye_distance)


def check_share(tracked: Tracked, settings: TrackingSettings, clip: str, given: Path) -> None:
    """Accept a clip by the share of frames that cannot be used.

    Raises:
        UserError: There are more than ``tracking.max_bad`` allows.
    """
    count, bad = len(tracked.track.ids), len(tracked.reasons)
    if bad <= settings.max_bad * count:
        return
    outliers, uncertain = np.array(tracked.track.status) == OUTLIER, tracked.track.status.count(UNCERTAIN)
    what = f"{bad} of {count} frames cannot be used; at most {settings.max_bad:.0%} may (tracking.max_bad): "
    what += f"{bad - int(outliers.sum()) - uncertain} have no parameters or no landmarks"
    what += f", {uncertain} are uncertain" if uncertain else ""
    remedy = "track them, or leave them out (start and end in the table of clips)"
    if outliers.any():
        error = float(np.nanmedian(tracked.track.residual[outliers]))
        what += f", {int(outliers.sum())} show the face elsewhere than the landmarks, by {error:.0f} % of the eye distance"
        remedy = f"look whether the clip is what the tracker saw: {CROP_TRAP}; if it is, raise "
        remedy += f"tracking.max_residual ({settings.max_residual:g})"
    raise UserError(what, clip=clip, file=given, remedy=remedy)


def offset_errors(
    track: Track, manifest: Manifest, source: str, given: Path, model: HeadModel, embedding: Embedding, seen: SeenLandmarks
) -> dict[str, float]:
    """Return the median error, percent of the eye distance, if parameters were one frame earlier, as they are, one later."""
    if len(manifest.ids) < LEAST:
        return {}
    some = np.arange(0, len(manifest.ids), max(1, len(manifest.ids) // MEASURED))
    thin = replace(seen, points=seen.points[some], trust=seen.trust[some], usable=seen.usable[some])
    found = {}
    for shift in OFFSETS:
        placed = place(track, manifest, source, given, shift).take(some)
        errors = inner_errors(errors_percent(placed, model, embedding, thin), embedding, thin)
        good = np.array([status != MISSING for status in placed.status]) & thin.usable
        found[f"{shift:+d}" if shift else "0"] = float(np.median(errors[good])) if good.any() else float("nan")
    return found


def tell_offset(clip: str, errors: dict[str, float]) -> None:
    """Say that the parameters fit better a frame earlier or later: the programs may count differently."""
    best = min(errors, key=lambda shift: errors[shift], default="0")
    if best != "0" and errors[best] < CLEARLY * errors["0"]:
        note(
            f"{clip}: tracking: the parameters of one frame {'later' if best == '+1' else 'earlier'} fit better, by "
            f"{errors[best]:.2f} against {errors['0']:.2f} %: the programs may number the frames differently (docs/formats.md)"
        )
