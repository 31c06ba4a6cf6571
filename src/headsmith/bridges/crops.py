"""Where a program's square crops lay in the whole image, so that what it found in a crop is said of the image.

A crop is a similarity (scale, turn, shift): DECA, EMOCA and SMIRK warp the image with skimage's ``tform``, which takes pixels
of the whole image to those of the crop; SHeaP cuts a box. Pixels are counted as these programs count them, without a shift of
half a pixel between the two.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from headsmith.contract.errors import UserError

SIZE_SHAPES: Mapping[str, tuple[int, ...]] = {"width": (), "height": ()}
"""Arrays that say how large the whole image was, pixels."""
TFORM_SHAPES: Mapping[str, tuple[int, ...]] = {"tform": (3, 3), **SIZE_SHAPES}
"""Arrays that say where a warped crop lay."""
SOUND = 1e-3
"""Share by which a ``tform`` may differ from a similarity, which float32 does by 1e-6."""
LEAST_SQUARE = 0.02
"""Share by which the sides of a box may differ: those of whole numbers do by one pixel."""
SIZE_REMEDY = "save `width` and `height` of the whole image with each frame (docs/formats.md has the lines to add)"


@dataclass(frozen=True)
class Crops:
    """The crop of each frame: a crop's pixel p is at ``scale turn p + shift`` of the image.

    Attributes:
        scale: Pixels of the image in one of the crop.
        turn: Rotations in the image's plane.
        shift: Pixels of the image.
        size: Width and height of the image.
    """

    scale: Float[ndarray, " T"]
    turn: Float[ndarray, "T 2 2"]
    shift: Float[ndarray, "T 2"]
    size: tuple[int, int]

    def to_image(self, pixels: Float[ndarray, "T 2"]) -> Float[ndarray, "T 2"]:
        """Return where a pixel of each crop is in the image."""
        return self.scale[:, None] * np.einsum("tij,tj->ti", self.turn, pixels) + self.shift

    def views(self) -> Float[ndarray, "T 3 3"]:
        """Return the turns about the optical axis that the crops undid, in OpenGL's axes (y up)."""
        views = np.tile(np.eye(3), (len(self.scale), 1, 1))
        views[:, :2, :2] = self.turn.transpose(0, 2, 1)
        return views


def warped_crops(columns: Mapping[str, Float[ndarray, "T *shape"]], count: int, side: int, path: Path) -> Crops:
    """Return the crops of a program that warps with ``tform``.

    Args:
        columns: What was read of ``TFORM_SHAPES``. Without ``tform`` the image was the crop, or was shrunk to it.
        count: Number of frames.
        side: Side of the crop, pixels.
        path: Where they stand, for messages.

    Raises:
        UserError: ``tform`` takes the crop to the image instead, or is no similarity; or the image's size is missing, changes,
            or is not square where the whole image was the crop.
    """
    if "tform" not in columns:
        size = image_size(columns, path) if "width" in columns else (side, side)
        if size[0] != size[1]:
            remedy = "let it crop the face (SMIRK: --crop; DECA: --iscrop True) and save `tform`, or give it square images"
            raise UserError(f"without `tform` images of {size} were squeezed to {side} x {side}", file=path, remedy=remedy)
        return Crops(np.full(count, size[0] / side), np.tile(np.eye(2), (count, 1, 1)), np.zeros((count, 2)), size)
    inverse = np.linalg.inv(sound_tform(columns["tform"], path))
    scale = np.sqrt(np.linalg.det(inverse[:, :2, :2]))
    return Crops(scale, inverse[:, :2, :2] / scale[:, None, None], inverse[:, :2, 2], image_size(columns, path))


def sound_tform(tform: Float[ndarray, "T 3 3"], path: Path) -> Float[ndarray, "T 3 3"]:
    """Return similarities from the image to the crop as they are.

    Raises:
        UserError: They are not.
    """
    remedy = "save skimage's `tform.params` as it is: the whole image's pixels to the crop's, before any inverse or transpose"
    corner = np.array([0, 0, 1.0])
    if (np.abs(tform[:, 2] - corner) > SOUND).any():
        turned = (np.abs(tform[:, :, 2] - corner) <= SOUND).all()
        raise UserError("`tform` is transposed" if turned else "`tform` is no affine map", file=path, remedy=remedy)
    across, along = tform[:, 0, 0] - tform[:, 1, 1], tform[:, 0, 1] + tform[:, 1, 0]
    size = np.abs(tform[:, :2, :2]).max((1, 2))
    if (np.maximum(np.abs(across), np.abs(along)) > SOUND * size).any() or (size <= 0).any():
        raise UserError("`tform` is no similarity: it squeezes, shears or mirrors", file=path, remedy=remedy)
    return tform


def boxed_crops(boxes: Float[ndarray, "T 4"], size: tuple[int, int], side: int, path: Path) -> Crops:
    """Return the crops of a program that cuts boxes and scales them to squares.

    Args:
        boxes: Left, top, right and bottom edge, pixels of the image.
        size: Width and height of the image.
        side: Side of the crop, pixels.
        path: Where they stand, for messages.

    Raises:
        UserError: A box is empty or is not square.
    """
    sides = boxes[:, 2:] - boxes[:, :2]
    if (sides <= 0).any():
        raise UserError("a box is empty: it holds left, top, right and bottom edge, in pixels", file=path)
    if (np.abs(sides[:, 0] / sides[:, 1] - 1) > LEAST_SQUARE).any():
        worst = sides[np.abs(np.log(sides[:, 0] / sides[:, 1])).argmax()]
        remedy = "pad the images so that the face is not at their edge, and run it again"
        raise UserError(f"a box of {worst[0]:.0f} x {worst[1]:.0f} was squeezed to a square", file=path, remedy=remedy)
    scale = sides.mean(1) / side
    shift = boxes.reshape(-1, 2, 2).mean(1) - scale[:, None] * side / 2
    return Crops(scale, np.tile(np.eye(2), (len(boxes), 1, 1)), shift, size)


def image_size(columns: Mapping[str, Float[ndarray, "T *shape"]], path: Path) -> tuple[int, int]:
    """Return width and height of the images, pixels.

    Raises:
        UserError: They are missing, change, or are no whole positive numbers.
    """
    if not SIZE_SHAPES.keys() <= columns.keys():
        raise UserError("the size of the whole image is not known", file=path, remedy=SIZE_REMEDY)
    sides = {(float(width), float(height)) for width, height in zip(columns["width"], columns["height"], strict=True)}
    if len(sides) > 1:
        raise UserError("the size of the whole image changes between frames", file=path, remedy="give it one video")
    width, height = sides.pop()
    if min(width, height) < 1 or (width, height) != (int(width), int(height)):
        raise UserError(f"images of {width:g} x {height:g} pixels", file=path, remedy=SIZE_REMEDY)
    return int(width), int(height)
