"""The scene that `splat.py` draws, the rates of this machine, and the least time that the scene could take."""

import math
import time

import numpy as np
import torch

from headsmith.maths.cameras import Camera
from headsmith.splat.reference import footprints

COUNT, AXES = 14_000, np.array([0.09, 0.12, 0.10])
FLOPS_A_FRAGMENT = {"forward": 39, "both": 39 + 62}  # counted on the inner loops


def make_scene(size, count=COUNT, bands=0, seed=0):
    """Flat Gaussians on an ellipsoid seen from 1 m, which cover it equally whatever their number; and the camera."""
    random = np.random.default_rng(seed)
    turn = np.pi * (1 + 5**0.5) * (np.arange(count) + 0.5)
    height = 1 - (2 * np.arange(count) + 1) / count
    ring = np.sqrt(1 - height**2)
    direction = np.column_stack([np.cos(turn) * ring, np.sin(turn) * ring, height])
    normal = direction / AXES
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    scales = 1.12e-3 * math.sqrt(COUNT / count) * np.exp(0.2 * random.standard_normal((count, 3))) * [1, 1, 0.3]
    quats = np.column_stack([1 + normal[:, 2] + 1e-9, -normal[:, 1], normal[:, 0], np.zeros(count)])
    opacities = 1 / (1 + np.exp(-(0.9 + 0.4 * random.standard_normal(count))))
    colours = random.uniform(0, 1, (count, 3)) if not bands else 0.3 * random.standard_normal((count, bands, 3))
    focal = size * math.sqrt(0.5 / (math.pi * AXES[0] * AXES[1]))
    camera = Camera(torch.eye(3), torch.tensor([0.0, 0, 1]), torch.full((2,), focal), torch.full((2,), size / 2), (size, size))
    shuffled = random.permutation(count)
    parts = (direction * AXES, scales, quats, opacities, colours)
    return [torch.tensor(part[shuffled], dtype=torch.float32) for part in parts], camera


def fragments_of(scene, camera):
    """Pixels that all Gaussians weigh on: the areas of their 1/255 contours."""
    _, conics, _ = footprints(*scene[:3], camera)
    return float((2 * math.pi * torch.log(255 * scene[3]).clamp(min=0) / torch.linalg.det(conics).sqrt()).sum())


def machine_rates():
    """This core's GFLOP/s in products of 1024 x 1024 matrices, and the GB/s at which it adds two long arrays into a third."""
    matrix, long = torch.rand(1024, 1024), [torch.rand(8_000_000) for _ in range(3)]
    product = best_seconds(lambda: matrix @ matrix)
    addition = best_seconds(lambda: torch.add(long[0], long[1], out=long[2]))
    return 2 * 1024**3 / product / 1e9, 3 * 4 * 8_000_000 / addition / 1e9


def best_seconds(work, rounds=12):
    """The least processors' time of some calls."""
    seconds = []
    for _ in range(rounds):
        start = time.process_time()
        work()
        seconds.append(time.process_time() - start)
    return min(seconds)


def floor_of(fragments, count, size, passes, rates):
    """Milliseconds on one core if all were fused multiply-adds and streaming: arithmetic plus traffic."""
    gaussian = 4 * (14 + 12 + 4) if passes == "forward" else 4 * (14 + 12 + 4 + 14 + 2 * 12 + 12 + 14)
    pixel = 4 * 5 if passes == "forward" else 4 * (5 + 9)
    traffic = count * gaussian + size * size * pixel
    return fragments * FLOPS_A_FRAGMENT[passes] / rates[0] / 1e6 + traffic / rates[1] / 1e6
