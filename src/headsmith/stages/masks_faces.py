"""The parts of a detected face that masks are checked with, whatever convention its points follow."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from headsmith.contract.conventions import Convention, convention_of
from headsmith.contract.errors import UserError
from headsmith.media.arrays import read_landmark_arrays
from headsmith.media.rows import iterate_rows


@dataclass(frozen=True)
class Face:
    """Parts of a face, in pixels from the image's upper left corner, x right and y down.

    Attributes:
        lips: Points on the lips' contours.
        nose: Points from between the eyes down to the nose's tip.
        tip: The nose's tip.
        down: The unit vector from the eyes to the lips: down, in the face's own axes, however the head is tilted.
    """

    lips: Float[ndarray, "n 2"]
    nose: Float[ndarray, "m 2"]
    tip: Float[ndarray, "2"]
    down: Float[ndarray, "2"]


class FaceReader:
    """Takes the parts of faces from the points of a convention."""

    def __init__(self, convention: Convention) -> None:
        lips, nose = convention.lips, convention.nose_bridge
        self._indices = np.array([*lips, *nose, convention.nose_tip, *convention.outer_eye_corners])
        self._lips, self._nose = slice(len(lips)), slice(len(lips), len(lips) + len(nose))

    def face(self, points: Float[ndarray, "L _xy"]) -> Face:
        """Return the parts of a face from all of its points; columns after x and y are ignored."""
        flat = points[self._indices, :2].astype(np.float64)
        lips, tip, corners = flat[self._lips], flat[-3], flat[-2:]
        down = lips.sum(0) / len(lips) - corners.sum(0) / 2
        return Face(lips, flat[self._nose], tip, down / max(float(np.hypot(*down)), 1e-9))


class FacesInStep:
    """The faces of a clip, given frame by frame as a stage goes through it, so that memory does not grow with the clip.

    Args:
        landmarks: ``landmarks.npz``.
        clip: Name of the clip, for messages.

    Raises:
        UserError: The file cannot be read, its convention is unknown, or no frame has a usable face.
    """

    def __init__(self, landmarks: Path, clip: str) -> None:
        arrays = read_landmark_arrays(landmarks, clip, "ids", "status", "convention")
        self._reader = FaceReader(convention_of(str(arrays["convention"])))
        self._usable = dict(zip(arrays["ids"].tolist(), (arrays["status"] == "ok").tolist(), strict=True))
        if not any(self._usable.values()):
            remedy = "look at landmarks.json for the reasons"
            raise UserError("no frame has landmarks to check the masks with", clip=clip, file=landmarks, remedy=remedy)
        rows = iterate_rows(landmarks, "points", clip, what="landmarks", remake="the landmarks are detected anew")
        self._points: Iterator[tuple[int, ndarray]] = zip(self._usable, rows, strict=True)

    def at(self, frame_id: int) -> Face | None:
        """Return the face of a frame, None where it has no usable one; frames must be asked for in ascending order.

        Raises:
            UserError: The file cannot be read to its end.
        """
        if not self._usable.get(frame_id, False):
            return None
        points = next(points for other, points in self._points if other == frame_id)
        return self._reader.face(points)
