"""What the tracking's picture and video are drawn from: parameters, the head, and the landmarks, put beside each other."""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float, Int32
from numpy import ndarray

from headsmith.bridges.track import OK, Track, project_embedded
from headsmith.contract.conventions import Convention, convention_of
from headsmith.contract.errors import UserError
from headsmith.heads.embedding_types import Embedding
from headsmith.heads.model import HeadModel
from headsmith.media.arrays import read_landmark_arrays
from headsmith.show.page_tables import read_json
from headsmith.stages.tracking_file import read_deviations, read_tracking


@dataclass(frozen=True)
class TrackedClip:
    """A tracked clip beside its landmarks.

    Attributes:
        track: Parameters and cameras.
        model: The head, float32.
        embedding: The head's landmarks, without the face's outline, which slides over the skin.
        convention: What the landmarks are.
        detected: All landmarks of the frames, pixels; NaN where the frame has none.
        reasons: Why frames are not ok, by frame id.
        deviations: Standard deviations, by the name of their array (docs/outputs.md); none where none were estimated.
    """

    track: Track
    model: HeadModel
    embedding: Embedding
    convention: Convention
    detected: Float[ndarray, "T L 2"]
    reasons: dict[int, str]
    deviations: dict[str, ndarray]

    @property
    def ok(self) -> Bool[ndarray, " T"]:
        """Which frames are fitted well."""
        return np.array(self.track.status) == OK

    @property
    def contours(self) -> Embedding:
        """The landmarks of lips, eyes, brows, nose and irises: few enough to be drawn."""
        named = {point for points in self.convention.parts.values() for point in points}
        return self.embedding.take(tuple(point for point in self.embedding.points.tolist() if point in named))

    @property
    def eye_distance(self) -> float:
        """Mean distance between the outer eye corners, pixels; NaN where no frame has landmarks."""
        right, left = self.convention.outer_eye_corners
        apart = np.linalg.norm(self.detected[:, right] - self.detected[:, left], axis=-1)
        return float(apart[np.isfinite(apart)].mean()) if np.isfinite(apart).any() else float("nan")

    @property
    def faces(self) -> Int32[ndarray, "F 3"]:
        """Corner ids of the head's triangles."""
        return self.model.container.faces

    def reason(self, frame_id: int) -> str:
        """Return why a frame is not ok, in words."""
        return self.reasons.get(frame_id, "no reason told").replace("_", " ")

    @property
    def landmark_errors(self) -> Float[ndarray, " T"]:
        """Mean distance of the landmarks from where they were seen, percent of the eye distance; NaN where unseen."""
        model = HeadModel.from_container(self.model.container, torch.float64)
        apart = project_embedded(self.track, model, self.embedding) - self.detected[:, self.embedding.points]
        return 100 * np.linalg.norm(apart, axis=-1).mean(1) / self.eye_distance

    @cached_property
    def part_errors(self) -> dict[str, Float[ndarray, " T"]]:
        """Return the mean distance of each part's landmarks from where they were seen, percent of the eye distance."""
        model = HeadModel.from_container(self.model.container, torch.float64)
        apart = project_embedded(self.track, model, self.embedding) - self.detected[:, self.embedding.points]
        errors = 100 * np.linalg.norm(apart, axis=-1) / self.eye_distance
        rows = {name: np.isin(self.embedding.points, points) for name, points in self.convention.parts.items()}
        rows["skin"] = ~np.any(list(rows.values()), axis=0)
        return {name: errors[:, chosen].mean(1) for name, chosen in rows.items() if chosen.any()}


def read_tracked_clip(clip: str, tracking: Path, head: Path, landmarks: Path, summary: Path) -> TrackedClip:
    """Return a tracked clip with its landmarks; where its parameters were brought with no errors, these are measured here.

    Raises:
        UserError: A file cannot be read, the tracking was made with another head, or the landmarks are of other frames.
    """
    model = HeadModel.load(head)
    track = Track.from_arrays(read_tracking(tracking, model.container, clip).arrays)
    content = read_landmark_arrays(landmarks, clip, "ids", "status", "points", "convention")
    if content["ids"].tolist() != track.ids.tolist():
        what = f"tracking of {len(track.ids)} frames beside landmarks of {len(content['ids'])}: they do not belong together"
        raise UserError(what, clip=clip, file=tracking, remedy=f"delete {tracking} and run snakemake again")
    convention = convention_of(str(content["convention"]))
    known = (content["status"] == "ok")[:, None, None]
    detected = np.where(known, content["points"][..., :2], np.nan).astype(np.float64)
    embedding = model.container.embeddings[convention.name]
    inner = tuple(point for point in embedding.points.tolist() if point not in convention.outline)
    reasons = {int(item["id"]): str(item["reason"]) for item in read_json(summary, clip).get("not_ok", [])}
    tracked = TrackedClip(track, model, embedding.take(inner), convention, detected, reasons, read_deviations(tracking))
    return tracked if np.isfinite(track.residual).any() else replace(tracked, track=with_errors(tracked))


def with_errors(tracked: TrackedClip) -> Track:
    """Return a track with the errors that its landmarks tell: of parameters that were brought, tracking knows none."""
    return replace(tracked.track, residual=tracked.landmark_errors)
