"""Which landmark is which: names for the indices of MediaPipe's 478 points.

*Left* and *right* are the subject's own. Rings are closed contours in order; the last point joins the first. The index lists
were read from the connection tables that MediaPipe 1.2.2 ships (``FaceLandmarksConnections``) and put in ring order.
"""

CONVENTION = "mediapipe478"
COUNT = 478

OUTER_LIPS: tuple[int, ...] = (
    *(61, 146, 91, 181, 84, 17, 314, 405, 321, 375),
    *(291, 409, 270, 269, 267, 0, 37, 39, 40, 185),
)
INNER_LIPS: tuple[int, ...] = (
    *(78, 95, 88, 178, 87, 14, 317, 402, 318, 324),
    *(308, 415, 310, 311, 312, 13, 82, 81, 80, 191),
)
LIPS: tuple[int, ...] = OUTER_LIPS + INNER_LIPS

RIGHT_EYE: tuple[int, ...] = (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246)
LEFT_EYE: tuple[int, ...] = (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466)
RIGHT_IRIS: tuple[int, ...] = (469, 470, 471, 472)
LEFT_IRIS: tuple[int, ...] = (474, 475, 476, 477)
RIGHT_PUPIL = 468
LEFT_PUPIL = 473
RIGHT_BROW: tuple[int, ...] = (46, 53, 52, 65, 55, 107, 66, 105, 63, 70)
LEFT_BROW: tuple[int, ...] = (276, 283, 282, 295, 285, 336, 296, 334, 293, 300)

NOSE_TIP = 4
NOSE_BRIDGE: tuple[int, ...] = (168, 6, 197, 195, 5, 4)
NOSE_BASE: tuple[int, ...] = (98, 97, 2, 326, 327)

FACE_OVAL: tuple[int, ...] = (
    *(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288),
    *(397, 365, 379, 378, 400, 377, 152, 148, 176, 149, 150, 136),
    *(172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109),
)

OUTER_EYE_CORNERS: tuple[int, int] = (33, 263)
"""Right, left. The distance between them is the unit of landmark errors (percent of the eye distance)."""
INNER_EYE_CORNERS: tuple[int, int] = (133, 362)

PARTS: dict[str, tuple[int, ...]] = {
    "oval": FACE_OVAL,
    "brows": RIGHT_BROW + LEFT_BROW,
    "eyes": RIGHT_EYE + LEFT_EYE,
    "irises": (RIGHT_PUPIL, *RIGHT_IRIS, LEFT_PUPIL, *LEFT_IRIS),
    "nose": NOSE_BRIDGE + NOSE_BASE,
    "lips": LIPS,
}
"""The parts of the face by which errors are reported. Points in no part are skin between the features."""

RINGS: dict[str, tuple[int, ...]] = {
    "oval": FACE_OVAL,
    "right_brow": RIGHT_BROW,
    "left_brow": LEFT_BROW,
    "right_eye": RIGHT_EYE,
    "left_eye": LEFT_EYE,
    "right_iris": RIGHT_IRIS,
    "left_iris": LEFT_IRIS,
    "outer_lips": OUTER_LIPS,
    "inner_lips": INNER_LIPS,
}
"""Closed contours, for drawing."""
