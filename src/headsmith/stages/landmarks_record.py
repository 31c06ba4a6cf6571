"""What was found in the frames so far, and the two files that are made of it."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from headsmith.contract.conventions import Convention
from headsmith.media.rows import RowsWriter
from headsmith.nets.face_landmarker import BLENDSHAPE_NAMES
from headsmith.nets.faces import Face
from headsmith.stages.landmarks_choice import STATUSES, Chosen, touches_edge


@dataclass
class Record:
    """What was found, a list entry a frame.

    Attributes:
        size: Width and height of the frames, in pixels.
        rows: The points, how sure they are, and the blendshapes: on disk, because they are many.
    """

    size: tuple[int, int]
    rows: RowsWriter
    ids: list[int] = field(default_factory=list)
    status: list[str] = field(default_factory=list)
    second: list[int] = field(default_factory=list)
    at_edge: list[int] = field(default_factory=list)
    confidence: list[float] = field(default_factory=list)

    def add(self, frame_id: int, faces: list[Face], chosen: Chosen) -> None:
        """Add a frame: all faces found in it, and what they were taken for."""
        self.ids.append(frame_id)
        self.status.append(chosen.status)
        self.rows.add(None if chosen.face is None else rows_of(chosen.face))
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


def rows_of(face: Face) -> dict[str, np.ndarray]:
    """Return what a face adds to the arrays that have a row for each frame."""
    return {"points": face.points, "point_confidence": face.point_confidence, "blendshapes": face.blendshapes}


def open_rows(folder: Path, convention: Convention, *, blendshapes: bool) -> RowsWriter:
    """Return what collects the rows of a clip; frames that are not ok hold NaN.

    Args:
        folder: Where there is room for them.
        convention: What the points are.
        blendshapes: Whether the detector has any.
    """
    names = BLENDSHAPE_NAMES if blendshapes else ()
    points = (convention.count, 3)
    return RowsWriter(folder, {"points": points, "point_confidence": points[:1], "blendshapes": (len(names),)})


def save_landmarks(path: Path, record: Record, convention: Convention, detector: str, *, blendshapes: bool) -> None:
    """Write ``landmarks.npz`` (docs/outputs.md).

    Args:
        path: The file.
        record: The frames.
        convention: What the points are.
        detector: Name of the detector.
        blendshapes: Whether it has any.
    """
    others = {
        "ids": np.array(record.ids, np.int64),
        "blendshape_names": np.array(BLENDSHAPE_NAMES if blendshapes else (), np.str_),
        "confidence": np.array(record.confidence, np.float32),
        "status": np.array(record.status),
        "convention": np.array(convention.name),
        "detector": np.array(detector),
    }
    record.rows.save(path, others)


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
