"""How fast and in how much memory clips of several lengths are tracked, beside the arithmetic and a fit frame by frame.

    python benchmarks/tracking_speed.py [--cache benchmarks/out/tracking_truth] [--document]

The landmarks are real: all 4,800 frames of franck.mp4, detected once into the cache by the stages frames and landmarks (those
of ``tracking_truth.py`` are taken where they are there). Shorter clips are their beginning; the one of 10,000 frames is franck,
franck backwards, and the first 400 frames again, so that neighbours stay neighbours. Each length has a process of its own, in
which 100 frames are fitted first (what is loaded or compiled once is no part of it), and after that

* ``solver``: from landmarks in memory to the fitted parameters of all frames, ``pose_problem`` and ``fit_in_rounds``;
* ``stage``: all of ``track_head``: head and landmarks read, fitted, checked, written.

Both on two threads, wall-clock time, the best of some rounds (5 of 100 frames, 3 of 1,000, else 2): a shared machine only ever
adds. ``cpu`` is the processors' time of that round, both threads together. Memory is what the solver's peak adds to what the
process held before. ``ratio_to_sequential`` compares the solver at 10,000 frames with ``sequential_fit.py``: seconds a frame
over the first 20 frames after its start, which is told separately. The floor is that of ``tracking_floor.py`` over the rates of
a product of 1024 x 1024 matrices in the same run. ``--document`` writes the table into docs/performance.md. The last line is
JSON.
"""

import argparse
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tracking_floor import Work, floor_seconds, measure_rate
from tracking_timing import SAMPLE, THREADS
from truth_sources import ROOT, prepare_source

from headsmith.contract.manifest import read_manifest, write_manifest

LENGTHS = {100: 5, 1000: 3, 4800: 2, 10000: 2}
"""Frames, and how often each is timed."""
CACHE = ROOT / "benchmarks/out/tracking_truth"
HEAD = ROOT / "resources/heads/anny.npz"
DOCUMENT = ROOT / "docs/performance.md"
BEGIN, END = "<!-- tracking: begin -->", "<!-- tracking: end -->"
SHARED = ("blendshape_names", "convention", "detector")
"""Arrays of ``landmarks.npz`` that have no row a frame."""


def main() -> None:
    """Measure each length and the fit frame by frame, each in a process of its own, and tell."""
    options = read_options()
    whole = prepare_source("franck_whole", options.cache, THREADS)
    rates = {"single": measure_rate(torch.float32, THREADS), "double": measure_rate(torch.float64, THREADS)}
    rows = {}
    for count, rounds in LENGTHS.items():
        folder = make_clip(whole, options.cache / "speed" / str(count), count)
        rows[count] = ask("length", folder, options.head, rounds)
        rows[count]["floor_ms"] = 1000 * floor_seconds([Work(**work) for work in rows[count]["works"]], **rates) / count
        print(json.dumps(rows[count]), flush=True)
    slow = ask("sequential", whole, options.head)
    table = make_table(rows, slow, rates)
    print(table)
    if options.document:
        write_document(DOCUMENT, table)
    print(json.dumps(figures(rows, slow, rates)))


def read_options() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, default=CACHE, help="where frames and landmarks are kept")
    parser.add_argument("--head", type=Path, default=HEAD, help="the head container")
    parser.add_argument("--document", action="store_true", help="write the table into docs/performance.md")
    return parser.parse_args()


def ask(what: str, *arguments: object) -> dict[str, Any]:
    """Return what ``tracking_timing.py`` measures in a fresh process."""
    command = [sys.executable, str(Path(__file__).with_name("tracking_timing.py")), what, *map(str, arguments)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


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


def make_table(rows: dict[int, dict[str, Any]], slow: dict[str, float], rates: dict[str, float]) -> str:
    """Return the tables of the page."""
    heads = ("frames", "solver, ms a frame", "processors, ms a frame", "whole stage, ms a frame", "floor, ms a frame")
    heads += ("memory, MB", "error, % of the eye distance", "fits: frames x steps")
    lines = [heads, ("--:",) * len(heads)]
    for count, row in rows.items():
        fits = ", ".join(f"{work['frames']:,} x {work['steps']}" for work in row["works"])
        times = [f"{row[name]:.2f}" for name in ("solver_ms", "solver_cpu_ms", "stage_ms", "floor_ms")]
        lines.append((f"{count:,}", *times, f"{row['memory_mb']:,.0f}", f"{row['error_percent']:.2f}", fits))
    own, longest = figures(rows, slow, rates), rows[10000]["solver_ms"]
    told = (
        f"Time of 10,000 frames over that of 1,000: {own['time_ratio_10k_to_1k']}; memory: {own['memory_ratio_10k_to_1k']}. "
        f"The fit frame by frame takes {slow['a_frame']:.3f} s a frame over {SAMPLE} frames, after a start of "
        f"{slow['start']:.1f} s: **{own['ratio_to_sequential']:.0f} times** the solver's {longest:.2f} ms.\n\n"
        f"Rates measured in this run, on {THREADS} threads: {own['gflops_single']:.0f} GFLOP/s in single precision, "
        f"{own['gflops_double']:.0f} in double; the solver takes {own['times_the_floor']:.1f} times the floor at 10,000 frames."
    )
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + f"\n\n{told}"


def write_document(path: Path, table: str) -> None:
    """Put the table into a page, between its two marks.

    Raises:
        ValueError: The page has no such marks.
    """
    text = path.read_text()
    if BEGIN not in text or END not in text:
        raise ValueError(f"{path} has no {BEGIN} and {END}")
    path.write_text(f"{text.split(BEGIN)[0]}{BEGIN}\n\n{table}\n\n{END}{text.split(END)[1]}")


if __name__ == "__main__":
    main()
