"""Whose face it is: the only one, or the one that the table of clips points at, followed through the searched frames."""

import math
from dataclasses import dataclass

import numpy as np

from headsmith.contract.errors import UserError
from headsmith.media.crops import Box
from headsmith.media.sources import Source
from headsmith.stages.frames_search import Look, box_area, box_centre, larger_side

RIVAL = 0.25
"""A second face makes a frame crowded from this share of the larger face's area on; smaller ones stand in the background."""
MOST_CROWDED = 0.5
"""A clip in which nobody was chosen is refused when over this share of the searched frames is crowded."""
REACH = 1.0
"""From one searched frame to the next a face is the same if its centre moved by no more than so many of its sides; each frame
in which it was not seen adds as much."""
AROUND = 0.25
"""A point that means a face may lie beside its box by this share of the box's side: foreheads and ears lie outside."""


@dataclass(frozen=True)
class Choice:
    """The chosen face in each searched frame.

    Attributes:
        boxes: Its box; None where it is not seen.
        filled: How many of them MTCNN alone saw.
        crowded: How many searched frames show several faces of comparable size.
    """

    boxes: list[Box | None]
    filled: int
    crowded: int

    @property
    def seen(self) -> list[Box]:
        """The boxes of the frames in which it is seen."""
        return [box for box in self.boxes if box is not None]

    @property
    def centre(self) -> tuple[float, float]:
        """Median centre of the boxes, in pixels of the source."""
        x, y = np.median([box_centre(box) for box in self.seen], axis=0)
        return float(x), float(y)


def choose_person(looks: list[Look], person: tuple[float, float] | None, source: Source) -> Choice:
    """Choose a face in each searched frame.

    Args:
        looks: The searched frames, in order.
        person: A point on the face that is meant, in pixels of the source; None: the only one, or far the largest.
        source: For messages.

    Raises:
        UserError: No face lies at the point; or nobody was chosen, and most frames show several.
    """
    crowded = sum(is_crowded(look) for look in looks)
    if person is not None:
        return _choice(looks, follow(looks, person, source), crowded)
    if crowded > MOST_CROWDED * len(looks):
        what = f"two faces or more in {crowded} of {len(looks)} searched frames: {told_places(looks)}"
        remedy = "write the place of the one that is meant (`x,y`) into the column `person` of the table of clips, or use a "
        remedy += "part of the video (start, end) that shows one"
        raise UserError(what, clip=source.clip, file=source.path, remedy=remedy)
    alone = [box_centre(candidates(look)[0]) for look in looks if candidates(look) and not is_crowded(look)]
    usual = None if not alone else tuple(np.median(alone, axis=0).tolist())
    return _choice(looks, [_likeliest(look, usual) for look in looks], crowded)


def follow(looks: list[Look], person: tuple[float, float], source: Source) -> list[Box | None]:
    """Return the box of one face in each searched frame, from the first that shows a face at a point on, and before it.

    Raises:
        UserError: No searched frame shows a face at the point.
    """
    first = next((index for index, look in enumerate(looks) if face_at(look, person) is not None), None)
    if first is None:
        x, y = person
        what = f"no searched frame shows a face at {x:g},{y:g}: {told_places(looks)}"
        remedy = "write the place of the one that is meant (`x,y`) into the column `person` of the table of clips"
        raise UserError(what, clip=source.clip, file=source.path, remedy=remedy)
    start = face_at(looks[first], person)
    after = _walk(looks[first:], start)
    return _walk(looks[first::-1], start)[:0:-1] + after


def is_crowded(look: Look) -> bool:
    """Whether a frame shows several faces of comparable size."""
    return len(look.faces) > 1 and box_area(look.faces[1]) >= RIVAL * box_area(look.faces[0])


def candidates(look: Look) -> tuple[Box, ...]:
    """Return the faces of a frame: MediaPipe's, or, where it sees none, those of the second opinion."""
    return look.faces or look.others or ()


def face_at(look: Look, point: tuple[float, float]) -> Box | None:
    """Return the face at a point: the nearest of those whose box, grown by ``AROUND``, holds it."""
    near = [box for box in (*look.faces, *(look.others or ())) if _holds(box, point)]
    return min(near, key=lambda box: math.dist(box_centre(box), point), default=None)


def nearest_face(boxes: tuple[Box, ...], last: Box, reach: float) -> Box | None:
    """Return the box whose centre lies nearest to that of ``last``, if it moved by no more than ``reach`` of the side."""
    found = min(boxes, key=lambda box: math.dist(box_centre(box), box_centre(last)), default=None)
    if found is None or math.dist(box_centre(found), box_centre(last)) > reach * larger_side(last):
        return None
    return found


def told_places(looks: list[Look]) -> str:
    """Return, in words, where the faces of the fullest of the searched frames are; of equals the first."""
    fullest = max(looks, key=lambda look: len(candidates(look)), default=None)
    if fullest is None or not candidates(fullest):
        return "none shows any"
    places = " and ".join(told_place(box) for box in sorted(candidates(fullest)))
    return f"at {fullest.seconds:.2f} s there are faces at {places}"


def told_place(box: Box) -> str:
    """Return the centre of a box as the column ``person`` takes it."""
    return "{:.0f},{:.0f}".format(*box_centre(box))


def _walk(looks: list[Look], start: Box | None) -> list[Box | None]:
    boxes, last, missed = [], start, 0
    for look in looks:
        reach = REACH * (1 + missed)
        box = nearest_face(look.faces, last, reach) or nearest_face(look.others or (), last, reach)
        missed = missed + 1 if box is None else 0
        last = last if box is None else box
        boxes.append(box)
    return boxes


def _likeliest(look: Look, usual: tuple[float, float] | None) -> Box | None:
    """Return a frame's only face; of several the one nearest to the usual place, or, where there is none, the largest."""
    faces = candidates(look)
    if not is_crowded(look) or usual is None:
        return faces[0] if faces else None
    return min(faces, key=lambda box: math.dist(box_centre(box), usual))


def _choice(looks: list[Look], boxes: list[Box | None], crowded: int) -> Choice:
    pairs = zip(looks, boxes, strict=True)
    return Choice(boxes, sum(box is not None and box not in look.faces for look, box in pairs), crowded)


def _holds(box: Box, point: tuple[float, float]) -> bool:
    slack = AROUND * larger_side(box)
    inside = box[0] - slack <= point[0] <= box[2] + slack
    return inside and box[1] - slack <= point[1] <= box[3] + slack
