"""A texture space in the form of FLAME's own, ``FLAME_texture.npz``: what reads that reads this, for whatever head."""

from pathlib import Path
from typing import Final

import cv2
import numpy as np
from jaxtyping import Float32
from numpy import ndarray

from headsmith.contract.settings import LIGHT_SHARES
from headsmith.media.atomic import atomic_path
from headsmith.stages.texture_space_learning import Seen, TextureSpace
from headsmith.stages.texture_space_unwrap import Sheet, divided

EXAMPLES: Final = 6
SIDE: Final = 512
"""Of the examples, at most."""


def write_texture(path: Path, mean: Float32[ndarray, "M 3"], components: Float32[ndarray, "M 3 C"], sheet: Sheet) -> None:
    """Write ``mean (S, S, 3)`` and ``tex_dir (S, S, 3, C)``, blue, green, red of 0..255, and the unwrapping ``vt``, ``ft``.

    The first row of the pictures is at v = 1. Texels that lie on no surface have the nearest's colour.
    """
    size = sheet.texels.covered.shape[0]
    directions = sheet.texels.picture(components.reshape(len(components), -1)).reshape(size, size, 3, -1)
    parts = {"mean": sheet.texels.picture(mean)[:, :, ::-1], "tex_dir": directions[:, :, ::-1]}
    unwrapping = {"vt": sheet.head.uv.astype(np.float32), "ft": sheet.head.uv_faces.astype(np.int64)}
    with atomic_path(path) as partial, partial.open("wb") as stream:
        np.savez_compressed(stream, **{name: np.ascontiguousarray(part) for name, part in parts.items()}, **unwrapping)


def write_examples(path: Path, names: list[str], seen: Seen, space: TextureSpace, sheet: Sheet) -> None:
    """Write some pictures unwrapped, 0 where hidden, and the same completed: RGB, over the unwrapping."""
    chosen = np.unique(np.linspace(0, len(names) - 1, EXAMPLES).round().astype(int))
    unwrapped = [_small(sheet, 255 * divided(seen.colours[row], seen.light[row], LIGHT_SHARES[space.light])) for row in chosen]
    completed = []
    for row in chosen:
        whole = space.mean + space.components @ space.codes[row]
        whole[space.rows] = space.completed[row]
        completed.append(_small(sheet, whole))
    with atomic_path(path) as partial, partial.open("wb") as stream:
        parts = {"unwrapped": np.stack(unwrapped), "completed": np.stack(completed)}
        np.savez_compressed(stream, names=np.array([names[row] for row in chosen]), **parts)


def _small(sheet: Sheet, values: Float32[ndarray, "M 3"]) -> ndarray:
    picture = np.zeros((*sheet.texels.covered.shape, 3), np.float32)
    picture[sheet.texels.covered] = values
    side = min(SIDE, len(picture))
    return cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA).clip(0, 255).round().astype(np.uint8)
