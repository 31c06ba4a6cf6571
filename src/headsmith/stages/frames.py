"""The stage *frames*: a video becomes a folder of square images around the face, all cut by one constant crop.

The video is read twice, as a stream: first a frame in many is searched for a face to place the crop, then all are cut.
"""

import math
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from headsmith.contract.errors import UserError
from headsmith.contract.settings import FramesSettings
from headsmith.media.crops import Crop, central_crop, cut_crop, median_side, place_crop, sticks_out
from headsmith.media.frames import FrameFolderWriter
from headsmith.media.progress import note, progress
from headsmith.media.video_reader import VideoReader
from headsmith.nets.face_landmarker import FaceLandmarker

MOST = 0.5
"""A clip is refused here when over this share of the searched frames shows no face, or two; `landmarks` has finer limits."""
FEWEST_SEARCHED = 8
"""A short clip is searched more often than `detect_every` says, so that about this many frames are."""


@dataclass
class Search:
    """What the first pass saw.

    Attributes:
        searched: Frames in which a face was looked for.
        boxes: Left, top, right, bottom of the largest face of each frame that shows one, in pixels.
        crowded: Frames that show more than one face.
    """

    searched: int = 0
    boxes: list[tuple[float, float, float, float]] = field(default_factory=list)
    crowded: int = 0


def extract_frames(
    *,
    clip: str,
    video: Path,
    start: float | None,
    end: float | None,
    detector: Path,
    manifest: Path,
    settings: FramesSettings,
) -> None:
    """Write the frames of a part of a video, cropped and resized, and their manifest.

    Args:
        clip: Name of the clip.
        video: The video.
        start: First second used; None: the beginning.
        end: Second at which to stop, not included; None: the end.
        detector: ``face_landmarker.task``.
        manifest: ``frames.json``; the images go to the folder ``frames`` beside it.
        settings: Rate, sizes and limits.

    Raises:
        UserError: The video is missing, broken, too short for its own index, or holds no frame in the part; or too many of
            the searched frames show no face, or two; or the face is too small; or the disk is full.
    """
    reader = VideoReader(video, fps=settings.fps, start=start, end=end, max_side=settings.max_side, clip=clip)
    crop = central_crop(reader.size) if settings.crop == "none" else find_crop(reader, detector, settings)
    if sticks_out(crop, reader.size):
        note(f"{clip}: the face moves over more than the picture's shorter side; the crop repeats the picture's edge")
    details = {
        "fps": reader.fps,
        "source_size": reader.probe.size,
        "capped_size": reader.size,
        "crop": [crop.x, crop.y, crop.size],
        "scale": settings.size / crop.size,
    }
    with FrameFolderWriter(manifest, clip, details=details) as writer:
        writer.details["source_index"] = write_crops(reader, crop, writer, settings.size)
        check_decoded(reader, settings)
        writer.details |= {"decoded": reader.decoded, "expected": reader.expected_decoded, "broken_packets": reader.broken}


def write_crops(reader: VideoReader, crop: Crop, writer: FrameFolderWriter, size: int) -> list[int]:
    """Cut each frame, hand it to the writer, and return the frames' places in the video."""
    indices = []
    for frame_id, frame in enumerate(progress(reader, reader.expected, f"{reader.clip}: frames")):
        writer.add(frame_id, cut_crop(frame.image, crop, size))
        indices.append(frame.source_index)
    return indices


def find_crop(reader: VideoReader, detector: Path, settings: FramesSettings) -> Crop:
    """Search a frame in many for a face and return the crop that holds it throughout.

    Raises:
        UserError: As ``extract_frames``.
    """
    with FaceLandmarker(detector, max_faces=2) as landmarker:
        search = search_faces(reader, landmarker, settings.detect_every)
    check_decoded(reader, settings)
    check_faces(search, reader, settings)
    return place_crop(np.array(search.boxes), settings.margin, reader.size)


def search_faces(reader: VideoReader, landmarker: FaceLandmarker, every: int) -> Search:
    """Look for faces in one frame of ``every``, more often in a short clip."""
    search = Search()
    stride = max(1, min(every, reader.expected // FEWEST_SEARCHED)) if reader.expected else every
    for index, frame in enumerate(progress(reader, reader.expected, f"{reader.clip}: search for the face")):
        if index % stride:
            continue
        boxes = sorted((face.box for face in landmarker.detect(frame.image)), key=box_area)
        search.searched += 1
        search.crowded += len(boxes) > 1
        search.boxes += boxes[-1:]
    return search


def check_decoded(reader: VideoReader, settings: FramesSettings) -> None:
    """Compare what decoded with what the header promised: tell of a small lack, refuse a large one.

    Raises:
        UserError: No frame decoded, or a smaller share than ``settings.min_decoded``.
    """
    decoded, expected = reader.decoded, reader.expected_decoded
    if decoded == 0:
        remedy = "correct start and end in the table of clips, and play the video to see whether it is whole"
        raise UserError("no frame of the clip decodes", clip=reader.clip, file=reader.path, remedy=remedy)
    if decoded < math.floor(expected * settings.min_decoded):
        what = f"the video is truncated or damaged: {decoded} of {expected} frames decode, under {settings.min_decoded:.0%}"
        remedy = "fetch or copy the video again, set `end` before the damage, or lower frames.min_decoded"
        raise UserError(what, clip=reader.clip, file=reader.path, remedy=remedy)
    if decoded < expected - 1:
        note(f"{reader.clip}: {decoded} of {expected} frames of {reader.path} decode; the clip is made of those")


def check_faces(search: Search, reader: VideoReader, settings: FramesSettings) -> None:
    """Refuse a clip without one face that is large enough.

    Raises:
        UserError: As said.
    """
    seen, searched = len(search.boxes), search.searched
    where = f"of {searched} searched frames"
    if searched - seen > MOST * searched or not seen:
        remedy = "use a part of the video (start, end) in which one face looks at the camera, large and lit"
        raise UserError(f"no face in {searched - seen} {where}", clip=reader.clip, file=reader.path, remedy=remedy)
    if search.crowded > MOST * searched:
        remedy = "use a video, or a part of it (start, end), that shows one person, or crop the other out"
        raise UserError(f"two faces in {search.crowded} {where}", clip=reader.clip, file=reader.path, remedy=remedy)
    side = median_side(np.array(search.boxes))
    if side < settings.min_face:
        what = f"the face is too small: {side:.0f} pixels, at least {settings.min_face} are needed"
        remedy = "use a closer or larger video, or raise frames.max_side where the video is larger than that"
        raise UserError(what, clip=reader.clip, file=reader.path, remedy=remedy)


def box_area(box: tuple[float, float, float, float]) -> float:
    """Return the area of a box given by left, top, right, bottom."""
    return (box[2] - box[0]) * (box[3] - box[1])
