"""How fast Gaussians are drawn and differentiated: the compiled rasterizer beside one in torch, and beside the machine's floor.

    python benchmarks/splat.py [--rounds 15] [--document]

14,000 flat Gaussians on an ellipsoid that fills half of the image (`splat_scene.py`), with plain colours; forward, and forward
with backward to all five inputs, autograd included. The two rasterizers take turns in every round, so that other work on the
machine meets both. Then ours alone over numbers of Gaussians (sized so that they cover the head equally), pixels, cores (a
frame a core) and degrees of harmonics; and beside a process of ours that keeps one core busy. Milliseconds an image: the median
of the rounds' wall times, the best of them, and the median of the processors' time, which other work on the machine disturbs
less. `--document` writes the tables into docs/performance.md. The last line is JSON: medians of wall time but where it says so.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from splat_scene import COUNT, floor_of, fragments_of, machine_rates, make_scene
from splat_torch import rasterize_torch

from headsmith.maths.cameras import Camera
from headsmith.splat.rasterize import rasterize, rasterize_batch

DOCUMENT = Path(__file__).resolve().parents[1] / "docs/performance.md"
BEGIN, END = "<!-- splat: begin -->", "<!-- splat: end -->"
BACKGROUND = torch.tensor([0.1, 0.6, 0.3])
CORES = os.cpu_count() or 1
HEADS = ["ms an image", "best", "processors"]


def draw_once(draw, scene, camera, backward, **options):
    """A call that draws the scene once, with the gradients of a random loss or without."""
    width, height = camera.size
    weights = torch.randn(height, width, 3), torch.randn(height, width)

    def work():
        leaves = [part.detach().requires_grad_(backward) for part in scene]
        drawn = draw(*leaves, camera, BACKGROUND, **options)
        if backward:
            torch.autograd.backward(drawn, weights)

    return work


def draw_batch(scene, camera, frames):
    """A call that draws so many frames in as many threads, forward and backward."""
    parts = (camera.rotation, camera.translation, camera.focal, camera.principal)
    cameras = Camera(*(torch.stack([part] * frames) for part in parts), camera.size)
    several = [torch.stack([part] * frames) for part in scene]
    weights = [torch.randn(frames, *camera.size[::-1], *more) for more in ((3,), ())]

    def work():
        leaves = [part.requires_grad_(True) for part in several]
        drawn = rasterize_batch(*leaves, cameras, BACKGROUND, threads=frames)
        torch.autograd.grad(drawn, leaves, weights)

    return work


def measure(works, rounds):
    """Median, best and processors' milliseconds of each of several calls, which take turns; one call of each warms up."""
    walls, busy = {name: [] for name in works}, {name: [] for name in works}
    for work in works.values():
        work()
    for _ in range(rounds):
        for name, work in works.items():
            start, begun = time.perf_counter(), time.process_time()
            work()
            walls[name].append(1e3 * (time.perf_counter() - start))
            busy[name].append(1e3 * (time.process_time() - begun))
    return {name: (median(walls[name]), min(walls[name]), median(busy[name])) for name in works}


def per_frame(times, frames):
    """Milliseconds a frame."""
    return tuple(value / frames for value in times)


def side_by_side(size, rounds):
    """Ours and torch's, forward and with backward, in turns; ours also on two frames at once and with two threads a frame."""
    scene, camera = make_scene(size)
    apart = (rasterize(*scene, camera, BACKGROUND)[0] - rasterize_torch(*scene, camera, BACKGROUND)[0]).abs().max()
    assert apart < 1e-2, f"the two rasterizers differ by {apart}"
    works = {
        "forward": draw_once(rasterize, scene, camera, backward=False),
        "both": draw_once(rasterize, scene, camera, backward=True),
        "both, two threads a frame": draw_once(rasterize, scene, camera, backward=True, threads=2),
        "both, two frames at once": draw_batch(scene, camera, 2),
        "torch, forward": draw_once(rasterize_torch, scene, camera, backward=False),
        "torch, both": draw_once(rasterize_torch, scene, camera, backward=True),
    }
    times = measure(works, rounds)
    times["both, two frames at once"] = per_frame(times["both, two frames at once"], 2)
    return times


def scaling(rounds):
    """Forward and backward over Gaussians, pixels, cores and degrees; None is plain colours."""
    works = {}
    for count in (3_500, 7_000, 14_000, 28_000, 56_000):
        works["Gaussians", count] = draw_once(rasterize, *make_scene(256, count), backward=True)
    for size in (128, 256, 512, 1024):
        works["pixels", size] = draw_once(rasterize, *make_scene(size), backward=True)
    for degree in (None, 0, 1, 2, 3):
        bands = 0 if degree is None else (degree + 1) ** 2
        works["degree", degree] = draw_once(rasterize, *make_scene(256, bands=bands), backward=True)
    for cores in sorted({1, 2, CORES} & set(range(1, CORES + 1))):
        works["cores", cores] = draw_batch(*make_scene(256), cores)
    times = measure(works, rounds)
    return {key: per_frame(pair, key[1]) if key[0] == "cores" else pair for key, pair in times.items()}


def when_busy(rounds):
    """What the machine takes beside a process that keeps one core busy."""
    scene, camera = make_scene(256)
    works = {
        "one frame": draw_once(rasterize, scene, camera, backward=True),
        "two threads a frame": draw_once(rasterize, scene, camera, backward=True, threads=2),
        "two frames at once": draw_batch(scene, camera, 2),
    }
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as other:
        try:
            times = measure(works, rounds)
        finally:
            other.kill()
    times["two frames at once"] = per_frame(times["two frames at once"], 2)
    return times


def table(heads, rows):
    """A table in Markdown."""
    lines = [heads, ["--:"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def said(times):
    """Median, best and processors' time, as three cells."""
    return [f"{value:.2f}" for value in times]


def main():
    """Print the tables and JSON last."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--document", action="store_true", help="write the tables into docs/performance.md")
    options = parser.parse_args()
    torch.set_num_threads(1)
    load, rates = os.getloadavg()[0], machine_rates()
    result = {"gaussians": COUNT, "cores": CORES, "load": round(load, 1), "gflops": round(rates[0]), "gbytes": round(rates[1])}
    rows = []
    for size in (256, 512):
        times, (scene, camera) = side_by_side(size, options.rounds), make_scene(size)
        floors = [floor_of(fragments_of(scene, camera), COUNT, size, passes, rates) for passes in ("forward", "both")]
        rows += [[f"{size} x {size}", name, *said(found)] for name, found in times.items()]
        rows += [
            [f"{size} x {size}", f"floor, {name}", f"{floor:.2f}", "", ""]
            for name, floor in zip(("forward", "both"), floors, strict=True)
        ]
        result[f"forward_backward_ms_{size}"] = round(times["both"][0], 2)
        result[f"forward_backward_processors_ms_{size}"] = round(times["both"][2], 2)
        result[f"forward_backward_two_cores_ms_{size}"] = round(times["both, two frames at once"][0], 2)
        result[f"speedup_over_torch_{size}"] = round(times["torch, both"][0] / times["both"][0], 1)
        result[f"times_the_floor_{size}"] = round(times["both"][2] / floors[1], 1)
    parts = [table(["image", "what", *HEADS], rows)]
    grown = scaling(options.rounds)
    parts.append(table(["what", "of it", *HEADS], [[what, of, *said(found)] for (what, of), found in grown.items()]))
    busy = when_busy(options.rounds)
    parts.append(table(["beside a busy process", *HEADS], [[name, *said(found)] for name, found in busy.items()]))
    parts.append(f"Load at the start {load:.1f}; one core: {rates[0]:.0f} GFLOP/s, {rates[1]:.0f} GB/s; {CORES} cores.")
    result["scaling"] = {f"{what} {of}": round(pair[0], 2) for (what, of), pair in grown.items()}
    result["beside_a_busy_process"] = {name: round(pair[0], 2) for name, pair in busy.items()}
    text = "\n\n".join(parts)
    print(text)
    if options.document:
        page = DOCUMENT.read_text()
        before, rest = page.split(BEGIN)
        DOCUMENT.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{rest.split(END)[1]}")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
