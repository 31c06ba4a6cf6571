"""The weak-perspective camera of DECA, EMOCA and SMIRK as a pinhole camera far away.

They project a vertex (X, Y, Z) of their world, axes as the head's own, to ``(s (X + tx), -s (Y + ty))``: -1..1 over a square
crop of 224 pixels, y down (field guide 6.4; ``batch_orth_proj`` of DECA and SMIRK, whose renderers then negate y and z). One
metre is ``k = 112 s a`` pixels of the image, with ``a`` pixels of the image in one of the crop. A pinhole camera with focal
length f that has the world's origin at depth ``f / k``, where it is seen, sees the same as f grows (field guide 5.3). At finite
f, what is nearer by dz than the world's origin is seen larger by the share ``dz k / f``, around the principal point.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from headsmith.bridges.columns import build_track, read_codes
from headsmith.bridges.crops import Crops, warped_crops
from headsmith.bridges.root_pose import Extrinsics, pose_of_camera, root_joints
from headsmith.bridges.track import Track
from headsmith.contract.errors import UserError
from headsmith.heads.model import HeadModel
from headsmith.maths.cameras import FLIP

CROP = 224
"""Side of the crops, pixels (DECA's ``cfg.dataset.image_size``, SMIRK's ``input_image_size``)."""
DISTANCE = 10.0
"""Metres: median distance of the head where no focal length is asked for. What is 6 cm before or behind the head's origin is
then seen 0.6 % larger or smaller than the program meant, at any resolution; float32 still tells a hundredth of a pixel."""


@dataclass(frozen=True)
class WeakFrames:
    """What these programs find in the frames of a clip.

    Attributes:
        camera: s, tx and ty.
        root: Axis-angle of the root, radians.
        jaw: Axis-angle of the jaw, radians.
        identity: Identity codes, as many as the program has.
        expression: Expression codes.
        eyes: Axis-angle of the left and the right eye, where they are known.
        eyelids: Left and right, where they are known.
    """

    camera: Float[ndarray, "T 3"]
    root: Float[ndarray, "T 3"]
    jaw: Float[ndarray, "T 3"]
    identity: Float[ndarray, "T k"]
    expression: Float[ndarray, "T e"]
    eyes: Float[ndarray, "T 2 3"] | None = None
    eyelids: Float[ndarray, "T 2"] | None = None


def pinhole_track(
    frames: WeakFrames, columns: Mapping[str, Float[ndarray, "T *shape"]], ids: list[int], model: HeadModel, path: Path
) -> Track:
    """Return the clip of a program with weak-perspective cameras, seen by one pinhole camera.

    Args:
        frames: What it found.
        columns: What was read of ``crops.TFORM_SHAPES``.
        ids: Number of each frame, ascending.
        model: The head that the codes are of, float64.
        path: Where they stand, for messages.

    Raises:
        UserError: The crop is not known, a scale is not positive, or there are more codes than the head has.
    """
    crops = warped_crops(columns, len(ids), CROP, path)
    view, focal, principal = pinhole(frames.camera, crops, path)
    codes = read_codes(model, frames.identity, frames.expression, path)
    joints = root_joints(model, codes.identity, codes.expression)
    return build_track(
        model,
        ids=ids,
        codes=codes,
        pose=pose_of_camera(frames.root, np.zeros_like(joints), joints, view),
        focal=focal,
        principal=principal,
        size=crops.size,
        jaw=frames.jaw,
        eyes=frames.eyes,
        eyelids=frames.eyelids,
    )


def pinhole(
    cameras: Float[ndarray, "T 3"], crops: Crops, path: Path, focal: float | None = None
) -> tuple[Extrinsics, float, Float[ndarray, "2"]]:
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
