"""How fast Gaussians are drawn and differentiated: the compiled rasterizer beside one in torch, and beside the machine's floor.

    python benchmarks/rasterizer.py [--rounds 21] [--sizes 256 512]

14,000 flat Gaussians on an ellipsoid that fills half of the image, of 3 to 4 pixels (3 standard deviations) at 256 x 256 and
twice that at 512 x 512. Prints a table, and JSON on the last line: milliseconds an image, as median and best wall time and
median CPU time (which other work on the machine disturbs less).
"""

import argparse
import json
import math
import os
import threading
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch

from headsmith.maths.cameras import Camera
from headsmith.splat.rasterize import rasterize
from headsmith.splat.reference import footprints

COUNT, AXES = 14_000, np.array([0.09, 0.12, 0.10])
FLOPS_A_FRAGMENT = {"forward": 33, "both": 33 + 58}  # counted on the inner loops
GIGAFLOPS, GIGABYTES = 117.0, 29.6  # one core's fused multiply-adds and triad, measured on a 2-core Zen 4
EDGE = 8  # of the torch rasterizer's tiles; 16 is slower


def make_scene(size, seed=0):
    """Gaussians on an ellipsoid seen from 1 m, and the camera."""
    random = np.random.default_rng(seed)
    turn = np.pi * (1 + 5**0.5) * (np.arange(COUNT) + 0.5)
    height = 1 - (2 * np.arange(COUNT) + 1) / COUNT
    ring = np.sqrt(1 - height**2)
    direction = np.column_stack([np.cos(turn) * ring, np.sin(turn) * ring, height])
    normal = direction / AXES
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    scales = 1.12e-3 * np.exp(0.2 * random.standard_normal((COUNT, 3))) * [1, 1, 0.3]
    quats = np.column_stack([1 + normal[:, 2] + 1e-9, -normal[:, 1], normal[:, 0], np.zeros(COUNT)])
    opacities = 1 / (1 + np.exp(-(0.9 + 0.4 * random.standard_normal(COUNT))))
    parts = (direction * AXES, scales, quats, opacities, random.uniform(0, 1, (COUNT, 3)))
    focal = size * math.sqrt(0.5 / (math.pi * AXES[0] * AXES[1]))
    camera = Camera(torch.eye(3), torch.tensor([0.0, 0, 1]), torch.full((2,), focal), torch.full((2,), size / 2), (size, size))
    shuffled = random.permutation(COUNT)
    return [torch.tensor(part[shuffled], dtype=torch.float32, requires_grad=True) for part in parts], camera


def tile_lists(centres, conics, depths, opacities, across, down):
    """Which Gaussians reach which tile: tile numbers in order and, within a tile, Gaussians near to far."""
    reach = (2 * torch.log(255 * opacities).clamp(min=0)[:, None] * torch.linalg.inv(conics).diagonal(dim1=1, dim2=2)).sqrt()
    low = ((centres - reach) / EDGE).floor().long().clamp(min=0)
    high = torch.minimum(((centres + reach) / EDGE).floor().long() + 1, torch.tensor([across, down]))
    extent = (high - low).clamp(min=0)
    order = torch.argsort(depths)
    counts = extent.prod(1)[order]
    who = torch.repeat_interleave(order, counts)
    nth = torch.arange(len(who)) - torch.repeat_interleave(counts.cumsum(0) - counts, counts)
    tile = (low[who, 1] + nth // extent[who, 0]) * across + low[who, 0] + nth % extent[who, 0]
    by_tile = torch.argsort(tile, stable=True)
    return tile[by_tile], who[by_tile]


def blend_torch(parts, x, y):
    """Colours (tiles, pixels, 3) and alpha of padded lists (tiles, members, 9) at pixels x, y (tiles, pixels)."""
    x, y = x[:, None] - parts[..., 0, None], y[:, None] - parts[..., 1, None]
    sigma = 0.5 * (parts[..., 2, None] * x * x + parts[..., 4, None] * y * y) + parts[..., 3, None] * x * y
    alpha = (parts[..., 5, None] * torch.exp(-sigma)).clamp(max=0.999)
    alpha = alpha * (alpha >= 1 / 255)
    through = torch.cumprod(1 - alpha, 1)
    before = torch.cat([torch.ones_like(through[:, :1]), through[:, :-1]], 1)
    weights = alpha * before * (through > 1e-4)
    return torch.einsum("tmp,tmc->tpc", weights, parts[..., 6:9]), weights.sum(1)


def rasterize_torch(means, scales, quats, opacities, colours, camera, background, group=32):
    """The same image with torch alone: tiles of 8 x 8 pixels, a group of equally full ones at a time in padded lists."""
    width, height = camera.size
    across, down = -(-width // EDGE), -(-height // EDGE)
    centres, conics, depths = footprints(means, scales, quats, camera)
    with torch.no_grad():
        tile, who = tile_lists(centres, conics, depths, opacities, across, down)
        members = torch.bincount(tile, minlength=across * down)
        begins = members.cumsum(0) - members
    parts = torch.cat([centres, conics.reshape(-1, 4)[:, [0, 1, 3]], opacities[:, None], colours], -1)
    parts = torch.cat([parts, torch.zeros(1, 9)])
    inside = torch.stack(torch.meshgrid(torch.arange(EDGE), torch.arange(EDGE), indexing="xy"), -1).reshape(-1, 2) + 0.5
    by_size = torch.argsort(members)
    drawn = []
    for tiles in by_size.split(group):
        slot = torch.arange(int(members[tiles].max()))
        lists = torch.where(slot < members[tiles, None], who[(begins[tiles, None] + slot).clamp(max=len(who) - 1)], len(means))
        x, y = (tiles % across)[:, None] * EDGE + inside[:, 0], (tiles // across)[:, None] * EDGE + inside[:, 1]
        drawn.append(blend_torch(parts.index_select(0, lists.reshape(-1)).reshape(*lists.shape, 9), x, y))
    back = torch.argsort(by_size)
    blended, covered = (torch.cat(part)[back] for part in zip(*drawn, strict=True))
    whole = torch.cat([blended + (1 - covered)[..., None] * background, covered[..., None]], -1)
    whole = whole.reshape(down, across, EDGE, EDGE, 4).permute(0, 2, 1, 3, 4).reshape(down * EDGE, across * EDGE, 4)
    return whole[:height, :width, :3], whole[:height, :width, 3]


def fragments_of(scene, camera):
    """Pixels that all Gaussians weigh on: the areas of their 1/255 contours."""
    with torch.no_grad():
        _, conics, _ = footprints(*scene[:3], camera)
        return float((2 * math.pi * torch.log(255 * scene[3]) / torch.linalg.det(conics).sqrt()).sum())


def floor_of(fragments, size, passes):
    """Milliseconds on one core if all were fused multiply-adds and streaming: arithmetic plus traffic."""
    gaussian = 4 * (14 + 12 + 4) if passes == "forward" else 4 * (14 + 12 + 4 + 14 + 2 * 12 + 12 + 14)
    pixel = 4 * 4 if passes == "forward" else 4 * (4 + 8)
    traffic = COUNT * gaussian + size * size * pixel
    return fragments * FLOPS_A_FRAGMENT[passes] / GIGAFLOPS / 1e6 + traffic / GIGABYTES / 1e6


def measure(work, rounds):
    """Median and best wall milliseconds of a call, and its median CPU milliseconds, after one call to warm up."""
    work()
    walls, cores = [], []
    for _ in range(rounds):
        start, busy = time.perf_counter(), time.process_time()
        work()
        walls.append(1e3 * (time.perf_counter() - start))
        cores.append(1e3 * (time.process_time() - busy))
    return round(float(np.median(walls)), 3), round(min(walls), 3), round(float(np.median(cores)), 3)


def frames_at_once(work, threads, frames=8):
    """A call that works on so many frames in threads, for `measure`; divide by `frames * threads`."""

    def several():
        for _ in range(frames):
            work()

    def all_of_them():
        running = [threading.Thread(target=several) for _ in range(threads)]
        for thread in running:
            thread.start()
        for thread in running:
            thread.join()

    return all_of_them, frames * threads


def cases(draw, camera, size):
    """Two calls: forward, and forward with backward from random gradients."""
    weights = torch.randn(size, size, 3), torch.randn(size, size)

    def forward(scene):
        with torch.no_grad():
            return draw(*scene, camera, torch.tensor([0.1, 0.6, 0.3]))

    def both(scene):
        leaves = [part.detach().requires_grad_(True) for part in scene]
        torch.autograd.backward(draw(*leaves, camera, torch.tensor([0.1, 0.6, 0.3])), weights)

    return forward, both


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--sizes", type=int, nargs="+", default=[256, 512])
    options = parser.parse_args()
    torch.set_num_threads(1)
    results = {
        "gaussians": COUNT,
        "unit": "ms an image: [median wall, best wall, median CPU]",
        "load": round(os.getloadavg()[0], 1),
    }
    for size in options.sizes:
        scene, camera = make_scene(size)
        forward, both = cases(rasterize, camera, size)
        slow_forward, slow_both = cases(rasterize_torch, camera, size)
        apart = (forward(scene)[0] - slow_forward(scene)[0]).abs().max()
        assert apart < 1e-2, f"the two rasterizers differ by {apart}"
        fragments = fragments_of(scene, camera)
        row = {"fragments": round(fragments)}
        row["forward"] = measure(lambda f=forward, s=scene: f(s), options.rounds)
        row["forward_2_threads_share_tiles"] = measure(
            lambda s=scene, c=camera: rasterize(*[p.detach() for p in s], c, torch.zeros(3), threads=2), options.rounds
        )
        row["both"] = measure(lambda b=both, s=scene: b(s), options.rounds)
        work, images = frames_at_once(lambda b=both, s=scene: b(s), threads=2)
        row["both_2_frames_at_once"] = [round(value / images, 3) for value in measure(work, max(3, options.rounds // 4))]
        row["torch_forward"] = measure(lambda f=slow_forward, s=scene: f(s), max(3, options.rounds // 4))
        row["torch_both"] = measure(lambda b=slow_both, s=scene: b(s), max(3, options.rounds // 4))
        row["times_faster_than_torch"] = round(row["torch_both"][0] / row["both"][0], 1)
        for passes in ("forward", "both"):
            row[f"floor_{passes}"] = round(floor_of(fragments, size, passes), 3)
            row[f"times_the_floor_{passes}"] = round(row[passes][1] / row[f"floor_{passes}"], 1)
        results[str(size)] = row
        print(f"{size} x {size}")
        for name, value in row.items():
            print(f"  {name:32} {value}")
    print(json.dumps(results))


if __name__ == "__main__":
    main()
