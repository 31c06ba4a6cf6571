"""SHeaP's outputs (Schoneveld et al., Self-Supervised Head Geometry Predictor Learned via 2D Gaussians, 2025), a file a frame.

``process_video`` of its ``video_demo.py`` returns ``results`` without writing them; these lines do::

    for result in results:
        values = {key: value.numpy() for key, value in result["flame_params"].items()}
        name = f"{folder}/{result['frame_idx']:05d}.npz"
        np.savez(name, bbox=result["bbox"], width=video_width, height=video_height, **values)

FLAME 2020 with lids. Rotations are axis-angles; ``torso_pose`` turns the root about its joint, ``cam_trans`` shifts it. The
camera is at (0, 0, 1), looks down -z with y up, and sees the square crop under a vertical angle of 14.2539 degrees
(``render_mesh``; field guide 5.4). The crop, ``bbox`` = left, top, right, bottom edge, follows the face, so that each frame has
a camera of its own: see ``one_camera``.
"""

import math
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray

from headsmith.bridges.columns import Codes, build_track, read_codes, read_columns
from headsmith.bridges.crops import SIZE_SHAPES, Crops, boxed_crops, image_size, warped_crops
from headsmith.bridges.given import numbered_files, read_npz
from headsmith.bridges.neck import face_of
from headsmith.bridges.one_camera import Cameras, miss, unite
from headsmith.bridges.root_pose import pose_of_camera, root_joints
from headsmith.bridges.track import Track
from headsmith.heads.model import HeadModel, HeadParameters
from headsmith.media.progress import note

SHAPES: dict[str, tuple[int, ...]] = {
    **{"shape_from_facenet": (-1,), "expr": (-1,), "eyelids": (2,), "cam_trans": (3,)},
    **dict.fromkeys(("torso_pose", "neck_pose", "jaw_pose", "eye_l_pose", "eye_r_pose"), (3,)),
}
BOX = "bbox"
ANGLE = 14.2539
"""Vertical angle of view of a crop, degrees."""
SIDE = 224
"""Side of the crop that the network sees, pixels; which one does not matter where the whole image is known."""
CAMERA = np.array([0.0, 0.0, -1.0])
"""Shift from world to camera, metres."""
POINTS = 60
"""Vertices of the face by which one camera for all is judged."""
TOLD = 0.05
"""Pixels: a larger miss of the one camera is told."""


def read_sheap(path: Path, model: HeadModel) -> Track:
    """Return the clip of a folder of ``<number>.npz``, one frame of SHeaP's outputs each.

    Args:
        path: The folder.
        model: The head that the codes are of, float64.

    Raises:
        UserError: A file cannot be read, lacks an array or has one of another shape, or the crop is not known.
    """
    files = numbered_files(path, ".npz")
    columns = read_columns(files, read_npz, SHAPES, {BOX: (4,), **SIZE_SHAPES})
    crops = read_crops(columns, len(files), path)
    codes = read_codes(model, columns["shape_from_facenet"], columns["expr"], path)
    eyes = np.stack([columns["eye_l_pose"], columns["eye_r_pose"]], 1)
    given = crop_cameras(columns, codes, crops, model)
    points = face_points(model, codes, columns, eyes)
    seen = unite(given, points.mean(1))
    apart = miss(given, seen, points)
    if apart > TOLD:
        note(f"{path}: the crop moves; one camera for all sees the face {apart:.2f} pixels elsewhere (root mean square)")
    return build_track(
        model,
        ids=[number for number, _ in files],
        codes=codes,
        pose=(seen.rotation, seen.translation),
        focal=float(seen.focal[0]),
        principal=seen.principal[0],
        size=crops.size,
        jaw=columns["jaw_pose"],
        eyes=eyes,
        neck=columns["neck_pose"],
        eyelids=columns["eyelids"],
    )


def read_crops(columns: dict[str, Float[ndarray, "T *shape"]], count: int, path: Path) -> Crops:
    """Return where the crops lay; without boxes the image was the crop.

    Raises:
        UserError: A box is not square, or the image's size is missing.
    """
    if BOX in columns:
        return boxed_crops(columns[BOX], image_size(columns, path), SIDE, path)
    return warped_crops(columns, count, SIDE, path)


def crop_cameras(columns: dict[str, Float[ndarray, "T *shape"]], codes: Codes, crops: Crops, model: HeadModel) -> Cameras:
    """Return the camera of each frame as SHeaP has it, in pixels of the whole image."""
    count = len(crops.scale)
    view = (np.tile(np.eye(3), (count, 1, 1)), np.tile(CAMERA, (count, 1)))
    joints = root_joints(model, codes.identity, codes.expression)
    rotation, translation = pose_of_camera(columns["torso_pose"], columns["cam_trans"], joints, view)
    focal = crops.scale * SIDE / 2 / math.tan(math.radians(ANGLE) / 2)
    return Cameras(rotation, translation, focal, crops.to_image(np.full((count, 2), SIDE / 2)))


def face_points(
    model: HeadModel, codes: Codes, columns: dict[str, Float[ndarray, "T *shape"]], eyes: Float[ndarray, "T 2 3"]
) -> Float[ndarray, "T n 3"]:
    """Return some vertices of the face in every frame, in the head's frame, metres."""
    ids = face_of(model)
    frames = (codes.identity[None], codes.expression, columns["jaw_pose"], eyes, columns["eyelids"], columns["neck_pose"])
    parameters = HeadParameters(*(torch.from_numpy(np.ascontiguousarray(values)) for values in frames))
    return model.at(ids[:: math.ceil(len(ids) / POINTS)])(parameters).numpy()
