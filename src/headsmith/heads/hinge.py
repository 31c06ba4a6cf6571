"""Turning a face unit into a joint: the rotation, pivot and weights that reproduce its displacements best.

A joint moves a vertex along an arc and scales with the person; a unit moves it along a line and does not. What the joint leaves
over becomes a pose corrective, so that at the unit's own angle both agree exactly.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

SMALLEST_ARM = 2e-3
"""Metres. Closer to the axis than this moves too little to tell a weight, which then fades to 0."""

SINE_ENTRY = {"x": (2, 1), "y": (0, 2)}
"""Where ``R - I`` of a turn about an axis holds the plain sine."""


@dataclass(frozen=True)
class Hinge:
    """A rotation about a line.

    Attributes:
        rotation: The rotation matrix.
        angle: Its angle, radians, positive about the named axis.
        pivot: The point of the line nearest to the centre of the points it was fitted to, metres.
    """

    rotation: Float[ndarray, "3 3"]
    angle: float
    pivot: Float[ndarray, "3"]

    def move(self, points: Float[ndarray, "V 3"]) -> Float[ndarray, "V 3"]:
        """Return the displacements of points that follow wholly."""
        return (points - self.pivot) @ (self.rotation - np.eye(3)).T


def fit_rotation(before: Float[ndarray, "n 3"], after: Float[ndarray, "n 3"]) -> Float[ndarray, "3 3"]:
    """Return the rotation that takes centred points nearest to others (Kabsch 1976)."""
    left, _, right = np.linalg.svd((after - after.mean(0)).T @ (before - before.mean(0)))
    flip = np.diag([1.0, 1.0, np.sign(np.linalg.det(left @ right))])
    return left @ flip @ right


def turn_about_x(angle: float) -> Float[ndarray, "3 3"]:
    """Return the rotation about +x."""
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.array([[1, 0, 0], [0, cosine, -sine], [0, sine, cosine]])


def fit_hinge_about_x(points: Float[ndarray, "n 3"], displacements: Float[ndarray, "n 3"]) -> Hinge:
    """Return the turn about an axis along x that moves points of one rigid piece nearest to where a unit takes them.

    The pivot's height and depth solve ``(I - R) pivot = shift`` in the plane across the axis.
    """
    rotation = fit_rotation(points, points + displacements)
    angle = float(np.arctan2(rotation[2, 1], rotation[1, 1]))
    rotation = turn_about_x(angle)
    shift = (points + displacements).mean(0) - rotation @ points.mean(0)
    pivot = np.linalg.solve((np.eye(3) - rotation)[1:, 1:], shift[1:])
    return Hinge(rotation, angle, np.array([0.0, *pivot]))


def fit_weights(hinge: Hinge, points: Float[ndarray, "V 3"], displacements: Float[ndarray, "V 3"]) -> Float[ndarray, " V"]:
    """Return the share of the hinge's move that reproduces each vertex's displacement best, in 0..1.

    Least squares for one vertex: the projection of the displacement on the full move; the regulariser lets weights fade near
    the axis.
    """
    full = hinge.move(points)
    floor = (SMALLEST_ARM * np.sin(hinge.angle)) ** 2
    return ((full * displacements).sum(1) / ((full**2).sum(1) + floor)).clip(0, 1)


def leftover(
    hinge: Hinge, weights: Float[ndarray, " V"], points: Float[ndarray, "V 3"], displacements: Float[ndarray, "V 3"]
) -> Float[ndarray, "V 3"]:
    """Return the displacements at rest that, skinned, make up what the weighted hinge leaves over of a unit.

    Skinning turns them too, by the blended matrix ``(1 - w) I + w R``, whose inverse is applied here.
    """
    blended = np.eye(3) + weights[:, None, None] * (hinge.rotation - np.eye(3))
    missing = displacements - weights[:, None] * hinge.move(points)
    return np.linalg.solve(blended, missing[..., None])[..., 0]


def corrective_row(joint: int, axis: str) -> int:
    """Return the row of ``correctives`` that the sine of a joint's turn about an axis drives (see ``pose_features``)."""
    row, column = SINE_ENTRY[axis]
    return (joint - 1) * 9 + row * 3 + column
