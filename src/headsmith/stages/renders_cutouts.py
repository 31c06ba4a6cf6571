"""Renders for other uses than scores: over a plain colour or nothing, at any size; and how fast they are drawn."""

import time
from typing import Literal

import cv2
import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from headsmith.maths.cameras import Camera
from headsmith.media.parallel import map_in_order
from headsmith.splat.avatar import View
from headsmith.stages.avatar_file import TrainedAvatar

COLOURS = {"green": (0.0, 1.0, 0.0), "white": (1.0, 1.0, 1.0), "transparent": (0.0, 0.0, 0.0)}
"""Backgrounds, RGB in 0..1; a transparent picture is drawn over black, which adds nothing to it."""

TIMED = 10
"""Pictures that each thread draws to tell the speed, after one that warms up."""

LEAST_ALPHA = 1 / 255
"""Alpha below which a pixel of a transparent picture has no colour."""


def resized(camera: Camera, scale: float) -> Camera:
    """Return a camera whose picture is larger by a factor; sizes are rounded to whole pixels."""
    width, height = (max(1, round(side * scale)) for side in camera.size)
    factors = torch.tensor([width / camera.size[0], height / camera.size[1]])
    return Camera(camera.rotation, camera.translation, camera.focal * factors, camera.principal * factors, (width, height))


def plate_of(trained: TrainedAvatar, size: tuple[int, int]) -> Float[Tensor, "H W 3"]:
    """Return the avatar's plate, width and height as asked."""
    plate = trained.plate.numpy()
    if plate.shape[1::-1] == size:
        return trained.plate
    how = cv2.INTER_AREA if size[0] < plate.shape[1] else cv2.INTER_CUBIC
    return torch.from_numpy(cv2.resize(plate, size, interpolation=how).clip(0, 1))


@torch.no_grad()
def cut_out(
    trained: TrainedAvatar,
    view: View,
    background: Literal["plate", "green", "white", "transparent"],
    scale: float,
) -> UInt8[np.ndarray, "H W C"]:
    """Return an avatar's picture: RGB, or RGBA with straight alpha where it is transparent.

    Args:
        trained: The avatar.
        view: What it does, and its camera.
        background: What is behind it.
        scale: Of the picture against the frames.
    """
    seen = View(view.points, view.condition, resized(view.camera, scale))
    behind = plate_of(trained, seen.camera.size) if background == "plate" else torch.tensor(COLOURS[background])
    image, alpha = trained.avatar(seen, behind)
    if background == "transparent":
        own = torch.where(alpha[..., None] >= LEAST_ALPHA, image / alpha[..., None].clamp(min=LEAST_ALPHA), torch.zeros(()))
        image = torch.cat([own, alpha[..., None]], -1)
    return (image.clamp(0, 1) * 255).round().byte().numpy()


def frames_per_second(trained: TrainedAvatar, view: View, side: int, threads: int) -> float:
    """Return how many pictures of a width are drawn in a second, deformation and drawing together, several at once."""
    scale = side / view.camera.size[0]
    cut_out(trained, view, "white", scale)
    started = time.perf_counter()
    for _ in map_in_order(lambda _: cut_out(trained, view, "white", scale), range(TIMED * threads), threads):
        pass
    return TIMED * threads / (time.perf_counter() - started)
