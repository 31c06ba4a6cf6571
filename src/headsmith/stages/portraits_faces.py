"""The face of a picture: found at a sane size, seen again close up, and told in the picture's own pixels.

Detectors look at 720 pixels at most. In a large picture a face is a small part of that, so what is found there is only where
the face is; its points come from a second look at the square around it. Where no face is found, the picture is looked at turned
by quarters, as phones leave it that do not say how they were held, and then part by part.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8
from numpy import ndarray

from headsmith.contract.conventions import convention_of
from headsmith.contract.errors import UserError
from headsmith.nets.faces import LARGEST_SIDE, Detector, Face
from headsmith.stages.landmarks_choice import CLEAR, prominence
from headsmith.stages.landmarks_files import without_doubles
from headsmith.stages.portraits_crop import moved, quarter_turn

CLOSE_UP = 2.0
"""Side of the square of the second look, as a multiple of the larger side of the face's points."""
SIDEWAYS = np.deg2rad(50)
"""A face that leans farther than this to its side is looked at again in the turned picture."""
QUARTERS = (1, 3, 2)
PARTS = (2, 4, 8)
"""A picture is looked at in overlapping parts, each so many times less wide and high."""

Picture = UInt8[ndarray, "H W 3"]
Look = tuple[int, Callable[[], list[Face]]]
"""By how many quarters the picture is turned, and what finds its faces then."""


@dataclass(frozen=True)
class FoundFace:
    """The face that counts.

    Attributes:
        points: x and y in the picture's own pixels.
        confidence: Of each point, 0..1.
        convention: Their order.
        quarters: How many times ``numpy.rot90`` turns the picture so that the face is upright.
        remarks: What the user should know, a sentence each.
    """

    points: Float[ndarray, "L 2"]
    confidence: Float[ndarray, " L"]
    convention: str
    quarters: int
    remarks: tuple[str, ...]


def find_face(picture: Picture, detector: Detector, least: float) -> FoundFace:
    """Return the face that stands out in a picture.

    Args:
        picture: RGB, of any size.
        detector: Finds points.
        least: The smallest confidence of a face.

    Raises:
        UserError: There is none, or none is sure enough.
    """
    weak = 0.0
    size = (picture.shape[1], picture.shape[0])
    for looks in ways_to_look(picture, detector):
        found = [(quarters, without_doubles(look())) for quarters, look in looks]
        weak = max([weak, *(face.confidence for _, faces in found for face in faces)])
        upright = [(quarters, upright_faces(faces, least, detector, shown(size, quarters))) for quarters, faces in found]
        best = max(upright, key=lambda one: max((face.confidence for face in one[1]), default=0.0))
        if best[1]:
            return told(*best, size, detector.convention)
    what = f"the surest face has the confidence {weak:.2f}, and {least:g} is asked for" if weak else "no face is found"
    raise UserError(what, remedy="give a picture in which a face is seen whole, or its points in a file beside it")


def ways_to_look(picture: Picture, detector: Detector) -> Iterator[list[Look]]:
    """Yield ways to look at a picture, the likeliest first; of several at once that count which has the surest face."""
    yield [(0, lambda: seen_close(picture, detector.detect(picture), detector))]
    turned = {quarters: np.ascontiguousarray(np.rot90(picture, quarters)) for quarters in QUARTERS}
    yield [
        (quarters, lambda image=image: seen_close(image, detector.detect(image), detector))
        for quarters, image in turned.items()
    ]
    for parts in PARTS:
        if max(picture.shape[:2]) > LARGEST_SIDE * parts / 2:
            yield [(0, lambda parts=parts: seen_close(picture, in_parts(picture, detector, parts), detector))]


def upright_faces(faces: list[Face], least: float, detector: Detector, size: tuple[int, int]) -> list[Face]:
    """Return the faces that are sure enough and upright, the most prominent first."""
    kept = [face for face in faces if face.confidence >= least and not is_sideways(face, detector.convention)]
    return sorted(kept, key=lambda face: -prominence(face, size))


def told(quarters: int, sure: list[Face], size: tuple[int, int], convention: str) -> FoundFace:
    """Return the first of the faces in a picture of a width and height, which were found after so many quarter turns."""
    points = moved(sure[0].points[:, :2].astype(np.float64), np.linalg.inv(quarter_turn(size, quarters)))
    remarks = (*said_of_turn(quarters), *said_of_others(sure, shown(size, quarters)))
    return FoundFace(points, sure[0].point_confidence.astype(np.float64), convention, quarters, remarks)


def seen_close(picture: Picture, faces: list[Face], detector: Detector) -> list[Face]:
    """Return faces with their points as a second look at each tells them, where the first one saw the picture made smaller."""
    if max(picture.shape[:2]) <= LARGEST_SIDE:
        return faces
    return [close_up(picture, face, detector) for face in faces]


def close_up(picture: Picture, face: Face, detector: Detector) -> Face:
    """Return a face as it is seen in the square around it; as it was where the second look does not find it."""
    left, top, right, bottom = face.box
    half = CLOSE_UP * max(right - left, bottom - top) / 2
    x, y = max(0, int((left + right) / 2 - half)), max(0, int((top + bottom) / 2 - half))
    part = np.ascontiguousarray(picture[y : int((top + bottom) / 2 + half), x : int((left + right) / 2 + half)])
    if min(part.shape[:2]) < 2:
        return face
    again = [placed(found, x, y) for found in detector.detect(part)]
    near = min(again, key=lambda found: np.abs(np.subtract(found.box, face.box)).max(), default=None)
    same = near is not None and np.abs(np.subtract(near.box, face.box)).max() < half / CLOSE_UP
    return Face(near.points, near.blendshapes, max(face.confidence, near.confidence), near.point_confidence) if same else face


def in_parts(picture: Picture, detector: Detector, parts: int) -> list[Face]:
    """Return the faces in parts of a picture, which overlap by half; a part has ``1 / parts`` of its width and height."""
    height, width = picture.shape[0] // parts, picture.shape[1] // parts
    found = []
    for row in range(2 * parts - 1):
        for column in range(2 * parts - 1):
            y, x = row * height // 2, column * width // 2
            part = np.ascontiguousarray(picture[y : y + height, x : x + width])
            found += [placed(face, x, y) for face in detector.detect(part)]
    return found


def placed(face: Face, x: int, y: int) -> Face:
    """Return a face of a part of a picture in the picture's pixels."""
    shift = np.array((x, y, 0), np.float32)
    return Face(face.points + shift, face.blendshapes, face.confidence, face.point_confidence)


def is_sideways(face: Face, convention: str) -> bool:
    """Whether a face leans so far that it is to be looked at in the turned picture."""
    right, left = (face.points[corner, :2] for corner in convention_of(convention).outer_eye_corners)
    return bool(abs(np.arctan2(left[1] - right[1], left[0] - right[0])) > SIDEWAYS)


def shown(size: tuple[int, int], quarters: int) -> tuple[int, int]:
    """Return the width and height of a picture turned by quarters."""
    return size if quarters % 2 == 0 else (size[1], size[0])


def said_of_turn(quarters: int) -> tuple[str, ...]:
    """Return what to tell of a picture that had to be turned."""
    words = {1: ("the picture lies on its side: it was turned by 90 degrees to the left",), 2: ("the picture was upside down",)}
    return words.get(quarters, ("the picture lies on its side: it was turned by 90 degrees to the right",) if quarters else ())


def said_of_others(sure: list[Face], size: tuple[int, int]) -> tuple[str, ...]:
    """Return what to tell where there are several faces."""
    if len(sure) == 1:
        return ()
    doubt = prominence(sure[0], size) < CLEAR * prominence(sure[1], size)
    chosen = "the one that stands out was taken" + (", and it hardly does" if doubt else "")
    return (f"{len(sure)} faces: {chosen} (the larger and the nearer to the middle)",)
