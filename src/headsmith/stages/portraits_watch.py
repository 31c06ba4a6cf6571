"""What is kept of a portrait's fit for people: the losses of every step, and a video of how it went on."""

import csv
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import torch
from jaxtyping import UInt8
from numpy import ndarray

from headsmith.contract.settings import PortraitsSettings
from headsmith.media.atomic import atomic_path
from headsmith.media.video_writer import VideoWriter
from headsmith.stages.portraits_descent import Scene
from headsmith.stages.portraits_prepared import PreparedPortrait
from headsmith.stages.portraits_synthesis import pose, show, skin_albedo, skin_light
from headsmith.stages.portraits_unknowns import Unknowns

LOSSES: Final = (
    *("landmarks", "colours", "identity", "expression", "pose", "texture", "light", "offset_smooth", "offset_small"),
)
"""All losses there may be, in the order of the table's columns."""
FPS: Final = 12.0
FACE: Final = 0.75
"""How much of the synthesis is laid over the picture's own skin in the second half of a frame."""


class Record:
    """Writes ``{picture}.csv``, and ``{picture}.mp4`` where ``settings.progress`` asks for it.

    The files appear when the stack is closed. Pictures that are fitted together have the same losses.

    Args:
        prepared: The pictures.
        folder: Where the files go.
        settings: Whether, and by how many steps, frames are drawn.
        stack: Closes what is open.
    """

    def __init__(
        self, prepared: Sequence[PreparedPortrait], folder: Path, settings: PortraitsSettings, stack: ExitStack
    ) -> None:
        self._every = settings.progress_every if settings.progress and settings.photometric else 0
        self._pictures = [part.picture for part in prepared]
        self._rows: list[dict[str, float | int | str]] = []
        self._videos = [stack.enter_context(VideoWriter(folder / f"{part.name}.mp4", FPS)) for part in prepared if self._every]
        if settings.photometric:
            stack.callback(self._write, [folder / f"{part.name}.csv" for part in prepared])

    def __call__(self, step: int, stage: str, scene: Scene, unknowns: Unknowns, losses: dict[str, float]) -> None:
        """Take what a step found."""
        self._rows.append({"step": step, "stage": stage, **losses})
        if self._every and step % self._every == 0:
            shown = draw_faces(scene, unknowns, stage)
            for video, picture, face in zip(self._videos, self._pictures, shown, strict=True):
                video.add(np.concatenate([picture, face], 1))

    def _write(self, paths: list[Path]) -> None:
        for path in paths:
            with atomic_path(path) as partial, partial.open("w", newline="") as stream:
                table = csv.DictWriter(stream, ("step", "stage", *LOSSES), restval="")
                table.writeheader()
                table.writerows({name: told(value) for name, value in row.items()} for row in self._rows)


def told(value: float | int | str) -> str:
    """Return a number as the table has it."""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def draw_faces(scene: Scene, unknowns: Unknowns, stage: str) -> list[UInt8[ndarray, "S S 3"]]:
    """Return each picture with the skin that a stage has found over it, in its light."""
    side = scene.frozen.size
    images = [part.picture.copy() for part in scene.prepared]
    everywhere = torch.ones(len(images), side, side, dtype=torch.bool)
    with torch.no_grad():
        shown = show(pose(unknowns, scene.frozen, scene.surface), scene.surface, scene.renderer, everywhere, side)
        albedo = skin_albedo(shown, unknowns, scene.surface, scene.space, scene.sees_offset(stage))
        colours = (255 * albedo * skin_light(shown, unknowns)).clamp(0, 255).round().byte().numpy()
    for row, image in enumerate(images):
        mine = (shown.picture == row).numpy()
        face = image.copy()
        face[shown.rows.numpy()[mine], shown.columns.numpy()[mine]] = colours[mine]
        images[row] = cv2.addWeighted(face, FACE, image, 1 - FACE, 0)
    return images
