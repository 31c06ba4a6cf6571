"""An avatar drawn in poses that no frame showed, and how much of it falls apart there."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor

from headsmith.media.parallel import map_in_order
from headsmith.splat import soundness
from headsmith.splat.avatar import View
from headsmith.splat.rasterize import rasterize
from headsmith.splat.soundness import Soundness, count_faults
from headsmith.stages.avatar_file import TrainedAvatar
from headsmith.stages.avatar_views import ClipViews
from headsmith.stages.novel_views_outline import MARGIN, Reach, outline_of
from headsmith.stages.novel_views_poses import Pose, frames_again, heads_of, orbit, sweep, sweeps_of
from headsmith.stages.novel_views_reach import measured_ids, reach_of

Picture = UInt8[np.ndarray, "H W 3"]

GROUPS = ("training", "orbit", "sweeps", "sweeps_beyond")
"""Kinds of views: frames that were trained on, the orbit, sweeps within what the clip showed, and beyond it."""


@dataclass(frozen=True)
class Shot:
    """One picture of an avatar.

    Attributes:
        pose: What was turned or moved, and how far.
        picture: The avatar over its plate.
        faults: What falls apart in it.
    """

    pose: Pose
    picture: Picture
    faults: Soundness


def draw_shots(views: ClipViews, poses: list[Pose], trained: TrainedAvatar, reach: Reach, threads: int) -> Iterator[Shot]:
    """Yield a picture and its faults for each row of some views; the number of threads changes nothing.

    Args:
        views: The poses.
        poses: What is told of each.
        trained: The avatar.
        reach: How far the person lies off the mesh.
        threads: Pictures in work at once.
    """

    @torch.no_grad()
    def draw(item: tuple[Pose, tuple[View, Tensor]]) -> Shot:
        pose, (view, head) = item
        splats = trained.avatar.splats(view)
        image, alpha = rasterize(*splats, view.camera, trained.plate)
        inside, outside = outline_of(head, views.head.container, view.camera).masks(reach)
        picture = (image.clamp(0, 1) * 255).round().byte().numpy()
        return Shot(pose, picture, count_faults(splats, view.points, alpha, inside, outside))

    pairs = zip(poses, heads_of(views, trained.binding), strict=True)
    return (shot for _, shot in map_in_order(draw, pairs, threads))


class Tally:
    """Sums up the faults of shots, kind by kind of view."""

    def __init__(self) -> None:
        self.shots: dict[str, list[tuple[str, Soundness]]] = {group: [] for group in GROUPS}

    def add(self, group: str, shot: Shot) -> None:
        """Take a shot; a sweep's counts by whether the clip's frames went as far."""
        group = "sweeps_beyond" if group == "sweeps" and not shot.pose.seen else group
        self.shots[group].append((f"{shot.pose.name}: {shot.pose.words}", shot.faults))

    def summary(self) -> dict[str, dict[str, Any]]:
        """Return, for each kind of view: how many, how many have a fault, and for each fault mean, most, and the worst view."""
        return {group: self._summary(shots) for group, shots in self.shots.items() if shots}

    @staticmethod
    def _summary(shots: list[tuple[str, Soundness]]) -> dict[str, Any]:
        content: dict[str, Any] = {"views": len(shots), "faulty": sum(any(faults) for _, faults in shots)}
        for name in Soundness._fields:
            counts = [getattr(faults, name) for _, faults in shots]
            worst = int(np.argmax(counts))
            content[name] = {"mean": round(sum(counts) / len(counts), 2), "most": counts[worst], "worst": shots[worst][0]}
        return content


def thresholds() -> dict[str, float]:
    """Return what counts as a fault, by name and unit."""
    return {
        "floater_opacity": soundness.FAINT,
        "floater_distance_mm": 1000 * soundness.FAR,
        "needle_ratio": soundness.NEEDLE_RATIO,
        "needle_deviation_mm": 1000 * soundness.NEEDLE_LENGTH,
        "hole_alpha": soundness.THIN,
        "spike_alpha": soundness.THICK,
        "outline_margin_mm": 1000 * MARGIN,
    }


def soundness_of(
    trained: TrainedAvatar,
    views: ClipViews,
    ids: list[int],
    *,
    clip: str,
    head_masks: Path,
    parsing: Path | None,
    yaw: float = 30.0,
    pitch: float = 15.0,
    every: int = 6,
    threads: int = 1,
) -> dict[str, dict[str, Any]]:
    """Return what falls apart of an avatar, for experiments: the stage's counts over some of its views.

    Args:
        trained: The avatar, its binding and the plate.
        views: The tracked clip.
        ids: Its training frames.
        clip: Name of the clip.
        head_masks: Manifest of the head masks.
        parsing: Manifest of the label maps; None where the clip has none.
        yaw: Of the orbit, degrees to either side.
        pitch: Of the orbit, degrees up and down.
        every: Of an orbit's and a sweep's views, each of this number is counted; 6 keeps the ends of both.
        threads: Views in work at once.
    """
    chosen, tally = measured_ids(ids), Tally()
    reach = reach_of(clip, views, chosen, trained.binding, head_masks, parsing)
    scenes = [("training", frames_again(views, chosen), [Pose("frame", str(frame_id), True) for frame_id in chosen])]
    scenes.append(("orbit", *orbit(views, ids, yaw, pitch)))
    scenes += [("sweeps", *sweep(views, ids, moved)) for moved in sweeps_of(views)]
    for group, scene, poses in scenes:
        rows = list(range(len(poses)))[:: 1 if group == "training" else every]
        some = frames_again(scene, rows)
        for shot in draw_shots(some, [poses[row] for row in rows], trained, reach, threads):
            tally.add(group, shot)
    return tally.summary()
