"""What comes without an avatar: the mean of all training frames, and the training frame whose landmarks are nearest."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8
from numpy import ndarray

from headsmith.contract.errors import UserError
from headsmith.contract.frame_ids import frame_name
from headsmith.media.images import read_image

Picture = UInt8[ndarray, "H W 3"]
Landmarks = dict[int, Float[ndarray, "L 2"]]

MEAN, NEAREST = "baseline_mean_", "baseline_nearest_"


class Baselines:
    """The two pictures that a render is measured against.

    Args:
        frames: The folder of the frames.
        training: Ids of the training frames.
        known: Landmarks in pixels, by frame id.
        clip: Name of the clip.
    """

    def __init__(self, frames: Path, training: Sequence[int], known: Landmarks, clip: str) -> None:
        self.frames, self.training, self.known, self.clip = frames, training, known, clip
        self.mean = average(frames, training)

    def of(self, frame_id: int) -> dict[str, Picture | None]:
        """Return the pictures by the prefix of their scores; None where a frame has no landmarks to find the nearest by."""
        nearest = nearest_frame(frame_id, self.training, self.known)
        picture = None if nearest is None else read_image(self.frames / frame_name(nearest), clip=self.clip)
        return {MEAN: self.mean, NEAREST: picture}


def read_training_ids(dataset: Path, clip: str) -> list[int]:
    """Return the ids of the frames that the avatar was trained on.

    Raises:
        UserError: The file is missing or broken, or lists none.
    """
    try:
        ids = [int(frame_id) for frame_id in json.loads(Path(dataset).read_text())["train"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"cannot be read: {error!r}", clip=clip, file=dataset, remedy="make the dataset again") from error
    if not ids:
        raise UserError("there is no training frame", clip=clip, file=dataset, remedy="make `dataset.held_out` smaller")
    return ids


def average(folder: Path, ids: Sequence[int]) -> Picture:
    """Return the mean of some frames, rounded to 8 bits as a picture of it would be."""
    total: ndarray | float = 0.0
    for frame_id in ids:
        total = total + read_image(folder / frame_name(frame_id)).astype(np.float64)
    return np.round(total / len(ids)).astype(np.uint8)


def nearest_frame(frame_id: int, training: Sequence[int], known: Landmarks) -> int | None:
    """Return the training frame with the smallest squared distance of landmarks in pixels; None if there is none to compare."""
    candidates = [other for other in training if other in known]
    if frame_id not in known or not candidates:
        return None
    distances = [float(((known[other] - known[frame_id]) ** 2).sum()) for other in candidates]
    return candidates[int(np.argmin(distances))]
