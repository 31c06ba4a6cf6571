"""Places on the skull that two meshes share: where rays from the middle of the head leave it.

Landmarks see the face alone. Without the skull, a head that meets a face may be any size behind it.
"""

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy import ndarray
from torch import Tensor

from headsmith.heads.container import JOINTS, HeadContainer

EYES = [JOINTS.index("left_eye"), JOINTS.index("right_eye")]
"""Rows of the joints that lie in the eyeballs' middles."""
BACK = 1.15
"""How far behind the eyes the rays start, in distances of the eyes: about between the ears."""
RAYS = 240
"""Directions over the whole sphere, of which those that meet face, ears or neck are left out."""
FORWARD, DOWNWARD = 0.25, -0.2
"""Rays that go further to the front (a share of their length), or down, are left out."""
SIDEWARD, UPWARD = 0.75, 0.5
"""Rays that go further to a side are left out, because of the ears, where they do not go up as much."""
GOLDEN = np.pi * (3 - np.sqrt(5))
"""The golden angle, by which points spread evenly over a sphere turn from one to the next."""


def skull_directions() -> Float[ndarray, "n 3"]:
    """Return unit vectors to the back and the top of a head, spread evenly (a Fibonacci sphere)."""
    steps = np.arange(RAYS) + 0.5
    up = 1 - 2 * steps / RAYS
    around = np.sqrt(1 - up**2)
    rays = np.stack([around * np.sin(GOLDEN * steps), up, around * np.cos(GOLDEN * steps)], 1)
    at_ear = (np.abs(rays[:, 0]) > SIDEWARD) & (rays[:, 1] < UPWARD)
    return rays[(rays[:, 2] < FORWARD) & (rays[:, 1] > DOWNWARD) & ~at_ear]


def skull_places(head: HeadContainer, directions: Float[ndarray, "n 3"]) -> tuple[Int[Tensor, " n"], Float[Tensor, "n 3"]]:
    """Return triangle and barycentric coordinates where each ray leaves the mean head; triangle -1 where it meets none.

    A ray ``o + s d`` meets a triangle ``a, a + e, a + f`` where ``[e f -d] (u, v, s)' = o - a``, solved by Cramer's rule
    (Moller and Trumbore 1997, *Fast, Minimum Storage Ray/Triangle Intersection*).
    """
    template = head.template.astype(np.float64)
    eyes = (head.joint_regressor[EYES] @ template).astype(np.float64)
    start = eyes.mean(0) - [0, 0, BACK * np.linalg.norm(eyes[0] - eyes[1])]
    first, second, third = (template[head.faces[:, corner]] for corner in range(3))
    along, across, offset = second - first, third - first, start - first
    turned = np.cross(offset, along)
    faces, places = [], []
    for ray in directions:
        normal = np.cross(ray, across)
        volume = (along * normal).sum(1)
        inverse = np.divide(1, volume, out=np.zeros_like(volume), where=np.abs(volume) > 1e-15)
        u, v, length = (inverse * part for part in ((offset * normal).sum(1), turned @ ray, (turned * across).sum(1)))
        met = (inverse != 0) & (u >= 0) & (v >= 0) & (u + v <= 1) & (length > 0)
        face = int(np.where(met, length, -1.0).argmax())
        faces.append(face if met[face] else -1)
        places.append((1 - u[face] - v[face], u[face], v[face]))
    return torch.tensor(faces), torch.tensor(np.array(places))
