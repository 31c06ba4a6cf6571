"""Points of the face whose shifts in a picture are measured: spread evenly, each standing for the vertices around it."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy import ndarray
from torch import Tensor

from headsmith.heads.container import HeadContainer
from headsmith.heads.landmark_model import JointPart, LandmarkModel


@dataclass(frozen=True)
class Anchors:
    """Vertices of the face that stand for those around them.

    Attributes:
        vertices: The anchors.
        nearest: Which anchor each vertex of the head belongs to; -1 off the face.
        faces: A triangle of each anchor.
        barycentrics: The anchor in it: 1 at its own corner.
    """

    vertices: Int[ndarray, " A"]
    nearest: Int[ndarray, " V"]
    faces: Int[ndarray, " A"]
    barycentrics: Float[ndarray, "A 3"]


def choose_anchors(head: HeadContainer, region: str, most: int) -> Anchors:
    """Return anchors on a region, by farthest-point sampling (Gonzalez 1985), from the vertex nearest to its middle on.

    Raises:
        ValueError: The head has no such region, or no triangle in it.
    """
    inside = np.isin(head.faces, head.regions.get(region, ())).all(1)
    if not inside.any():
        raise ValueError(f"the head {head.name} has no triangle in the region {region!r}")
    members = np.unique(head.faces[inside])
    points = head.template[members].astype(np.float64)
    taken = [int(np.linalg.norm(points - points.mean(0), axis=1).argmin())]
    distance, nearest = np.full(len(points), np.inf), np.zeros(len(points), np.int64)
    for place in range(min(most, len(points))):
        if place:
            taken.append(int(distance.argmax()))
        away = np.linalg.norm(points - points[taken[-1]], axis=1)
        nearest[away < distance] = place
        distance = np.minimum(distance, away)
    vertices = members[taken]
    belongs = np.full(len(head.template), -1)
    belongs[members] = nearest
    corners = [np.argwhere(inside[:, None] & (head.faces == vertex))[0] for vertex in vertices]
    faces, places = np.stack(corners).T
    return Anchors(vertices, belongs, faces, np.eye(3)[places])


def join_landmarks(first: LandmarkModel, second: LandmarkModel) -> LandmarkModel:
    """Return the landmarks of two models of one head, in this order."""
    features = torch.cat([first.features, second.features]).unique()
    one, other = (_with_features(model, features) for model in (first, second))
    shift = len(one.base)
    parts = tuple(_join_parts(a, b, shift) for a, b in zip(one.parts, other.parts, strict=True))
    base, identity = torch.cat([one.base, other.base]), torch.cat([one.identity, other.identity], 1)
    return LandmarkModel(one.layout, base, identity, torch.cat([one.moving, other.moving], 1), features, parts)


def _with_features(model: LandmarkModel, features: Int[Tensor, " Q"]) -> LandmarkModel:
    """Return the same landmarks with zero rows for the entries of rotations that do not move them."""
    linear = model.layout.linear
    rows = torch.cat([torch.arange(linear), linear + torch.searchsorted(features, model.features)])

    def spread(basis: Tensor) -> Tensor:
        wide = basis.new_zeros(linear + len(features), *basis.shape[1:])
        wide[rows] = basis
        return wide

    parts = tuple(
        replace(part, moving=spread(part.moving), place=(*part.place[:2], spread(part.place[2]))) for part in model.parts
    )
    return LandmarkModel(model.layout, model.base, model.identity, spread(model.moving), features, parts)


def _join_parts(one: JointPart, other: JointPart, shift: int) -> JointPart:
    rows, base, share = (
        torch.cat(pair) for pair in ((one.rows, other.rows + shift), (one.base, other.base), (one.share, other.share))
    )
    identity, moving = (torch.cat(pair, 1) for pair in ((one.identity, other.identity), (one.moving, other.moving)))
    return JointPart(rows, base, identity, moving, share, one.place)
