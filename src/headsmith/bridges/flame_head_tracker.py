"""flame-head-tracker 4.1's results, ``<frame>.npz`` (Peng Xiong; ``tracker_base.py`` and ``tracker_video.py``): both ways.

The tracker turns and cuts each frame by itself (``realign``), 512 pixels a side, and fits a camera to that crop alone; nothing
says where it lay in the video. So images, mattes and labels must be of these crops: those in the files
(``media/crops_npz.py``), or, where they were deleted, those that its own rule cuts again (``media/crops_aligned.py``).

``cam`` is the camera in the head's world, OpenGL's axes: yaw, pitch, roll, radians, of ``R = Rz(roll) Ry(yaw) Rx(pitch)``, and
its place c, metres. With ``D = diag(1, -1, -1)``, head to camera is ``D R'`` and ``-D R' c``. ``K`` is for the crop at 256
pixels a side. Codes are FLAME 2020's; angles are axis-angles; ``blendshape_scores`` 9 and 10 are MediaPipe's blinks, left and
right.
"""

from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray

from headsmith.bridges.columns import build_track, read_codes, read_columns
from headsmith.bridges.given import numbered_files, one_number, read_npz
from headsmith.bridges.root_pose import Extrinsics, pose_of_camera, root_joints
from headsmith.bridges.track import Track
from headsmith.contract.archives import open_archive
from headsmith.contract.errors import UserError
from headsmith.heads.model import HeadModel
from headsmith.maths.rotations import axis_angle_to_matrix
from headsmith.media.crops_npz import IMAGES, MOST_BYTES, crop_header

LENS, CROP = 256, 512
"""Sides in pixels of the image that ``K`` is for, and of the crop."""
BLINKS = slice(9, 11)
"""MediaPipe's scores ``eyeBlinkLeft`` and ``eyeBlinkRight``."""
SCORES = 52
WANTED: dict[str, tuple[int, ...]] = {
    **{"shape": (-1,), "exp": (-1,), "jaw_pose": (3,), "eye_pose": (6,), "cam": (6,), "K": (3, 3)},
    "blendshape_scores": (SCORES,),
}
OPTIONAL: dict[str, tuple[int, ...]] = {"head_pose": (3,), "neck_pose": (3,), "fov": ()}
KEYS = {*WANTED, *OPTIONAL}
ONE_LENS = "run the tracker without optimize_fov: FlashAvatar and its kin take one focal length for a clip"


def read_flame_head_tracker(path: Path, model: HeadModel) -> Track:
    """Return the clip of a folder of ``<frame>.npz``; frames that the tracker left out stay left out.

    Eyelids are the blink scores as they are, in 0..1 (``blinks.calibrate_blinks``). The neck of its photometric mode is kept.

    Args:
        path: The folder.
        model: The head that the codes are of, float64.

    Raises:
        UserError: A file is broken, lacks an array, or has one of another shape or with NaN; or the field of view changes.
    """
    files = numbered_files(path, ".npz")
    found = read_columns(files, lambda file: read_npz(file, KEYS), WANTED, OPTIONAL)
    count, side = len(files), crop_side(files[0][1])
    lens = found["K"] * (side / LENS)
    if "fov" in found:
        one_number(found["fov"], "field of view, in degrees,", path, ONE_LENS)
    focal = one_number(lens[:, (0, 1), (0, 1)].ravel(), "focal length", path, ONE_LENS)
    principal = [one_number(lens[:, axis, 2], "principal point", path, ONE_LENS) for axis in (0, 1)]
    codes = read_codes(model, found["shape"], found["exp"], path)
    joints = root_joints(model, codes.identity, codes.expression)
    still = np.zeros((count, 3))
    return build_track(
        model,
        ids=[number for number, _ in files],
        codes=codes,
        pose=pose_of_camera(found.get("head_pose", still), still, joints, read_camera(found["cam"])),
        focal=focal,
        principal=np.array(principal),
        size=(side, side),
        jaw=found["jaw_pose"],
        eyes=found["eye_pose"].reshape(count, 2, 3),
        neck=found.get("neck_pose"),
        eyelids=found["blendshape_scores"][:, BLINKS].clip(0, 1),
    )


def read_camera(cam: Float[ndarray, "T 6"]) -> Extrinsics:
    """Return world to camera, both in OpenGL's axes, of a camera's yaw, pitch, roll and place in the world."""
    angles = cam[:, :3, None] * np.eye(3)[[1, 0, 2]]
    yaw, pitch, roll = (axis_angle_to_matrix(torch.from_numpy(angles[:, place])).numpy() for place in range(3))
    turn = np.swapaxes(roll @ yaw @ pitch, 1, 2)
    return turn, -np.einsum("tij,tj->ti", turn, cam[:, 3:])


def crop_side(path: Path) -> int:
    """Return the side of the crop in a file, pixels; ``CROP`` where its pictures were removed.

    Raises:
        UserError: The crop is no square.
    """
    if not has_picture(path):
        return CROP
    width, height = crop_header(path)[1]
    if width != height:
        raise UserError(f"the crop is {width} x {height}, not square", file=path)
    return width


def has_picture(path: Path) -> bool:
    """Whether a file, one of the tracker's, has its crop in it.

    Raises:
        UserError: It cannot be read.
    """
    try:
        with open_archive(path, MOST_BYTES) as archive:
            return not {f"{name}.npy" for name in IMAGES}.isdisjoint(archive.namelist())
    except (OSError, ValueError) as error:
        raise UserError(f"the file cannot be read: {error}", file=path, remedy="copy it again") from error


def holds_pictures(path: Path) -> bool:
    """Whether the first file of the tracker's folder has its crop in it; most people delete them all or none."""
    return has_picture(numbered_files(path, ".npz")[0][1])


def read_points(path: Path) -> tuple[list[int], Float[ndarray, "T 68 2"]] | None:
    """Return the frames' numbers and the 68 points that the tracker saw, over the crop's side; None where they were removed.

    They are ``contract.conventions.IBUG68_FROM_MEDIAPIPE`` of MediaPipe's points, so what MediaPipe sees in our frames tells
    whether these are the tracker's own crops.

    Args:
        path: The folder.

    Raises:
        UserError: A file is broken, or lacks the points that the first has.
    """
    files = numbered_files(path, ".npz")
    if "lmks_68" not in read_npz(files[0][1], {"lmks_68"}):
        return None
    points = read_columns(files, lambda file: read_npz(file, {"lmks_68"}), {"lmks_68": (68, 2)})["lmks_68"]
    return [number for number, _ in files], (points + 1) / 2
