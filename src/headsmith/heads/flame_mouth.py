"""Triangles that close FLAME's open mouth: a skin between the lips' inner edges, so that no one looks through the head.

FlashAvatar (Xiang, Gao, Guo and Zhang 2024; MIT licence) has them in its ``FlameMesh.obj``.
"""

from typing import Final

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

CLOSING: Final[tuple[tuple[int, int, int], ...]] = (
    *((1862, 1860, 1572), (2862, 2861, 2731), (2731, 2730, 2862), (2730, 2708, 2945), (2708, 2709, 2943)),
    *((2943, 2945, 2708), (2945, 2930, 2854), (2730, 2857, 2862), (2933, 2941, 2783), (2941, 3497, 3514)),
    *((2857, 2730, 2945), (2930, 2933, 2782), (2782, 2854, 2930), (2854, 2857, 2945), (3514, 2783, 2941)),
    *((2783, 2782, 2933), (1665, 1666, 1835), (1666, 3514, 1852), (1835, 1666, 1852), (1742, 1739, 1862)),
    *((1739, 1665, 1830), (1862, 1739, 1830), (1595, 1746, 1747), (1747, 1742, 1594), (3497, 1852, 3514)),
    *((1835, 1830, 1665), (1742, 1862, 1594), (1594, 1595, 1747), (1573, 1572, 1860), (1572, 1594, 1862)),
)
"""Vertices of the triangles that are added, in the order and turn of that file."""

CELLS: Final = 64
"""Cells across the texture in which a free place is looked for."""

SIDES: Final = (8, 6, 4, 3, 2, 1)
"""Cells across the free place, the largest that there is."""


def close_mouth(
    template: Float[ndarray, "V 3"], faces: Int[ndarray, "F 3"], uv: Float[ndarray, "U 2"], uv_faces: Int[ndarray, "F 3"]
) -> tuple[Int[ndarray, "G 3"], Float[ndarray, "W 2"], Int[ndarray, "G 3"]]:
    """Return triangles, texture coordinates and their triangles with the mouth closed; what was there keeps its place.

    The new triangles get a place of their own in the texture, seen from the front, where no other triangle is.

    Raises:
        ValueError: The texture is full.
    """
    closing = np.array(CLOSING)
    used, places = np.unique(closing, return_inverse=True)
    corner, side = free_square(uv, uv_faces)
    seen = template[used, :2] - template[used, :2].min(0)
    island = corner + side * (0.05 + 0.9 * seen / max(float(seen.max()), np.finfo(np.float32).tiny))
    added = len(uv) + places.reshape(closing.shape)
    return np.concatenate([faces, closing]), np.concatenate([uv, island]), np.concatenate([uv_faces, added])


def free_square(uv: Float[ndarray, "U 2"], uv_faces: Int[ndarray, "F 3"]) -> tuple[Float[ndarray, "2"], float]:
    """Return the lower left corner and the side of a square of the texture that no triangle's box touches.

    Raises:
        ValueError: There is none.
    """
    taken = np.zeros((CELLS, CELLS), bool)
    corners = (uv[uv_faces] * CELLS).clip(0, CELLS - 1).astype(np.int64)
    for low, high in zip(corners.min(1).tolist(), corners.max(1).tolist(), strict=True):
        taken[low[0] : high[0] + 1, low[1] : high[1] + 1] = True
    for side in SIDES:
        windows = np.lib.stride_tricks.sliding_window_view(taken, (side, side)).any((2, 3))
        if not windows.all():
            return np.argwhere(~windows)[0] / CELLS, side / CELLS
    raise ValueError("no place of the texture is free")
