"""How fast a mesh is rasterized: the compiled rasterizer beside one in numpy, and beside the machine's floor.

    python benchmarks/mesh.py [--rounds 21] [--sizes 256 512]

An ellipsoid of 9,900 faces that covers half of the image, back faces left out. Prints a table, and JSON on the last line:
milliseconds an image on one thread, median and best over the rounds; `differentiable` is the renderer forward and backward, to
vertices and 3 attributes, autograd's own cost included, a batch of 8 frames on 1 and on 2 threads.
"""

import argparse
import json
import os
import time

import numpy as np
import torch

from headsmith.mesh.own_renderer import OwnRenderer
from headsmith.mesh.rasterize import rasterize_mesh

RINGS, SPOKES = 46, 110
BATCH = 8
GIGABYTES = 29.6  # one core's triad, measured on a 2-core Zen 4
PIXEL = 4 + 3 * 4 + 4 + 2 * 4  # bytes: face, weights and depth written once, the depth buffer written and read


def make_mesh(size):
    """An ellipsoid (x, y in pixels, depth around 1) with outward faces counter-clockwise, two triangles a cell."""
    turn, rise = np.meshgrid(np.linspace(0, 2 * np.pi, SPOKES, endpoint=False), np.linspace(0.02, np.pi - 0.02, RINGS))
    x, y, z = np.sin(rise) * np.cos(turn), -np.cos(rise), -np.sin(rise) * np.sin(turn)
    radius = size * np.sqrt(0.5 / np.pi)
    vertices = np.stack([size / 2 + 0.9 * radius * x, size / 2 + radius / 0.9 * y, 1 + 0.1 * z], -1).reshape(-1, 3)
    ring, spoke = np.mgrid[: RINGS - 1, :SPOKES]
    corner = [(ring + down) * SPOKES + (spoke + right) % SPOKES for down, right in ((0, 0), (1, 0), (1, 1), (0, 1))]
    faces = np.stack([np.stack(corner[:3], -1), np.stack([corner[0], *corner[2:]], -1)], -2).reshape(-1, 3)
    return vertices.astype(np.float32), faces.astype(np.int32)


def rasterize_numpy(vertices, faces, width, height):
    """Face ids by listing every pixel of every face's box and keeping the nearest: what arrays alone can do."""
    corners = vertices[faces].astype(np.float64)
    (x0, y0), (x1, y1), (x2, y2) = (corners[:, i, :2].T for i in range(3))
    front = np.nonzero((x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0) < 0)[0]
    low = np.ceil(corners[front, :, :2].min(1) - 0.5).astype(int).clip(0)
    extent = (np.floor(corners[front, :, :2].max(1) + 0.5).astype(int).clip(None, (width, height)) - low).clip(0)
    counts = extent.prod(1)
    which = np.repeat(np.arange(len(front)), counts)
    nth = np.arange(len(which)) - np.repeat(np.cumsum(counts) - counts, counts)
    column, row = low[which, 0] + nth % extent[which, 0], low[which, 1] + nth // extent[which, 0]
    part = corners[front[which]] - np.stack([column + 0.5, row + 0.5, np.zeros(len(row))], -1)[:, None]
    edges = np.stack([part[:, i, 0] * part[:, j, 1] - part[:, j, 0] * part[:, i, 1] for i, j in ((1, 2), (2, 0), (0, 1))], -1)
    inside = (edges <= 0).all(1)
    depth = (edges.sum(1) / (edges / part[:, :, 2]).sum(1))[inside]
    order = np.lexsort((-front[which[inside]], -depth))  # later writes win: the nearest, then the lowest face
    ids = np.full(width * height, -1, np.int32)
    ids[(row * width + column)[inside][order]] = front[which[inside]][order]
    return ids.reshape(height, width)


def measure(work, rounds):
    """Median and best milliseconds of a call, after one to warm up."""
    work()
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        times.append(1e3 * (time.perf_counter() - start))
    return round(float(np.median(times)), 3), round(min(times), 3)


def measure_differentiable(vertices, faces, size, threads, rounds):
    """Median and best milliseconds an image of drawing three attributes of a batch, and of their gradients."""
    corners = torch.from_numpy(vertices).repeat(BATCH, 1, 1).requires_grad_()
    attributes = torch.rand(BATCH, len(vertices), 3, generator=torch.Generator().manual_seed(0)).requires_grad_()
    pull = torch.rand(BATCH, size, size, 3, generator=torch.Generator().manual_seed(1))
    renderer, triangles = OwnRenderer(threads), torch.from_numpy(faces)

    def work():
        image = renderer.interpolate(corners, triangles, attributes, (size, size)).image
        torch.autograd.grad(image, (corners, attributes), pull)

    return [round(part / BATCH, 3) for part in measure(work, rounds)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--sizes", type=int, nargs="+", default=[256, 512])
    options = parser.parse_args()
    torch.set_num_threads(1)
    results = {"unit": "ms an image: [median, best]", "load": round(os.getloadavg()[0], 1)}
    for size in options.sizes:
        vertices, faces = make_mesh(size)
        ids = rasterize_mesh(vertices, faces, size, size, True)[0]
        differing = int((ids != rasterize_numpy(vertices, faces, size, size)).sum())
        assert differing <= size // 16, f"{differing} pixels differ"  # centres that rounding puts on an edge
        row = {"faces": len(faces), "covered": round(float((ids >= 0).mean()), 3), "pixels_that_differ": differing}
        row["compiled"] = measure(lambda v=vertices, f=faces, s=size: rasterize_mesh(v, f, s, s, True), options.rounds)
        row["numpy_face_ids_alone"] = measure(
            lambda v=vertices, f=faces, s=size: rasterize_numpy(v, f, s, s), max(3, options.rounds // 3)
        )
        for threads in (1, 2):
            row[f"differentiable_{threads}"] = measure_differentiable(vertices, faces, size, threads, options.rounds)
        row["times_faster_than_numpy"] = round(row["numpy_face_ids_alone"][0] / row["compiled"][0], 1)
        row["floor"] = round(size * size * PIXEL / GIGABYTES / 1e6, 3)
        row["times_the_floor"] = round(row["compiled"][1] / row["floor"], 1)
        results[str(size)] = row
        print(f"{size} x {size}")
        for name, value in row.items():
            print(f"  {name:24} {value}")
    print(json.dumps(results))


if __name__ == "__main__":
    main()
