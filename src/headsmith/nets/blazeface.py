"""The detector inside MediaPipe's face landmarker by itself: boxes of faces in a thousandth of a second.

BlazeFace (Bazarevsky et al. 2019), the short-range model, which sees pictures at 128x128 pixels.
"""

from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from jaxtyping import UInt8
from mediapipe.tasks.python import BaseOptions, vision
from numpy import ndarray

from headsmith.nets.face_landmarker import native, read_model
from headsmith.nets.faces import Box
from headsmith.nets.silence import silent_stderr

LEAST_SCORE = 0.5
"""MediaPipe's own."""
EXTENT = (0.03, -0.13, 0.94, 0.98)
"""Left, top, right and bottom of the landmarker's points in a box of BlazeFace, as shares of its sides. Medians over 371 frames
of three people (cap12, pexels, single_face); nine in ten lie within 0.05 (left, right) and 0.04 (top, bottom)."""


class BlazeFace:
    """Finds boxes of faces.

    Args:
        model: ``face_landmarker.task``, which has the detector inside.

    Raises:
        UserError: The file is missing or is not a face landmarker.
    """

    def __init__(self, model: Path) -> None:
        options = vision.FaceDetectorOptions(
            base_options=BaseOptions(model_asset_buffer=read_model(model)[1]), min_detection_confidence=LEAST_SCORE
        )
        with silent_stderr():
            self._detector = vision.FaceDetector.create_from_options(options)
            self._detector.detect(native(np.zeros((128, 128, 3), np.uint8)))

    def __enter__(self) -> "BlazeFace":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        with silent_stderr():
            self._detector.close()

    def detect(self, image: UInt8[ndarray, "H W 3"]) -> list[Box]:
        """Return the faces in an RGB picture, each as the box that the landmarker's points would have, in pixels."""
        found = self._detector.detect(native(np.ascontiguousarray(image))).detections
        return [_extent(each.bounding_box) for each in found]


def _extent(box: Any) -> Box:
    left, top, right, bottom = EXTENT
    x, y, width, height = box.origin_x, box.origin_y, box.width, box.height
    return x + left * width, y + top * height, x + right * width, y + bottom * height
