"""The 68 points of one face from a text file, 300-W's ``.pts``, or a MATLAB file."""

import re
from pathlib import Path

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from headsmith.contract.errors import UserError
from headsmith.media.landmark_files import (
    COUNT,
    LARGEST_PLAIN_FILE,
    FaultyLandmarksError,
    GivenFace,
    checked_face,
    read_bounded,
)
from headsmith.media.matlab import parse_matlab

FIRST_OF_PTS = 1.0
"""300-W's files count pixels from 1, as MATLAB does."""
MAT_NAMES = ("pt3d_68", "pt2d", "pts_2d", "landmarks", "landmarks_2d", "lmk68", "lmks", "pts", "points")
"""Names of arrays in ``.mat`` files that hold landmarks; the first that is there counts. The first is AFLW2000-3D's, whose
``pt2d`` are 21 other points; it has a depth, which is left aside."""
REMEDIES = {
    ".txt": f"write {COUNT} lines, `x y` or `x,y`, in pixels of the video",
    ".pts": f"give a file as 300-W has them: version, n_points: {COUNT}, and the points between braces",
    ".mat": f"save an array ({COUNT}, 2) or (2, {COUNT}) under one of the names {', '.join(MAT_NAMES)}, format 5 to 7.2",
}


def read_plain(path: Path, clip: str | None) -> GivenFace:
    """Return the face of a ``.txt``, ``.pts`` or ``.mat`` file.

    Raises:
        UserError: The file cannot be read, is too large, or does not hold 68 points.
    """
    content = read_bounded(path, LARGEST_PLAIN_FILE, clip)
    readers = {".txt": _read_text, ".pts": _read_pts, ".mat": _read_mat}
    try:
        return checked_face(readers[path.suffix.lower()](content), None, None)
    except FaultyLandmarksError as error:
        raise UserError(str(error), clip=clip, file=path, remedy=REMEDIES[path.suffix.lower()]) from error


def _read_text(content: bytes) -> Float[ndarray, "n 2"]:
    lines = [line.strip() for line in _decoded(content).splitlines()]
    return _points([line for line in lines if line and not line.startswith("#")])


def _read_pts(content: bytes) -> Float[ndarray, "n 2"]:
    match = re.fullmatch(r"([^{}]*)\{([^{}]*)\}\s*", _decoded(content))
    if match is None:
        raise FaultyLandmarksError("there is no list of points between one pair of braces")
    told = re.search(r"n_points\s*:\s*(\d{1,6})", match[1])
    points = _points([line.strip() for line in match[2].splitlines() if line.strip()])
    if told is None or int(told[1]) != len(points):
        raise FaultyLandmarksError(f"n_points does not say the {len(points)} points that follow")
    return points - FIRST_OF_PTS


def _decoded(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FaultyLandmarksError("the file is not text") from error


def _points(lines: list[str]) -> Float[ndarray, "n 2"]:
    rows = []
    for line in lines:
        parts = line.replace(",", " ").split()
        try:
            rows.append((float(parts[0]), float(parts[1])))
        except (ValueError, IndexError):
            parts = []
        if len(parts) != 2:
            raise FaultyLandmarksError(f"{line[:60]!r} is not a point `x y`")
    return np.array(rows, np.float64).reshape(-1, 2)


def _read_mat(content: bytes) -> Float[ndarray, "n 2"]:
    try:
        arrays = parse_matlab(content)
    except ValueError as error:
        raise FaultyLandmarksError(f"the MATLAB file cannot be read: {error}") from error
    name = next((name for name in MAT_NAMES if name in arrays), None)
    if name is None:
        told = ", ".join(sorted(arrays)[:10]) or "there is none"
        raise FaultyLandmarksError(f"none of its arrays of numbers has a known name: {told}")
    points = arrays[name].astype(np.float64)
    if points.shape in ((COUNT, 3), (3, COUNT)):
        points = points[:, :2] if points.shape == (COUNT, 3) else points[:2]
    if points.shape not in ((COUNT, 2), (2, COUNT)):
        raise FaultyLandmarksError(f"{name} is {points.shape}, not ({COUNT}, 2) or (2, {COUNT})")
    return points if points.shape == (COUNT, 2) else points.T
