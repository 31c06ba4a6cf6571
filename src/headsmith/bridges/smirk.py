"""SMIRK's outputs (Retsinas et al., 3D Facial Expressions through Analysis-by-Neural-Synthesis, CVPR 2024), a file a frame.

SMIRK writes pictures only. Its ``demo_video.py`` has all that is needed in ``outputs`` and ``tform``; these lines after
``outputs = smirk_encoder(cropped_image)`` save it, with ``number`` counted up from 0 at every frame that was read::

    values = {key: value.detach().cpu().numpy() for key, value in outputs.items()}
    crop = {"tform": tform.params} if args.crop else {}
    np.savez(f"{args.out_path}/{number:05d}.npz", width=video_width, height=video_height, **crop, **values)

FLAME 2020. The rotations of root and jaw are axis-angles; neck and eyes are not predicted, but eyes are taken from MediaPipe's
``blendshape_scores`` where a file has them. Its 50 expression codes are the first of FLAME's 100. SMIRK adds the lids'
displacements after turning the root, so that they do not turn with the head (``FLAME.forward``); here they do.
"""

from collections.abc import Mapping
from pathlib import Path

from jaxtyping import Float
from numpy import ndarray

from headsmith.bridges.columns import read_columns
from headsmith.bridges.crops import TFORM_SHAPES
from headsmith.bridges.gaze import turn_eyes_of_flame
from headsmith.bridges.given import numbered_files, read_npz
from headsmith.bridges.track import Track
from headsmith.bridges.weak_perspective import WeakFrames, pinhole_track
from headsmith.heads.model import HeadModel

SHAPES: dict[str, tuple[int, ...]] = {
    **{"pose_params": (3,), "cam": (3,), "shape_params": (-1,), "expression_params": (-1,)},
    **{"eyelid_params": (2,), "jaw_params": (3,)},
}
"""What ``SmirkEncoder.forward`` returns: axis-angle of the root; s, tx, ty; 300 and 50 codes; left, right; axis-angle."""
EYES, SCORES = "eye_pose_params", "blendshape_scores"
"""Not predicted: axis-angles of the left and the right eye, as ``FLAME.forward`` takes them, or MediaPipe's 52 scores."""


def read_smirk(path: Path, model: HeadModel) -> Track:
    """Return the clip of a folder of ``<number>.npz``, one frame of SMIRK's ``outputs`` each.

    Args:
        path: The folder.
        model: The head that the codes are of, float64.

    Raises:
        UserError: A file cannot be read, lacks an array or has one of another shape, or the crop is not known.
    """
    files = numbered_files(path, ".npz")
    columns = read_columns(files, read_npz, SHAPES, {**TFORM_SHAPES, EYES: (6,), SCORES: (52,)})
    names = ("cam", "pose_params", "jaw_params", "shape_params", "expression_params")
    found = WeakFrames(*(columns[name] for name in names), given_eyes(columns), columns["eyelid_params"])
    return pinhole_track(found, columns, [number for number, _ in files], model, path)


def given_eyes(columns: Mapping[str, Float[ndarray, "T *shape"]]) -> Float[ndarray, "T 2 3"] | None:
    """Return the turns of the eyes from what was given beside SMIRK's outputs."""
    if EYES in columns:
        return columns[EYES].reshape(-1, 2, 3)
    return turn_eyes_of_flame(columns[SCORES]) if SCORES in columns else None
