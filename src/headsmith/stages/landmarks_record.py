"""What was found in the frames so far, and the two files that are made of it."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy import ndarray

from headsmith.contract.conventions import Convention
from headsmith.nets.face_landmarker import BLENDSHAPE_NAMES
from headsmith.nets.faces import Face
from headsmith.stages.landmarks_choice import STATUSES, Chosen, touches_edge


@dataclass
class Record:
    """What was found, a list entry a frame.

    Attributes:
        size: Width and height of the frames, in pixels.
    """

    size: tuple[int, int]
    ids: list[int] = field(default_factory=list)
    status: list[str] = field(default_factory=list)
    second: list[int] = field(default_factory=list)
    at_edge: list[int] = field(default_factory=list)
    faces: list[Face | None] = field(default_factory=list)
    confidence: list[float] = field(default_factory=list)

    def add(self, frame_id: int, faces: list[Face], chosen: Chosen) -> None:
        """Add a frame: all faces found in it, and what they were taken for."""
        self.ids.append(frame_id)
        self.status.append(chosen.status)
        self.faces.append(chosen.face)
        best = max((face.confidence for face in faces), default=0.0)
        self.confidence.append(best if chosen.face is None else chosen.face.confidence)
        if chosen.sure > 1:
            self.second.append(frame_id)
        if chosen.face is not None and touches_edge(chosen.face.box, self.size):
            self.at_edge.append(frame_id)

    @property
    def bad(self) -> list[tuple[int, str]]:
        """Ids and status of the frames that are not ok."""
        return [(frame_id, status) for frame_id, status in zip(self.ids, self.status, strict=True) if status != "ok"]


def arrays(record: Record, convention: Convention, detector: str, *, blendshapes: bool) -> dict[str, ndarray]:
    """Return the content of ``landmarks.npz`` (docs/outputs.md); frames that are not ok hold NaN.

    Args:
        record: The frames.
        convention: What the points are.
        detector: Name of the detector.
        blendshapes: Whether it has any.
    """
    names = BLENDSHAPE_NAMES if blendshapes else ()
    count = len(record.ids)
    points = np.full((count, convention.count, 3), np.nan, np.float32)
    sure = np.full((count, convention.count), np.nan, np.float32)
    shapes = np.full((count, len(names)), np.nan, np.float32)
    for row, face in enumerate(record.faces):
        if face is not None:
            points[row], sure[row], shapes[row] = face.points, face.point_confidence, face.blendshapes
    return {
        "ids": np.array(record.ids, np.int64),
        "points": points,
        "point_confidence": sure,
        "blendshapes": shapes,
        "blendshape_names": np.array(names, np.str_),
        "confidence": np.array(record.confidence, np.float32),
        "status": np.array(record.status),
        "convention": np.array(convention.name),
        "detector": np.array(detector),
    }


def summarise(record: Record, convention: Convention, detector: str) -> dict[str, Any]:
    """Return the content of ``landmarks.json``."""
    counts = Counter(record.status)
    return {
        "frames": len(record.ids),
        "detector": detector,
        "convention": convention.name,
        "counts": {status: counts[status] for status in STATUSES},
        "second_face": record.second,
        "at_edge": record.at_edge,
        "not_ok": [{"id": frame_id, "reason": status} for frame_id, status in record.bad],
    }
