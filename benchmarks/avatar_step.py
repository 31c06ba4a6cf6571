"""How long a training step takes, with either deformation, and where the time goes.

    python benchmarks/avatar_step.py [--sizes 256 512] [--seconds 20]

13,000 Gaussians on an ellipsoid that fills half of the image. A step is two images: forward, backward, Adam, the images in one
thread each. Prints JSON on the last line: milliseconds an image (median wall time; CPU time, which other work disturbs less),
the share of the rasterizer alone, and the ratio of FlashAvatar's network to the bases, all in one run.
"""

import argparse
import json
import os
import time
from concurrent.futures import ThreadPoolExecutor

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch

from headsmith.maths.cameras import Camera
from headsmith.splat.avatar import AvatarShape, Target, View
from headsmith.splat.avatars import make_avatar
from headsmith.splat.rasterize import rasterize

COUNT, CONDITION = 13_000, 72
AXES = torch.tensor([0.09, 0.12, 0.10])


def scene(size):
    """Points on an ellipsoid, a view of them, and a picture to reproduce."""
    generator = torch.Generator().manual_seed(0)
    points = torch.nn.functional.normalize(torch.randn(COUNT, 3, generator=generator), dim=1) * AXES
    focal = size * (0.5 / (torch.pi * AXES[0] * AXES[1])) ** 0.5
    camera = Camera(torch.eye(3), torch.tensor([0.0, 0, 1]), focal.expand(2), torch.full((2,), size / 2), (size, size))
    view = View(points, torch.randn(CONDITION, generator=generator), camera)
    return view, Target(torch.rand(size, size, 3, generator=generator), *[torch.ones(size, size)] * 3)


def timed(work, seconds):
    """Median wall milliseconds and mean CPU milliseconds of calls, after two that warm up."""
    work(), work()
    walls, cpu, stop = [], time.process_time(), time.perf_counter() + seconds
    while time.perf_counter() < stop or len(walls) < 3:
        start = time.perf_counter()
        work()
        walls.append(time.perf_counter() - start)
    return 1e3 * float(np.median(walls)), 1e3 * (time.process_time() - cpu) / len(walls)


def step_times(kind, size, seconds, pool):
    """Milliseconds an image of whole training steps."""
    view, target = scene(size)
    avatar = make_avatar(view.points, AvatarShape(kind, CONDITION, 16, 64, 0.0035), 0)
    optimiser, plate = avatar.optimiser(), torch.zeros(size, size, 3)

    def step():
        list(pool.map(lambda _: avatar.loss(view, target, plate, 0.5).backward(), range(2)))
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)

    return [value / 2 for value in timed(step, seconds)]


def rasterizer_times(size, seconds, pool):
    """Milliseconds an image of the rasterizer alone, forward and backward, in the same two threads."""
    view, _ = scene(size)
    avatar = make_avatar(view.points, AvatarShape("basis", CONDITION, 16, 64, 0.0035), 0)
    with torch.no_grad():
        inputs = avatar.splats(view)
    gradient = torch.ones(size, size, 3)

    def draw(_):
        leaves = [part.clone().requires_grad_() for part in inputs]
        rasterize(*leaves, view.camera, torch.zeros(3))[0].backward(gradient)

    return [value / 2 for value in timed(lambda: list(pool.map(draw, range(2))), seconds)]


def main():
    """Print a line a measurement and JSON last."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[256, 512])
    parser.add_argument("--seconds", type=float, default=10)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    results = {}
    with ThreadPoolExecutor(2) as pool:
        for size in arguments.sizes:
            times = {kind: step_times(kind, size, arguments.seconds, pool) for kind in ("basis", "mlp")}
            times["rasterizer"] = rasterizer_times(size, arguments.seconds, pool)
            for name, (wall, cpu) in times.items():
                print(f"{size}: {name:10} {wall:7.1f} ms an image, {cpu:7.1f} ms of CPU")
            results[size] = {name: {"wall_ms": round(wall, 2), "cpu_ms": round(cpu, 2)} for name, (wall, cpu) in times.items()}
            results[size]["mlp_over_basis"] = round(times["mlp"][1] / times["basis"][1], 1)
            results[size]["rasterizer_share"] = round(times["rasterizer"][1] / times["basis"][1], 2)
    print(json.dumps({"benchmark": "avatar_step", "gaussians": COUNT, "sizes": results}))


if __name__ == "__main__":
    main()
