"""The two orders in which detectors number the points of a face, and the way from one to the other.

A file of landmarks names its convention, and so does each embedding of a head; the two must agree. *Left* and *right* are the
subject's own. ``ibug68`` is the markup of iBUG 300-W (Sagonas et al. 2013, figure 1): 0..16 the jaw from the subject's right
ear to the left, 17..26 the brows, 27..35 the nose, 36..47 the eyes, 48..67 the lips.
"""

from dataclasses import dataclass

from headsmith.contract import landmark_groups as mediapipe
from headsmith.contract.errors import UserError

Points = tuple[int, ...]


@dataclass(frozen=True)
class Convention:
    """Which point is which.

    Attributes:
        name: As it stands in files.
        count: Number of points.
        outer_lips: The lips' outer contour, a ring.
        inner_lips: Their inner contour, a ring.
        nose_tip: The tip of the nose.
        nose_bridge: From between the eyes to the tip.
        outer_eye_corners: Right, left; their distance is the unit of landmark errors.
        inner_eye_corners: Right, left.
        outline: The face's outline, which slides over the cheeks as the head turns.
        irises: Pupils and rims of the irises; empty where the convention has none.
        parts: Parts of the face by which errors are reported.
        rings: Closed contours, for drawing.
        lines: Open contours, for drawing.
    """

    name: str
    count: int
    outer_lips: Points
    inner_lips: Points
    nose_tip: int
    nose_bridge: Points
    outer_eye_corners: tuple[int, int]
    inner_eye_corners: tuple[int, int]
    outline: Points
    irises: Points
    parts: dict[str, Points]
    rings: dict[str, Points]
    lines: dict[str, Points]

    @property
    def lips(self) -> Points:
        """All points on the lips' contours."""
        return self.outer_lips + self.inner_lips


MEDIAPIPE478 = Convention(
    name=mediapipe.CONVENTION,
    count=mediapipe.COUNT,
    outer_lips=mediapipe.OUTER_LIPS,
    inner_lips=mediapipe.INNER_LIPS,
    nose_tip=mediapipe.NOSE_TIP,
    nose_bridge=mediapipe.NOSE_BRIDGE,
    outer_eye_corners=mediapipe.OUTER_EYE_CORNERS,
    inner_eye_corners=mediapipe.INNER_EYE_CORNERS,
    outline=mediapipe.FACE_OVAL,
    irises=mediapipe.PARTS["irises"],
    parts=mediapipe.PARTS,
    rings=mediapipe.RINGS,
    lines={},
)

_JAW, _RIGHT_BROW, _LEFT_BROW = tuple(range(17)), tuple(range(17, 22)), tuple(range(22, 27))
_BRIDGE, _NOSE_BASE = tuple(range(27, 31)), tuple(range(31, 36))
_RIGHT_EYE, _LEFT_EYE = tuple(range(36, 42)), tuple(range(42, 48))
_OUTER_LIPS, _INNER_LIPS = tuple(range(48, 60)), tuple(range(60, 68))

IBUG68 = Convention(
    name="ibug68",
    count=68,
    outer_lips=_OUTER_LIPS,
    inner_lips=_INNER_LIPS,
    nose_tip=30,
    nose_bridge=_BRIDGE,
    outer_eye_corners=(36, 45),
    inner_eye_corners=(39, 42),
    outline=_JAW,
    irises=(),
    parts={
        "oval": _JAW,
        "brows": _RIGHT_BROW + _LEFT_BROW,
        "eyes": _RIGHT_EYE + _LEFT_EYE,
        "nose": _BRIDGE + _NOSE_BASE,
        "lips": _OUTER_LIPS + _INNER_LIPS,
    },
    rings={"right_eye": _RIGHT_EYE, "left_eye": _LEFT_EYE, "outer_lips": _OUTER_LIPS, "inner_lips": _INNER_LIPS},
    lines={"oval": _JAW, "right_brow": _RIGHT_BROW, "left_brow": _LEFT_BROW, "nose": _BRIDGE, "nose_base": _NOSE_BASE},
)

CONVENTIONS: dict[str, Convention] = {convention.name: convention for convention in (MEDIAPIPE478, IBUG68)}

IBUG68_FROM_MEDIAPIPE: tuple[Points, ...] = (
    *((127,), (234,), (93,), (132, 58), (58, 172), (136,), (150,), (176,), (152,)),
    *((400,), (379,), (365,), (397, 288), (361,), (323,), (454,), (356,)),
    *((156,), (70, 63), (105,), (66,), (107, 55)),
    *((336, 285), (296,), (334,), (293, 300), (383,)),
    *((168, 6), (197, 195), (5,), (4,), (98,), (97,), (2,), (326,), (327,)),
    *((33,), (160,), (158,), (133,), (153,), (144,)),
    *((362,), (385,), (387,), (263,), (373,), (380,)),
    *((61,), (39,), (37,), (0,), (267,), (269,), (291,), (321,), (314,), (17,), (84,), (91,)),
    *((78,), (82,), (13,), (312,), (308,), (317,), (14,), (87,)),
)
"""The MediaPipe points whose mean stands for each of the 68, as flame-head-tracker 4.1 pairs them."""


def convention_of(name: str) -> Convention:
    """Return a convention by name.

    Raises:
        UserError: There is none of that name.
    """
    if name not in CONVENTIONS:
        raise UserError(f"unknown landmark convention {name!r}", remedy=f"use one of: {', '.join(CONVENTIONS)}")
    return CONVENTIONS[name]
