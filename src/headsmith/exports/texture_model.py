"""FLAME's mean texture, at the size that is asked for."""

from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8
from numpy import ndarray

from headsmith.heads.container import HeadContainer
from headsmith.heads.texture import read_texture


def model_texture(path: Path, head: HeadContainer, size: int) -> UInt8[ndarray, "S S 3"]:
    """Return the mean of ``FLAME_texture.npz``, RGB.

    Raises:
        UserError: The file is missing or broken, or belongs to another unwrapping than the head's.
    """
    mean = read_texture(path, head).texture(np.zeros(0))
    way = cv2.INTER_AREA if size < len(mean) else cv2.INTER_CUBIC
    return cv2.resize(mean, (size, size), interpolation=way)
