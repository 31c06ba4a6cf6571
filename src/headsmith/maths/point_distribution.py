"""The point distribution model of OpenFace: a face's landmarks as a mean shape and modes, seen by a weak-perspective camera.

Six global parameters, in OpenFace's order, say where the face is: ``scale`` (pixels a unit of the shape), ``rx, ry, rz``
(radians), ``tx, ty`` (pixels). With local parameters ``p`` a landmark is

    X = mean + modes p,    x = scale (R X)_{1,2} + t,    R = Rx(rx) Ry(ry) Rz(rz)

(Baltrusaitis, Robinson and Morency, Constrained Local Neural Fields for robust facial landmark detection in the wild, ICCV
Workshops 2013, eq. 3). Axes are OpenCV's: x right, y down, z away from the camera.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from headsmith.maths.rotations import skew

GLOBALS = 6
"""How many of the parameters are global."""


@dataclass(frozen=True)
class PointDistribution:
    """A mean shape and how it varies.

    Attributes:
        mean: Landmarks of the mean shape, in millimetres.
        modes: What a unit of each local parameter adds; orthonormal columns.
        variances: Of the local parameters, in square millimetres, above 0, the largest first.
    """

    mean: Float[Tensor, "L 3"]
    modes: Float[Tensor, "L 3 K"]
    variances: Float[Tensor, " K"]

    @property
    def deviations(self) -> Float[Tensor, " K"]:
        """Standard deviations of the local parameters, in millimetres."""
        return self.variances.sqrt()

    def shapes(self, local: Float[Tensor, "B K"]) -> Float[Tensor, "B L 3"]:
        """Return the landmarks of faces in the model's own axes, in millimetres."""
        return self.mean + (local @ self.modes.flatten(0, 1).mT).unflatten(-1, self.mean.shape)

    def take(self, points: list[int]) -> "PointDistribution":
        """Return the model of some of the landmarks; its modes are then no longer orthonormal."""
        return PointDistribution(self.mean[points], self.modes[points], self.variances)

    def moved(self, offsets: Float[Tensor, "L 3"]) -> "PointDistribution":
        """Return the model with its mean moved by offsets, in millimetres."""
        return PointDistribution(self.mean + offsets.to(self.mean), self.modes, self.variances)


@dataclass(frozen=True)
class Placed:
    """Parameters of faces, the rotation as a matrix.

    Attributes:
        scale: Pixels a millimetre, above 0.
        rotation: Of the shape.
        shift: x and y of the shape's origin, in pixels.
        local: Local parameters, in millimetres.
    """

    scale: Float[Tensor, " B"]
    rotation: Float[Tensor, "B 3 3"]
    shift: Float[Tensor, "B 2"]
    local: Float[Tensor, "B K"]

    def parameters(self) -> Float[Tensor, "B P"]:
        """Return the parameters in OpenFace's order: scale, rx, ry, rz, tx, ty, local ones."""
        return torch.cat([self.scale[:, None], matrix_to_euler(self.rotation), self.shift, self.local], -1)

    @classmethod
    def of(cls, parameters: Float[Tensor, "B P"]) -> "Placed":
        """Return what parameters in OpenFace's order say."""
        rotation = euler_to_matrix(parameters[:, 1:4])
        return cls(parameters[:, 0], rotation, parameters[:, 4:GLOBALS], parameters[:, GLOBALS:])


def landmarks_of(model: PointDistribution, parameters: Float[Tensor, "B P"]) -> Float[Tensor, "B L 2"]:
    """Return the landmarks of faces in a picture, in pixels, from parameters in OpenFace's order."""
    placed = Placed.of(parameters)
    return to_picture(placed, model.shapes(placed.local))


def landmarks_in_space(model: PointDistribution, parameters: Float[Tensor, "B P"]) -> Float[Tensor, "B L 3"]:
    """Return the landmarks turned and scaled, in pixels; z is the depth from the shape's origin, away from the camera."""
    placed = Placed.of(parameters)
    turned = placed.scale[:, None, None] * (model.shapes(placed.local) @ placed.rotation.mT)
    return turned + torch.nn.functional.pad(placed.shift, (0, 1))[:, None]


def to_picture(placed: Placed, shapes: Float[Tensor, "B L 3"]) -> Float[Tensor, "B L 2"]:
    """Return where shapes are seen, in pixels."""
    return placed.scale[:, None, None] * (shapes @ placed.rotation[:, :2].mT) + placed.shift[:, None]


def jacobian(model: PointDistribution, placed: Placed) -> Float[Tensor, "B L 2 P"]:
    """Return the derivatives of the landmarks by scale, small turns ``w`` in ``R exp([w])``, shift and local parameters."""
    turned = placed.scale[:, None, None] * placed.rotation[:, :2]
    local = torch.einsum("bij,ljk->blik", turned, model.modes)
    return torch.cat([global_jacobian(placed, model.shapes(placed.local)), local], -1)


def global_jacobian(placed: Placed, shapes: Float[Tensor, "B L 3"]) -> Float[Tensor, "B L 2 6"]:
    """Return the derivatives of the landmarks by scale, small turns ``w`` in ``R exp([w])``, and shift.

    ``R exp([w]) X = R (X + w x X)`` to first order in ``w``, and ``w x X = -[X] w``.
    """
    rows = placed.rotation[:, :2]
    by_scale = (shapes @ rows.mT)[..., None]
    by_turn = -placed.scale[:, None, None, None] * (rows[:, None] @ skew(shapes))
    by_shift = torch.eye(2, dtype=shapes.dtype, device=shapes.device).expand(*shapes.shape[:2], 2, 2)
    return torch.cat([by_scale, by_turn, by_shift], -1)


def euler_to_matrix(angles: Float[Tensor, "*batch 3"]) -> Float[Tensor, "*batch 3 3"]:
    """Return ``Rx Ry Rz`` of angles about x, y and z, in radians."""
    (sx, sy, sz), (cx, cy, cz) = angles.sin().unbind(-1), angles.cos().unbind(-1)
    entries = [
        *(cy * cz, -cy * sz, sy),
        *(cx * sz + sx * sy * cz, cx * cz - sx * sy * sz, -sx * cy),
        *(sx * sz - cx * sy * cz, sx * cz + cx * sy * sz, cx * cy),
    ]
    return torch.stack(entries, -1).unflatten(-1, (3, 3))


def matrix_to_euler(rotation: Float[Tensor, "*batch 3 3"]) -> Float[Tensor, "*batch 3"]:
    """Return the angles of ``euler_to_matrix``, in radians; the one about y is within a quarter of a turn from zero."""
    x = torch.atan2(-rotation[..., 1, 2], rotation[..., 2, 2])
    y = torch.atan2(rotation[..., 0, 2], torch.hypot(rotation[..., 0, 0], rotation[..., 0, 1]))
    z = torch.atan2(-rotation[..., 0, 1], rotation[..., 0, 0])
    return torch.stack([x, y, z], -1)
