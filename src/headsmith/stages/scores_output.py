"""The files of the scores: a row a frame, and means with what was counted and how all of it was done."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np

from headsmith.media.atomic import atomic_path
from headsmith.stages.scores_baselines import MEAN, NEAREST
from headsmith.stages.scores_regions import Row

COUNTS = {
    "frames_without_head_mask": "psnr_head",
    "frames_without_mouth": "psnr_mouth",
    "frames_without_eyes": "psnr_eyes",
    "frames_without_nearest": "baseline_nearest_psnr_image",
    "frames_without_landmark_error": "landmark_error_percent_iod",
}
"""Name of a count in the file: the score that those frames lack."""

KINDS = ("psnr", "ssim", "stlpips", "lpips", "landmark")
"""Kinds of scores in the order of the files."""


def write_table(path: Path, rows: dict[int, Row]) -> None:
    """Write the scores of each frame as CSV."""
    names = in_order(next(iter(rows.values())))
    with atomic_path(path) as partial, partial.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["frame", *names])
        for frame_id, row in rows.items():
            writer.writerow([frame_id, *(_short(row[name]) for name in names)])


def write_means(path: Path, clip: str, rows: dict[int, Row], protocol: dict[str, Any]) -> None:
    """Write means over the frames that have a score, null where no frame has one, how many lack which, and the protocol."""
    names = [name for name in in_order(next(iter(rows.values()))) if name != "faces"]
    content: dict[str, object] = {"clip": clip, "frames": len(rows), "training_frames": protocol["training_frames"]}
    content |= {name: _mean(rows, name) for name in names}
    content |= {count: sum(row[name] is None for row in rows.values()) for count, name in COUNTS.items()}
    content["renders_without_face"] = sum(row["faces"] == 0 for row in rows.values())
    content["protocol"] = protocol
    with atomic_path(path) as partial:
        partial.write_text(json.dumps(content, indent=1, allow_nan=False, ensure_ascii=False) + "\n", encoding="utf-8")


def in_order(names: Row) -> list[str]:
    """Return the names of scores by kind, those of the baselines after all others."""

    def place(name: str) -> tuple[str, int]:
        prefix = next((prefix for prefix in (MEAN, NEAREST) if name.startswith(prefix)), "")
        kind = name.removeprefix(prefix).partition("_")[0]
        return prefix, KINDS.index(kind) if kind in KINDS else len(KINDS)

    return sorted(names, key=place)


def _mean(rows: dict[int, Row], name: str) -> float | None:
    values = [row[name] for row in rows.values() if row[name] is not None]
    return float(np.mean(values)) if values else None


def _short(value: float | int | None) -> str:
    return "" if value is None else f"{value:.6g}"
