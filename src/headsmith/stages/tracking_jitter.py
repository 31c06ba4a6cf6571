"""How restless a tracked clip is: second differences of its pose, and of its landmarks beside those that were detected."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray

from headsmith.bridges.track import Track
from headsmith.maths.smoothness import second_differences, turn_accelerations

MILLI = 1000.0


def jitter(track: Track, pivot: Float[ndarray, "3"], runs: Sequence[slice] = (slice(None),)) -> dict[str, Any]:
    """Return the mean size of second differences: of the turn in milliradians, of the shift along x, y, z in millimetres.

    Args:
        track: The clip.
        pivot: The point of the head whose shift counts, metres.
        runs: Frames that follow each other, as places in the clip.
    """
    position = torch.from_numpy(track.rotation @ pivot + track.translation)
    long = [run for run in runs if len(position[run]) > 2]
    if not long:
        return {"turn_milliradians": 0.0, "shift_millimetres": [0.0, 0.0, 0.0]}
    rotation = torch.from_numpy(np.ascontiguousarray(track.rotation))
    turn = torch.cat([turn_accelerations(rotation[run]).norm(dim=-1) for run in long]).mean() * MILLI
    shift = torch.cat([second_differences(position[run]).abs() for run in long]).mean(0) * MILLI
    return {"turn_milliradians": float(turn), "shift_millimetres": shift.tolist()}


def point_jitter(points: Float[ndarray, "T L 2"], runs: Sequence[slice]) -> float | None:
    """Return the mean length of the points' second differences over runs of frames, pixels; None where no run has three."""
    long = [points[run] for run in runs if len(points[run]) > 2]
    lengths = [np.linalg.norm(run[2:] - 2 * run[1:-1] + run[:-2], axis=-1).ravel() for run in long]
    return float(np.concatenate(lengths).mean()) if lengths else None
