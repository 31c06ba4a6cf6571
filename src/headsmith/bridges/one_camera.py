"""One camera for a clip whose every frame was seen by a camera of its own: a perspective crop that follows the face.

A track has one focal length and one principal point. Where the crop stands still, they are the crop's. Where it moves, the head
is put where one camera sees a chosen point of it at the same pixel, from the same side and at the same scale: the distance goes
with the focal length, and the head turns with the line of sight. What remains is of second order in the head's size over its
distance, times the share by which the crop differs from the clip's median one; ``miss`` says how much that is.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray


@dataclass(frozen=True)
class Cameras:
    """Pinhole cameras, OpenCV's axes.

    Attributes:
        rotation: Head to camera.
        translation: Head to camera, metres.
        focal: Pixels.
        principal: Pixels.
    """

    rotation: Float[ndarray, "T 3 3"]
    translation: Float[ndarray, "T 3"]
    focal: Float[ndarray, " T"]
    principal: Float[ndarray, "T 2"]

    def place(self, points: Float[ndarray, "T 3"]) -> Float[ndarray, "T 3"]:
        """Return a point of each frame's head in its camera, metres."""
        return np.einsum("tij,tj->ti", self.rotation, points) + self.translation

    def see(self, points: Float[ndarray, "T 3"]) -> Float[ndarray, "T 2"]:
        """Return where a point of each frame's head is seen, pixels."""
        placed = self.place(points)
        return self.principal + self.focal[:, None] * placed[:, :2] / placed[:, 2:]


def unite(cameras: Cameras, points: Float[ndarray, "T 3"]) -> Cameras:
    """Return cameras that share the median focal length and principal point, and see the heads as the given ones do.

    Args:
        cameras: The crops' cameras.
        points: The point of each frame's head that is kept exactly, metres.
    """
    count = len(points)
    focal = np.full(count, np.median(cameras.focal))
    principal = np.tile(np.median(cameras.principal, 0), (count, 1))
    before = cameras.place(points)
    depth = before[:, 2:] * (focal / cameras.focal)[:, None]
    across = (cameras.see(points) - principal) / focal[:, None]
    after = depth * np.concatenate([across, np.ones((count, 1))], 1)
    rotation = turn_onto(before, after) @ cameras.rotation
    return Cameras(rotation, after - np.einsum("tij,tj->ti", rotation, points), focal, principal)


def turn_onto(before: Float[ndarray, "T 3"], after: Float[ndarray, "T 3"]) -> Float[ndarray, "T 3 3"]:
    """Return the smallest rotations that take the directions of vectors to those of others, less than half a turn away.

    With unit vectors a and b and ``v = a x b``: ``R = I + K + K^2 / (1 + a b)``, K the matrix of ``v x`` (Rodrigues' formula).
    """
    start, end = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True) for vectors in (before, after))
    axis = np.cross(start, end)
    cross = np.cross(axis[:, None], -np.eye(3)[None])
    share = 1 / (1 + (start * end).sum(1))
    return np.eye(3) + cross + share[:, None, None] * (cross @ cross)


def miss(first: Cameras, second: Cameras, points: Float[ndarray, "T V 3"]) -> float:
    """Return how far apart two sets of cameras see points, root mean square over all, pixels."""
    apart = [first.see(points[:, place]) - second.see(points[:, place]) for place in range(points.shape[1])]
    return float(np.sqrt(np.square(apart).sum(-1).mean()))
