"""What tracking writes: parameters for machines, figures for the report, and a table for people."""

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from headsmith.bridges.smoothing import runs_of
from headsmith.bridges.track import OK, STATUSES, Track, project_embedded
from headsmith.contract.conventions import Convention
from headsmith.heads.container import HeadContainer
from headsmith.heads.model import HeadModel
from headsmith.media.atomic import atomic_path
from headsmith.stages.tracking_file import DEVIATIONS
from headsmith.stages.tracking_input import SeenLandmarks
from headsmith.stages.tracking_jitter import jitter, point_jitter
from headsmith.stages.tracking_table import head_angles, table_columns, write_table


@dataclass(frozen=True)
class Tracked:
    """A tracked clip beside the landmarks it is judged by.

    Attributes:
        track: Parameters and cameras.
        seen: The landmarks.
        head: The head.
        pivot: The middle of its landmarks, metres: jitter of the shift is told there.
        points: Which of the detector's points are compared.
        errors: Distance of each from where it was seen, percent of the eye distance; NaN where unseen.
        reasons: Why frames are not ok, by place in the clip.
        notes: More for the summary: how it was tracked.
        deviation: Standard deviation of the landmarks' projection, percent of the eye distance; None where none was estimated.
        parameter_deviation: Standard deviations of the codes, two eyelids, jaw and eyes (9, radians), turn (3, radians) and
            shift (3, metres), in that order.
        identity_deviation: Standard deviations of the identity's codes.
        focal_deviation: Standard deviation of the focal length, as a share of it.
    """

    track: Track
    seen: SeenLandmarks
    head: HeadContainer
    pivot: Float[ndarray, "3"]
    points: Int[ndarray, " L"]
    errors: Float[ndarray, "T L"]
    reasons: dict[int, str]
    notes: dict[str, Any]
    deviation: Float[ndarray, " T"] | None = None
    parameter_deviation: Float[ndarray, "T P"] | None = None
    identity_deviation: Float[ndarray, " K"] | None = None
    focal_deviation: float | None = None

    @property
    def ok(self) -> ndarray:
        """Frames that are fitted well."""
        return np.array(self.track.status) == OK

    @property
    def inner_errors(self) -> Float[ndarray, "T M"]:
        """Errors of the points that are not on the face's outline."""
        return self.errors[:, ~on_outline(self.points, self.seen.convention)]

    @property
    def deviations(self) -> dict[str, ndarray]:
        """The arrays of standard deviations that ``tracking.npz`` holds, float32; none where none were estimated."""
        values = {name: getattr(self, name) for name in DEVIATIONS}
        return {name: np.asarray(value, np.float32) for name, value in values.items() if value is not None}


def on_outline(points: Int[ndarray, " L"], convention: Convention) -> Bool[ndarray, " L"]:
    """Return which points of a convention lie on the outline of the face."""
    return np.isin(points, convention.outline)


def part_errors(tracked: Tracked) -> dict[str, float]:
    """Return the mean error of each part of the face over the frames that are ok, percent of the eye distance."""
    errors = tracked.errors[tracked.ok]
    rows = {name: np.isin(tracked.points, points) for name, points in tracked.seen.convention.parts.items()}
    named = np.any(list(rows.values()), axis=0)
    rows["skin"] = ~named
    return {name: float(errors[:, chosen].mean()) for name, chosen in rows.items() if chosen.any()}


def landmark_jitter(tracked: Tracked) -> dict[str, float | None]:
    """Return the mean length of second differences of the landmarks, as tracked and as detected, percent of the eye distance.

    Of the points that are not on the face's outline, over runs of frames that follow each other and are ok; None where no run
    has three frames.
    """
    seen, model = tracked.seen, HeadModel.from_container(tracked.head, torch.float64)
    inner = tuple(tracked.points[~on_outline(tracked.points, seen.convention)].tolist())
    embedding = tracked.head.embeddings[seen.convention.name].take(inner)
    points = {"tracked": project_embedded(tracked.track, model, embedding), "detected": seen.points[:, inner]}
    sizes = {name: point_jitter(values, runs_of(tracked.track)) for name, values in points.items()}
    return {name: None if size is None else 100 * size / seen.eye_distance for name, size in sizes.items()}


def deviation_figures(tracked: Tracked) -> dict[str, Any]:
    """Return what the summary tells of standard deviations, over the frames that are ok; nothing where none were estimated."""
    figures: dict[str, Any] = {}
    if tracked.focal_deviation is not None:
        figures["focal_deviation_pixels"] = tracked.focal_deviation * tracked.track.focal
    if tracked.deviation is not None:
        good = tracked.deviation[tracked.ok]
        figures["deviation_percent_iod"] = {"median": float(np.median(good)), "largest": float(good.max())}
    return figures


def summarise(tracked: Tracked) -> dict[str, Any]:
    """Return the content of ``tracking.json``."""
    counts = Counter(tracked.track.status)
    return {
        "landmark_error_percent_iod": float(tracked.inner_errors[tracked.ok].mean()),
        "landmark_error_percent_iod_by_part": part_errors(tracked),
        "landmarks": len(tracked.points),
        "eye_distance_pixels": tracked.seen.eye_distance,
        "focal_pixels": tracked.track.focal,
        "frames": len(tracked.track.status),
        "counts": {name: counts[name] for name in STATUSES},
        "not_ok": [{"id": tracked.seen.ids[place], "reason": tracked.reasons[place]} for place in sorted(tracked.reasons)],
        "jitter": jitter(tracked.track, tracked.pivot),
        "landmark_jitter_percent_iod": landmark_jitter(tracked),
        "head": tracked.head.name,
        "convention": tracked.seen.convention.name,
        **deviation_figures(tracked),
        **tracked.notes,
    }


def write_tracking(tracked: Tracked, output: Path, summary: Path, table: Path) -> dict[str, Any]:
    """Write parameters, figures and table, each in one step; return the figures."""
    figures = summarise(tracked)
    with atomic_path(output) as partial:
        np.savez(partial, **tracked.track.arrays(), **tracked.deviations)
    with atomic_path(summary) as partial:
        partial.write_text(json.dumps(figures, indent=1) + "\n")
    angles = head_angles(torch.from_numpy(np.ascontiguousarray(tracked.track.rotation))).numpy()
    columns = table_columns(tracked.track, angles, tracked.head.expression_names, tracked.deviation)
    write_table(table, tracked.track, columns, tracked.reasons)
    return figures
