"""A bent neck as a turned head, for formats without a neck."""

from dataclasses import asdict, dataclass, replace

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray

from headsmith.bridges.track import Track
from headsmith.heads.container import JOINTS
from headsmith.heads.model import HeadModel

NECK = JOINTS.index("neck")
MEASURED = 25
"""Frames that the residual is measured in: those whose neck is bent most."""


@dataclass(frozen=True)
class NeckResidual:
    """What turning the head in the place of the neck loses: the neck's own bend, and its correctives.

    Attributes:
        mean_mm: Mean displacement of the face's vertices over the measured frames, millimetres.
        largest_mm: Largest, millimetres.
        bend_degrees: Largest bend of the neck.
    """

    mean_mm: float
    largest_mm: float
    bend_degrees: float

    def figures(self) -> dict[str, float]:
        """Return the numbers by name, rounded to a micrometre."""
        return {name: round(value, 3) for name, value in asdict(self).items()}


def fold_neck(track: Track, model: HeadModel) -> tuple[Track, NeckResidual]:
    """Return the clip with the neck at rest and its turn in the camera, and what that loses.

    The neck's joint carries the head by ``p' = A p + a``, so a camera ``R, t`` sees the head at rest by ``R A`` and
    ``R a + t``: exact for vertices that no joint above the neck holds, but for the neck's correctives.

    Args:
        track: The clip.
        model: Its head, float64.
    """
    moves = model.transforms(track.parameters())[:, NECK].numpy()
    rotation = track.rotation @ moves[..., :3]
    translation = np.einsum("tij,tj->ti", track.rotation, moves[..., 3]) + track.translation
    folded = replace(track, rotation=rotation, translation=translation, neck=np.zeros_like(track.neck))
    return folded, measure(track, folded, model)


def measure(track: Track, folded: Track, model: HeadModel) -> NeckResidual:
    """Return how far the face's vertices, as the camera has them, lie apart in the most bent frames."""
    bends = np.linalg.norm(track.neck, axis=1)
    places = np.sort(np.argsort(-bends, kind="stable")[:MEASURED])
    vertices = model.at(face_of(model))
    before, after = (seen(clip.take(places), vertices) for clip in (track, folded))
    apart = 1000 * np.linalg.norm(before - after, axis=-1)
    return NeckResidual(float(apart.mean()), float(apart.max()), float(np.degrees(bends.max())))


def seen(track: Track, model: HeadModel) -> Float[ndarray, "T V 3"]:
    """Return the vertices in the camera's axes, metres."""
    vertices = model(track.parameters()).numpy()
    return vertices @ np.swapaxes(track.rotation, 1, 2) + track.translation[:, None]


def face_of(model: HeadModel) -> torch.Tensor:
    """Return the ids of the face's vertices: its region; else those under its landmarks; else all."""
    head = model.container
    if "face" in head.regions:
        return torch.from_numpy(head.regions["face"]).long()
    under = [head.faces[embedding.faces].ravel() for embedding in head.embeddings.values()]
    return torch.from_numpy(np.unique(np.concatenate(under))).long() if under else torch.arange(len(model.template))
