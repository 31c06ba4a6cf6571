"""VHAP's tracked parameters (Qian et al., GaussianAvatars, CVPR 2024), ``tracked_flame_params_<epoch>.npz``, as it writes them.

FLAME 2023: rotation, neck, jaw and eyes (left, then right) as axis-angles, translation in metres; the root turns about its
joint. The camera is at (0, 0, 1) and looks down -z (y up); ``focal_length`` counts in the longer side of the images, whose
``image_size`` is height, then width; the principal point is their centre (``FlameTracker.fill_cam_params_into_sample``,
``save_result``; field guide 5.5). ``timestep_id`` names the images, which ``preprocess_video`` numbers from 0 at its
``--target_fps``: give it the video's own.

What cannot be held: ``static_offset`` and ``dynamic_offset``, displacements of single vertices, which VHAP uses unless told
otherwise (``--model.no-use-static-offset``). Their part in the place of the root joint is kept. What they do to the face is
told, and refused where it is more than ``LARGEST_OFFSET``. Vertices beyond the head's are VHAP's made-up teeth.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from headsmith.bridges.columns import build_track, read_codes
from headsmith.bridges.given import numbers, read_npz, whole_number
from headsmith.bridges.neck import face_of
from headsmith.bridges.root_pose import pose_of_camera, root_joints
from headsmith.bridges.track import Track
from headsmith.contract.errors import UserError
from headsmith.heads.model import HeadModel
from headsmith.media.progress import note

FRAMES: dict[str, tuple[int, ...]] = {
    **{"rotation": (-1, 3), "translation": (-1, 3), "neck_pose": (-1, 3), "jaw_pose": (-1, 3), "eyes_pose": (-1, 6)},
    "expr": (-1, -1),
}
SHAPES: dict[str, tuple[int, ...]] = {**FRAMES, "shape": (-1,), "image_size": (2,), "focal_length": ()}
OFFSETS = ("static_offset", "dynamic_offset")
CAMERA = np.array([0.0, 0.0, -1.0])
"""Shift from world to camera, metres (``GlobalTracker.init_params``: ``RT``)."""
LARGEST_OFFSET = 5e-3
"""Metres: root mean square displacement of the face beyond which a track without offsets is another person's."""
NAMES = "tracked_flame_params_"


def read_vhap(path: Path, model: HeadModel) -> Track:
    """Return the clip of a ``tracked_flame_params_<epoch>.npz``, or of the last of those in a folder.

    Args:
        path: The file, or VHAP's output folder.
        model: The head that the codes are of, float64.

    Raises:
        UserError: The file cannot be read, lacks an array or has one of another shape, the cameras were given to VHAP, or its
            offsets move the face too far.
    """
    file = last_epoch(path) if path.is_dir() else path
    content = read_npz(file, [*SHAPES, *OFFSETS, "timestep_id"])
    if "focal_length" not in content and content:
        remedy = "track one camera's video; several calibrated cameras make no track"
        raise UserError("there is no focal_length: the cameras were given to VHAP", file=file, remedy=remedy)
    values = {key: numbers(content, key, shape, file) for key, shape in SHAPES.items()}
    ids = frame_ids(content, values, file)
    height, width = (int(side) for side in values["image_size"])
    codes = read_codes(model, values["shape"][None], values["expr"], file)
    joints = root_joints(model, codes.identity, codes.expression) + moved_joint(content, model, len(ids), file)
    view = (np.tile(np.eye(3), (len(ids), 1, 1)), np.tile(CAMERA, (len(ids), 1)))
    return build_track(
        model,
        ids=ids,
        codes=codes,
        pose=pose_of_camera(values["rotation"], values["translation"], joints, view),
        focal=float(values["focal_length"]) * max(height, width),
        principal=values["image_size"][::-1] / 2,
        size=(width, height),
        jaw=values["jaw_pose"],
        eyes=values["eyes_pose"].reshape(-1, 2, 3),
        neck=values["neck_pose"],
    )


def last_epoch(folder: Path) -> Path:
    """Return the file of the highest epoch in a folder.

    Raises:
        UserError: There is none.
    """
    found = {path.stem.removeprefix(NAMES): path for path in folder.glob(f"{NAMES}*.npz")}
    numbered = {whole_number(name): path for name, path in sorted(found.items())}
    epochs = {number: path for number, path in numbered.items() if number is not None}
    if not epochs:
        remedy = f"name VHAP's output folder, or the {NAMES}<epoch>.npz in it"
        raise UserError(f"the folder holds no {NAMES}<epoch>.npz", file=folder, remedy=remedy)
    return epochs[max(epochs)]


def frame_ids(content: Mapping[str, ndarray], values: Mapping[str, Float[ndarray, "*shape"]], path: Path) -> list[int]:
    """Return the number of each frame: that of its image where the file tells it.

    Raises:
        UserError: Arrays are of different lengths, or images have no ascending numbers.
    """
    lengths = {key: len(values[key]) for key in FRAMES}
    count = lengths["rotation"]
    if set(lengths.values()) != {count} or count == 0:
        raise UserError(f"its arrays hold different numbers of frames: {lengths}", file=path)
    names = content["timestep_id"].ravel() if "timestep_id" in content else np.arange(count)
    if len(names) != count:
        remedy = "track the whole sequence, without data.subset: the file does not tell which images were left out"
        raise UserError(f"{count} frames, but {len(names)} images in timestep_id", file=path, remedy=remedy)
    ids = [number for number in map(whole_number, map(str, names.tolist())) if number is not None]
    if len(ids) < count or (np.diff(ids) <= 0).any():
        remedy = "number the images from 0, as vhap/preprocess_video.py does"
        raise UserError("timestep_id is not ascending numbers", file=path, remedy=remedy)
    return ids


def moved_joint(content: Mapping[str, ndarray], model: HeadModel, count: int, path: Path) -> Float[ndarray, "T 3"]:
    """Return how far the offsets move the root joint in each frame, metres; what they do to the head is told.

    Raises:
        UserError: They are of another shape, or move the face too far.
    """
    total = np.zeros((1, *model.template.shape))
    for key in OFFSETS:
        if key in content:
            offset = numbers(content, key, (-1, -1, 3), path)
            if offset.shape[0] not in (1, count) or offset.shape[1] < total.shape[1]:
                raise UserError(f"{key!r} is {offset.shape}, but the head has {total.shape[1]} vertices", file=path)
            total = total + offset[:, : total.shape[1]]
    far = np.linalg.norm(total, axis=-1)
    face = np.sqrt(np.square(far[:, face_of(model).numpy()]).mean())
    if far.any():
        what = f"its offsets of single vertices move the face by {1000 * face:.2f} mm (root mean square)"
        if face > LARGEST_OFFSET:
            raise UserError(what, file=path, remedy="track with --model.no-use-static-offset: a track holds no offsets")
        note(f"{path}: {what}, the head by up to {1000 * far.max():.2f} mm; they are left out")
    root = np.asarray(model.container.joint_regressor[0], np.float64)
    return np.broadcast_to(np.einsum("v,tvd->td", root, total), (count, 3))
