"""What a format with fewer codes, or without eyelids, leaves out of a tracked clip, in millimetres."""

from dataclasses import asdict, dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from headsmith.bridges.track import Track
from headsmith.heads.model import HeadModel

BATCH = 32
"""Frames whose vertices are in memory at once."""


@dataclass(frozen=True)
class LeftOut:
    """How far vertices at rest move by what is left out.

    Attributes:
        mean_mm: Mean over frames and vertices, millimetres.
        largest_mm: Largest in any frame, millimetres.
        lids_mm: Largest that the eyelids alone make, millimetres.
    """

    mean_mm: float
    largest_mm: float
    lids_mm: float

    def figures(self) -> dict[str, float]:
        """Return the numbers by name, rounded to a micrometre."""
        return {name: round(value, 3) for name, value in asdict(self).items()}


def measure_left_out(track: Track, model: HeadModel, identities: int, expressions: int) -> LeftOut:
    """Return what codes beyond the first ones, and the eyelids, do to the head.

    Args:
        track: The clip.
        model: Its head, float64.
        identities: Identity codes that the format holds.
        expressions: Expression codes that it holds.
    """
    person = in_mm(track.identity[None, identities:], model.identity[identities:].numpy())
    total, largest, lids = 0.0, 0.0, 0.0
    for start in range(0, len(track.ids), BATCH):
        rows = slice(start, start + BATCH)
        blink = in_mm(track.eyelids[rows], model.eyelids.numpy())
        moved = person + blink + in_mm(track.expression[rows, expressions:], model.expression[expressions:].numpy())
        far = np.linalg.norm(moved, axis=-1)
        total, largest = total + far.mean(-1).sum(), max(largest, far.max())
        lids = max(lids, np.linalg.norm(blink, axis=-1).max())
    return LeftOut(float(total / max(1, len(track.ids))), float(largest), float(lids))


def in_mm(codes: Float[ndarray, "T n"], basis: Float[ndarray, "n V 3"]) -> Float[ndarray, "T V 3"]:
    """Return the displacements of codes, millimetres."""
    return 1000 * np.tensordot(codes, basis, 1)
