"""How much of the difference a person would notice: ST-LPIPS, and LPIPS where the user has its weights.

Both see the head alone: the pictures are black outside the true head mask and cut to its box (``_head``). LPIPS also sees the
whole pictures, black outside the mask (``lpips_vgg_masked_image``), as HyperGaussians' ``metrics.py`` has it. No distance is
multiplied by anything: published figures of that kind are, by 0.05 (``contract.lpips.FIELD_FACTOR``).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from numpy import ndarray
from torch import Tensor

from headsmith.contract.settings import ScoresSettings
from headsmith.nets.lpips import SMALLEST_SIDE as SMALLEST_OF_LPIPS
from headsmith.nets.lpips import Lpips, load_lpips
from headsmith.nets.stlpips import SMALLEST_SIDE as SMALLEST_OF_STLPIPS
from headsmith.nets.stlpips import StLpips, load_stlpips
from headsmith.stages.scores_regions import Row, Truth

Picture = UInt8[ndarray, "H W 3"]

SMALLEST_SIDE = max(SMALLEST_OF_LPIPS, SMALLEST_OF_STLPIPS)


@dataclass(frozen=True)
class Metric:
    """A perceptual distance: what its scores are called, its network, and which cuts of the pictures it sees."""

    name: str
    network: StLpips | Lpips
    cuts: tuple[str, ...]


def load_metrics(
    settings: ScoresSettings, perceptual: Path | None, lpips_heads: Path | None, lpips_backbone: Path | None
) -> list[Metric]:
    """Return the metrics that the settings ask for.

    Raises:
        UserError: Weights are missing or are not the published ones.
    """
    metrics = []
    if settings.perceptual == "stlpips" and perceptual is not None:
        metrics.append(Metric("stlpips", load_stlpips(perceptual), ("head",)))
    if settings.lpips != "none" and lpips_heads is not None and lpips_backbone is not None:
        network = load_lpips(lpips_heads, lpips_backbone)
        metrics.append(Metric(f"lpips_{network.backbone}", network, ("head", "masked_image")))
    return metrics


def perceptual_scores(metrics: list[Metric], truth: Truth, pictures: Mapping[str, Picture | None]) -> Row:
    """Return the distances of some pictures from the truth.

    Args:
        metrics: The distances.
        truth: The true frame with its head mask.
        pictures: By the prefix of their scores; None where there is none.

    Returns:
        A score for each metric, cut and picture; None where there is no head or no picture.
    """
    scores: Row = {}
    for metric in metrics:
        for cut in metric.cuts:
            found = distances(metric, cut, truth, [picture for picture in pictures.values() if picture is not None])
            for prefix, picture in pictures.items():
                scores[f"{prefix}{metric.name}_{cut}"] = None if picture is None or not found else found.pop(0)
    return scores


@torch.no_grad()
def distances(metric: Metric, cut: str, truth: Truth, pictures: list[Picture]) -> list[float]:
    """Return the distances of pictures from the truth, all black outside its head mask; none where that is empty."""
    mask = truth.regions["head"]
    if not mask.any():
        return []
    box = head_box(mask) if cut == "head" else (slice(None), slice(None))
    return metric.network(*(to_tensor([p[box] for p in part], mask[box]) for part in ([truth.picture], pictures))).tolist()


def to_tensor(pictures: list[Picture], mask: Bool[ndarray, "H W"]) -> Float[Tensor, "B 3 H W"]:
    """Return pictures as networks see them, RGB in -1..1, black outside a mask."""
    scaled = np.stack([picture * mask[..., None] for picture in pictures]) / np.float32(127.5) - 1
    return torch.from_numpy(scaled.astype(np.float32)).permute(0, 3, 1, 2)


def head_box(mask: Bool[ndarray, "H W"]) -> tuple[slice, slice]:
    """Return rows and columns of the box around a mask, at least ``SMALLEST_SIDE`` long where the picture is."""
    rows, columns = (span(mask.any(axis), SMALLEST_SIDE) for axis in (1, 0))
    return rows, columns


def span(used: Bool[ndarray, "n"], smallest: int) -> slice:
    """Return the range of the true entries, grown inside the array to a smallest length where it is shorter."""
    first, last = int(used.argmax()), len(used) - int(used[::-1].argmax())
    first = max(0, min(first, (first + last - smallest) // 2))
    return slice(min(first, max(0, len(used) - smallest)), min(len(used), max(last, first + smallest)))
