"""Tables of a clip's tracking: CSV, Parquet, ``.npz``, ``.mat``, and DECA's keypoint files."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy import ndarray

from headsmith.bridges.track import Track
from headsmith.contract.frame_ids import frame_name
from headsmith.exports.arrays import write_mat, write_npz
from headsmith.exports.keypoints import KeypointFinder, write_keypoints
from headsmith.exports.tables import clip_table, identity_table, write_csv, write_parquet
from headsmith.heads.model import HeadModel, HeadParameters
from headsmith.media.progress import progress
from headsmith.stages.exports_frames import left_out, times_of, usable
from headsmith.stages.tracking_table import head_angles


def write_tables(*, export: str, folder: Path, clip: str, frames: Path, tracked: Track, model: HeadModel) -> dict[str, Any]:
    """Write a clip's tracking into a folder and return what was written.

    Args:
        export: ``csv``, ``parquet``, ``npz``, ``mat`` or ``keypoints``.
        folder: An empty folder.
        clip: Name of the clip.
        frames: Manifest of the frames, for their times.
        tracked: The clip's tracking.
        model: The head, float64.

    Raises:
        UserError: The frames per second are not known, or the head lacks points.
    """
    if export == "keypoints":
        return find_keypoints(folder, clip, tracked, model)
    times = times_of(tracked, frames, clip)
    if export in ("csv", "parquet"):
        write_frames(export, folder, clip, tracked, model, times)
    else:
        arrays = all_arrays(tracked, model, times)
        (write_mat if export == "mat" else write_npz)(folder / f"tracking.{export}", arrays)
    return {"frames": tracked.ids.tolist(), "units": "as the columns' names say; codes have none", "axes": AXES}


AXES = "head to camera, OpenCV's: x right, y down, z forward; a head's own: +x the subject's left, +y up, +z out of the face"


def write_frames(export: str, folder: Path, clip: str, tracked: Track, model: HeadModel, times: ndarray) -> None:
    """Write one table of the frames and one of the person."""
    head = model.container
    angles = head_angles(torch.from_numpy(tracked.rotation)).numpy()
    tables = {"frames": clip_table(tracked.arrays(), head.expression_names, angles, times)}
    tables["identity"] = identity_table(tracked.identity.astype(np.float32))
    about = {"clip": clip, "head": head.name, "head_sha256": head.sha256}
    for name, table in tables.items():
        if export == "csv":
            write_csv(folder / f"{name}.csv", table)
        else:
            write_parquet(folder / f"{name}.parquet", table, about)


def all_arrays(tracked: Track, model: HeadModel, times: ndarray) -> dict[str, ndarray]:
    """Return the arrays of ``tracking.npz``, the frames' times, and the names that tell what the codes are."""
    head = model.container
    words = {"head": np.array(head.name), "expression_names": np.array(head.expression_names, np.str_)}
    return tracked.arrays() | {"time": times} | words


def find_keypoints(folder: Path, clip: str, tracked: Track, model: HeadModel) -> dict[str, Any]:
    """Write the 68 points of each frame that tracking calls ok."""
    finder = KeypointFinder(model)
    places = usable(tracked, clip)
    for place in progress(places, len(places), f"{clip}: keypoints"):
        frame = tracked.take([place])
        parameters = frame.parameters()
        one = HeadParameters(*(getattr(parameters, item.name)[0] for item in fields(parameters)))
        with torch.no_grad():
            points = finder.find(one, frame.cameras()[0])
        write_keypoints(folder, Path(frame_name(int(tracked.ids[place]))).stem, points)
    return {
        "frames": [int(tracked.ids[place]) for place in places],
        "left_out": left_out(tracked),
        "units": "-1..1 over the picture; z as x at the head's distance",
        "axes": "x right, y down, z away from the camera, 0 at the head's origin",
        "outline": "slides in 2D" if finder.slides else "keeps its places",
    }
