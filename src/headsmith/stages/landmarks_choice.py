"""Which of the faces in a frame counts, and what a frame is called that has none."""

import math
from dataclasses import dataclass

import numpy as np

from headsmith.nets.faces import Box, Face

STATUSES = ("ok", "no_face", "two_faces", "low_confidence", "other_face")
"""``other_face``: a person was chosen, and only somebody else is seen."""

CLEAR = 2.0
"""The first of two faces counts where it stands out so many times as much as the second; else the frame is ``two_faces``."""
REACH, FARTHER, FARTHEST = 1.0, 0.1, 1.5
"""A chosen person's face lies within so many of its sides from where it was last seen; farther by so much for each frame in
which it was not, and so far at most, as it also may when the clip begins."""
EDGE = 1.0
"""A face touches the frame's edge where its points come so near to it, in pixels."""


@dataclass(frozen=True)
class Chosen:
    """What a frame shows.

    Attributes:
        status: One of ``STATUSES``.
        face: The face that counts; None where the status is not ``ok``.
        sure: How many faces are confident enough.
    """

    status: str
    face: Face | None
    sure: int


@dataclass
class Chooser:
    """Chooses in one frame after the other.

    Attributes:
        size: Width and height of the frames, in pixels.
        least: The smallest confidence of a face that counts.
        person: Where the chosen person was last seen, in pixels of the frames; None: nobody was chosen, and the face that
            stands out counts.
        side: The larger side of the face there, in pixels; None: it was not yet seen.
        missed: Frames since then.
    """

    size: tuple[int, int]
    least: float
    person: tuple[float, float] | None = None
    side: float | None = None
    missed: int = 0

    def choose(self, faces: list[Face]) -> Chosen:
        """Return what the next frame shows, given all faces found in it."""
        sure = [face for face in faces if face.confidence >= self.least]
        if len(sure) > 1:
            sure.sort(key=lambda face: -prominence(face, self.size))
        status, face = judge(faces, sure, self.size)
        if self.person is not None and sure:
            face = self._follow(sure)
            status = "ok" if face is not None else "other_face"
        self.missed = 0 if face is not None else self.missed + 1
        return Chosen(status, face, len(sure))

    def _follow(self, sure: list[Face]) -> Face | None:
        nearest = min(sure, key=lambda face: math.dist(centre(face.box), self.person))
        left, top, right, bottom = nearest.box
        side = max(right - left, bottom - top)
        reach = FARTHEST * side if self.side is None else min(REACH + FARTHER * self.missed, FARTHEST) * self.side
        if math.dist(centre(nearest.box), self.person) > reach:
            return None
        self.person, self.side = centre(nearest.box), side
        return nearest


def judge(faces: list[Face], sure: list[Face], size: tuple[int, int]) -> tuple[str, Face | None]:
    """Return the status of a frame in which nobody was chosen beforehand, and the face that counts.

    Args:
        faces: All faces found.
        sure: Those of sufficient confidence, the most prominent first.
        size: Width and height of the frame, in pixels.
    """
    if not sure:
        return ("low_confidence" if faces else "no_face"), None
    if len(sure) > 1 and prominence(sure[0], size) < CLEAR * prominence(sure[1], size):
        return "two_faces", None
    return "ok", sure[0]


def prominence(face: Face, size: tuple[int, int]) -> float:
    """Return how much a face stands out: its area, less the farther it is from the centre of the frame.

    The area of the points' box in pixels, times ``exp(-d^2 / 2)`` with ``d`` the distance of its centre from the frame's, in
    quarters of the frame's diagonal.
    """
    left, top, right, bottom = face.box
    beside, below = (left + right - size[0]) / 2, (top + bottom - size[1]) / 2
    distance = 4 * np.hypot(beside, below) / np.hypot(*size)
    return float((right - left) * (bottom - top) * np.exp(-(distance**2) / 2))


def centre(box: Box) -> tuple[float, float]:
    """Return the middle of a box."""
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2


def touches_edge(box: Box, size: tuple[int, int]) -> bool:
    """Whether a face comes as near as ``EDGE`` to the edge of a frame of a width and height, or reaches beyond it."""
    left, top, right, bottom = box
    return min(left, top) < EDGE or right > size[0] - EDGE or bottom > size[1] - EDGE
