"""Who shows other detectors where the faces are: MTCNN, or MediaPipe's landmarks, both by boxes of one kind.

The kind is that of WIDER FACE (Yang et al. 2016: forehead to chin, ear to ear), on which MTCNN was trained, and S3FD, whose
boxes FAN expects.
"""

from pathlib import Path
from types import TracebackType
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import UInt8
from numpy import ndarray

from headsmith.contract.detectors import FINDERS, MEDIAPIPE_MODEL
from headsmith.contract.landmark_groups import LEFT_PUPIL, NOSE_TIP, RIGHT_PUPIL
from headsmith.nets.face_landmarker import FaceLandmarker
from headsmith.nets.faces import Box, Face, FaceBox

FIVE_POINTS = (RIGHT_PUPIL, LEFT_PUPIL, NOSE_TIP, 61, 291)
"""MediaPipe's points for those of ``FaceBox``."""

WIDER, HIGHER, ABOVE = 1.055, 1.154, 0.087
"""MTCNN's box against the box of MediaPipe's points: ratio of widths, of heights, and how much higher its centre lies, in
heights of the latter. Medians over 58 frames of four people (franck, cap12, pexels, single_face); they spread by 0.035, 0.038
and 0.021."""


@runtime_checkable
class Finder(Protocol):
    """Finds where faces are."""

    def __enter__(self) -> "Finder":
        """Return itself."""
        ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Release the networks."""
        ...

    def detect(self, image: UInt8[ndarray, "H W 3"]) -> list[FaceBox]:
        """Return the faces in an RGB picture; empty where there is none."""
        ...


class MediapipeFinder:
    """The boxes of faces from MediaPipe's landmarks, which hold them more steadily than a detector's.

    Args:
        model: Path of ``face_landmarker.task``.
        max_faces: How many faces to look for.

    Raises:
        UserError: The model file is missing or is not a face landmarker.
    """

    def __init__(self, model: Path, max_faces: int = 2) -> None:
        self._landmarker = FaceLandmarker(model, max_faces)

    def __enter__(self) -> "MediapipeFinder":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._landmarker.__exit__(kind, error, trace)

    def detect(self, image: UInt8[ndarray, "H W 3"]) -> list[FaceBox]:
        """Return the faces in an RGB picture; empty where there is none."""
        return [box_of(face) for face in self._landmarker.detect(image)]


def box_of(face: Face) -> FaceBox:
    """Return where a face of 478 points is, as MTCNN would box it."""
    left, top, right, bottom = face.box
    x, y = (left + right) / 2, (top + bottom) / 2 - ABOVE * (bottom - top)
    half_width, half_height = WIDER * (right - left) / 2, HIGHER * (bottom - top) / 2
    box: Box = (x - half_width, y - half_height, x + half_width, y + half_height)
    return FaceBox(box, face.confidence, np.ascontiguousarray(face.points[list(FIVE_POINTS), :2]))


def points_box(face: FaceBox) -> Box:
    """Return the box that MediaPipe's points of a face would have: the inverse of what ``box_of`` does to boxes."""
    left, top, right, bottom = face.box
    width, height = (right - left) / WIDER, (bottom - top) / HIGHER
    x, y = (left + right) / 2, (top + bottom) / 2 + ABOVE * height
    return x - width / 2, y - height / 2, x + width / 2, y + height / 2


def open_finder(faces: str, files: dict[str, Path], max_faces: int) -> Finder:
    """Open a finder of faces. MTCNN's torch is loaded only where it is asked for.

    Args:
        faces: ``mediapipe`` or ``mtcnn``.
        files: Where the assets lie that ``contract.detectors.FINDERS`` names for it, by name.
        max_faces: How many faces to look for, at most: the largest.

    Raises:
        UserError: A file is missing or is not what its name says.
    """
    if faces == "mediapipe":
        return MediapipeFinder(files[MEDIAPIPE_MODEL], max_faces)
    from headsmith.nets.mtcnn import Mtcnn

    return Mtcnn([files[name] for name in FINDERS["mtcnn"]], max_faces=max_faces)
