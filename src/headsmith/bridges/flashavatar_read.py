"""Reading FlashAvatar's and metrical-tracker's ``.frame`` files that somebody brings."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray

from headsmith.bridges.columns import build_track, read_codes
from headsmith.bridges.flashavatar import FRAME_TO_IMAGE, read_frame
from headsmith.bridges.given import are_rotations, numbered_files, numbers, one_number
from headsmith.bridges.track import Track
from headsmith.contract.errors import UserError
from headsmith.heads.model import HeadModel
from headsmith.heads.pickles_values import Refusal
from headsmith.maths.rotations import matrix_from_6d, matrix_to_axis_angle


def open_frame(path: Path) -> dict[str, Any]:
    """Read a ``.frame`` that somebody brings.

    Raises:
        UserError: It cannot be read, or holds more than arrays and plain values.
    """
    try:
        return read_frame(path)
    except (OSError, Refusal) as error:
        remedy = "write it with torch.save, as a dictionary of numpy arrays and numbers: other things could run code"
        raise UserError(f"the file cannot be read: {error}", file=path, remedy=remedy) from error


def read_metrical_tracker(path: Path, model: HeadModel) -> Track:
    """Return the clip of a folder of ``.frame`` files: metrical-tracker's ``checkpoint``, or FlashAvatar's copy of it.

    Args:
        path: The folder.
        model: The head that the codes are of, float64.

    Raises:
        UserError: A file cannot be read, lacks something, or the lens changes.
    """
    files = numbered_files(Path(path), ".frame")
    frames = [read_parts(file) for _, file in files]
    stacked = {name: np.stack([frame[name] for frame in frames]) for name in frames[0]}
    remedy = "FlashAvatar takes the first frame's lens for all: track with one focal length"
    focal = one_number(stacked["K"][:, (0, 1), (0, 1)].ravel(), "focal length", path, remedy)
    principal = [one_number(stacked["K"][:, axis, 2], "principal point", path, remedy) for axis in (0, 1)]
    return build_track(
        model,
        ids=[number + FRAME_TO_IMAGE for number, _ in files],
        codes=read_codes(model, stacked["shape"], stacked["exp"], path),
        pose=(stacked["R"], stacked["t"]),
        focal=focal,
        principal=np.array(principal),
        size=size_of(stacked["img_size"][0], np.array(principal)),
        jaw=angles_of(stacked["jaw"]),
        eyes=angles_of(stacked["eyes"].reshape(-1, 2, 6)),
        eyelids=stacked["eyelids"],
    )


def read_parts(path: Path) -> dict[str, Float[ndarray, "*n"]]:
    """Return the arrays of a ``.frame`` that say something of the head and the camera.

    Raises:
        UserError: One is missing or of another shape, or the rotation is none.
    """
    content = open_frame(path)
    flame, camera = content.get("flame"), content.get("opencv")
    if not isinstance(flame, Mapping) or not isinstance(camera, Mapping):
        remedy = "Pixel3DMM's files have no `opencv`: set tracking.source to pixel3dmm"
        raise UserError("the file has no `flame` or no `opencv`", file=path, remedy=remedy)
    shapes = {"shape": (-1,), "exp": (-1,), "jaw": (6,), "eyes": (12,), "eyelids": (2,)}
    parts = {key: numbers(flame, key, shape, path) for key, shape in shapes.items()}
    parts |= {key: numbers(camera, key, shape, path) for key, shape in {"R": (3, 3), "t": (3,), "K": (3, 3)}.items()}
    if not are_rotations(parts["R"][None])[0]:
        raise UserError("opencv.R is no rotation", file=path, remedy="export R with orthonormal rows and determinant +1")
    return parts | {"img_size": numbers(content, "img_size", (2,), path)}


def angles_of(rows: Float[ndarray, "*b 6"]) -> Float[ndarray, "*b 3"]:
    """Return the axis-angle of rotations of which two rows are given."""
    return matrix_to_axis_angle(matrix_from_6d(torch.from_numpy(np.ascontiguousarray(rows)))).numpy()


def size_of(given: Float[ndarray, "2"], principal: Float[ndarray, "2"]) -> tuple[int, int]:
    """Return width and height: metrical-tracker writes the height first, FlashAvatar reads the width first.

    Of the two, the one is meant in whose middle the principal point lies.
    """
    first, second = (int(side) for side in given)
    options = ((second, first), (first, second))
    return min(options, key=lambda size: float(np.abs(np.array(size) / 2 - principal).max()))
