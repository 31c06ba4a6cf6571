"""Frames that are cut anew, each by a square turned with its own face: what flame-head-tracker's camera was fitted to.

Its results often come without the pictures. The square of a frame depends on that frame alone, so the same detector, asked in
the same way, and the same rule find it again in the video: MediaPipe looks at the whole picture at its own size, as there,
because its points shift by parts of a pixel with the size. There is no crop that all frames share for the head to leave.
"""

import math
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from headsmith.contract.settings import FramesSettings
from headsmith.media.crops import Box
from headsmith.media.crops_aligned import Quad, cut_square, face_square, leaves_picture
from headsmith.media.cuts import Frame, open_whole
from headsmith.media.frames import FrameFolderWriter
from headsmith.media.parallel import map_in_order
from headsmith.media.pictures_list import holds_pictures
from headsmith.media.progress import progress
from headsmith.media.sources import Source, open_source
from headsmith.nets.detectors import DetectorTeam, map_to_ibug
from headsmith.nets.face_landmarker import FaceLandmarker
from headsmith.nets.faces import Face
from headsmith.stages.frames_person import REACH, nearest_face
from headsmith.stages.frames_search import MOST_FACES

Picture = UInt8[np.ndarray, "H W 3"]

NO_FACE = "no face"
"""Why a frame is dropped."""
FACES = 1
"""So many faces are looked for where nobody was chosen, as the tracker does."""
SAME_RATIO, LARGEST_PART = 1e-5, 120
"""A ratio of frame rates is taken for the nearest fraction, of a denominator up to the second, if it is that near to it: rates
are written with few digits."""


@dataclass
class Squares:
    """What was cut, a list entry for each frame that is there.

    Attributes:
        numbers: Among the frames that are kept at the rate, counted from the source's beginning.
        indices: Places in the source.
        quads: Corners of the squares, in pixels of the source.
        dropped: How many frames show no face.
    """

    numbers: list[int] = field(default_factory=list)
    indices: list[int] = field(default_factory=list)
    quads: list[Quad] = field(default_factory=list)
    dropped: int = 0

    def add(self, number: int, index: int, quad: Quad) -> None:
        """Note the next frame."""
        self.numbers.append(number)
        self.indices.append(index)
        self.quads.append(quad)


def open_for_squares(video: Path, start: float | None, end: float | None, clip: str, settings: FramesSettings) -> Source:
    """Open a source so that frames can be counted as the tracker does: a video is read whole, at its own rate.

    Raises:
        UserError: As ``media.sources.open_source``.
    """
    rate = settings.fps if holds_pictures(video) else 0.0
    return open_source(video, fps=rate, start=start, end=end, max_side=settings.max_side, clip=clip)


def interval_of(source: Source, fps: float) -> Fraction:
    """Return how many frames of a source lie between two that are kept, 1 where all are.

    Args:
        source: At its own rate.
        fps: Frames kept a second; 0: all.
    """
    if not 0 < fps < source.fps:
        return Fraction(1)
    exact = Fraction(source.fps) / Fraction(fps)
    near = exact.limit_denominator(LARGEST_PART)
    return near if abs(near - exact) < SAME_RATIO * exact else exact


def kept_number(index: int, interval: Fraction) -> int | None:
    """Return which of the frames that flame-head-tracker keeps a frame of the video is, from 0; None where it is none.

    Its ``video_to_images`` takes frame ``floor(n interval)`` as the n-th: by places, not by time stamps.

    Args:
        index: The frame's place in the video, from 0.
        interval: The tracker's ``original_fps / subsample_fps``.
    """
    number = math.ceil(index / interval)
    return number if math.floor(number * interval) == index else None


def kept_frames(source: Source, interval: Fraction) -> Iterator[tuple[int, Frame]]:
    """Yield the frames that flame-head-tracker keeps, with their numbers."""
    for frame in source:
        number = kept_number(frame.source_index, interval)
        if number is not None:
            yield number, frame


def numbered_frames(source: Source, fps: float) -> Iterator[tuple[int, Frame]]:
    """Return ``kept_frames`` of a source at a rate, and show on the console how far they are."""
    interval = interval_of(source, fps)
    return progress(kept_frames(source, interval), math.ceil(source.expected / interval), f"{source.clip}: frames")


def write_squares(
    source: Source, model: Path, writer: FrameFolderWriter, start: Box | None, settings: FramesSettings, threads: int
) -> Squares:
    """Find the face in each frame, cut its square and hand it to the writer; frames without a face are dropped.

    Detecting, cutting and encoding overlap; a few frames are under way at a time, and the number of threads changes no result.

    Args:
        source: At its own rate.
        model: ``face_landmarker.task``.
        writer: Takes the squares.
        start: The chosen person's face where it is first seen, in pixels of the source; None: nobody was chosen.
        settings: Rate and size.
        threads: How many detectors work side by side, and how many squares are cut at a time.

    Raises:
        UserError: The source or the model cannot be read, no frame shows the face, or the disk is full.
    """
    whole, chooser, squares = open_whole(source), Chooser(start), Squares()
    most = FACES if start is None else MOST_FACES

    def look(item: tuple[int, Frame]) -> tuple[Picture, list[Face]]:
        image = whole(item[1])
        return image, team.detect(image)

    def cut(item: tuple[int, int, Picture, Quad | None]) -> UInt8[np.ndarray, "S S 3"] | None:
        return None if item[3] is None else cut_square(item[2], item[3], settings.size)

    with (
        DetectorTeam(lambda: FaceLandmarker(model, most, plain=True), threads) as team,
        closing(map_in_order(look, numbered_frames(source, settings.fps), threads)) as seen,
    ):
        placed = ((number, frame.source_index, image, chooser.square(faces)) for (number, frame), (image, faces) in seen)
        for frame_id, ((number, index, _, quad), square) in enumerate(map_in_order(cut, placed, threads)):
            if quad is None or square is None:
                squares.dropped += 1
                writer.drop(frame_id, NO_FACE)
            else:
                writer.add(frame_id, square)
                squares.add(number, index, quad)
    return squares


class Chooser:
    """Chooses the face in one frame after the other and says where its square is.

    Where nobody was chosen, the first counts. A chosen person's lies no farther from where it was last seen than it may have
    moved since.

    Args:
        start: The chosen person's face where it is first seen, in pixels of the source; None: nobody was chosen.
    """

    def __init__(self, start: Box | None) -> None:
        self._last, self._missed = start, 0

    def square(self, faces: list[Face]) -> Quad | None:
        """Return the square around the face that counts, in pixels of the source; None where there is none.

        Args:
            faces: Those of the next frame, 478 points, in pixels of the source.
        """
        by_box = {face.box: face for face in faces}
        if self._last is None:
            box = next(iter(by_box), None)
        else:
            box = nearest_face(tuple(by_box), self._last, REACH * (1 + self._missed))
            self._missed = self._missed + 1 if box is None else 0
            self._last = box or self._last
        return None if box is None else face_square(map_to_ibug(by_box[box]).points[:, :2].astype(np.float64))


def remarks_on(squares: Squares, source: Source) -> list[str]:
    """Return what the user should know of the squares, a sentence each."""
    beyond = sum(leaves_picture(quad, source.source_size) for quad in squares.quads)
    count = len(squares.quads) + squares.dropped
    facts = {
        "show no face, and are dropped": squares.dropped,
        "have a square that reaches beyond the picture, and is white there": beyond,
    }
    return [f"{number} of {count} frames {fact}" for fact, number in facts.items() if number]


def details_of_squares(source: Source, squares: Squares, settings: FramesSettings) -> dict[str, object]:
    """Return what the manifest says of squares, in the order of its ids."""
    return {
        "aligned": True,
        "fps": float(source.fps / interval_of(source, settings.fps)),
        "numbers": squares.numbers,
        "quads": [quad.round(3).tolist() for quad in squares.quads],
        "source_index": squares.indices,
        "outside": [],
    }
