"""Where an eye is open: the directions from the eyeball's centre in which no skin lies."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from headsmith.heads.flame_source import EYEBALLS

STEP: Final = 0.02
"""Spacing of the directions that are looked at, radians; 0.24 mm on an eyeball."""

COUNT: Final = 2 * int(np.pi / 2 / STEP) + 1
"""Directions each way, over the half sphere ahead."""

REACH: Final = 4.0
"""Eyeball radii from its centre within which skin is looked for."""

BATCH: Final = 64
"""Triangles looked at together."""


@dataclass(frozen=True)
class Opening:
    """What is seen of an eyeball from its centre, by column of directions. All in radians, see ``directions``.

    Attributes:
        columns: Directions across, ascending, from corner to corner.
        low: Direction up of the lower lid's edge.
        high: Direction up of the upper lid's edge.
    """

    columns: Float[ndarray, " n"]
    low: Float[ndarray, " n"]
    high: Float[ndarray, " n"]

    @property
    def area(self) -> float:
        """The opening's area, radians squared."""
        return float((self.high - self.low).sum() * STEP)


def directions(rays: Float[ndarray, "*b 3"]) -> Float[ndarray, "*b 2"]:
    """Return directions of rays, radians: across (towards +x, from the plane x = 0), and up (about the x axis, from +z).

    Lids turn about an axis from corner to corner, which is the second angle.
    """
    x, y, z = np.moveaxis(rays, -1, 0)
    return np.stack([np.arctan2(x, np.hypot(y, z)), np.arctan2(y, z)], -1)


def fit_sphere(points: Float[ndarray, "n 3"]) -> tuple[Float[ndarray, "3"], float]:
    """Return centre and radius of the sphere nearest to points: ``|p|^2 = 2 p c + k`` is linear in ``c`` and ``k``."""
    equations = np.concatenate([2 * points, np.ones((len(points), 1))], 1)
    solution = np.linalg.lstsq(equations, (points**2).sum(1), rcond=None)[0]
    return solution[:3], float(np.sqrt(solution[3] + solution[:3] @ solution[:3]))


def find_opening(template: Float[ndarray, "V 3"], faces: Int[ndarray, "F 3"], eye: str) -> Opening:
    """Return the directions, about straight ahead, in which no skin lies before an eyeball.

    Raises:
        ValueError: There is skin straight ahead, or nothing bounds the opening.
    """
    centre, radius = fit_sphere(template[list(EYEBALLS[eye])])
    rays = template - centre
    near = (rays[:, 2] > -radius) & (np.linalg.norm(rays, axis=1) < REACH * radius) & ~on_eyeballs(len(template))
    free = flood(~cover(rays[faces[near[faces].all(1)]]))
    columns = np.flatnonzero(free.any(1))
    if not len(columns):
        raise ValueError(f"the {eye} has skin straight before it: its lids are closed or it lies elsewhere")
    if free[[0, -1]].any() or free[:, [0, -1]].any():
        raise ValueError(f"no lids bound the {eye}")
    low, high = free[columns].argmax(1), COUNT - 1 - free[columns, ::-1].argmax(1)
    angles = (np.arange(COUNT) - COUNT // 2) * STEP
    return Opening(angles[columns], angles[low], angles[high])


def on_eyeballs(count: int) -> Bool[ndarray, " V"]:
    """Return which vertices are an eyeball's."""
    mask = np.zeros(count, bool)
    mask[[vertex for ids in EYEBALLS.values() for vertex in ids]] = True
    return mask


def cover(triangles: Float[ndarray, "n 3 3"]) -> Bool[ndarray, "c c"]:
    """Return which directions of the grid meet a triangle, going out from the origin.

    A ray meets a triangle where it lies on the same side of the three planes through the origin and an edge.
    """
    angles = (np.arange(COUNT) - COUNT // 2) * STEP
    across, up = np.meshgrid(angles, angles, indexing="ij")
    rays = np.stack([np.sin(across), np.cos(across) * np.sin(up), np.cos(across) * np.cos(up)], -1).reshape(-1, 3)
    planes = np.cross(triangles, np.roll(triangles, -1, axis=1))
    turns = np.sign((planes[:, :1] * triangles[:, 2:]).sum(2, keepdims=True))
    planes = (planes * turns)[turns[:, 0, 0] != 0]
    covered = np.zeros(len(rays), bool)
    for first in range(0, len(planes), BATCH):
        sides = [rays @ planes[first : first + BATCH, edge].T >= 0 for edge in range(3)]
        covered |= np.logical_and.reduce(sides).any(1)
    return covered.reshape(COUNT, COUNT)


def flood(free: Bool[ndarray, "c c"]) -> Bool[ndarray, "c c"]:
    """Return the free cells that are joined, side by side, to the one in the middle, which is straight ahead."""
    middle = len(free) // 2
    reached = np.zeros_like(free)
    reached[middle, middle] = free[middle, middle]
    while True:
        grown = reached.copy()
        grown[1:] |= reached[:-1]
        grown[:-1] |= reached[1:]
        grown[:, 1:] |= reached[:, :-1]
        grown[:, :-1] |= reached[:, 1:]
        grown &= free
        if (grown == reached).all():
            return reached
        reached = grown
