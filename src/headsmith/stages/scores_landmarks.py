"""Landmark errors of renders: between MediaPipe's points of truth and render, whatever the clip was tracked with."""

from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8
from numpy import ndarray

from headsmith.contract.conventions import MEDIAPIPE478, convention_of
from headsmith.maths.metrics import landmark_error
from headsmith.media.arrays import read_landmark_arrays
from headsmith.nets.face_landmarker import FaceLandmarker

Picture = UInt8[ndarray, "H W 3"]
CORNERS = MEDIAPIPE478.outer_eye_corners
SAME_FACE = 0.5
"""MediaPipe's face is the one whose points are known where its outer eye corners lie within this share of the eye distance."""


def read_landmarks(path: Path, clip: str) -> tuple[dict[int, Float[ndarray, "L 2"]], str]:
    """Return the points, x and y in pixels, of the frames whose status is ``ok``, and their convention.

    Raises:
        UserError: The file is missing or broken.
    """
    content = read_landmark_arrays(path, clip, "ids", "status", "points", "convention")
    points = content["points"][:, :, :2].astype(np.float64)
    known = {int(i): xy for i, word, xy in zip(content["ids"], content["status"], points, strict=True) if word == "ok"}
    return known, str(content["convention"])


def look_again(
    landmarker: FaceLandmarker, truth: Picture, known: Float[ndarray, "L 2"] | None, convention: str
) -> Float[ndarray, "478 2"] | None:
    """Return MediaPipe's points of a true frame, of the face that the known points of another convention are on.

    None where the frame has no known points, or MediaPipe does not see that face.
    """
    if known is None:
        return None
    eyes = known[list(convention_of(convention).outer_eye_corners)]
    reach = SAME_FACE * np.linalg.norm(eyes[0] - eyes[1])
    faces = [face.points[:, :2].astype(np.float64) for face in landmarker.detect(truth)]
    misses = [np.linalg.norm(face[list(CORNERS)] - eyes, axis=1).max() for face in faces]
    return faces[int(np.argmin(misses))] if misses and min(misses) < reach else None


def landmark_percent(
    landmarker: FaceLandmarker, truth: Float[ndarray, "478 2"] | None, render: Picture
) -> tuple[float | None, int]:
    """Return the landmark error of a render, that of its best face, and how many faces were found in it.

    The error is in percent of the distance between the outer eye corners; None without points of the truth, or without a face.
    """
    faces = landmarker.detect(render)
    if truth is None or not faces:
        return None, len(faces)
    errors = [landmark_error(truth, face.points[:, :2].astype(np.float64), CORNERS) for face in faces]
    return min(errors), len(faces)
