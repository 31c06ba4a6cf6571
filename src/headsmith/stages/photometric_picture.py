"""What the refinement changed, to look at: frames beside the drawn skin before and after, and what is left of them."""

from pathlib import Path
from typing import Final

import numpy as np
import torch
from jaxtyping import UInt8
from numpy import ndarray

from headsmith.bridges.track import Track
from headsmith.maths.harmonics import harmonics
from headsmith.media.atomic import atomic_path
from headsmith.media.images import write_image
from headsmith.stages.photometric_fit import Refinement
from headsmith.stages.photometric_skin import Skin, spread_evenly

ROWS: Final = 4
GAIN: Final = 8
"""Differences are shown so many times as large, around middle grey."""


def draw_comparison(refinement: Refinement, before: tuple[Track, Skin], after: tuple[Track, Skin], path: Path) -> None:
    """Write a picture: a row a frame; the frame, the skin drawn before and after, and the differences before and after.

    Args:
        refinement: The clip.
        before: Tracking by landmarks, and the skin that it gives.
        after: The refined tracking, and its skin.
        path: The picture.
    """
    rows = []
    for place in spread_evenly(refinement.task.places, ROWS):
        drawn = [draw_skin(refinement, track, skin, place) for track, skin in (before, after)]
        rows.append(np.concatenate([drawn[0][0], *(part[1] for part in drawn), *(part[2] for part in drawn)], 1))
    with atomic_path(path) as partial:
        write_image(partial, np.concatenate(rows))


def draw_skin(refinement: Refinement, track: Track, skin: Skin, place: int) -> tuple[UInt8[ndarray, "S S 3"], ...]:
    """Return a frame, the same with its skin drawn, and the difference."""
    scene, size = refinement.scene, refinement.sizes[-1]
    look = scene.looks(track, size)(place)
    picture, _ = scene.pictures.at(place, size)
    with torch.no_grad():
        colours = skin.frame.look_up(skin.texture, look.uv) * (harmonics(look.normals) @ skin.lights[place])
    drawn, difference = picture.copy(), np.full_like(picture, 0.5)
    drawn[look.rows, look.columns] = colours.numpy()
    difference += GAIN * (picture - drawn)
    return tuple((part.clip(0, 1) * 255).round().astype(np.uint8) for part in (picture, drawn, difference))
