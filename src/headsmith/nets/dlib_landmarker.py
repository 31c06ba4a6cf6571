"""The 68 points of dlib's shape predictor, in faces that a finder shows.

Kazemi, Sullivan: One Millisecond Face Alignment with an Ensemble of Regression Trees, CVPR 2014. The predictor was trained on
boxes of dlib's own detector: squares, narrower above and below than those of other detectors.
"""

from pathlib import Path
from types import TracebackType

import dlib
import numpy as np
from jaxtyping import Float, UInt8
from numpy import ndarray

from headsmith.contract.conventions import IBUG68
from headsmith.contract.errors import UserError
from headsmith.nets.faces import Box, Face, FaceBox, cap_size
from headsmith.nets.finders import Finder
from headsmith.nets.squares import Square

SIDE, BELOW = 0.90, 0.056
"""dlib's square against MTCNN's box: its side, in roots of the box's area, and how much lower its centre lies, in heights of
the box. Medians over 58 frames of four people (franck, cap12, pexels, single_face); the squares of dlib's own detector, whose
sizes go in steps of a fifth, spread by 0.074 and 0.036 about them."""

MARGIN = 1.5
"""Side of what is cut out, in sides of dlib's square: points move, and pixels beside them are read."""
CUT_SIDE = 768
"""The cut-out is brought to so many pixels a side, because dlib rounds its points to whole ones."""


class DlibLandmarker:
    """dlib's shape predictor of 68 points.

    Args:
        model: Path of ``shape_predictor_68_face_landmarks.dat``.
        finder: Shows where faces are; it is closed with this.

    Raises:
        UserError: The model file is missing or is not a shape predictor of 68 points.
    """

    convention = IBUG68.name

    def __init__(self, model: Path, finder: Finder) -> None:
        self._predictor = read_predictor(model)
        self._finder = finder

    def __enter__(self) -> "DlibLandmarker":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._finder.__exit__(kind, error, trace)

    def detect(self, image: UInt8[ndarray, "H W 3"]) -> list[Face]:
        """Return the faces in an RGB picture; empty where there is none. Their confidence is the finder's."""
        small, back = cap_size(image)
        return [self._predict(small, found, back) for found in self._finder.detect(small)]

    def _predict(self, image: UInt8[ndarray, "H W 3"], found: FaceBox, back: Float[ndarray, "2"]) -> Face:
        square = dlib_square(found.box)
        around = Square(square.x, square.y, MARGIN * square.side)
        inside = round(CUT_SIDE / MARGIN)
        first = (CUT_SIDE - inside) // 2
        box = dlib.rectangle(first, first, first + inside - 1, first + inside - 1)
        shape = self._predictor(around.cut(image, CUT_SIDE), box)
        pixels = np.array([(part.x, part.y) for part in shape.parts()]) + 0.5
        points = np.full((IBUG68.count, 3), np.nan, np.float32)
        points[:, :2] = around.to_picture(pixels, CUT_SIDE) * back
        return Face(points, np.zeros(0, np.float32), found.confidence, np.ones(IBUG68.count, np.float32))


def dlib_square(box: Box) -> Square:
    """Return the square that dlib's own detector would show for a face, given MTCNN's box of it."""
    left, top, right, bottom = box
    width, height = right - left, bottom - top
    return Square((left + right) / 2, (top + bottom) / 2 + BELOW * height, SIDE * float(np.sqrt(width * height)))


def read_predictor(path: Path) -> dlib.shape_predictor:
    """Return the shape predictor of a file.

    Raises:
        UserError: The file is missing, or is none, or its points are not 68.
    """
    remedy = "fetch dlib/shape_predictor_68_face_landmarks.dat again (see config/assets.yaml)"
    try:
        predictor = dlib.shape_predictor(str(path))
    except RuntimeError as error:
        raise UserError(f"dlib's shape predictor cannot be read: {error}", file=path, remedy=remedy) from error
    blank = predictor(np.zeros((64, 64, 3), np.uint8), dlib.rectangle(16, 16, 47, 47))
    if blank.num_parts != IBUG68.count:
        raise UserError(f"the shape predictor finds {blank.num_parts} points, not 68", file=path, remedy=remedy)
    return predictor
