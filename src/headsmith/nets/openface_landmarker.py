"""OpenFace's programs as a detector of landmarks like the others."""

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

import numpy as np
from jaxtyping import UInt8
from numpy import ndarray

from headsmith.contract.conventions import IBUG68
from headsmith.nets.faces import Face, cap_size
from headsmith.nets.openface_binary import OpenFaceDetector
from headsmith.nets.openface_table import OpenFaceTable


class OpenFaceLandmarker:
    """OpenFace's ``FaceLandmarkImg``.

    Args:
        programs: The folder of OpenFace's programs.
        max_faces: How many faces to return, at most: the most certain.

    Raises:
        OpenFaceAbsentError: They are not there.
    """

    convention = IBUG68.name

    def __init__(self, programs: Path, max_faces: int = 2) -> None:
        self._openface, self._most = OpenFaceDetector(programs), max_faces

    def __enter__(self) -> "OpenFaceLandmarker":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """There is nothing to release."""

    def detect(self, image: UInt8[ndarray, "H W 3"]) -> list[Face]:
        """Return the faces in an RGB picture; empty where there is none. Many pictures are looked at faster together.

        Raises:
            UserError: As ``OpenFaceDetector``.
        """
        return self.detect_batch([image])[0]

    def detect_batch(self, images: Sequence[UInt8[ndarray, "_ _ 3"]]) -> list[list[Face]]:
        """Return the faces in each of some RGB pictures, by one process.

        Raises:
            UserError: As ``OpenFaceDetector``.
        """
        capped = [cap_size(image) for image in images]
        tables = self._openface.detect_images([small for small, _ in capped])
        return [faces_of(table, back, self._most) for table, (_, back) in zip(tables, capped, strict=True)]


def faces_of(table: OpenFaceTable, back: ndarray, most: int) -> list[Face]:
    """Return the faces of a table, the most certain first, in pixels of the picture as it was given."""
    order = [row for row in np.argsort(-table.confidence, kind="stable") if table.success[row] > 0][:most]
    faces = []
    for row in order:
        points = np.full((IBUG68.count, 3), np.nan, np.float32)
        points[:, :2] = table.landmarks[row] * back
        faces.append(Face(points, np.zeros(0, np.float32), float(table.confidence[row]), np.ones(IBUG68.count, np.float32)))
    return faces
