"""``tracking.csv``: a row a frame and a column a parameter, its unit in its name, for spreadsheets and data frames."""

import csv
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray
from torch import Tensor

from headsmith.bridges.track import Track
from headsmith.maths.cameras import FLIP
from headsmith.media.atomic import atomic_path

MILLI = 1000.0
JAW = ("jaw_open_deg", "jaw_side_deg", "jaw_twist_deg")
TURNS = ("down_deg", "side_deg", "twist_deg")
"""The parts of an axis-angle about the head's own +x, +y (to the subject's left) and +z."""


def head_angles(rotation: Float[Tensor, "T 3 3"]) -> Float[Tensor, "T 3"]:
    """Return yaw (to the subject's left), pitch (down) and roll (to the subject's right shoulder), degrees.

    With the head's axes seen from the camera, ``D R = Ry(yaw) Rx(pitch) Rz(roll)`` (D: ``maths.cameras.FLIP``); zero when the
    face looks straight into the camera.
    """
    facing = torch.from_numpy(FLIP).to(rotation)[:, None] * rotation
    yaw = torch.atan2(facing[:, 0, 2], facing[:, 2, 2])
    pitch = torch.asin(-facing[:, 1, 2].clamp(-1, 1))
    roll = torch.atan2(facing[:, 1, 0], facing[:, 1, 1])
    return torch.rad2deg(torch.stack([yaw, pitch, roll], -1))


def table_columns(
    track: Track, angles: Float[ndarray, "T 3"], names: Sequence[str], deviation: Float[ndarray, " T"] | None
) -> dict[str, Float[ndarray, " T"]]:
    """Return the numbers of the table by the name of their column.

    Args:
        track: The clip.
        angles: Yaw, pitch and roll of the head, degrees.
        names: Of the expression codes.
        deviation: Standard deviation of the landmarks' projection, percent of the eye distance; None: not estimated.
    """
    unknown = np.full(len(track.ids), np.nan)
    columns = {"residual_percent": track.residual, "deviation_percent": unknown if deviation is None else deviation}
    columns |= dict(zip(("yaw_deg", "pitch_deg", "roll_deg"), angles.T, strict=True))
    columns |= dict(zip(("x_mm", "y_mm", "z_mm"), track.translation.T * MILLI, strict=True))
    columns |= dict(zip(JAW, np.rad2deg(track.jaw).T, strict=True))
    joints = {"left_gaze": track.eyes[:, 0], "right_gaze": track.eyes[:, 1], "neck": track.neck}
    for joint, turns in joints.items():
        columns |= {f"{joint}_{part}": turn for part, turn in zip(TURNS, np.rad2deg(turns).T, strict=True)}
    columns |= dict(zip(("left_eyelid", "right_eyelid"), track.eyelids.T, strict=True))
    return columns | {f"expression_{name}": codes for name, codes in zip(names, track.expression.T, strict=True)}


def write_table(path: Path, track: Track, columns: Mapping[str, Float[ndarray, " T"]], reasons: Mapping[int, str]) -> None:
    """Write the table in one step: six digits, empty cells for what is not known.

    Args:
        path: The ``.csv``.
        track: The clip.
        columns: Numbers of each frame, from ``table_columns``.
        reasons: Why frames are not ok, by place in the clip.
    """
    cells = [[_cell(value) for value in values.tolist()] for values in columns.values()]
    told = [reasons.get(place, "") for place in range(len(track.ids))]
    with atomic_path(path) as partial, partial.open("w", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["frame", "status", "reason", *columns])
        writer.writerows(zip(track.ids.tolist(), track.status, told, *cells, strict=True))


def _cell(value: float) -> str:
    """Return a number with six digits, and a point: a column of zeros is one of floats too."""
    return str(float(f"{value:.6g}")) if math.isfinite(value) else ""
