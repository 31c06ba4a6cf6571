"""How fast and in how much memory a long video is preprocessed. The last line printed is JSON.

    python benchmarks/preprocess.py [--long 10000] [--short 1000] [--compared 300] [--size 256]

A real clip is enlarged to 1080p and its packets are repeated to make videos of 10,000 and 1,000 frames. Each stage runs on
both in a process of its own, whose peak resident memory the kernel tells. Floors: for networks the time of the network alone,
on frames in memory, with all cores; for frames decoding all of the video once, searching the sample for the face, scaling the
square (OpenCV's area averages) and encoding each picture once; for masks reading, decoding, encoding and writing. The naive
loop reads the whole video first, then takes its frames one by one through the same networks as they are published, as OpenCV
and ONNX Runtime do it when told nothing.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

STAGES = ("frames", "landmarks", "matte", "parsing", "masks")
MASKS_SIZE, MASKS_COUNT = 512, 10_000


def measure(stage: str, folder: Path, video: Path, size: int, frames: int = 0) -> dict[str, Any]:
    """Run a stage in a process of its own; return its frames, seconds and peak memory.

    A process starts with the peak of the one that starts it, so this one imports nothing large.
    """
    options = {"--stage": stage, "--folder": folder, "--video": video, "--size": size, "--frames": frames}
    command = [sys.executable, __file__, *(str(part) for item in options.items() for part in item)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    said = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise RuntimeError(f"{stage} failed: {' '.join(command)}")
    return json.loads(said.splitlines()[-1]) | {"peak_mb": usage.ru_maxrss / 1024}


def measure_clip(folder: Path, video: Path, size: int) -> dict[str, dict[str, float]]:
    """Run all stages on a video, one after another."""
    folder.mkdir(parents=True)
    found = {}
    for stage in STAGES:
        found[stage] = measure(stage, folder, video, size)
        tell(f"{video.stem}: {stage}", found[stage])
    return found


def measure_masks(folder: Path, source: Path) -> dict[str, float]:
    """Cut masks from 10,000 label maps of 512 pixels."""
    folder.mkdir(parents=True)
    measure("labels", folder, source, MASKS_SIZE, MASKS_COUNT)
    return measure("masks", folder, source, MASKS_SIZE)


def tell(what: str, figures: dict[str, float]) -> None:
    """Print one line."""
    rate = figures["frames"] / figures["seconds"]
    print(f"{what:28s} {rate:8.1f} frames/s {figures['peak_mb']:7.0f} MB", flush=True)


def compare(folder: Path, video: Path, size: int) -> dict[str, float]:
    """Run the naive loop and then the stages on the same video."""
    naive = measure("naive", folder, video, size)
    tell("naive loop", naive)
    ours = measure_clip(folder / "ours", video, size)
    seconds = sum(part["seconds"] for part in ours.values())
    return {"naive_fps": naive["frames"] / naive["seconds"], "fps": naive["frames"] / seconds, "naive_mb": naive["peak_mb"]} | {
        "speedup_over_naive": naive["seconds"] / seconds
    }


def report(long: dict, short: dict, floors: dict, masks: dict, compared: dict) -> dict[str, object]:
    """Return what the last line says."""
    stages = {
        name: {
            "fps": round(part["frames"] / part["seconds"], 1),
            "floor_fps": round(1 / floors[name], 1),
            "share_of_floor": round(floors[name] * part["frames"] / part["seconds"], 3),
            "peak_rss_mb": round(part["peak_mb"]),
            "peak_rss_ratio_10k_to_1k": round(part["peak_mb"] / short[name]["peak_mb"], 3),
        }
        for name, part in long.items()
    }
    return {
        "masks_per_second": round(masks["frames"] / masks["seconds"], 1),
        "peak_rss_ratio_10k_to_1k": max(part["peak_rss_ratio_10k_to_1k"] for part in stages.values()),
        "peak_rss_mb": max(part["peak_rss_mb"] for part in stages.values()),
        **{name: round(value, 2) for name, value in compared.items()},
        "stages": stages,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--long", type=int, default=10_000)
    parser.add_argument("--short", type=int, default=1_000)
    parser.add_argument("--compared", type=int, default=300)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--stage", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--video", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--frames", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.stage:
        from preprocess_stages import run_stage

        print(json.dumps(run_stage(options.stage, options.folder, options.video, options.size, options.frames)))
        return
    with tempfile.TemporaryDirectory() as name:
        print(json.dumps(run_all(Path(name), options)))


def run_all(folder: Path, options: argparse.Namespace) -> dict[str, object]:
    """Fetch, convert, make the videos, run everything, and return the report."""
    counts = {"long": options.long, "short": options.short, "compared": options.compared}
    videos = {name: folder / f"{name}.mp4" for name in counts}
    for name, count in counts.items():
        measure("prepare", folder, videos[name], options.size, count)
    compared = compare(folder / "comparison", videos["compared"], options.size)
    short = measure_clip(folder / "s", videos["short"], options.size)
    floors = measure("floors", folder / "s", videos["short"], options.size)["floors"]
    masks = measure_masks(folder / "m", folder / "s")
    tell("masks of 512 pixels", masks)
    long = measure_clip(folder / "l", videos["long"], options.size)
    return report(long, short, floors, masks, compared)


if __name__ == "__main__":
    started = time.monotonic()
    main()
    if "--stage" not in sys.argv:
        print(f"took {(time.monotonic() - started) / 60:.0f} minutes", file=sys.stderr)
