"""One clip's fit timed, in a process of its own; ``tracking_speed.py`` asks for it and says what is measured.

usage: python benchmarks/tracking_timing.py length <folder> <head> <rounds>
       python benchmarks/tracking_timing.py sequential <folder> <head>

The last line is JSON.
"""

import json
import sys
import tempfile
import time
from contextlib import redirect_stderr
from dataclasses import asdict, replace
from io import StringIO
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from typing import Any

import torch
from sequential_fit import fit_sequentially
from tracking_floor import Work

from headsmith.contract.manifest import read_manifest
from headsmith.contract.settings import TrackingSettings
from headsmith.heads.clip_fit import ClipFit
from headsmith.heads.clip_types import ClipProblem, ClipState
from headsmith.heads.model import HeadModel
from headsmith.stages import tracking
from headsmith.stages.tracking_input import SeenLandmarks, read_landmarks

THREADS = 2
WARM, SAMPLE = 100, 20
"""Frames that are fitted before the clock runs, and frames of the fit frame by frame."""
POSE = 6
"""Unknowns of a frame beside its codes and joints."""
SETTINGS = TrackingSettings(max_bad=0.3)


def measure_length(folder: str, head: str, rounds: str) -> dict[str, Any]:
    """Return times, memory and work of a clip's fit."""
    torch.set_num_threads(1)
    clip, model = Path(folder), HeadModel.load(Path(head), torch.float64)
    seen, size = (
        read_landmarks(clip / "landmarks.npz", "speed"),
        read_manifest(clip / "frames.json", clip="", verify=False).size,
    )
    timed(lambda: fit(model, first_frames(seen, WARM), size))
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
    contour = model.container.contours.get(seen.convention.name)
    problem = tracking.pose_problem(model, embedding, seen, size, SETTINGS, contour)
    tracking.fit_in_rounds(model, problem, seen, tracking.Places.of(embedding, contour), size, SETTINGS, THREADS, "speed")


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
    measure = {"length": measure_length, "sequential": measure_sequential}[sys.argv[1]]
    print(json.dumps(measure(*sys.argv[2:])))
