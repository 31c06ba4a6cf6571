"""Reading GaussianAvatars' folder back, whoever wrote it, as long as one camera saw the head."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy import ndarray

from headsmith.bridges.columns import build_track, read_codes, read_columns
from headsmith.bridges.given import are_rotations, check_head, numbers, one_number, read_json, read_npz, whole_number
from headsmith.bridges.root_pose import pose_of_camera, root_joints
from headsmith.bridges.track import Track
from headsmith.bridges.vhap import moved_joint
from headsmith.contract.errors import UserError
from headsmith.heads.model import HeadModel

SHAPES = {
    **{"shape": (-1,), "expr": (-1,), "rotation": (3,), "translation": (3,)},
    **{"neck_pose": (3,), "jaw_pose": (3,), "eyes_pose": (2, 3), "eyelids": (2,)},
}
"""Arrays of a frame, and their shapes; -1: any length."""
LENS = ("fl_x", "fl_y", "cx", "cy", "w", "h")


def read_gaussian_avatars(path: Path, model: HeadModel) -> Track:
    """Return the clip of a folder for GaussianAvatars; its ids are the numbers of the images that were tracked.

    Offsets of single vertices (``static_offset``, the first frame's for all, as GaussianAvatars takes it) are left out, told
    and refused as ``vhap.moved_joint`` does. ``dynamic_offset``, which GaussianAvatars leaves out, is left out.

    Args:
        path: The folder, or one ``transforms*.json`` in it.
        model: The head that the codes are of, float64.

    Raises:
        UserError: A file cannot be read or lacks something, the codes are of another head, there is more than one camera, its
            lens changes, or offsets move the face too far.
    """
    file = path / "transforms.json" if path.is_dir() else path
    entries = listed_frames(file, model)
    files = [(entry["timestep_index"], file.parent / entry["flame_param_path"]) for entry in entries]
    rows = read_columns(files, read_parameters, SHAPES)
    placed = np.stack([numbers(entry, "transform_matrix", (4, 4), file) for entry in entries])
    if not are_rotations(placed[:, :3, :3]).all():
        raise UserError("a transform_matrix does not turn by a rotation", file=file, remedy="export cameras without scaling")
    seen = np.linalg.inv(placed)
    codes = read_codes(model, rows["shape"], rows["expr"], path)
    offset = moved_joint(read_npz(files[0][1], ["static_offset"]), model, len(files), files[0][1])
    joints = root_joints(model, codes.identity, codes.expression) + offset
    return build_track(
        model,
        ids=frame_ids(entries, file),
        codes=codes,
        pose=pose_of_camera(rows["rotation"], rows["translation"], joints, (seen[:, :3, :3], seen[:, :3, 3])),
        **read_lens(entries, file),
        jaw=rows["jaw_pose"],
        eyes=rows["eyes_pose"],
        neck=rows["neck_pose"],
        eyelids=rows["eyelids"],
    )


def listed_frames(file: Path, model: HeadModel) -> list[dict[str, Any]]:
    """Return the frames of ``transforms.json`` in the order of time; what it says of the lens for all is in each.

    Raises:
        UserError: It cannot be read, is of another head, or its frames are not those of one camera.
    """
    content = read_json(file)
    try:
        shared = {key: content[key] for key in LENS if key in content}
        entries = sorted(({**shared, **entry} for entry in content["frames"]), key=lambda entry: int(entry["timestep_index"]))
        steps = {entry["timestep_index"] for entry in entries if isinstance(entry["flame_param_path"], str)}
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise UserError(f"this is no list of frames with FLAME's parameters: {error!r}", file=file) from error
    if len(steps) < len(entries) or not entries:
        remedy = "export one camera alone (VHAP: a monocular video, or a subset as `ci0`)"
        raise UserError(f"{len(entries)} images of {len(steps)} time steps: not one camera's", file=file, remedy=remedy)
    check_head(content.get("head_sha256", model.sha256), model, file)
    return entries


def frame_ids(entries: list[dict[str, Any]], file: Path) -> list[int]:
    """Return the number of each frame: that of its image (``timestep_id``), else its place among those that were tracked.

    Raises:
        UserError: They do not ascend.
    """
    names = [str(entry.get("timestep_id", "")) for entry in entries]
    places = [str(entry.get("timestep_index_original", entry["timestep_index"])) for entry in entries]
    named, placed = ([whole_number(text) for text in texts] for texts in (names, places))
    ids = [number for number in (placed if None in named else named) if number is not None]
    if len(ids) < len(entries) or (np.diff(ids) <= 0).any():
        remedy = "number the images (timestep_id, or timestep_index) as whole numbers from 0"
        raise UserError("the numbers of its images do not ascend with time", file=file, remedy=remedy)
    return ids


def read_parameters(path: Path) -> dict[str, ndarray]:
    """Return the arrays of a frame; ``eyelids`` are open where the file has none, as VHAP's have.

    Raises:
        UserError: The file cannot be read.
    """
    content = {"eyelids": np.zeros(2), **read_npz(path, SHAPES)}
    if "eyes_pose" in content:
        content["eyes_pose"] = numbers(content, "eyes_pose", (6,), path).reshape(2, 3)
    return content


def read_lens(entries: list[dict[str, Any]], file: Path) -> dict[str, Any]:
    """Return focal length, principal point and size, which all frames must share.

    Raises:
        UserError: They do not, or pixels are not square.
    """
    rows = {name: [float(numbers(entry, name, (), file)) for entry in entries] for name in LENS}
    remedy = "track with one focal length and square pixels: what is tracked here has one lens"
    focal = one_number(rows["fl_x"] + rows["fl_y"], "focal length", file, remedy)
    cx, cy, width, height = (one_number(rows[name], name, file, remedy) for name in LENS[2:])
    return {"focal": focal, "principal": np.array([cx, cy]), "size": (round(width), round(height))}
