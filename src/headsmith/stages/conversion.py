"""The stage *conversion*: a clip's tracking on another head model, by fitting its vertices."""

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from headsmith.bridges.track import Track
from headsmith.contract.errors import UserError
from headsmith.contract.settings import ConversionSettings
from headsmith.heads.conversion import BATCH, Conversion
from headsmith.heads.conversion_camera import carry_cameras
from headsmith.heads.conversion_equations import HeadState
from headsmith.heads.conversion_places import LANDMARKS, VERTICES
from headsmith.heads.conversion_residual import Residuals
from headsmith.heads.model import HeadModel
from headsmith.media.atomic import atomic_path
from headsmith.media.progress import note, progress
from headsmith.stages.tracking_file import read_tracking

NOTES = {
    VERTICES: "the heads are one mesh: distances are between its vertices, the neck at rest, but for those at its lower end",
    LANDMARKS: "the heads are two meshes: distances are between landmarks, and roughly the skull; ears and neck are guessed",
}
GROUPS = ("linear", "angles", "turn", "shift")
"""The parts of a ``HeadState``."""


def convert_head(
    *,
    clip: str,
    tracking: Path,
    source_head: Path,
    target_head: Path,
    output: Path,
    summary: Path,
    settings: ConversionSettings,
    threads: int,
) -> None:
    """Write a clip's tracking as parameters of another head, and how far the two heads lie apart.

    Frames without parameters stay so; the status of all frames stays; the landmark residual, the first head's, becomes NaN.

    Args:
        clip: Name of the clip.
        tracking: The clip's ``tracking.npz``.
        source_head: The container of the head it was tracked with.
        target_head: The container of the other head.
        output: The same file for the other head; ``tracking.source: headsmith`` takes it.
        summary: Distances between the two heads in millimetres, and how the heads were matched, ``.json``.
        settings: The stage's settings.
        threads: For torch; one is the fastest, because its matrices are small.

    Raises:
        UserError: The tracking is another head's, both heads are the same, they share too little, no frame has parameters, or
            the heads lie too far apart.
    """
    torch.set_num_threads(threads)
    source, target = (HeadModel.load(path, torch.float64) for path in (source_head, target_head))
    if source.sha256 == target.sha256:
        remedy = "set conversion.to to another head model than heads.model"
        raise UserError(f"the clip is tracked with {target.container.name} already", clip=clip, file=target_head, remedy=remedy)
    track = Track.from_arrays(read_tracking(tracking, source.container, clip).arrays)
    converted, facts = convert_track(track, source, target, settings, clip)
    refuse_distance(facts, settings, clip, tracking)
    with atomic_path(output) as partial:
        np.savez(partial, **converted.arrays())
    with atomic_path(summary) as partial:
        partial.write_text(json.dumps(facts, indent=1) + "\n")


def convert_track(
    track: Track, source: HeadModel, target: HeadModel, settings: ConversionSettings, clip: str
) -> tuple[Track, dict[str, Any]]:
    """Return a clip on another head, and the content of the summary.

    Args:
        track: The clip.
        source: Its head, float64.
        target: The other head, float64.
        settings: Ridge and limit.
        clip: Name of the clip, for messages.

    Raises:
        UserError: The heads share too little, or no frame has parameters.
    """
    known = np.flatnonzero(np.isfinite(track.expression).all(1) & np.isfinite(track.rotation).all((1, 2)))
    if not len(known):
        raise UserError("no frame of the clip has parameters", clip=clip, remedy="look at its tracking first (quality)")
    part = track.take(known)
    conversion = Conversion.between(source, target, torch.from_numpy(part.identity), settings.ridge)
    at_rest, moving = Residuals(conversion.places.regions), Residuals(conversion.places.regions)
    at_rest.add(conversion.distances[None].numpy())
    found = collect(conversion, part, moving, clip)
    facts = {
        "from": source.container.name,
        "to": target.container.name,
        "matched_by": conversion.places.kind,
        "places": len(conversion.places.weights),
        "note": NOTES[conversion.places.kind],
        "frames": len(known),
        "frames_without_parameters": len(track.ids) - len(known),
        "at_rest": at_rest.summary(),
        "over_frames": moving.summary(),
        "largest_identity_code": float(conversion.identity.abs().max()),
        "head_sha256": target.sha256,
        "source_head_sha256": source.sha256,
    }
    return scatter(track, known, placed(part, conversion, found, source, target)), facts


def collect(conversion: Conversion, part: Track, residuals: Residuals, clip: str) -> HeadState:
    """Return all frames on the other head; their distances go to ``residuals``, batch by batch."""
    started, count = time.monotonic(), len(part.ids)
    batches = []
    for batch in progress(conversion.frames(part.parameters()), -(-count // BATCH), f"{clip}: conversion, batches"):
        residuals.add(batch.distances.numpy())
        batches.append(batch.state)
    spent = max(time.monotonic() - started, 1e-9)
    note(f"{clip}: conversion: {count} frames in {spent:.1f} s, {count / spent:.0f} frames/s; {residuals.mean:.3f} mm apart")
    return HeadState(*(torch.cat([getattr(batch, name) for batch in batches]) for name in GROUPS))


def placed(part: Track, conversion: Conversion, found: HeadState, source: HeadModel, target: HeadModel) -> Track:
    """Return the frames on the other head, each with its camera."""
    lids = found.linear.shape[1] - 2
    own = replace(
        part,
        identity=conversion.identity.numpy(),
        expression=found.linear[:, :lids].numpy(),
        eyelids=found.linear[:, lids:].numpy(),
        jaw=found.angles[:, 0].numpy(),
        eyes=found.angles[:, 1:].numpy(),
        residual=np.full(len(part.ids), np.nan),
        head_sha256=target.sha256,
    )
    before = part.cameras()
    cameras, between = (before.rotation, before.translation), (found.turn, found.shift)
    rotation, translation = carry_cameras(cameras, between, (source, part.parameters()), (target, own.parameters()))
    return replace(own, rotation=rotation.numpy(), translation=translation.numpy())


def scatter(track: Track, known: np.ndarray, converted: Track) -> Track:
    """Return the whole clip: converted frames where there were parameters, NaN where there were none."""
    names = ("expression", "jaw", "eyes", "neck", "eyelids", "rotation", "translation")
    rows = {}
    for name in names:
        values = getattr(converted, name)
        rows[name] = np.full((len(track.ids), *values.shape[1:]), np.nan)
        rows[name][known] = values
    return replace(converted, ids=track.ids, status=track.status, residual=np.full(len(track.ids), np.nan), **rows)


def refuse_distance(facts: dict[str, Any], settings: ConversionSettings, clip: str, file: Path) -> None:
    """Refuse heads that lie too far apart.

    Raises:
        UserError: The mean distance, at rest or over the frames, is larger than the settings allow.
    """
    for word in ("at_rest", "over_frames"):
        if not facts[word]["mean_mm"] <= settings.max_residual:
            worst = max(facts[word]["regions_mm"].items(), key=lambda item: item[1], default=("all", facts[word]["mean_mm"]))
            what = f"{facts['from']} and {facts['to']} lie {facts[word]['mean_mm']:.2f} mm apart {word.replace('_', ' ')}"
            what += f" (at most {settings.max_residual} may); worst: {worst[0]}, {worst[1]:.2f} mm"
            remedy = "see that the clip is tracked well (quality), or change conversion.ridge or conversion.max_residual"
            raise UserError(what, clip=clip, file=file, remedy=remedy)
