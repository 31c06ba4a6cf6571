"""Which places of two heads are the same place of a face: what one head is fitted to the other by.

Heads with the same triangles (all of FLAME's) share their vertices. Others share the points that a landmark detector was seen
to find on both: brows, eyes with the irises, nose, lips, jaw line and the skin between; and, with little weight, the skull.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from torch import Tensor

from headsmith.contract.conventions import CONVENTIONS
from headsmith.contract.errors import UserError
from headsmith.heads.container import HeadContainer
from headsmith.heads.conversion_skull import skull_directions, skull_places

VERTICES, LANDMARKS = "vertices", "landmarks"
"""What the places are."""
LEAST_WEIGHT = 0.02
"""Vertices that follow the root more than 98 % are left out: where a model is cut off is its own choice."""
FACE_WEIGHT = 3.0
"""Weight of a vertex of the face against one of skull, ears and neck."""
OUTLINE_WEIGHT = 0.3
"""Weight of the outline of the face, which slides over the head with the view and is seen worst."""
SKULL_SHARE = 0.1
"""Weight of all places of the skull together, against that of all landmarks: they are the same place of a head by and large."""
LEAST_SHARED = 60
"""Fewest landmarks by which a head is fitted: those of iBUG's 68."""

Surface = tuple[Int[Tensor, " _n"], Float[Tensor, "_n 3"]]
"""Triangles and barycentric coordinates."""


@dataclass(frozen=True)
class Places:
    """Places that two heads share.

    Attributes:
        kind: ``vertices`` or ``landmarks``.
        source: Where they lie on the first head.
        target: Where they lie on the second head.
        weights: How much each counts; they sum to 1.
        regions: Which places belong to what, for the report.
    """

    kind: str
    source: Surface
    target: Surface
    weights: Float[Tensor, " L"]
    regions: dict[str, Bool[ndarray, " L"]]


def shared_places(source: HeadContainer, target: HeadContainer) -> Places:
    """Return the places that two heads share: vertices where the triangles are the same, else landmarks.

    Raises:
        UserError: The heads share neither triangles nor enough landmarks of one convention.
    """
    return shared_vertices(source, target) if same_triangles(source, target) else shared_landmarks(source, target)


def same_triangles(source: HeadContainer, target: HeadContainer) -> bool:
    """Tell whether two heads are one mesh; one of them may have a few triangles more (a closed mouth)."""
    if len(source.template) != len(target.template):
        return False
    few, many = sorted(({tuple(corners) for corners in head.faces.tolist()} for head in (source, target)), key=len)
    return few <= many


def shared_vertices(source: HeadContainer, target: HeadContainer) -> Places:
    """Return the vertices of two heads of one mesh, without those at the neck's lower end."""
    heads = (source, target)
    follows_head = 1 - np.maximum(*(head.weights[:, 0].astype(np.float64) for head in heads))
    used = np.intersect1d(*(np.unique(head.faces) for head in heads))
    ids = used[follows_head[used] > LEAST_WEIGHT]
    regions = {**source.regions, **target.regions}
    named = {name: np.isin(ids, members) for name, members in regions.items()}
    face = named.get("face", np.zeros(len(ids), bool))
    weights = follows_head[ids] * np.where(face, FACE_WEIGHT, 1.0)
    named = {name: rows for name, rows in named.items() if rows.any()}
    return Places(VERTICES, *(_as_corners(head, ids) for head in heads), _normalised(weights), named)


def shared_landmarks(source: HeadContainer, target: HeadContainer) -> Places:
    """Return the landmarks that are embedded in two heads, of the convention of which they share most.

    Raises:
        UserError: They share too few.
    """
    heads = (source, target)
    names = sorted({*source.embeddings} & {*target.embeddings} & {*CONVENTIONS})
    common = {name: _common_points(name, *heads) for name in names}
    convention, points = max(common.items(), key=lambda item: len(item[1]), default=("", ()))
    if len(points) < LEAST_SHARED:
        what = f"{source.name} and {target.name} share no triangles and {len(points)} landmarks; {LEAST_SHARED} are needed"
        remedy = "delete both heads below resources/heads and run again: their landmarks are measured anew"
        raise UserError(what, remedy=remedy)
    facts = CONVENTIONS[convention]
    ids = np.array(points)
    weights = np.where(np.isin(ids, facts.outline), OUTLINE_WEIGHT, 1.0)
    named = {name: np.isin(ids, members) for name, members in facts.parts.items()}
    named["skin"] = ~np.any(list(named.values()), axis=0)
    surfaces, count = _shared_skull(*heads)
    weights = np.concatenate([weights, np.full(count, SKULL_SHARE * weights.sum() / max(count, 1))])
    named = {name: np.concatenate([rows, np.zeros(count, bool)]) for name, rows in named.items() if rows.any()}
    named |= {"skull": np.arange(len(weights)) >= len(ids)} if count else {}
    joined = [_joined(_as_embedded(head, convention, points), skull) for head, skull in zip(heads, surfaces, strict=True)]
    return Places(LANDMARKS, *joined, _normalised(weights), named)


def _joined(first: Surface, second: Surface) -> Surface:
    return torch.cat([first[0], second[0]]), torch.cat([first[1], second[1]])


def _shared_skull(source: HeadContainer, target: HeadContainer) -> tuple[tuple[Surface, Surface], int]:
    """Return the places of the skull on both heads, and how many there are."""
    directions = skull_directions()
    found = [skull_places(head, directions) for head in (source, target)]
    both = (found[0][0] >= 0) & (found[1][0] >= 0)
    first, second = ((faces[both], weights[both]) for faces, weights in found)
    return (first, second), int(both.sum())


def _common_points(convention: str, source: HeadContainer, target: HeadContainer) -> tuple[int, ...]:
    on_both = {*source.embeddings[convention].points.tolist()} & {*target.embeddings[convention].points.tolist()}
    return tuple(sorted(on_both))


def _as_embedded(head: HeadContainer, convention: str, points: tuple[int, ...]) -> Surface:
    embedding = head.embeddings[convention].take(points)
    return torch.as_tensor(embedding.faces, dtype=torch.int64), torch.as_tensor(embedding.barycentrics, dtype=torch.float64)


def _as_corners(head: HeadContainer, ids: Int[ndarray, " L"]) -> Surface:
    """Return vertices as corners of triangles."""
    known, places = np.unique(head.faces, return_index=True)
    chosen = places[np.searchsorted(known, ids)]
    return torch.from_numpy(chosen // 3), torch.nn.functional.one_hot(torch.from_numpy(chosen % 3), 3).double()


def _normalised(weights: Float[ndarray, " L"]) -> Float[Tensor, " L"]:
    return torch.from_numpy(weights / weights.sum())
