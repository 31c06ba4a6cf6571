"""478 points and 52 blendshapes in every frame, and an account of the frames that have none."""

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from headsmith.contract.errors import UserError
from headsmith.contract.frame_ids import frame_name
from headsmith.contract.landmark_groups import CONVENTION, COUNT
from headsmith.contract.manifest import Manifest, folder_of, read_manifest
from headsmith.contract.settings import LandmarksSettings
from headsmith.media.atomic import atomic_path
from headsmith.media.frames import iterate_frames
from headsmith.media.progress import progress
from headsmith.nets.face_landmarker import BLENDSHAPE_NAMES, Face, FaceLandmarker

STATUSES = ("ok", "no_face", "two_faces", "low_confidence")

CLEAR = 2.0
"""The first of two faces counts where it stands out so many times as much as the second; else the frame is ``two_faces``."""


@dataclass
class Record:
    """What was found so far, a list entry a frame."""

    ids: list[int] = field(default_factory=list)
    status: list[str] = field(default_factory=list)
    second: list[int] = field(default_factory=list)
    faces: list[Face | None] = field(default_factory=list)
    confidence: list[float] = field(default_factory=list)

    def add(self, frame_id: int, faces: list[Face], size: tuple[int, int], least: float) -> None:
        """Add a frame with all faces found in it; those below the least confidence do not count."""
        sure = sorted((face for face in faces if face.confidence >= least), key=lambda face: -prominence(face, size))
        status = judge(faces, sure, size)
        self.ids.append(frame_id)
        self.status.append(status)
        self.faces.append(sure[0] if status == "ok" else None)
        self.confidence.append(max((face.confidence for face in faces), default=0.0))
        if len(sure) > 1:
            self.second.append(frame_id)

    @property
    def bad(self) -> list[tuple[int, str]]:
        """Ids and status of the frames that are not ok."""
        return [(frame_id, status) for frame_id, status in zip(self.ids, self.status, strict=True) if status != "ok"]


def judge(faces: list[Face], sure: list[Face], size: tuple[int, int]) -> str:
    """Return the status of a frame.

    Args:
        faces: All faces found.
        sure: Those of sufficient confidence, the most prominent first.
        size: Width and height of the frame, in pixels.
    """
    if not sure:
        return "low_confidence" if faces else "no_face"
    if len(sure) > 1 and prominence(sure[0], size) < CLEAR * prominence(sure[1], size):
        return "two_faces"
    return "ok"


def prominence(face: Face, size: tuple[int, int]) -> float:
    """Return how much a face stands out: its area, less the farther it is from the centre of the frame.

    The area of the points' box in pixels, times ``exp(-d^2 / 2)`` with ``d`` the distance of its centre from the frame's, in
    quarters of the frame's diagonal.
    """
    left, top, right, bottom = face.box
    beside, below = (left + right - size[0]) / 2, (top + bottom - size[1]) / 2
    distance = 4 * np.hypot(beside, below) / np.hypot(*size)
    return float((right - left) * (bottom - top) * np.exp(-(distance**2) / 2))


def detect_landmarks(
    *, clip: str, frames: Path, detector: Path, output: Path, summary: Path, settings: LandmarksSettings
) -> None:
    """Find the landmarks of every frame.

    Args:
        clip: Name of the clip.
        frames: Manifest of the frames.
        detector: ``face_landmarker.task``.
        output: The ``.npz`` to write (see docs/architecture.md); frames that are not ok hold NaN.
        summary: The ``.json`` to write: counts per status, and the frames that are not ok.
        settings: The stage's settings.

    Raises:
        UserError: The frames or the detector cannot be read, or more frames than allowed lack a usable face or show a
            second one.
    """
    manifest = read_manifest(frames, clip=clip, verify=False)
    record = Record()
    with FaceLandmarker(detector) as landmarker:
        for frame_id, image in progress(iterate_frames(frames, clip), manifest.count, f"{clip}: landmarks"):
            record.add(frame_id, landmarker.detect(image), manifest.size, settings.min_confidence)
    check_second_faces(record, clip, frames, settings)
    check_missing(record, clip, frames, settings)
    with atomic_path(output) as partial:
        np.savez_compressed(partial, **arrays(record))
    with atomic_path(summary) as partial:
        partial.write_text(json.dumps(summarise(record, manifest), indent=1) + "\n")


def check_missing(record: Record, clip: str, frames: Path, settings: LandmarksSettings) -> None:
    """Accept a clip by the share of frames without a usable face.

    Raises:
        UserError: It is above ``settings.max_missing``.
    """
    bad = record.bad
    if len(bad) > settings.max_missing * len(record.ids):
        counts = ", ".join(f"{count} {status}" for status, count in sorted(Counter(status for _, status in bad).items()))
        what = (
            f"{len(bad)} of {len(record.ids)} frames have no usable face ({counts}); "
            f"at most {settings.max_missing:.0%} may lack one; the first is frame {bad[0][0]} ({bad[0][1]})"
        )
        remedy = "cut the clip by start and end in the table of clips to where the face is seen, or raise landmarks.max_missing"
        raise UserError(what, clip=clip, file=folder_of(frames) / frame_name(bad[0][0]), remedy=remedy)


def check_second_faces(record: Record, clip: str, frames: Path, settings: LandmarksSettings) -> None:
    """Accept a clip by the share of frames that show a second face.

    Raises:
        UserError: It is above ``settings.max_two_faces``.
    """
    if len(record.second) > settings.max_two_faces * len(record.ids):
        what = (
            f"{len(record.second)} of {len(record.ids)} frames show a second face; "
            f"at most {settings.max_two_faces:.0%} may; the first is frame {record.second[0]}"
        )
        remedy = "cut the clip by start and end to where one person is seen, crop the video, or raise landmarks.max_two_faces"
        raise UserError(what, clip=clip, file=folder_of(frames) / frame_name(record.second[0]), remedy=remedy)


def arrays(record: Record) -> dict[str, np.ndarray]:
    """Return the content of ``landmarks.npz``."""
    points = np.full((len(record.ids), COUNT, 3), np.nan, np.float32)
    blendshapes = np.full((len(record.ids), len(BLENDSHAPE_NAMES)), np.nan, np.float32)
    for index, face in enumerate(record.faces):
        if face is not None:
            points[index], blendshapes[index] = face.points, face.blendshapes
    return {
        "ids": np.array(record.ids, np.int64),
        "points": points,
        "blendshapes": blendshapes,
        "blendshape_names": np.array(BLENDSHAPE_NAMES),
        "confidence": np.array(record.confidence, np.float32),
        "status": np.array(record.status),
        "convention": np.array(CONVENTION),
    }


def summarise(record: Record, manifest: Manifest) -> dict[str, object]:
    """Return the content of ``landmarks.json``."""
    counts = Counter(record.status)
    return {
        "frames": manifest.count,
        "counts": {status: counts[status] for status in STATUSES},
        "second_face": record.second,
        "not_ok": [{"id": frame_id, "reason": status} for frame_id, status in record.bad],
    }
