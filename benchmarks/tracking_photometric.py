"""Whether the photometric refinement lowers the errors of tracking: on clips of known truth, and in dB on a real one.

    python benchmarks/tracking_photometric.py [--cache benchmarks/out/tracking_truth] [--clips plain turning] [--set NAME=VALUE]

The clips are those of tracking_truth.py, made where the cache lacks them; each is parsed by the network that the demo uses,
tracked by its landmarks, and refined. `--real FOLDER` is a clip's results instead (frames, parsing, landmarks): there, how well
the drawn skin meets the pictures is what can be known. Tables go to stdout; the last line is JSON: means over the clips of
known truth, before and after.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np
import torch
from tracking_truth import CACHE, HEAD, change_settings
from truth_baselines import read_seen
from truth_clips import prepare_clip
from truth_metrics import measure
from truth_motion import SCENES
from truth_sources import ROOT, read_track, track

from headsmith.contract.settings import Settings
from headsmith.heads.model import HeadModel
from headsmith.stages.parsing import parse_faces
from headsmith.stages.photometric import refine_tracking

FIGURES = ("vertex_error_mm", "vertex_error_scaled_mm", "shape_error_mm", "expression_error_mm", "pose_degrees")
MORE = ("face_turn_aligned_degrees", "jaw_degrees", "eyelid_percent", "focal_percent", "jitter_ratio_to_truth")
NETWORK = ROOT / "resources/networks/bisenetv2-fast.onnx"


def main():
    options = read_options()
    torch.set_num_threads(1)
    model = HeadModel.load(options.head, torch.float64)
    rows = {}
    for name in options.clips:
        folder = prepare_clip(name, options.cache, options.head, model, options.threads)
        rows[name] = compare(name, folder, options, model)
        print(line(name, rows[name]), flush=True)
    if options.real:
        refined = refine(options.real.name, options.real, options.cache / "photometric" / options.real.name, options)
        print(f"{options.real.name}: {refined}")
    result = {}
    for figure in (*FIGURES, *MORE):
        for when in ("before", "after") if rows else ():
            result[f"{figure}_{when}"] = round(float(np.mean([row[when][figure] for row in rows.values()])), 4)
    print(json.dumps(result | {"clips": len(rows)} | ({"real": refined} if options.real else {})))


def read_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, default=CACHE)
    parser.add_argument("--head", type=Path, default=HEAD)
    parser.add_argument("--clips", nargs="*", choices=tuple(SCENES), default=list(SCENES))
    parser.add_argument("--real", type=Path, help="folder of a clip's results, below results/")
    parser.add_argument("--set", nargs="+", default=[], metavar="NAME=VALUE", help="settings of tracking to change")
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


def compare(name, folder, options, model):
    """The errors of a clip by landmarks and refined, over the frames in which the detector saw a face."""
    output = options.cache / "photometric" / name
    told = refine(name, folder, output, options)
    truth, seen = read_track(folder / "truth.npz"), read_seen(folder)
    found = {when: read_track(output / f"{when}.npz") for when in ("before", "after")}
    return told | {when: measure(part, truth, model, seen.points, seen.usable) for when, part in found.items()}


def refine(name, folder, output, options):
    """Track and refine a clip into a folder; return what the refinement tells of itself."""
    output.mkdir(parents=True, exist_ok=True)
    settings, parsing = change_settings(options.set), folder / "parsing.json"
    if not parsing.exists():
        parsing = output / "parsing.json"
    if not parsing.exists():
        parts = {"network": NETWORK, "manifest": parsing, "settings": Settings().parsing, "threads": options.threads}
        parse_faces(clip=name, frames=folder / "frames.json", **parts)
    track(folder, name, options.head, output / "before.npz", settings, options.threads)
    began = time.perf_counter()
    refine_tracking(
        clip=name,
        frames=folder / "frames.json",
        parsing=parsing,
        landmarks=folder / "landmarks.npz",
        head=options.head,
        tracking=output / "before.npz",
        tracking_summary=output / "before.json",
        output=output / "after.npz",
        summary=output / "after.json",
        table=output / "after.csv",
        picture=output / "photometric.png",
        settings=settings,
        threads=options.threads,
    )
    seconds = time.perf_counter() - began
    summaries = [json.loads((output / f"{when}.json").read_text()) for when in ("before", "after")]
    told = summaries[1]["photometric"]
    return {
        "skin_psnr": [round(told[f"skin_psnr_{when}"], 2) for when in ("before", "after")],
        "landmark_error": [round(part["landmark_error_percent_iod"], 3) for part in summaries],
        "ms_a_frame": round(1000 * seconds / summaries[1]["frames"], 1),
    }


def line(name, row):
    """What a person reads of a clip."""
    parts = [f"{figure} {row['before'][figure]:.3f} -> {row['after'][figure]:.3f}" for figure in (*FIGURES, *MORE)]
    return f"{name}: skin {row['skin_psnr']} dB, {row['ms_a_frame']} ms a frame\n    " + ", ".join(parts)


if __name__ == "__main__":
    sys.exit(main())
