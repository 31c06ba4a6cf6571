"""Pixel3DMM's checkpoints (Giebenhain et al., 2025): a folder of ``<frame>.frame`` without metrical-tracker's ``opencv``.

FLAME 2020 with lids: codes; ``jaw``, ``neck`` and the two ``eyes`` as the first two rows of their matrices. The head with its
root at rest goes through ``R_rotation_matrix`` and ``t``, then through the camera ``R_base_0``, ``t_base_0`` (OpenGL's axes).
With images of 256 pixels the focal length is ``256 fl`` and the principal point ``128.5 (1 + pp)``, y down (``get_intrinsics``
without its hack, as the renderer has it; field guide 5.5).

It sees squares that its preprocessing cut from the video. Where ``crop_ymin_ymax_xmin_xmax.npy`` of that lies beside the frames
or a folder above, with the video's own size in ``image_size.npy`` (width, height), the clip is that of the whole images; else
it is that of squares of 512 pixels, as ``cropped/`` holds them.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from headsmith.bridges.columns import build_track, read_codes, read_columns
from headsmith.bridges.crops import Crops, boxed_crops
from headsmith.bridges.flashavatar_read import angles_of, open_frame
from headsmith.bridges.given import are_rotations, numbered_files, numbers, one_number
from headsmith.bridges.track import Track
from headsmith.contract.archives import check_array
from headsmith.contract.errors import UserError
from headsmith.heads.model import HeadModel
from headsmith.maths.cameras import FLIP

FLAME: dict[str, tuple[int, ...]] = {
    **{"shape": (-1,), "exp": (-1,), "jaw": (6,), "neck": (6,), "eyes": (12,), "eyelids": (2,)},
    **{"R_rotation_matrix": (3, 3), "t": (3,)},
}
CAMERA: dict[str, tuple[int, ...]] = {"R_base_0": (3, 3), "t_base_0": (3,), "fl": (), "pp": (2,)}
TRACKED = 256
"""Side of the images that it tracks, pixels (``config.size``)."""
MOST_BYTES = 2**20
"""Of the files beside the frames; they hold a few numbers."""
CROPPED = 512
"""Side of the squares that its preprocessing leaves in ``cropped/``, pixels."""
MIDDLE = TRACKED / 2 + 0.5
"""Its principal point for ``pp = 0``, pixels."""
CROP_FILE, SIZE_FILE = "crop_ymin_ymax_xmin_xmax.npy", "image_size.npy"
"""The first is its own; the second is to be written by the user."""


def read_pixel3dmm(path: Path, model: HeadModel) -> Track:
    """Return the clip of Pixel3DMM's folder ``checkpoint``.

    Args:
        path: The folder.
        model: The head that the codes are of, float64.

    Raises:
        UserError: A file cannot be read, lacks an array or has one of another shape, the lens changes, or a crop is given
            without the size of the images.
    """
    files = numbered_files(path, ".frame")
    columns = read_columns(files, read_content, FLAME | CAMERA)
    count, remedy = len(files), "track with one camera for all frames (global_camera)"
    length = one_number(columns["fl"], "focal length", path, remedy)
    middle = [one_number(1 + columns["pp"][:, axis], "principal point", path, remedy) for axis in (0, 1)]
    crops = read_crop(path)
    rotation, shift = columns["R_base_0"] @ columns["R_rotation_matrix"], columns["t_base_0"]
    return build_track(
        model,
        ids=[number for number, _ in files],
        codes=read_codes(model, columns["shape"], columns["exp"], path),
        pose=(
            sound(FLIP[:, None] * rotation, path),
            FLIP * (np.einsum("tij,tj->ti", columns["R_base_0"], columns["t"]) + shift),
        ),
        focal=float(crops.scale[0]) * TRACKED * length,
        principal=crops.to_image(MIDDLE * np.array([middle]))[0],
        size=crops.size,
        jaw=angles_of(columns["jaw"]),
        eyes=angles_of(columns["eyes"].reshape(count, 2, 6)),
        neck=angles_of(columns["neck"]),
        eyelids=columns["eyelids"],
    )


def read_content(path: Path) -> dict[str, Any]:
    """Return the arrays of a ``.frame`` that say something of the head and the camera.

    Raises:
        UserError: It cannot be read, or is metrical-tracker's.
    """
    content = open_frame(path)
    if "opencv" in content:
        raise UserError("the file has an `opencv`", file=path, remedy="set tracking.source to metrical_tracker")
    flame, camera = content.get("flame"), content.get("camera")
    if not isinstance(flame, Mapping) or not isinstance(camera, Mapping):
        raise UserError("the file has no `flame` or no `camera`", file=path, remedy="name Pixel3DMM's folder checkpoint")
    return {**flame, **camera}


def sound(rotations: Float[ndarray, "T 3 3"], path: Path) -> Float[ndarray, "T 3 3"]:
    """Return rotations as they are.

    Raises:
        UserError: One is none.
    """
    faulty = ~are_rotations(rotations)
    if faulty.any():
        what = f"R_base_0 times R_rotation_matrix is no rotation in the {int(np.argmax(faulty)) + 1}. file"
        raise UserError(what, file=path, remedy="use the files as Pixel3DMM wrote them")
    return rotations


def read_crop(folder: Path) -> Crops:
    """Return where the square of ``TRACKED`` pixels lay in the video's images, the same in all frames.

    Raises:
        UserError: The file of the crop or of the size is faulty or missing beside the other.
    """
    found = [place / CROP_FILE for place in (folder, folder.absolute().parent) if (place / CROP_FILE).is_file()]
    if not found:
        return boxed_crops(np.array([[0.0, 0, CROPPED, CROPPED]]), (CROPPED, CROPPED), TRACKED, folder)
    top, bottom, left, right = read_numbers(found[0], 4)
    size = found[0].with_name(SIZE_FILE)
    if not size.is_file():
        remedy = f"write it: np.save({SIZE_FILE!r}, [width, height]) with the size of the video in pixels"
        raise UserError(f"{CROP_FILE} is here, but no {SIZE_FILE}", file=size, remedy=remedy)
    width, height = (int(side) for side in read_numbers(size, 2))
    return boxed_crops(np.array([[left, top, right, bottom]]), (width, height), TRACKED, found[0])


def read_numbers(path: Path, count: int) -> Float[ndarray, " n"]:
    """Return the numbers of a ``.npy``.

    Raises:
        UserError: It cannot be read, or holds more or fewer.
    """
    try:
        check_array(path, MOST_BYTES)
        return numbers({path.stem: np.load(path, allow_pickle=False)}, path.stem, (count,), path)
    except (OSError, EOFError, ValueError) as error:
        raise UserError(f"the file cannot be read: {error}", file=path, remedy="write it with np.save") from error
