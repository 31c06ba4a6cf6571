"""What tracking writes: parameters for machines, figures for the report, and a table for people."""

import csv
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from torch import Tensor

from headsmith.contract.conventions import Convention
from headsmith.heads.clip_fit import ClipFit
from headsmith.heads.clip_types import ClipProblem, translation
from headsmith.heads.container import HeadContainer
from headsmith.maths.smoothness import second_differences, turn_accelerations
from headsmith.media.atomic import atomic_path
from headsmith.stages.tracking_input import SeenLandmarks

MILLI = 1000.0


@dataclass(frozen=True)
class Tracked:
    """A fitted clip.

    Attributes:
        seen: The landmarks.
        head: The head.
        problem: What was fitted to what.
        fit: The fitted state.
        points: Which of the detector's points the problem's landmarks are.
        errors: Distance of each landmark from where it was seen, percent of the eye distance; NaN where unseen.
        status: ``ok``, ``missing`` or ``outlier``, a frame.
        reasons: Why frames are not ok, by place in the clip.
        size: Width and height of the frames, pixels.
    """

    seen: SeenLandmarks
    head: HeadContainer
    problem: ClipProblem
    fit: ClipFit
    points: Int[ndarray, " L"]
    errors: Float[ndarray, "T L"]
    status: tuple[str, ...]
    reasons: dict[int, str]
    size: tuple[int, int]

    @property
    def ok(self) -> ndarray:
        """Frames that are fitted well."""
        return np.array(self.status) == "ok"

    @property
    def inner_errors(self) -> Float[ndarray, "T M"]:
        """Errors of the points that are not on the face's outline."""
        return self.errors[:, ~on_outline(self.points, self.seen.convention)]


def on_outline(points: Int[ndarray, " L"], convention: Convention) -> Bool[ndarray, " L"]:
    """Return which points of a convention lie on the outline of the face."""
    return np.isin(points, convention.outline)


def parameter_arrays(tracked: Tracked) -> dict[str, ndarray]:
    """Return the content of ``tracking.npz`` (docs/architecture.md), float32."""
    state, layout = tracked.fit.state, tracked.problem.landmarks.layout
    codes = state.codes
    numbers: dict[str, Tensor] = {
        "identity": state.identity,
        "expression": codes[:, : layout.expression],
        "eyelids": codes[:, layout.expression : layout.linear],
        "jaw": codes[:, layout.angles(0)],
        "eyes": codes[:, layout.linear + 3 :].unflatten(-1, (2, 3)),
        "neck": torch.zeros(len(codes), 3),
        "rotation": state.rotation,
        "translation": translation(state, tracked.problem.pivot),
        "focal": state.log_focal.exp(),
        "principal": tracked.problem.principal,
    }
    return {
        **{name: value.to(torch.float32).numpy() for name, value in numbers.items()},
        "ids": np.array(tracked.seen.ids, np.int64),
        "size": np.array(tracked.size, np.int64),
        "status": np.array(tracked.status),
        "residual": tracked.inner_errors.mean(1).astype(np.float32),
        "head_sha256": np.array(tracked.head.sha256),
        "convention": np.array(tracked.seen.convention.name),
    }


def part_errors(tracked: Tracked) -> dict[str, float]:
    """Return the mean error of each part of the face over the frames that are ok, percent of the eye distance."""
    errors = tracked.errors[tracked.ok]
    rows = {name: np.isin(tracked.points, points) for name, points in tracked.seen.convention.parts.items()}
    named = np.any(list(rows.values()), axis=0)
    rows["skin"] = ~named
    return {name: float(errors[:, chosen].mean()) for name, chosen in rows.items() if chosen.any()}


def jitter(tracked: Tracked) -> dict[str, Any]:
    """Return the mean size of second differences: of the turn in milliradians, of the shift along x, y, z in millimetres."""
    state = tracked.fit.state
    if len(state.rotation) < 3:
        return {"turn_milliradians": 0.0, "shift_millimetres": [0.0, 0.0, 0.0]}
    turn = turn_accelerations(state.rotation).norm(dim=-1).mean() * MILLI
    shift = second_differences(state.position).abs().mean(0) * MILLI
    return {"turn_milliradians": float(turn), "shift_millimetres": shift.tolist()}


def summarise(tracked: Tracked) -> dict[str, Any]:
    """Return the content of ``tracking.json``."""
    counts = Counter(tracked.status)
    return {
        "landmark_error_percent_iod": float(tracked.inner_errors[tracked.ok].mean()),
        "landmark_error_percent_iod_by_part": part_errors(tracked),
        "landmarks": len(tracked.points),
        "eye_distance_pixels": tracked.seen.eye_distance,
        "focal_pixels": float(tracked.fit.state.log_focal.exp()),
        "frames": len(tracked.status),
        "counts": {name: counts[name] for name in ("ok", "missing", "outlier")},
        "not_ok": [{"id": tracked.seen.ids[place], "reason": tracked.reasons[place]} for place in sorted(tracked.reasons)],
        "jitter": jitter(tracked),
        "iterations": tracked.fit.iterations,
        "settled": tracked.fit.settled,
        "head": tracked.head.name,
        "convention": tracked.seen.convention.name,
    }


def head_angles(rotation: Float[Tensor, "T 3 3"]) -> Float[Tensor, "T 3"]:
    """Return yaw (to the subject's left), pitch (down) and roll (to the subject's right shoulder), degrees.

    With the head's axes seen from the camera, ``diag(1, -1, -1) R = Ry(yaw) Rx(pitch) Rz(roll)``; zero when the face looks
    straight into the camera.
    """
    facing = torch.tensor([1.0, -1.0, -1.0], dtype=rotation.dtype)[:, None] * rotation
    yaw = torch.atan2(facing[:, 0, 2], facing[:, 2, 2])
    pitch = torch.asin(-facing[:, 1, 2].clamp(-1, 1))
    roll = torch.atan2(facing[:, 1, 0], facing[:, 1, 1])
    return torch.rad2deg(torch.stack([yaw, pitch, roll], -1))


def table_rows(tracked: Tracked) -> list[dict[str, str]]:
    """Return the rows of ``tracking.csv``: angles in degrees, lengths in millimetres, the residual in percent."""
    arrays = parameter_arrays(tracked)
    angles = head_angles(tracked.fit.state.rotation).numpy()
    columns: dict[str, ndarray] = dict(zip(("yaw_deg", "pitch_deg", "roll_deg"), angles.T, strict=True))
    columns |= dict(zip(("x_mm", "y_mm", "z_mm"), arrays["translation"].T * MILLI, strict=True))
    columns |= dict(zip(("jaw_open_deg", "jaw_side_deg"), np.rad2deg(arrays["jaw"][:, :2]).T, strict=True))
    columns |= dict(zip(("left_eyelid", "right_eyelid"), arrays["eyelids"].T, strict=True))
    columns["residual_percent"] = arrays["residual"]
    return [
        {"frame": str(frame_id), "status": tracked.status[place]}
        | {name: f"{values[place]:.4f}" for name, values in columns.items()}
        | {"reason": tracked.reasons.get(place, "")}
        for place, frame_id in enumerate(tracked.seen.ids)
    ]


def write_tracking(tracked: Tracked, output: Path, summary: Path, table: Path) -> None:
    """Write parameters, figures and table, each in one step."""
    with atomic_path(output) as partial:
        np.savez(partial, **parameter_arrays(tracked))
    with atomic_path(summary) as partial:
        partial.write_text(json.dumps(summarise(tracked), indent=1) + "\n")
    rows = table_rows(tracked)
    with atomic_path(table) as partial, partial.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
