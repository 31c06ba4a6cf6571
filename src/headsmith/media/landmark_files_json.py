"""MMPose's JSON: the faces of a picture, or of all frames of a video.

MMPose 1.x writes, by the program and the input: a list of ``{frame_id, instances}`` (inferencer, video; frames from 0); the
same under ``instance_info`` (top-down demo, video; frames from 1); a list of instances, bare or under ``instance_info`` or
``instances`` (pictures). An instance has ``keypoints`` and ``keypoint_scores``.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from headsmith.contract.errors import UserError
from headsmith.media.landmark_files import COUNT, FaultyLandmarksError, GivenFace, checked_face, read_bounded

FACE_OF_COUNT = {COUNT: slice(0, COUNT), 133: slice(23, 23 + COUNT)}
"""Where the face's points are, by how many an instance has; 133 are COCO-WholeBody's (Jin et al. 2020, figure 2)."""
REMEDY = "give the JSON that MMPose 1.x writes with a model of 68 face points or 133 whole-body points"


@dataclass(frozen=True)
class _Instance:
    """An instance as compact arrays, so that a long video's need no memory as lists."""

    keypoints: ndarray | None
    scores: ndarray | None
    box_score: ndarray | None


def read_json(path: Path, limit: int, clip: str | None) -> list[GivenFace] | dict[int, list[GivenFace]]:
    """Return the faces of a picture; of a video, those of each frame, by the numbers in the file.

    Raises:
        UserError: The file cannot be read, has more than ``limit`` bytes, or is none of MMPose's.
    """
    try:
        content = json.loads(read_bounded(path, limit, clip), object_hook=_compact, parse_constant=_refuse)
        return _sorted_out(content)
    except FaultyLandmarksError as error:
        raise UserError(str(error), clip=clip, file=path, remedy=REMEDY) from error
    except (ValueError, RecursionError) as error:
        raise UserError(f"the file is not JSON: {error}", clip=clip, file=path, remedy=REMEDY) from error


def _sorted_out(content: Any) -> list[GivenFace] | dict[int, list[GivenFace]]:
    for word in ("instance_info", "instances"):
        if isinstance(content, dict) and word in content:
            content = content[word]
    entries = content if isinstance(content, list) else [content]
    if any(isinstance(entry, dict) and "frame_id" in entry for entry in entries):
        return _frames(entries)
    return [_face(entry) for entry in entries]


def _frames(entries: list[Any]) -> dict[int, list[GivenFace]]:
    frames: dict[int, list[GivenFace]] = {}
    for place, entry in enumerate(entries):
        number = entry.get("frame_id") if isinstance(entry, dict) else None
        if not isinstance(number, int) or number < 0 or not isinstance(entry.get("instances"), list):
            raise FaultyLandmarksError(f"entry {place} has no frame_id, or no list of instances")
        if number in frames:
            raise FaultyLandmarksError(f"frame {number} stands twice")
        try:
            frames[number] = [_face(instance) for instance in entry["instances"]]
        except FaultyLandmarksError as error:
            raise FaultyLandmarksError(f"frame {number}: {error}") from error
    return frames


def _face(instance: Any) -> GivenFace:
    if not isinstance(instance, _Instance) or instance.keypoints is None:
        raise FaultyLandmarksError("an instance has no `keypoints`, or they are not numbers")
    points, scores = instance.keypoints, instance.scores
    if points.ndim != 2 or points.shape[1] != 2 or len(points) not in FACE_OF_COUNT:
        known = " or ".join(map(str, FACE_OF_COUNT))
        raise FaultyLandmarksError(f"an instance has keypoints of shape {points.shape}; {known} of x and y are known")
    if scores is not None and scores.shape != points.shape[:1]:
        raise FaultyLandmarksError(f"an instance has {len(points)} keypoints and scores of shape {scores.shape}")
    chosen = FACE_OF_COUNT[len(points)]
    box_score = None if instance.box_score is None or scores is not None else float(instance.box_score.max(initial=0))
    return checked_face(points[chosen], None if scores is None else scores[chosen], box_score)


def _compact(entry: dict[str, Any]) -> Any:
    if "keypoints" not in entry:
        return entry
    return _Instance(*(_numbers(entry.get(word)) for word in ("keypoints", "keypoint_scores", "bbox_score")))


def _numbers(values: Any) -> Float[ndarray, "..."] | None:
    if values is None:
        return None
    try:
        return np.asarray(values, np.float64)
    except (ValueError, TypeError, OverflowError):
        return np.full(1, np.nan)


def _refuse(constant: str) -> float:
    raise FaultyLandmarksError(f"{constant} stands among the numbers")
