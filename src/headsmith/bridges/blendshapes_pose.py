"""The pose in MediaPipe's facial transformation matrix.

The matrix takes the canonical face, in centimetres, to a camera at the origin that looks down -z with y up, under a vertical
angle of view of 63 degrees and with its principal point in the middle (``face_geometry_from_landmarks_graph.cc``,
``PerspectiveCameraFrustum`` in ``geometry_pipeline.cc``).
"""

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from headsmith.bridges.canonical_face import place_canonical_face
from headsmith.bridges.crops import image_size
from headsmith.bridges.given import ORTHONORMAL, are_rotations
from headsmith.contract.errors import UserError
from headsmith.heads.model import HeadModel
from headsmith.maths.cameras import FLIP

MATRIX = tuple(f"m{i}{j}" for i in range(4) for j in range(4))
"""Columns of the matrix, row by row."""
ANGLE = 63.0
"""Vertical angle of view, degrees."""
FRONTAL_SIDE, FRONTAL_FOCAL, FRONTAL_DISTANCE = 512, 3.5, 1.1
"""Where no pose is told: side of the image, pixels; focal length in its shorter side; metres to between the eyes. The head then
fills three quarters of the image's height."""
Posed = tuple[Float[ndarray, "T 3 3"], Float[ndarray, "T 3"], float, tuple[int, int]]
"""Rotations and translations head to camera, focal length, width and height."""


def read_pose(columns: Mapping[str, Float[ndarray, " T"]], model: HeadModel, path: Path) -> Posed:
    """Return rotation, translation, focal length and image size of the facial transformation matrices.

    The canonical face is ``a Q x + b`` of the head's x, the matrix takes it to ``s R (a Q x + b) + t`` centimetres before the
    camera: seen as ``R Q x + (R b / a + t / (s a))`` metres.

    Raises:
        UserError: An entry or the image's size is missing, or the matrix is no similarity.
    """
    missing = [name for name in MATRIX if name not in columns]
    if missing:
        raise UserError(f"the matrix lacks {', '.join(missing)}", file=path, remedy="write all 16 entries, m00 to m33, or none")
    size = image_size(columns, path)
    matrices = np.stack([columns[name] for name in MATRIX], 1).reshape(-1, 4, 4)
    turns, scale = rotations_of(matrices, path)
    placed = place_canonical_face(model.container)
    shift = turns @ placed.shift / placed.scale + matrices[:, :3, 3] / (scale * placed.scale)[:, None]
    focal = size[1] / 2 / math.tan(math.radians(ANGLE) / 2)
    return FLIP[:, None] * (turns @ placed.turn), FLIP * shift, focal, size


def rotations_of(matrices: Float[ndarray, "T 4 4"], path: Path) -> tuple[Float[ndarray, "T 3 3"], Float[ndarray, " T"]]:
    """Return rotation and scale of similarities.

    Raises:
        UserError: One is none, or is transposed.
    """
    if np.abs(matrices[:, 3] - [0, 0, 0, 1]).max() > ORTHONORMAL:
        remedy = "write mij as row i and column j of the matrix, whose last row is 0 0 0 1"
        raise UserError("the matrix is transposed, or is none of a face", file=path, remedy=remedy)
    scale = np.cbrt(np.linalg.det(matrices[:, :3, :3]))
    turns = matrices[:, :3, :3] / np.where(scale > 0, scale, 1)[:, None, None]
    if not are_rotations(turns).all():
        raise UserError("the matrix squeezes, shears or mirrors", file=path, remedy="write it as MediaPipe returns it")
    return turns, scale


def frontal_pose(columns: Mapping[str, Float[ndarray, " T"]], path: Path) -> Posed:
    """Return a head that stands still and is seen from the front, in the middle of the image."""
    count = len(columns["frame"])
    size = image_size(columns, path) if "width" in columns else (FRONTAL_SIDE, FRONTAL_SIDE)
    rotation, translation = np.tile(np.diag(FLIP), (count, 1, 1)), np.tile([0.0, 0, FRONTAL_DISTANCE], (count, 1))
    return rotation, translation, FRONTAL_FOCAL * min(size), size
