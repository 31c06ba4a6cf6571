"""The turns of the eyes that MediaPipe's ``eyeLook`` scores stand for."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float
from numpy import ndarray

FIRST_LOOK = 11
"""Place of the first of ``LOOKS`` among MediaPipe's 52 scores."""
LOOKS = tuple(f"eyeLook{way}{side}" for way in ("Down", "In", "Out", "Up") for side in ("Left", "Right"))
"""In MediaPipe's order."""
Reach = tuple[float, float, float, float]
ANNY: Reach = (0.1807, 0.2426, 0.2344, 0.1584)
"""Radians: turns of an eyeball that are Anny's units down, in, out and up at 1 (``anny_rig.gaze_sine``), left as right."""
FLAME: Reach = (0.6, 0.6, 0.6, 0.6)
"""Radians: turns that are taken for FLAME, which has no such units (field guide 5.3)."""


def turn_eyes(score: Mapping[str, Float[ndarray, " T"]], reach: Reach) -> Float[ndarray, "T 2 3"]:
    """Return the turns of the left and the right eye, axis-angle: down is positive about +x, to the subject's left about +y.

    Args:
        score: Of each of ``LOOKS``, 0..1.
        reach: Turns at a score of 1: down, in, out, up, radians.
    """
    down, inward, outward, up = reach
    eyes = []
    for side, leftward in (("Left", 1), ("Right", -1)):
        lowered = down * score[f"eyeLookDown{side}"] - up * score[f"eyeLookUp{side}"]
        apart = outward * score[f"eyeLookOut{side}"] - inward * score[f"eyeLookIn{side}"]
        eyes.append(np.stack([lowered, leftward * apart, np.zeros_like(lowered)], 1))
    return np.stack(eyes, 1)


def turn_eyes_of_flame(scores: Float[ndarray, "T 52"]) -> Float[ndarray, "T 2 3"]:
    """Return the turns of the left and the right eye for FLAME, axis-angle.

    Args:
        scores: All of MediaPipe's scores, in its order.
    """
    return turn_eyes({name: scores[:, FIRST_LOOK + place] for place, name in enumerate(LOOKS)}, FLAME)
