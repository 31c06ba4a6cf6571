"""MediaPipe's blendshape scores and facial transformation matrix, a table with a row a frame.

A ``.csv`` with the columns ``frame`` (from 0), the scores by MediaPipe's names, and, where the head's pose is wanted, ``width``
and ``height`` of the image in pixels and the matrix as ``m00`` .. ``m33``, row by row. With a ``FaceLandmarker`` that was made
with ``output_face_blendshapes`` and ``output_facial_transformation_matrixes``, for the ``result`` of each frame with a face::

    row = {"frame": number, "width": image.width, "height": image.height}
    row |= {score.category_name: score.score for score in result.face_blendshapes[0]}
    row |= {f"m{i}{j}": result.facial_transformation_matrixes[0][i, j] for i in range(4) for j in range(4)}
    table.append(row)  # and after the last: pandas.DataFrame(table).to_csv("scores.csv", index=False)

Scores of units that the head has become its expression codes. Those that its joints express become turns, each as far as Anny's
own unit turns; blinks become eyelids as they are. ``_neutral`` says nothing; the person is the mean head.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from headsmith.bridges.blendshapes_pose import MATRIX, frontal_pose, read_pose
from headsmith.bridges.columns import Codes, build_track
from headsmith.bridges.crops import SIZE_SHAPES
from headsmith.bridges.gaze import ANNY, turn_eyes
from headsmith.bridges.table import read_table
from headsmith.bridges.track import Track
from headsmith.contract.errors import UserError
from headsmith.heads.anny import BLINKS, BY_JOINTS
from headsmith.heads.model import HeadModel

UNSCORED = ("tongueOut",)
"""Units of the head that MediaPipe does not score: 0."""
JAW_OPEN = 0.4002
"""Radians: turn of the jaw that is Anny's ``jawOpen`` at 1 (``AnnyReport.jaw_angle``)."""
LARGEST_SCORE = 1.5
"""Scores are 0..1; what is far beyond is in percent or of another program."""
SCORES_REMEDY = (
    "the table needs a column for each of MediaPipe's 52 scores, and heads.model must be anny, whose codes these are"
)


def read_blendshapes(path: Path, model: HeadModel) -> Track:
    """Return the clip of a table of scores, and of poses where it has them. Rows without scores are left out.

    Args:
        path: The ``.csv``.
        model: A head whose expression codes are ARKit's units, float64.

    Raises:
        UserError: The table cannot be read, lacks a column (as it does where the head has other codes), or holds what is no
            score or no pose.
    """
    units = model.container.expression_names
    scored = [unit for unit in (*units, *BY_JOINTS, *BLINKS) if unit not in UNSCORED]
    columns = read_table(path, "frame", scored, (*SIZE_SHAPES, *MATRIX), SCORES_REMEDY)
    count = len(columns["frame"])
    check_scores(columns, scored, path)
    score = {unit: columns[unit] for unit in scored} | dict.fromkeys(UNSCORED, np.zeros(count))
    posed = any(name in columns for name in MATRIX)
    rotation, translation, focal, size = read_pose(columns, model, path) if posed else frontal_pose(columns, path)
    return build_track(
        model,
        ids=[int(number) for number in columns["frame"]],
        codes=Codes(np.zeros(len(model.identity)), np.stack([score[unit] for unit in units], 1)),
        pose=(rotation, translation),
        focal=focal,
        principal=np.array(size) / 2,
        size=size,
        jaw=score["jawOpen"][:, None] * [JAW_OPEN, 0, 0],
        eyes=turn_eyes(score, ANNY),
        eyelids=np.stack([score[unit] for unit in BLINKS], 1),
    )


def check_scores(columns: Mapping[str, Float[ndarray, " T"]], names: list[str], path: Path) -> None:
    """Refuse what is no score.

    Raises:
        UserError: A score is far from 0..1.
    """
    for name in names:
        low, high = float(columns[name].min()), float(columns[name].max())
        if low < 1 - LARGEST_SCORE or high > LARGEST_SCORE:
            raise UserError(f"{name} goes from {low:g} to {high:g}: scores are 0..1", file=path)
