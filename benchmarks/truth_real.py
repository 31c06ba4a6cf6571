"""Real clips, of which nobody knows the truth: how near the detector's points, and how steady."""

import argparse
import sys
import time
from typing import Any

import numpy as np
import torch
from truth_baselines import Seen, prepare_sequential, read_seen, run_blendshapes, run_ours, sequential_path
from truth_metrics import inner_embedding, landmark_errors, whole_runs
from truth_sources import prepare_source, read_track
from truth_tables import figure, grid

from headsmith.bridges.track import Track, project_embedded
from headsmith.contract.settings import TrackingSettings
from headsmith.heads.model import HeadModel
from headsmith.maths.smoothness import second_differences

CLIPS = ("franck_whole", "cap12_whole", "pexels", "single_face")
SAMPLE = 300
"""First frames of each that the sequential fit gets."""
COLUMNS = {
    "frames": "frames",
    "landmark_error_percent": "ours %",
    "jitter_ratio_to_landmarks": "jitter x",
    "blendshapes_landmark_error_percent": "blendsh. %",
    "blendshapes_jitter_ratio_to_landmarks": "jitter x",
    "sample_landmark_error_percent": "ours, sample %",
    "sample_jitter_ratio_to_landmarks": "jitter x",
    "sequential_landmark_error_percent": "sequential, sample %",
    "sequential_jitter_ratio_to_landmarks": "jitter x",
    "stage_ms_a_frame": "ms a frame",
}


def measure_real(options: argparse.Namespace, settings: TrackingSettings, model: HeadModel) -> dict[str, dict[str, float]]:
    """Return the figures of each real clip."""
    folders = {name: prepare_source(name, options.cache, options.threads) for name in CLIPS}
    if not options.no_sequential:
        prepare_sequential(folders, options.head, model, SAMPLE)
    return {name: measure_one(name, options, settings, model) for name in CLIPS}


def measure_one(name: str, options: argparse.Namespace, settings: TrackingSettings, model: HeadModel) -> dict[str, float]:
    """Return the figures of a real clip: ours and the blendshapes over all frames, ours and the sequential fit over some."""
    folder = prepare_source(name, options.cache, options.threads)
    seen = read_seen(folder)
    began = time.perf_counter()
    found, _ = run_ours(folder, name, options.head, settings, options.threads, folder / f"tracking-{options.head.stem}.npz")
    seconds = time.perf_counter() - began
    figures: dict[str, Any] = {"frames": len(seen.usable), "stage_ms_a_frame": 1000 * seconds / len(seen.usable)}
    figures |= nearness(found, model, seen, seen.usable)
    if not options.no_blendshapes:
        figures |= prefixed("blendshapes", nearness(run_blendshapes(seen, model), model, seen, seen.usable))
    if not options.no_sequential:
        count = min(SAMPLE, len(seen.usable))
        part = Seen(seen.points[:count], seen.usable[:count], {}, seen.size)
        other = read_track(sequential_path(folder, options.head, SAMPLE))
        figures |= prefixed("sequential", nearness(other, model, part, part.usable))
        figures |= prefixed("sample", nearness(found.take(np.arange(count)), model, part, part.usable))
    print(f"{name}: landmark error {figures['landmark_error_percent']:.2f} %", file=sys.stderr, flush=True)
    return figures


def prefixed(word: str, figures: dict[str, float]) -> dict[str, float]:
    """Return figures with a word before their names."""
    return {f"{word}_{name}": value for name, value in figures.items()}


def nearness(found: Track, model: HeadModel, seen: Seen, used: np.ndarray) -> dict[str, float]:
    """Return the mean distance of the inner points from the detector's, and their jitter beside that of the detector's own."""
    errors, _ = landmark_errors(found, model, seen.points, used)
    embedding = inner_embedding(model)
    ours, own = project_embedded(found, model, embedding), seen.points[:, embedding.points]
    steady = [second_differences(torch.from_numpy(places)).norm(dim=-1).mean(-1).numpy() for places in (ours, own)]
    runs = whole_runs(used)
    return {
        "landmark_error_percent": float(errors.mean()),
        "jitter_ratio_to_landmarks": float(steady[0][runs].mean() / steady[1][runs].mean()),
    }


def real_table(real: dict[str, dict[str, float]], *, marked: bool = False) -> str:
    """Return a row for each real clip."""
    rows = []
    for name, figures in real.items():
        cells = [str(figures[key]) if key == "frames" else figure(figures.get(key)) for key in COLUMNS]
        rows.append([name.removesuffix("_whole"), *cells])
    return grid(["real clip", *COLUMNS.values()], rows, marked=marked)
