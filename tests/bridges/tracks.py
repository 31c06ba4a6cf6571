"""Random tracked clips, and what bridges' tests share."""

import numpy as np
import torch

from headsmith.bridges.track import Track
from headsmith.maths.rotations import axis_angle_to_matrix, matrix_from_6d, matrix_to_axis_angle

FACING = np.diag([1.0, -1, -1])


def random_track(model, seed=0, count=5):
    """A clip of any pose, lens, size and principal point, in front of the camera."""
    chance = np.random.default_rng(seed)
    width, height = (int(side) for side in chance.integers(200, 900, 2))
    turn = axis_angle_to_matrix(torch.from_numpy(0.6 * chance.normal(size=(count, 3)))).numpy()
    return Track(
        ids=np.arange(count),
        identity=chance.normal(size=len(model.identity)),
        expression=chance.normal(size=(count, len(model.expression))),
        jaw=0.2 * chance.normal(size=(count, 3)),
        eyes=0.2 * chance.normal(size=(count, 2, 3)),
        neck=0.2 * chance.normal(size=(count, 3)),
        eyelids=chance.uniform(size=(count, 2)),
        rotation=turn @ FACING,
        translation=0.1 * chance.normal(size=(count, 3)) + [0, 0, 1],
        focal=float(chance.uniform(1, 6) * min(width, height)),
        principal=np.array([width, height]) / 2 + chance.normal(size=2) * 5,
        size=(width, height),
        status=("ok",) * count,
        residual=np.full(count, np.nan),
        head_sha256=model.sha256,
        convention="",
    )


def matrices(rows):
    """Axis-angle of rows, as a tensor."""
    return matrix_to_axis_angle(matrix_from_6d(rows))
