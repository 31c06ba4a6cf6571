"""Landmarks that others have made, read from their files: 68 points in the order of iBUG 300-W.

Formats by ending: ``.json`` of MMPose 1.x, for a video or for a picture; ``.txt`` with a point a line; ``.pts`` of 300-W;
``.mat`` of MATLAB. In all of them a pixel's centre is a whole number: the first pixel's is 0, in ``.pts`` 1. Here it is 0.5.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from headsmith.contract.errors import UserError

COUNT = 68
LARGEST_FILE = 2**22
"""Bytes of a JSON for one picture."""
LARGEST_PLAIN_FILE = 2**16
"""Bytes of a ``.txt``, ``.pts`` or ``.mat``; what a small file can unpack to stays small too."""
LARGEST_VIDEO_FILE = 2**28
"""Bytes of a file for a video: 20,000 frames of whole bodies."""
SMALLEST_FACE = 4.0
"""Pixels. Points within less are no face, or not in pixels but, say, in -1..1."""
FARTHEST = 1e6
"""Pixels. No picture is so large."""
CENTRE_OF_FIRST = 0.5


@dataclass(frozen=True)
class GivenFace:
    """A face of a file.

    Attributes:
        points: x and y in pixels of the picture that the file is about; a pixel's centre is at +0.5.
        point_confidence: Of each point, 0..1; 1 where the file tells none.
        confidence: That this is a face, 0..1.
    """

    points: Float[ndarray, "68 2"]
    point_confidence: Float[ndarray, " 68"]
    confidence: float


class FaultyLandmarksError(ValueError):
    """What is wrong with the content of a file, in words."""


def read_bounded(path: str | os.PathLike[str], limit: int, clip: str | None) -> bytes:
    """Return the bytes of a file.

    Raises:
        UserError: It cannot be read, or has more than ``limit`` bytes.
    """
    try:
        with Path(path).open("rb") as file:
            content = file.read(limit + 1)
    except OSError as error:
        remedy = "correct the path in the column `landmarks`, or the rights of the file"
        raise UserError(f"the landmarks cannot be read: {error.strerror}", clip=clip, file=path, remedy=remedy) from error
    if len(content) > limit:
        remedy = "give one file for each frame" if limit == LARGEST_VIDEO_FILE else "this is no file of one picture's landmarks"
        raise UserError(f"the file has more than {limit // 2**10} kB", clip=clip, file=path, remedy=remedy)
    return content


def checked_face(points: Float[ndarray, "n 2"], confidence: Float[ndarray, " n"] | None, score: float | None) -> GivenFace:
    """Return a face, its points moved to where a pixel's centre is at +0.5.

    Args:
        points: As they stand in the file; the centre of the first pixel is 0.
        confidence: Of each point; what lies beyond 0..1 is cut off. None: not told.
        score: Of the face; None: the mean of the points', or 1.

    Raises:
        FaultyLandmarksError: There are not 68, a number is not finite, or they cannot be pixels of a face.
    """
    if points.shape != (COUNT, 2):
        raise FaultyLandmarksError(f"there are {len(points)} points, not {COUNT}")
    if not (np.abs(points) < FARTHEST).all():
        raise FaultyLandmarksError("a coordinate is not a finite number of pixels")
    extent = np.ptp(points, axis=0).max()
    if extent < SMALLEST_FACE:
        raise FaultyLandmarksError(f"all points lie within {extent:.3g} pixels: they must be in pixels of the picture")
    if confidence is not None and not np.isfinite(confidence).all():
        raise FaultyLandmarksError("the confidence of a point is not a finite number")
    sure = np.ones(COUNT) if confidence is None else np.clip(confidence, 0, 1)
    told = float(sure.mean()) if score is None else min(max(score, 0.0), 1.0)
    return GivenFace(points + CENTRE_OF_FIRST, sure, told)
