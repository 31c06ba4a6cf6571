"""How fast and in how much memory clips of several lengths are tracked, beside the arithmetic and a fit frame by frame.

usage: python benchmarks/tracking_speed.py <cache> [resources/heads/anny.npz]

The landmarks are real: all 4,800 frames of franck.mp4, detected once into ``<cache>`` by the stages frames and landmarks (the
frames at hand are used). Shorter clips are their beginning; the one of 10,000 frames is franck, franck backwards, and the first
400 frames again, so that neighbours stay neighbours. Each length has a process of its own, in which 100 frames are fitted first
(what is loaded or compiled once is no part of it), and after that

* ``solver``: from landmarks in memory to the fitted parameters of all frames, ``pose_problem`` and ``fit_in_rounds``;
* ``stage``: all of ``track_head``: head and landmarks read, fitted, checked, written.

Both on two threads, wall-clock time, the best of some rounds (5 of 100 frames, 3 of 1,000, else 2): a shared machine only ever
adds. ``cpu`` is the processors' time of that round, both threads together. Memory is what the solver's peak adds to what the
process held before. ``ratio_to_sequential`` compares the solver at 10,000 frames with ``sequential_fit.py``: seconds a frame
over the first 20 frames after its start, which is told separately. The floor is that of ``tracking_floor.py`` over the rates of
a product of 1024 x 1024 matrices in the same run. The last line is JSON.
"""

import json
import subprocess
import sys
import tempfile
import time
from contextlib import redirect_stderr
from dataclasses import asdict, replace
from io import StringIO
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from typing import Any

import numpy as np
import torch
from sequential_fit import fit_sequentially
from tracking_floor import Work, floor_seconds, measure_rate
from truth_sources import ROOT, prepare_source

from headsmith.contract.manifest import read_manifest, write_manifest
from headsmith.contract.settings import TrackingSettings
from headsmith.heads.clip_fit import ClipFit
from headsmith.heads.clip_types import ClipProblem, ClipState
from headsmith.heads.model import HeadModel
from headsmith.stages import tracking
from headsmith.stages.tracking_input import SeenLandmarks, read_landmarks

LENGTHS = {100: 5, 1000: 3, 4800: 2, 10000: 2}
"""Frames, and how often each is timed."""
THREADS, SAMPLE, POSE = 2, 20, 6
HEAD = ROOT / "resources/heads/anny.npz"
SETTINGS = TrackingSettings(max_bad=0.3)
SHARED = ("blendshape_names", "convention", "detector")
"""Arrays of ``landmarks.npz`` that have no row a frame."""


def main() -> None:
    """Measure each length and the fit frame by frame, each in a process of its own, and tell."""
    cache = Path(sys.argv[1])
    head = Path(sys.argv[2]) if len(sys.argv) > 2 else HEAD
    whole = prepare_source("franck_whole", cache, THREADS)
    rates = {"single": measure_rate(torch.float32, THREADS), "double": measure_rate(torch.float64, THREADS)}
    print("rates, GFLOP/s: " + ", ".join(f"{name} {rate / 1e9:.0f}" for name, rate in rates.items()))
    rows = []
    for count in LENGTHS:
        folder = make_clip(whole, cache / "speed" / str(count), count)
        row = ask("measure_length", folder, head, LENGTHS[count])
        row["floor_ms"] = 1000 * floor_seconds([Work(**work) for work in row.pop("works")], **rates) / count
        rows.append(row)
        print(json.dumps(row), flush=True)
    slow = ask("measure_sequential", whole, head)
    print(json.dumps(slow))
    print(json.dumps(figures({row["frames"]: row for row in rows}, slow, rates)))


def figures(rows: dict[int, dict[str, Any]], slow: dict[str, float], rates: dict[str, float]) -> dict[str, float]:
    """Return what the last line tells."""
    longest, thousand = rows[10000], rows[1000]
    ours = longest["solver_ms"] / 1000
    return {
        **{f"ms_per_frame_{count}": round(row["solver_ms"], 3) for count, row in rows.items()},
        **{f"cpu_ms_per_frame_{count}": round(row["solver_cpu_ms"], 3) for count, row in rows.items()},
        **{f"stage_ms_per_frame_{count}": round(row["stage_ms"], 3) for count, row in rows.items()},
        **{f"memory_mb_{count}": round(row["memory_mb"]) for count, row in rows.items()},
        "time_ratio_10k_to_1k": round(longest["solver_ms"] * 10 / thousand["solver_ms"], 2),
        "memory_ratio_10k_to_1k": round(longest["memory_mb"] / thousand["memory_mb"], 2),
        "sequential_seconds_a_frame": round(slow["a_frame"], 3),
        "sequential_start_seconds": round(slow["start"], 1),
        "ratio_to_sequential": round(slow["a_frame"] / ours, 1),
        "floor_ms_per_frame_10000": round(longest["floor_ms"], 3),
        "times_the_floor": round(longest["solver_ms"] / longest["floor_ms"], 1),
        **{f"gflops_{name}": round(rate / 1e9, 1) for name, rate in rates.items()},
        "landmark_error_percent_iod_4800": round(rows[4800]["error_percent"], 3),
        "threads": THREADS,
    }


def ask(function: str, *arguments: object) -> dict[str, Any]:
    """Return what a function of this file returns in a fresh process."""
    code = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import tracking_speed as it; it.answer(it.{function})"
    )
    command = [sys.executable, "-c", code, *map(str, arguments)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def answer(function: Any) -> None:
    """Print what a function returns for the command line's arguments."""
    print(json.dumps(function(*sys.argv[1:])))


def make_clip(whole: Path, folder: Path, count: int) -> Path:
    """Return a folder with the manifest and the landmarks of a clip of so many frames: the whole one there and back."""
    folder.mkdir(parents=True, exist_ok=True)
    manifest = read_manifest(whole / "frames.json", clip="franck", verify=False)
    there = np.arange(manifest.count)
    places = np.concatenate([there, there[::-1]] * (1 + count // (2 * len(there))))[:count]
    with np.load(whole / "landmarks.npz") as content:
        arrays = {name: content[name] if name in SHARED else content[name][places] for name in content.files}
    np.savez(folder / "landmarks.npz", **arrays | {"ids": np.arange(count)})
    details = {name: manifest.details[name] for name in ("fps", "scale")}
    write_manifest(folder / "frames.json", replace(manifest, ids=tuple(range(count)), dropped=(), details=details))
    return folder


def measure_length(folder: str, head: str, rounds: str) -> dict[str, Any]:
    """Return times, memory and work of a clip's fit."""
    torch.set_num_threads(1)
    clip, model = Path(folder), HeadModel.load(Path(head), torch.float64)
    seen, size = (
        read_landmarks(clip / "landmarks.npz", "speed"),
        read_manifest(clip / "frames.json", clip="", verify=False).size,
    )
    timed(lambda: fit(model, first_frames(seen, 100), size))
    works, before = watch_fits(), forget_peak()
    solver = [timed(lambda: fit(model, seen, size))]
    memory, done = peak_mb() - before, works.copy()
    solver += [timed(lambda: fit(model, seen, size)) for _ in range(int(rounds) - 1)]
    with tempfile.TemporaryDirectory() as results:
        stage = [timed(lambda: track(clip, Path(head), Path(results))) for _ in range(int(rounds))]
        summary = json.loads((Path(results) / "tracking.json").read_text())
    count = len(seen.ids)
    return {
        "frames": count,
        "solver_ms": 1000 * min(solver)[0] / count,
        "solver_cpu_ms": 1000 * min(solver)[1] / count,
        "solver_rounds_s": [round(wall, 2) for wall, _ in solver],
        "stage_ms": 1000 * min(stage)[0] / count,
        "memory_mb": memory,
        "peak_mb": before + memory,
        "error_percent": summary["landmark_error_percent_iod"],
        "works": [asdict(work) for work in done],
    }


def fit(model: HeadModel, seen: SeenLandmarks, size: tuple[int, int]) -> None:
    """Fit a clip, from landmarks in memory to the parameters of all frames."""
    embedding = model.container.embeddings[seen.convention.name]
    problem = tracking.pose_problem(model, embedding, seen, size, SETTINGS)
    tracking.fit_in_rounds(model, problem, seen, embedding.points, size, SETTINGS, THREADS, "speed")


def track(clip: Path, head: Path, results: Path) -> None:
    """Run the stage."""
    outputs = {"output": results / "tracking.npz", "summary": results / "tracking.json", "table": results / "tracking.csv"}
    inputs = {"frames": clip / "frames.json", "landmarks": clip / "landmarks.npz", "head": head}
    tracking.track_head(clip="speed", settings=SETTINGS, threads=THREADS, **inputs, **outputs)


def first_frames(seen: SeenLandmarks, count: int) -> SeenLandmarks:
    """Return the first frames of a clip's landmarks."""
    rows = {name: getattr(seen, name)[:count] for name in ("ids", "points", "trust", "usable")}
    hints = replace(seen.hints, scores=seen.hints.scores[:count])
    return replace(seen, **rows, hints=hints, reasons={place: why for place, why in seen.reasons.items() if place < count})


def watch_fits() -> list[Work]:
    """Return a list to which each fit from now on adds what it had to do."""
    works: list[Work] = []
    original = tracking.fit_clip

    def watched(problem: ClipProblem, state: ClipState, **options: Any) -> ClipFit:
        done = original(problem, state, **options)
        frames, landmarks = problem.pixels.shape[:2]
        works.append(Work(frames, landmarks, POSE + state.codes.shape[1], len(state.identity) + 1, done.iterations))
        return done

    tracking.fit_clip = watched
    return works


def timed(call: Any) -> tuple[float, float]:
    """Return the seconds of a call by the clock and of the processors; what it says is not shown."""
    began, used = time.perf_counter(), time.process_time()
    with redirect_stderr(StringIO()):
        call()
    return time.perf_counter() - began, time.process_time() - used


def forget_peak() -> float:
    """Return the memory held now, MB, and let the peak count anew from there (Linux: man 5 proc, ``clear_refs``)."""
    Path("/proc/self/clear_refs").write_text("5")
    return peak_mb()


def peak_mb() -> float:
    """Return the most memory that this process has had, MB (Linux tells KiB)."""
    return getrusage(RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def measure_sequential(whole: str, head: str) -> dict[str, float]:
    """Return the seconds of the fit frame by frame, on as many threads as make it faster."""
    model, folder = HeadModel.load(Path(head), torch.float64), Path(whole)
    seen, size = (
        read_landmarks(folder / "landmarks.npz", "speed"),
        read_manifest(folder / "frames.json", clip="", verify=False).size,
    )
    few, found = first_frames(seen, SAMPLE), []
    for threads in (1, THREADS):
        torch.set_num_threads(threads)
        found.append(fit_sequentially(model, few.points, few.usable, size, seen.convention.name)[1])
    return min(found, key=lambda seconds: seconds["a_frame"])


if __name__ == "__main__":
    main()
