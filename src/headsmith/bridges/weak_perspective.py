"""The weak-perspective camera of DECA, EMOCA and SMIRK as a pinhole camera far away.

They project a vertex (X, Y, Z) of their world, axes as the head's own, to ``(s (X + tx), -s (Y + ty))``: -1..1 over a square
crop of 224 pixels, y down (field guide 6.4; ``batch_orth_proj`` of DECA and SMIRK, whose renderers then negate y and z). One
metre is ``k = 112 s a`` pixels of the image, with ``a`` pixels of the image in one of the crop. A pinhole camera with focal
length f that has the world's origin at depth ``f / k``, where it is seen, sees the same as f grows (field guide 5.3). At finite
f, what is nearer by dz than the world's origin is seen larger by the share ``dz k / f``, around the principal point.
"""

from pathlib import Path

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from headsmith.bridges.crops import Crops
from headsmith.bridges.root_pose import FLIP
from headsmith.contract.errors import UserError

View = tuple[Float[ndarray, "T 3 3"], Float[ndarray, "T 3"]]

CROP = 224
"""Side of the crops, pixels (DECA's ``cfg.dataset.image_size``, SMIRK's ``input_image_size``)."""
DISTANCE = 10.0
"""Metres: median distance of the head where no focal length is asked for. What is 6 cm before or behind the head's origin is
then seen 0.6 % larger or smaller than the program meant, at any resolution; float32 still tells a hundredth of a pixel."""


def pinhole(
    cameras: Float[ndarray, "T 3"], crops: Crops, path: Path, focal: float | None = None
) -> tuple[View, float, Float[ndarray, "2"]]:
    """Return a camera with one focal length for weak-perspective cameras in crops.

    Args:
        cameras: s, tx and ty of each frame.
        crops: Where the crops of ``CROP`` pixels lay.
        path: Where they stand, for messages.
        focal: Pixels of the image; that which puts the head ``DISTANCE`` away when left out.

    Returns:
        World to camera in OpenGL's axes, the focal length, and the principal point: these cameras have none, so that it is put
        where the head is seen, in the median over the frames, which leaves the least of perspective.

    Raises:
        UserError: A scale is not positive.
    """
    if (cameras[:, 0] <= 0).any():
        remedy = "leave out frames in which no face was found"
        raise UserError(f"a camera's scale is {cameras[:, 0].min():.3g}: not positive", file=path, remedy=remedy)
    scale, shift = cameras[:, 0], cameras[:, 1:]
    per_metre = CROP / 2 * scale * crops.scale
    length = DISTANCE * float(np.median(per_metre)) if focal is None else focal
    origin = crops.to_image(CROP / 2 * (1 + scale[:, None] * shift * [1, -1]))
    middle = np.median(origin, 0)
    depth = length / per_metre
    translation = np.concatenate([(origin - middle) * (depth / length)[:, None], depth[:, None]], 1)
    return (crops.views(), FLIP * translation), length, middle
