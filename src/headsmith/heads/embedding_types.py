"""Where the points of a landmark detector lie on a head: triangles and barycentric coordinates."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64, Int32
from numpy import ndarray


@dataclass(frozen=True)
class Embedding:
    """Points of one detector's convention on a head.

    Attributes:
        points: Indices in the detector's convention, ascending; points that were not found are left out.
        faces: Triangle of each point.
        barycentrics: Weights of the triangle's corners, in 0..1, summing to 1.
    """

    points: Int32[ndarray, " M"]
    faces: Int32[ndarray, " M"]
    barycentrics: Float32[ndarray, "M 3"]

    def take(self, points: tuple[int, ...]) -> "Embedding":
        """Return the embedding of some points, in the order asked for.

        Raises:
            KeyError: A point is not embedded.
        """
        rows = {point: row for row, point in enumerate(self.points.tolist())}
        chosen = np.array([rows[point] for point in points], np.int64)
        return Embedding(self.points[chosen], self.faces[chosen], self.barycentrics[chosen])


@dataclass(frozen=True)
class Contour:
    """Points that a detector sees on the face's outline, which slide over the skin as the head turns.

    Attributes:
        points: Indices in the detector's convention, ascending.
        yaws: Turns of the head about +y at which the places hold, radians, ascending; positive turns are to the subject's left.
        faces: Triangle of each point, by yaw.
        barycentrics: Weights of the triangle's corners, in 0..1, summing to 1.
    """

    points: Int32[ndarray, " M"]
    yaws: Float64[ndarray, " R"]
    faces: Int32[ndarray, "R M"]
    barycentrics: Float32[ndarray, "R M 3"]

    def at(self, yaw: float) -> Embedding:
        """Return the places at the nearest of the yaws, radians; of two as near, the smaller."""
        row = int(np.abs(self.yaws - yaw).argmin())
        return Embedding(self.points, self.faces[row], self.barycentrics[row])
