"""What people see of a training under way: its curve, and pictures of a few held-out frames."""

import csv
import math
import shutil
from collections.abc import Iterable
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from headsmith.media.atomic import atomic_path
from headsmith.media.images import write_image
from headsmith.splat.avatar import Avatar
from headsmith.stages.avatar_frames import TrainingFrames

CURVE_EVERY = 200
"""Training images between rows of the training curve."""

SHOWN = 4
"""Frames of each kind, training and held-out, that the curve's PSNR is of: always the same, spread evenly."""

DIFFERENCE_GAIN = 4
"""How much pictures strengthen a difference; middle grey is none."""


@dataclass(frozen=True)
class CurveRow:
    """A row of the training curve.

    Attributes:
        images: Training images shown so far.
        loss: Its mean since the row before.
        psnr: Of some training frames over their head masks, dB.
        held_out_psnr: The same of held-out frames; NaN where there are none.
    """

    images: int
    loss: float
    psnr: float
    held_out_psnr: float

    def __str__(self) -> str:
        held_out = "" if math.isnan(self.held_out_psnr) else f", held out {self.held_out_psnr:.2f} dB"
        return f"loss {self.loss:.5f}, head {self.psnr:.2f} dB{held_out}"


def spread(items: list[int], count: int) -> list[int]:
    """Return at most ``count`` of the items, spread evenly, none twice."""
    places = np.unique(np.linspace(0, len(items) - 1, count).round().astype(int)) if items else []
    return [items[place] for place in places]


@torch.no_grad()
def mean_psnr(avatar: Avatar, frames: TrainingFrames, rows: list[int], pool: Executor) -> float:
    """Return the mean PSNR of frames as the avatar draws them, over their head masks, dB; NaN where there are no frames."""

    def measure(row: int) -> float:
        with torch.no_grad():
            view, target = frames.deliver(row, frames.load(row))
            image, _ = avatar(view, frames.background)
        return head_psnr(image, target.image, target.head)

    values = [value for value in pool.map(measure, rows) if not math.isnan(value)]
    return sum(values) / len(values) if values else math.nan


def head_psnr(image: Float[Tensor, "H W 3"], truth: Float[Tensor, "H W 3"], head: Float[Tensor, "H W"]) -> float:
    """Return ``-10 log10`` of the mean squared error over the head's mask, dB, 100 at most; NaN where the mask is empty."""
    inside = head > 0.5
    error = float((image.clamp(0, 1) - truth)[inside].square().mean())
    return error if math.isnan(error) else -10 * math.log10(max(error, 1e-10))


@torch.no_grad()
def preview(avatar: Avatar, frames: TrainingFrames, rows: Iterable[int]) -> UInt8[np.ndarray, "H W 3"]:
    """Return one picture of frames below each other: truth, render, and their difference around middle grey."""
    lines = []
    for row in rows:
        view, target = frames.deliver(row, frames.load(row))
        image, _ = avatar(view, frames.background)
        truth, drawn = ((part.clamp(0, 1) * 255).round().byte().cpu().numpy() for part in (target.image, image))
        lines.append(np.concatenate([truth, drawn, difference(truth, drawn)], 1))
    return np.concatenate(lines)


def difference(truth: UInt8[np.ndarray, "H W 3"], render: UInt8[np.ndarray, "H W 3"]) -> UInt8[np.ndarray, "H W 3"]:
    """Return how a render differs from the truth, strengthened, around middle grey."""
    gap = render.astype(np.int32) - truth
    return (128 + DIFFERENCE_GAIN * gap).clip(0, 255).astype(np.uint8)


def write_preview(folder: Path, images: int, picture: UInt8[np.ndarray, "H W 3"]) -> None:
    """Write the picture of a training after so many images."""
    with atomic_path(folder / f"{images:08d}.png") as partial:
        write_image(partial, picture)


def clear_previews(folder: Path) -> None:
    """Remove the pictures of an earlier training."""
    shutil.rmtree(folder, ignore_errors=True)


def write_curve(path: Path, curve: list[CurveRow]) -> None:
    """Write the training curve as CSV; a value that there is none of stays blank."""
    with atomic_path(path) as partial, partial.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["images", "loss", "psnr", "held_out_psnr"])
        for row in curve:
            shown = ("" if math.isnan(value) else f"{value:.4f}" for value in (row.psnr, row.held_out_psnr))
            writer.writerow([row.images, f"{row.loss:.8f}", *shown])
