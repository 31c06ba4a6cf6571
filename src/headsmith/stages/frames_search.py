"""The first pass over a clip: who is seen where, in a few of its frames."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import numpy as np
from jaxtyping import UInt8

from headsmith.media.crops import Box
from headsmith.media.cuts import Frame
from headsmith.media.parallel import map_in_order
from headsmith.media.progress import progress
from headsmith.media.sources import Source
from headsmith.nets.face_landmarker import FaceLandmarker

FEWEST_SEARCHED = 32
"""A short clip is searched more often than ``detect_every`` says, so that about this many frames are."""
MOST_SEARCHED = 96
"""A long clip is searched more rarely, so that no more than about this many frames are: the crop needs no more."""
MOST_FACES = 5
"""So many faces are told apart, where several are seen."""

Picture = UInt8[np.ndarray, "H W 3"]


@dataclass(frozen=True)
class Look:
    """What one searched frame shows; boxes hold the face's points and are in pixels of the source.

    Attributes:
        seconds: The frame's time since the source's first frame.
        faces: MediaPipe's faces, the largest first.
        others: MTCNN's, the largest first; None where it was not asked.
    """

    seconds: float
    faces: tuple[Box, ...]
    others: tuple[Box, ...] | None = None


class Lookout:
    """Looks for faces in whole pictures: MediaPipe, and MTCNN where a second opinion is asked for.

    Args:
        detector: ``face_landmarker.task``.
        mtcnn: The weights of MTCNN's three networks; empty where there is no second opinion.

    Raises:
        UserError: A file is missing or is not what its name says.
    """

    def __init__(self, detector: Path, mtcnn: list[Path]) -> None:
        self._stack = ExitStack()
        self._landmarker = self._stack.enter_context(FaceLandmarker(detector, max_faces=MOST_FACES))
        self._second = open_second(mtcnn) if mtcnn else None

    def __enter__(self) -> "Lookout":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stack.close()

    def look(self, image: Picture, seconds: float, source_size: tuple[int, int], *, compare: bool = True) -> Look:
        """Return the faces in a picture.

        Args:
            image: RGB, the whole picture, of any size.
            seconds: Its time.
            source_size: Width and height of the source, in whose pixels the boxes are told.
            compare: Whether MTCNN is also asked where MediaPipe sees a face.
        """
        ratio = (source_size[0] / image.shape[1], source_size[1] / image.shape[0])
        faces = largest_first([face.box for face in self._landmarker.detect(image)], ratio)
        asked = self._second is not None and (compare or not faces)
        return Look(seconds, faces, largest_first(self._second(image), ratio) if asked else None)


def open_second(mtcnn: list[Path]) -> Callable[[Picture], list[Box]]:
    """Return a function from a picture to MTCNN's faces, each as the box that MediaPipe's points would have.

    Raises:
        UserError: A file is missing or does not hold these weights.
    """
    from headsmith.nets.finders import points_box
    from headsmith.nets.mtcnn import Mtcnn

    network = Mtcnn(mtcnn, max_faces=MOST_FACES)
    return lambda image: [points_box(face) for face in network.detect(image)]


def search_faces(source: Source, lookout: Lookout, every: int) -> list[Look]:
    """Look for faces in about one frame of ``every``, more in a short clip, fewer in a long one, while others are decoded."""
    stride = every
    if source.expected:
        stride = max(1, source.expected // MOST_SEARCHED, min(every, source.expected // FEWEST_SEARCHED))

    def look(frame: Frame) -> Look:
        return lookout.look(frame.image, frame.seconds, source.source_size)

    frames = progress(source.sample(stride), None, f"{source.clip}: search for the face")
    return [found for _, found in map_in_order(look, frames, 1)]


def largest_first(boxes: list[Box], ratio: tuple[float, float]) -> tuple[Box, ...]:
    """Return boxes with x and y multiplied by ``ratio``, the largest area first."""
    scaled = [(left * ratio[0], top * ratio[1], right * ratio[0], bottom * ratio[1]) for left, top, right, bottom in boxes]
    return tuple(sorted(scaled, key=box_area, reverse=True))


def box_area(box: Box) -> float:
    """Return the area of a box."""
    return (box[2] - box[0]) * (box[3] - box[1])


def box_centre(box: Box) -> tuple[float, float]:
    """Return the centre of a box."""
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2


def larger_side(box: Box) -> float:
    """Return the larger side of a box."""
    return max(box[2] - box[0], box[3] - box[1])


def overlap(one: Box, other: Box) -> bool:
    """Whether two boxes have anything in common."""
    return max(one[0], other[0]) < min(one[2], other[2]) and max(one[1], other[1]) < min(one[3], other[3])
