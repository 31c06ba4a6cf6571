"""Reading IMavatar's ``flame_params.json`` back, whoever wrote it."""

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from headsmith.bridges.columns import build_track, read_codes
from headsmith.bridges.given import SAME, check_head, numbers, read_json, whole_number
from headsmith.bridges.imavatar import FACTOR
from headsmith.bridges.root_pose import pose_of_camera, root_joints
from headsmith.bridges.track import Track
from headsmith.contract.errors import UserError
from headsmith.heads.model import HeadModel
from headsmith.media.images import read_image

OLD_SIZE = 512
"""The size of the images of files whose intrinsics are in pixels."""
SHAPES = {"world_mat": (3, 4), "expression": (-1,), "pose": (15,), "eyelids": (2,)}
"""Arrays of a frame."""


def read_imavatar(path: Path, model: HeadModel) -> Track:
    """Return the clip of a folder for IMavatar; its ids are the images' numbers less one.

    Args:
        path: The folder of ``flame_params.json`` and its images, the first of which tells their size.
        model: The head that the codes are of, float64.

    Raises:
        UserError: A file cannot be read or lacks something, or pixels are not square.
    """
    file = path / "flame_params.json"
    content, entries = listed_frames(file, model)
    height, width = read_image(path / f"{entries[0]['file_path']}.png").shape[:2]
    focal, principal = read_lens(content, (width, height), file)
    rows = {key: read_rows(entries, key, shape, file) for key, shape in SHAPES.items()}
    shape = np.tile(numbers(content, "shape_params", (-1,), file), (len(entries), 1))
    codes = read_codes(model, shape, rows["expression"], file)
    joints, pose, view = root_joints(model, codes.identity, codes.expression), rows["pose"], rows["world_mat"]
    return build_track(
        model,
        ids=[image_number(entry, file) - 1 for entry in entries],
        codes=codes,
        pose=pose_of_camera(pose[:, :3], np.zeros_like(joints), joints, (view[..., :3], view[..., 3] / FACTOR)),
        focal=focal,
        principal=principal,
        size=(width, height),
        jaw=pose[:, 6:9],
        eyes=pose[:, 9:].reshape(-1, 2, 3),
        neck=pose[:, 3:6],
        eyelids=rows["eyelids"],
    )


def read_rows(entries: list[dict[str, Any]], key: str, shape: tuple[int, ...], file: Path) -> Float[ndarray, "T *n"]:
    """Return an array of all frames.

    Raises:
        UserError: It is missing, or of another shape than asked for or than in the first.
    """
    rows = [numbers(entry, key, shape, file) for entry in entries]
    if len({row.shape for row in rows}) > 1:
        raise UserError(f"{key!r} has different lengths in different frames", file=file)
    return np.stack(rows)


def image_number(entry: dict[str, Any], file: Path) -> int:
    """Return the number of a frame's image.

    Raises:
        UserError: It has none.
    """
    name = Path(entry["file_path"]).name
    number = whole_number(name)
    if number is None:
        raise UserError(
            f"the image {name[:60]!r} is not named by a number", file=file, remedy="name images 1.png, 2.png and on"
        )
    return number


def read_lens(content: dict[str, Any], size: tuple[int, int], file: Path) -> tuple[float, Float[ndarray, "2"]]:
    """Return focal length and principal point, pixels. Older files have them in pixels of images of ``OLD_SIZE``.

    Raises:
        UserError: They are missing, or pixels are not square.
    """
    values = np.abs(numbers(content, "intrinsics", (4,), file))
    focal, upright, *principal = (values / OLD_SIZE if values[3] > 1 else values) * (*size, *size)
    if not np.isclose(focal, upright, rtol=SAME):
        raise UserError(f"pixels are not square: focal lengths {focal:.6g} and {upright:.6g}", file=file)
    return float(focal), np.array(principal)


def listed_frames(file: Path, model: HeadModel) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the content of ``flame_params.json`` and its frames; lids are open where they are not told.

    Raises:
        UserError: It cannot be read, or is of another head.
    """
    content = read_json(file)
    try:
        entries = [{"eyelids": [0.0, 0.0], **entry} for entry in content["frames"] if isinstance(entry["file_path"], str)]
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"this is no list of FLAME's parameters: {error!r}", file=file) from error
    if not entries:
        raise UserError("it lists no frames", file=file)
    check_head(content.get("head_sha256", model.sha256), model, file)
    return content, entries
