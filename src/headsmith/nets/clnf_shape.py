"""The point distribution model of one face in NumPy: torch takes longer to be called than these few numbers take to compute.

The same as ``maths.point_distribution``, against which tests hold it.
"""

import math

import cv2
import numpy as np
from jaxtyping import Float
from numpy import ndarray

from headsmith.maths.point_distribution import GLOBALS, PointDistribution


class FaceShape:
    """A model, ready for one face at a time; parameters are in OpenFace's order.

    Args:
        model: The model.
    """

    def __init__(self, model: PointDistribution) -> None:
        self.mean = model.mean.numpy()
        self.variances = model.variances.numpy()
        self._flat = np.ascontiguousarray(model.modes.flatten(0, 1).numpy())
        self._by_axis = np.ascontiguousarray(model.modes.permute(1, 0, 2).flatten(1).numpy())

    def shape(self, parameters: Float[ndarray, " P"]) -> Float[ndarray, "L 3"]:
        """Return the landmarks in the model's own axes, millimetres."""
        return self.mean + (self._flat @ parameters[GLOBALS:]).reshape(self.mean.shape)

    def landmarks(self, parameters: Float[ndarray, " P"]) -> Float[ndarray, "L 2"]:
        """Return the landmarks in the picture, pixels."""
        rows = parameters[0] * euler_matrix(parameters[1:4])[:2]
        return self.shape(parameters) @ rows.T + parameters[4:GLOBALS]

    def straight(self, parameters: Float[ndarray, " P"], scale: float) -> Float[ndarray, "L 2"]:
        """Return the face's landmarks in the reference frame: looking straight ahead, ``scale`` pixels a millimetre."""
        return scale * self.shape(parameters)[:, :2]

    def slopes(self, parameters: Float[ndarray, " P"]) -> Float[ndarray, "N P"]:
        """Return the derivatives of x and y of each landmark by scale, small turns, shift and local parameters."""
        shape, turn = self.shape(parameters), euler_matrix(parameters[1:4])[:2]
        rows, count = parameters[0] * turn, len(shape)
        x, y, z = shape.T[:, :, None]
        outer = np.zeros((count, 2, GLOBALS))
        outer[..., 0] = shape @ turn.T
        # w x X for unit turns about each axis, seen by the camera
        outer[..., 1] = y * rows[:, 2] - z * rows[:, 1]
        outer[..., 2] = z * rows[:, 0] - x * rows[:, 2]
        outer[..., 3] = x * rows[:, 1] - y * rows[:, 0]
        outer[:, 0, 4] = outer[:, 1, 5] = 1
        local = (rows @ self._by_axis).reshape(2, count, -1).transpose(1, 0, 2)
        return np.concatenate([outer, local], 2).reshape(2 * count, -1)


def moved_by(parameters: Float[ndarray, " P"], step: Float[ndarray, " P"]) -> Float[ndarray, " P"]:
    """Return parameters after a step whose turn is a small rotation vector; the scale stays above half of what it was."""
    moved = parameters + step
    moved[1:4] = euler_angles(euler_matrix(parameters[1:4]) @ cv2.Rodrigues(np.ascontiguousarray(step[1:4]))[0])
    moved[0] = max(moved[0], parameters[0] / 2)
    return moved


def euler_matrix(angles: Float[ndarray, "3"]) -> Float[ndarray, "3 3"]:
    """Return ``Rx Ry Rz`` of angles about x, y and z, radians."""
    (sx, cx), (sy, cy), (sz, cz) = ((math.sin(angle), math.cos(angle)) for angle in angles)
    return np.array(
        [
            [cy * cz, -cy * sz, sy],
            [cx * sz + sx * sy * cz, cx * cz - sx * sy * sz, -sx * cy],
            [sx * sz - cx * sy * cz, sx * cz + cx * sy * sz, cx * cy],
        ]
    )


def euler_angles(turn: Float[ndarray, "3 3"]) -> Float[ndarray, "3"]:
    """Return the angles of ``euler_matrix``, radians."""
    beside = math.hypot(turn[0, 0], turn[0, 1])
    return np.array([math.atan2(-turn[1, 2], turn[2, 2]), math.atan2(turn[0, 2], beside), math.atan2(-turn[0, 1], turn[0, 0])])
