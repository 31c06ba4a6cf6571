"""FlashAvatar's binding: one Gaussian for each texel of a small UV map, without the neck's lower edge."""

import numpy as np
import torch

from headsmith.heads.container import HeadContainer
from headsmith.mesh.rasterize import rasterize_mesh
from headsmith.splat.binding import Binding

BOUNDARY = "boundary"
"""Region whose triangles get no Gaussians: the ring at the neck's lower end (`src/deform_model.py`)."""


def bind_all_texels(container: HeadContainer, side: int) -> Binding:
    """Return a point in the middle of each texel that the head covers, row by row from the map's upper left corner.

    The order is FlashAvatar's own, which its checkpoints need. Triangles that touch the region ``boundary`` are left out after
    the map is drawn, so they still hide what lies below them. Where triangles overlap in the map the first one counts.

    Args:
        container: The head, with texture coordinates in 0..1, v up.
        side: Texels along a side of the map; 128 in FlashAvatar, where FLAME gets 13,453 points.

    Raises:
        ValueError: The map covers nothing.
    """
    places = container.uv.astype(np.float64)[container.uv_faces] * [side, -side] + [0, side]
    depths = np.broadcast_to(1 + np.arange(len(places))[:, None, None] / len(places), (len(places), 3, 1))
    corners = np.concatenate([places, depths], 2).reshape(-1, 3)
    faces, barycentrics, _ = rasterize_mesh(corners, np.arange(len(corners)).reshape(-1, 3), side, side, cull=False)
    left_out = np.isin(container.faces, container.regions.get(BOUNDARY, ())).any(1)
    rows, columns = np.nonzero((faces >= 0) & ~left_out[faces])
    if not len(rows):
        raise ValueError(f"a map of {side} texels a side covers nothing of the head")
    chosen = torch.from_numpy(faces[rows, columns].astype(np.int64))
    return Binding(chosen, torch.from_numpy(barycentrics[rows, columns].astype(np.float32)))
