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
    the map is drawn, so they still hide what lies below them.

    Args:
        container: The head, with texture coordinates in 0..1, v up.
        side: Texels along a side of the map; 128 in FlashAvatar, where FLAME gets 13,453 points.

    Raises:
        ValueError: The map covers nothing.
    """
    corners = container.uv.astype(np.float64)
    flat = np.stack([corners[:, 0] * side, (1 - corners[:, 1]) * side, np.ones(len(corners))], 1)
    faces, barycentrics, _ = rasterize_mesh(flat, container.uv_faces, side, side, cull=False)
    left_out = np.isin(container.faces, container.regions.get(BOUNDARY, ())).any(1)
    rows, columns = np.nonzero((faces >= 0) & ~left_out[faces])
    if not len(rows):
        raise ValueError(f"a map of {side} texels a side covers nothing of the head")
    chosen = torch.from_numpy(faces[rows, columns].astype(np.int64))
    return Binding(chosen, torch.from_numpy(barycentrics[rows, columns].astype(np.float32)))
