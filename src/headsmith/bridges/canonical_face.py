"""MediaPipe's canonical face: where it lies in a head, so that a pose of the one is a pose of the other.

MediaPipe's facial transformation matrix takes a canonical face, in centimetres with x to the subject's left, y up and z out of
the face, to a camera's axes, by a weighted fit of 33 of its points to the landmarks seen. The neutral head's own landmarks are
fitted here to the same 33 points, with the same weights.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from headsmith.contract.errors import UserError
from headsmith.contract.landmark_groups import CONVENTION
from headsmith.heads.container import HeadContainer

PAIRS: Final = (
    (4, 4, 0.0, -0.463170, 7.586580, 0.07090994),
    (6, 6, 0.0, 2.473255, 5.788627, 0.03210014),
    (10, 10, 0.0, 8.261778, 4.481535, 0.00844655),
    (33, 263, 4.445859, 2.663991, 3.173422, 0.05872417),
    (54, 284, 6.279331, 6.615427, 1.425850, 0.00766708),
    (67, 297, 3.523964, 8.005976, 3.729163, 0.00907806),
    (117, 346, 5.258659, 0.945811, 2.974312, 0.00979194),
    (119, 348, 3.300681, 0.861641, 3.872784, 0.01456537),
    (121, 350, 1.820731, 1.467954, 4.224124, 0.01859136),
    (127, 356, 7.743095, 2.364999, -2.005167, 0.00519799),
    (129, 358, 1.785794, -0.978284, 4.850470, 0.12062521),
    (132, 361, 7.270895, -2.890917, -2.252455, 0.00556002),
    (133, 362, 1.856432, 2.585245, 3.757904, 0.05328618),
    (136, 365, 5.085276, -7.178590, 0.714711, 0.06689046),
    (143, 372, 6.407571, 2.236021, 1.560843, 0.01481655),
    (147, 376, 6.234883, -1.944430, 1.663542, 0.01426283),
    (198, 420, 1.246815, 0.230297, 5.681036, 0.02546219),
    (205, 425, 3.832928, -1.537326, 4.137731, 0.04725228),
)
"""Landmark on the subject's right and its mirror image on the left; x, y and z of the left one, cm; weight of each. Read from
``geometry_pipeline_metadata_landmarks.binarypb`` in MediaPipe's ``face_landmarker.task`` (Apache-2.0)."""
LEAST_POINTS = 12
"""A pose of so many is sure; a head has more of them unless its landmarks were not measured on the whole face."""


@dataclass(frozen=True)
class Placement:
    """The canonical face in a head: ``canonical = scale turn head + shift``.

    Attributes:
        scale: Centimetres of the canonical face in a metre of the head.
        turn: Rotation.
        shift: Centimetres.
    """

    scale: float
    turn: Float[ndarray, "3 3"]
    shift: Float[ndarray, "3"]


def canonical_points() -> dict[int, tuple[Float[ndarray, "3"], float]]:
    """Return place (cm) and weight of each landmark that MediaPipe fits."""
    points = {}
    for right, left, x, y, z, weight in PAIRS:
        points[left] = (np.array([x, y, z]), weight)
        points[right] = (np.array([-x, y, z]), weight)
    return points


def place_canonical_face(head: HeadContainer) -> Placement:
    """Return where the canonical face lies in a neutral head: the weighted similarity nearest to the head's own landmarks.

    Args:
        head: A head with MediaPipe's landmarks.

    Raises:
        UserError: It has too few of them.
    """
    known = canonical_points()
    embedding = head.embeddings.get(CONVENTION)
    both = [] if embedding is None else [point for point in embedding.points.tolist() if point in known]
    if embedding is None or len(both) < LEAST_POINTS:
        remedy = "make the head with MediaPipe's detector (landmarks.detector: mediapipe)"
        raise UserError(f"the head {head.name} has {len(both)} of MediaPipe's 33 points for the pose", remedy=remedy)
    chosen = embedding.take(tuple(both))
    corners = head.template.astype(np.float64)[head.faces[chosen.faces]]
    own = np.einsum("mi,mij->mj", chosen.barycentrics.astype(np.float64), corners)
    places, weights = (np.array(values) for values in zip(*(known[point] for point in both), strict=True))
    return fit_similarity(own, places, weights)


def fit_similarity(points: Float[ndarray, "m 3"], targets: Float[ndarray, "m 3"], weights: Float[ndarray, " m"]) -> Placement:
    """Return the similarity that takes points nearest to targets (Umeyama, PAMI 1991, eq. 40-43, with weights).

    Args:
        points: Metres.
        targets: Centimetres.
        weights: Of the squared distances.
    """
    share = (weights / weights.sum())[:, None]
    middle, aim = (share * points).sum(0), (share * targets).sum(0)
    left, sizes, right = np.linalg.svd((share * (targets - aim)).T @ (points - middle))
    mirror = np.array([1.0, 1.0, np.sign(np.linalg.det(left @ right))])
    turn = left * mirror @ right
    scale = float((sizes * mirror).sum() / (share * (points - middle) ** 2).sum())
    return Placement(scale, turn, aim - scale * turn @ middle)
