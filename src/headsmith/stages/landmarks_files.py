"""The faces of frames whose landmarks the user brings: which file, or which part of one, belongs to which frame."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from headsmith.contract.errors import UserError
from headsmith.contract.manifest import Manifest
from headsmith.media.landmark_files import LARGEST_FILE, LARGEST_VIDEO_FILE, GivenFace
from headsmith.media.landmark_files_json import read_json
from headsmith.media.landmark_files_plain import read_plain
from headsmith.media.progress import note
from headsmith.nets.faces import Box, Face
from headsmith.stages.landmarks_choice import centre

ENDINGS = (".json", ".txt", ".pts", ".mat")
SAME_FACE = 0.5
"""Two instances whose boxes overlap more than this (intersection over union) are one face, of which the surer one counts."""

Reader = Callable[[int], list[GivenFace]]


@dataclass(frozen=True)
class Origin:
    """Where frames were cut from their source: a frame's pixel is ``scale`` times what lies beyond the crop's corner.

    Attributes:
        corner: Left and top of the crop, in the source's own upright pixels.
        scale: Pixels of the frame for each of the source.
        size: Width and height of the frames.
    """

    corner: tuple[float, float]
    scale: float
    size: tuple[int, int]

    def to_frame(self, given: GivenFace) -> Face:
        """Return a face in pixels of the frame."""
        places = (given.points - self.corner) * self.scale
        points = np.concatenate([places, np.full((len(places), 1), np.nan)], 1).astype(np.float32)
        return Face(points, np.zeros(0, np.float32), given.confidence, given.point_confidence.astype(np.float32))

    def shows(self, face: Face) -> bool:
        """Whether the middle of a face lies in the frame."""
        x, y = centre(face.box)
        return 0 <= x < self.size[0] and 0 <= y < self.size[1]


def read_given_faces(given: Path, manifest: Manifest, frames: Path, clip: str) -> Iterator[tuple[int, list[Face]]]:
    """Yield each frame's id with the faces that the user's files tell of it; none where they tell nothing.

    Args:
        given: One JSON for a video; one file for a clip of one frame; or a folder with a file for each frame, named as the
            frame's picture or by its number in the video.
        manifest: Of the frames.
        frames: Its path, for messages.
        clip: Name of the clip.

    Raises:
        UserError: A file cannot be read or is not what its ending says, or they do not belong to the frames.
    """
    left, top, _ = manifest.details["crop"]
    origin = Origin((float(left), float(top)), manifest.details["scale"], manifest.size)
    reader = _reader_of_folder(given, manifest, frames, clip) if given.is_dir() else _reader_of_file(given, manifest, clip)
    for place, frame_id in enumerate(manifest.ids):
        faces = [origin.to_frame(face) for face in reader(place)]
        yield frame_id, without_doubles([face for face in faces if origin.shows(face)])


def without_doubles(faces: list[Face]) -> list[Face]:
    """Return the faces without those that a surer one covers."""
    kept: list[Face] = []
    for face in sorted(faces, key=lambda face: -face.confidence):
        if all(overlap(face.box, other.box) <= SAME_FACE for other in kept):
            kept.append(face)
    return kept


def overlap(one: Box, other: Box) -> float:
    """Return the area that two boxes share over the area that they cover together."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    shared = max(width, 0) * max(height, 0)
    return shared / sum(((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)), -shared)


def _read_picture_file(path: Path, clip: str) -> list[GivenFace]:
    if path.suffix.lower() != ".json":
        return [read_plain(path, clip)]
    faces = read_json(path, LARGEST_FILE, clip)
    if isinstance(faces, dict):
        remedy = "name this one file in the column `landmarks`, or keep one file a frame in the folder"
        raise UserError(
            "the file tells of a video's frames, in a folder of files for each", clip=clip, file=path, remedy=remedy
        )
    return faces


def _reader_of_file(given: Path, manifest: Manifest, clip: str) -> Reader:
    if given.suffix.lower() not in ENDINGS:
        remedy = f"give a file that ends in {', '.join(ENDINGS)}, or a folder of such files"
        raise UserError(
            f"landmarks are not read from {given.suffix or 'a file without ending'}", clip=clip, file=given, remedy=remedy
        )
    content = read_json(given, LARGEST_VIDEO_FILE, clip) if given.suffix.lower() == ".json" else [read_plain(given, clip)]
    if isinstance(content, list):
        if manifest.count > 1:
            remedy = "give MMPose's JSON of the whole video, or a folder with one file for each frame"
            raise UserError(f"the landmarks of one picture for {manifest.count} frames", clip=clip, file=given, remedy=remedy)
        return lambda place: content
    numbers = _numbers_of_frames(manifest, content, given, clip)
    return lambda place: content.get(numbers[place], [])


def _reader_of_folder(given: Path, manifest: Manifest, frames: Path, clip: str) -> Reader:
    files: dict[str, Path] = {}
    for path in sorted(path for path in given.iterdir() if path.suffix.lower() in ENDINGS and not path.name.startswith(".")):
        if path.stem in files:
            what = f"{files[path.stem].name} and {path.name} tell of one frame"
            raise UserError(what, clip=clip, file=given, remedy="keep one of them")
        files[path.stem] = path
    if not files:
        remedy = f"put a file for each frame there, that ends in {', '.join(ENDINGS)}"
        raise UserError("the folder holds no landmarks", clip=clip, file=given, remedy=remedy)
    wanted = _wanted_by_name(manifest, given, clip) if "names" in manifest.details else None
    if wanted is None:
        numbered = {_number(path, clip): path for path in files.values()}
        if len(numbered) < len(files):
            raise UserError("two files have one number", clip=clip, file=given, remedy="name each by its frame's number alone")
        chosen = [numbered.get(number) for number in _numbers_of_frames(manifest, numbered, given, clip)]
    else:
        chosen = [files.get(stem) for stem in wanted]
    if not any(chosen):
        told = f"{len(files)} files, the first is {next(iter(files.values())).name}"
        remedy = "name each file as its picture, or, for a video, by the frame's number in it"
        raise UserError(f"no file belongs to a frame of {frames}: there are {told}", clip=clip, file=given, remedy=remedy)
    return lambda place: [] if chosen[place] is None else _read_picture_file(chosen[place], clip)


def _wanted_by_name(manifest: Manifest, given: Path, clip: str) -> list[str]:
    stems = [Path(name).stem for name in manifest.details["names"]]
    double = next((stem for stem in stems if stems.count(stem) > 1), None) if len(set(stems)) < len(stems) else None
    if double is not None:
        what = f"two pictures are called {double!r}, so a file of that name could be either's"
        raise UserError(what, clip=clip, file=given, remedy="give the pictures names that differ in more than the ending")
    return stems


def _number(path: Path, clip: str) -> int:
    digits = re.search(r"\d{1,12}$", path.stem)
    if digits is None:
        remedy = "end each file's name in its frame's number in the video, as in 00012.json"
        raise UserError("the name does not end in a number", clip=clip, file=path, remedy=remedy)
    return int(digits[0])


def _numbers_of_frames(manifest: Manifest, known: Iterable[int], given: Path, clip: str) -> list[int]:
    """Return each frame's number as the user's files count them: from 0 or from 1, whichever their smallest number is.

    Raises:
        UserError: It is neither, or no frame has one of the numbers.
    """
    numbers = set(known)
    first = min(numbers, default=0)
    if first > 1:
        what = f"the landmarks begin with frame {first}: whether the video's first frame is 0 or 1 cannot be told"
        remedy = "count frames from the video's beginning, and tell of its first frame, if only that it shows no face (`[]`)"
        raise UserError(what, clip=clip, file=given, remedy=remedy)
    wanted = [index + first for index in manifest.details["source_index"]]
    found = len(numbers.intersection(wanted))
    if not found:
        what = f"the landmarks are of frames {first} to {max(numbers, default=0)}, the clip's of {wanted[0]} to {wanted[-1]}"
        raise UserError(what, clip=clip, file=given, remedy="give the landmarks of this part of the video")
    note(f"{clip}: landmarks for {found} of {manifest.count} frames; their files count frames from {first}")
    return wanted
