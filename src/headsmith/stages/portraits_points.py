"""The user's own points of a face, which stand in the place of a detector's: beside the picture, or where the table says."""

from pathlib import Path

import numpy as np

from headsmith.contract.conventions import IBUG68
from headsmith.contract.errors import UserError
from headsmith.media.landmark_files import LARGEST_VIDEO_FILE, GivenFace
from headsmith.media.landmark_files_json import read_json
from headsmith.media.landmark_files_plain import read_plain
from headsmith.nets.faces import Face
from headsmith.stages.landmarks_choice import prominence
from headsmith.stages.landmarks_files import ENDINGS, without_doubles
from headsmith.stages.portraits_faces import FoundFace, said_of_others
from headsmith.stages.portraits_sources import SourcePicture

ORDER = (".mat", *(ending for ending in ENDINGS if ending != ".mat"))
"""Endings, the first that is there counts: DECA looks for a ``.mat`` before a ``.txt``."""


def points_file(source: SourcePicture, landmarks: Path | None) -> Path | None:
    """Return the file with the points of a picture; None where there is none.

    Args:
        source: The picture.
        landmarks: What the table names: a file, or a folder of files named as the pictures; None: look beside the picture.
    """
    if landmarks is not None and not landmarks.is_dir():
        return landmarks
    if source.index is not None:
        stems, folder = [source.name, f"{source.index:05d}", str(source.index)], landmarks
    else:
        stems, folder = [source.file.stem], landmarks or source.file.parent
    if folder is None:
        return None
    files = (folder / f"{stem}{ending}" for stem in stems for ending in ORDER)
    return next((file for file in files if file.is_file() and file != source.file), None)


def read_points(file: Path, source: SourcePicture, size: tuple[int, int], portrait: str) -> FoundFace:
    """Return the face that a file tells of.

    Args:
        file: ``.mat``, ``.txt``, ``.pts`` or MMPose's ``.json``.
        source: The picture that it is about.
        size: Its width and height.
        portrait: Name of the portrait, for messages.

    Raises:
        UserError: It cannot be read, tells of no face, or of none in the picture.
    """
    if file.suffix.lower() not in ENDINGS:
        remedy = f"give a file that ends in {', '.join(ENDINGS)}"
        raise UserError(f"points are not read from {file.suffix or 'a file without ending'}", file=file, remedy=remedy)
    json = file.suffix.lower() == ".json"
    content = read_json(file, LARGEST_VIDEO_FILE, portrait) if json else [read_plain(file, portrait)]
    given = of_frame(content, source, file) if isinstance(content, dict) else content
    faces = without_doubles([as_face(face) for face in given])
    inside = [face for face in faces if 0 <= face.points[:, 0].mean() < size[0] and 0 <= face.points[:, 1].mean() < size[1]]
    if not inside:
        what = "the file's points lie beside the picture" if faces else "the file tells of no face"
        raise UserError(
            f"{what}: {file.name}", file=file, remedy="write them in pixels of the upright picture, or take the file away"
        )
    inside.sort(key=lambda face: -prominence(face, size))
    sure = inside[0].point_confidence.astype(np.float64)
    remarks = (f"points from {file.name}", *said_of_others(inside, size))
    return FoundFace(inside[0].points[:, :2].astype(np.float64), sure, IBUG68.name, 0, remarks)


def of_frame(content: dict[int, list[GivenFace]], source: SourcePicture, file: Path) -> list[GivenFace]:
    """Return the faces of a frame of a video; files count frames from 0 or from 1, as their smallest number tells.

    Raises:
        UserError: The file is of a video, and the picture is none of its frames.
    """
    if source.index is None:
        remedy = "give the points of a picture by itself, or the video in place of the picture"
        raise UserError("the file tells of a video's frames", file=file, remedy=remedy)
    return content.get(source.index + min(1, min(content, default=0)), [])


def as_face(given: GivenFace) -> Face:
    """Return a face as detectors tell it."""
    points = np.concatenate([given.points, np.full((len(given.points), 1), np.nan)], 1).astype(np.float32)
    return Face(points, np.zeros(0, np.float32), given.confidence, given.point_confidence.astype(np.float32))
