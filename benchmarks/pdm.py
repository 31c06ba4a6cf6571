"""The point distribution model on 10,000 random faces of its own head: there and back, with noise, and how long it takes.

    PYTHONPATH=src python benchmarks/pdm.py [--head resources/heads/anny.npz] [--model my_PDM_68.txt]

Faces are turned by up to 60 degrees about each axis, their shapes reach 3 standard deviations, their scales 0.5 to 10 pixels a
millimetre. The last line is JSON: `round_trip_px` (largest distance of a landmark from where it was), `clamped` (local
parameters beyond three deviations), `ms_per_face` (wall time in batches of 1,000 on two threads: of the fastest, as others use
the machine too; `cpu_ms_per_face` is the processor's).
"""

import argparse
import json
import math
import sys
import time
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))

from headsmith.heads.container import load_head  # noqa: E402
from headsmith.heads.model import HeadModel  # noqa: E402
from headsmith.heads.point_distribution import make_point_distribution  # noqa: E402
from headsmith.maths.point_distribution import PointDistribution, landmarks_of  # noqa: E402
from headsmith.maths.point_distribution_fit import fit_shapes  # noqa: E402
from headsmith.nets.point_distribution_file import read_point_distribution  # noqa: E402

BATCH, BATCHES = 1000, 10
LIMIT = 3


def random_faces(model: PointDistribution, count: int, generator: torch.Generator) -> torch.Tensor:
    """Return parameters of faces, drawn evenly."""

    def unit(*size: int) -> torch.Tensor:
        return 2 * torch.rand(*size, generator=generator, dtype=torch.float64) - 1

    scale = 0.5 + 9.5 * (unit(count, 1) + 1) / 2
    local = LIMIT * unit(count, len(model.variances)) * model.deviations
    return torch.cat([scale, unit(count, 3) * math.pi / 3, 500 * unit(count, 2), local], 1)


def measure(model: PointDistribution) -> dict[str, float]:
    """Return the figures of all batches."""
    generator = torch.Generator().manual_seed(0)
    rows, limit = [], LIMIT * model.deviations * (1 + 1e-6)
    fit_shapes(model, landmarks_of(model, random_faces(model, 50, generator)))
    for _ in range(BATCHES):
        seen = landmarks_of(model, random_faces(model, BATCH, generator))
        start, used = time.perf_counter(), time.process_time()
        found = fit_shapes(model, seen)
        wall, cpu = time.perf_counter() - start, time.process_time() - used
        miss = (landmarks_of(model, found.parameters) - seen).norm(dim=2).max()
        noisy = fit_shapes(model, seen + torch.randn(seen.shape, generator=generator, dtype=seen.dtype))
        off = (landmarks_of(model, noisy.parameters) - seen).square().mean()
        rows.append((float(miss), int((found.parameters[:, 6:].abs() > limit).sum()), wall, cpu, float(off)))
    worst, clamped, wall, cpu, off = zip(*rows, strict=True)
    points = seen.shape[1]
    return {
        "round_trip_px": max(worst),
        "clamped": sum(clamped),
        "ms_per_face": 1000 * min(wall) / BATCH,
        "ms_per_face_median": 1000 * sorted(wall)[BATCHES // 2] / BATCH,
        "cpu_ms_per_face": 1000 * sum(cpu) / (BATCH * BATCHES),
        "noise_rms_px": math.sqrt(sum(off) / BATCHES),
        "noise_bound_px": math.sqrt((6 + len(model.variances)) / (2 * points)),
    }


def main() -> None:
    """Measure and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--head", type=Path, default=ROOT / "resources/heads/anny.npz")
    parser.add_argument("--model", type=Path, help="a file of OpenFace's in place of one made from the head")
    options = parser.parse_args()
    torch.set_num_threads(2)
    if options.model:
        model = read_point_distribution(options.model)
    else:
        model = make_point_distribution(HeadModel.from_container(load_head(options.head), torch.float64)).model
    print(json.dumps(measure(model)))


if __name__ == "__main__":
    main()
