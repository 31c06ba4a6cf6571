"""GaussianAvatars' folder, as VHAP writes it for a video: FLAME's parameters of each frame before one camera that stays.

``transforms.json`` and its parts have a camera for each frame: ``transform_matrix``, camera to world with OpenGL's axes (x
right, y up, z backwards), ``fl_x``, ``fl_y``, ``cx``, ``cy`` in pixels from the upper left corner, ``camera_angle_x`` and
``_y`` in radians. ``flame_param/<timestep>.npz`` has the codes and ``rotation``, ``neck_pose``, ``jaw_pose`` (axis-angle),
``eyes_pose`` (left, right) and ``translation`` (metres) of FLAME, whose root turns about its joint. As VHAP does, the head is
moved so that its mean translation is zero, and the camera with it.

GaussianAvatars' own trainer reads ``camera_angle_x`` alone and puts the principal point at the image's centre.
"""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from headsmith.bridges.flashavatar import EXPRESSIONS, IDENTITIES
from headsmith.bridges.root_pose import pose_of_root
from headsmith.bridges.track import Track
from headsmith.heads.model import HeadModel

HEADS = ("flame2023", "flame2023_open")
"""What the codes must be codes of."""
CANONICAL_JAW = 0.3
"""How far the mouth is open in ``canonical_flame_param.npz``, radians about +x."""


def image_name(index: int) -> str:
    """Return the name of an image, and of its mask: the time step and the number of the camera, which is 0."""
    return f"{index:05d}_00.png"


def flame_parameters(track: Track, model: HeadModel) -> tuple[dict[str, Float[ndarray, "*n"]], Float[ndarray, "3"]]:
    """Return FLAME's parameters and where the camera stands.

    Args:
        track: The clip.
        model: Its head, float64.

    Returns:
        Arrays of all frames by GaussianAvatars' names, float64; ``shape`` is that of the clip. The camera's place in the
        world, metres; it looks along -z.
    """
    rotation, translation = pose_of_root(track, model)
    middle = translation.mean(0)
    arrays = {
        "translation": translation - middle,
        "rotation": rotation,
        "neck_pose": track.neck,
        "jaw_pose": track.jaw,
        "eyes_pose": track.eyes.reshape(-1, 6),
        "shape": np.pad(track.identity, (0, IDENTITIES - len(track.identity))),
        "expr": np.pad(track.expression, ((0, 0), (0, EXPRESSIONS - track.expression.shape[1]))),
    }
    return arrays, -middle


def write_gaussian_avatars(track: Track, model: HeadModel, folder: Path, held_out: int) -> None:
    """Write everything but the images, which go to ``images/`` and ``fg_masks/`` under ``image_name``.

    Args:
        track: The frames of the dataset, in order; their places are the time steps.
        model: Their head, float64.
        folder: A folder that exists.
        held_out: Frames at the end that are in the part for tests. With one camera the part for validation is empty, as
            VHAP has it.
    """
    arrays, place = flame_parameters(track, model)
    still = {"static_offset": np.zeros((1, len(model.template), 3)), "shape": arrays.pop("shape")}
    (folder / "flame_param").mkdir()
    for index, lids in enumerate(track.eyelids):
        rows = {name: values[index : index + 1] for name, values in arrays.items()}
        save(folder / "flame_param" / f"{index:05d}.npz", rows | still | {"eyelids": lids[None]})
    rest = {name: np.zeros((1, values.shape[1])) for name, values in arrays.items()}
    save(folder / "canonical_flame_param.npz", rest | still | {"jaw_pose": np.array([[CANONICAL_JAW, 0, 0]])})
    frames = [frame_entry(track, index, place) for index in range(len(track.ids))]
    last = len(frames) - held_out
    for name, part in (("", frames), ("_train", frames[:last]), ("_val", []), ("_test", frames[last:])):
        steps = {"timestep_indices": [entry["timestep_index"] for entry in part], "camera_indices": [0] if part else []}
        content = {**lens(track), **steps, "head_sha256": track.head_sha256, "frames": part}
        (folder / f"transforms{name}.json").write_text(json.dumps(content, indent=1) + "\n")


def save(path: Path, arrays: dict[str, Float[ndarray, "*n"]]) -> None:
    """Write arrays as float32; the same arrays give the same bytes."""
    np.savez_compressed(path, allow_pickle=False, **{name: values.astype(np.float32) for name, values in arrays.items()})


def lens(track: Track) -> dict[str, float]:
    """Return what of a camera is the same in all frames."""
    width, height = track.size
    angles = {
        f"camera_angle_{axis}": 2 * math.atan(side / 2 / track.focal) for axis, side in zip("xy", track.size, strict=True)
    }
    centre = dict(zip(("cx", "cy"), track.principal.tolist(), strict=True))
    return {**centre, "fl_x": track.focal, "fl_y": track.focal, "h": height, "w": width, **angles}


def frame_entry(track: Track, index: int, place: Float[ndarray, "3"]) -> dict[str, Any]:
    """Return what ``transforms.json`` says of a frame."""
    matrix = np.eye(4)
    matrix[:3, 3] = place
    original = int(track.ids[index])
    return {
        "timestep_index": index,
        "timestep_index_original": original,
        "timestep_id": f"{original:05d}",
        "camera_index": 0,
        "camera_id": "0",
        **lens(track),
        "transform_matrix": matrix.tolist(),
        "file_path": f"images/{image_name(index)}",
        "fg_mask_path": f"fg_masks/{image_name(index)}",
        "flame_param_path": f"flame_param/{index:05d}.npz",
    }
