"""IMavatar's ``flame_params.json``, which SplattingAvatar reads too: FLAME four times as large, before a camera with y up.

``intrinsics`` are ``[-fx / W, fy / H, cx / W, cy / H]``: in camera axes (x right, y up, z backwards) a point in front has a
negative z, so that ``u = K0 x / z + K2`` and ``v = K1 y / z + K3``, as parts of the image's width and height, have the right
signs. ``world_mat`` is world to camera, 3 x 4, in those axes. ``pose`` is the axis-angle of root, neck, jaw, left and right
eye; FLAME's root turns about its joint. ``shape_params`` has 100 codes, ``expression`` 50. SplattingAvatar takes magnitudes of
the intrinsics and turns the last two rows of ``world_mat``; both come to the same picture.

The root's rotation is in ``pose`` and the head's translation in ``world_mat``, whose rotation is the identity in every frame:
one translation for the clip is all that FLAME has in this format.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from headsmith.bridges.root_pose import pose_of_root
from headsmith.bridges.track import Track, project_embedded, project_vertices
from headsmith.heads.model import HeadModel

HEADS = ("flame2020",)
"""What the codes must be codes of."""
IDENTITIES, EXPRESSIONS = 100, 50
"""Codes that the format holds, the first of FLAME's; fewer are followed by zeros."""
FACTOR = 4
"""How many times larger than FLAME the head is."""


def image_name(index: int) -> str:
    """Return the name of an image; IMavatar counts from 1."""
    return f"{index + 1}.png"


def write_imavatar(track: Track, model: HeadModel, folder: Path, held_out: int) -> None:
    """Write ``flame_params.json``, and the same of the two parts in ``train/`` and ``test/``, whose images are one folder up.

    Args:
        track: The frames of the dataset, in order.
        model: Their head, float64.
        folder: A folder that exists; images go to ``image/``, ``mask/`` and ``semantic/`` under ``image_name``.
        held_out: Frames at the end that are in the part for tests.
    """
    frames = frame_entries(track, model)
    last = len(frames) - held_out
    for name, part in (("", frames), ("train", frames[:last]), ("test", frames[last:])):
        place = folder / name
        place.mkdir(exist_ok=True)
        up = "../" if name else ""
        entries = [entry | {"file_path": f"./{up}{entry['file_path']}"} for entry in part]
        content = {"frames": entries, **shared_entries(track), "head_sha256": track.head_sha256}
        (place / "flame_params.json").write_text(json.dumps(content) + "\n")


def shared_entries(track: Track) -> dict[str, list[float]]:
    """Return what is the same in all frames."""
    width, height = track.size
    cx, cy = track.principal.tolist()
    shape = np.pad(track.identity, (0, max(0, IDENTITIES - len(track.identity))))[:IDENTITIES]
    return {
        "intrinsics": [-track.focal / width, track.focal / height, cx / width, cy / height],
        "shape_params": shape.tolist(),
    }


def frame_entries(track: Track, model: HeadModel) -> list[dict[str, Any]]:
    """Return what ``flame_params.json`` says of each frame; ``file_path`` is ``image/<number>``.

    Args:
        track: The clip. Codes beyond those that the format holds are left out (``left_out.measure_left_out``), and eyelids
            stand under a key of our own, which others do not read.
        model: Its head, float64.
    """
    rotation, translation = pose_of_root(track, model)
    pose = np.concatenate([rotation, track.neck, track.jaw, track.eyes.reshape(-1, 6)], 1)
    count = len(track.ids)
    view = np.concatenate([np.tile(np.eye(3), (count, 1, 1)), FACTOR * translation[..., None]], -1)
    codes = np.pad(track.expression, ((0, 0), (0, max(0, EXPRESSIONS - track.expression.shape[1]))))[:, :EXPRESSIONS]
    columns = {"world_mat": view, "expression": codes, "pose": pose, "bbox": seen_boxes(track, model), "eyelids": track.eyelids}
    names = [f"image/{index + 1}" for index in range(count)]
    lists = {name: values.tolist() for name, values in columns.items()}
    return [{"file_path": name, **{key: rows[index] for key, rows in lists.items()}} for index, name in enumerate(names)]


def seen_boxes(track: Track, model: HeadModel) -> Float[ndarray, "T 4"]:
    """Return the box around the head's landmarks in each frame: left, top, right, bottom, with the image from -1 to 1.

    Those of the convention that was tracked, else of the first that the head has; a head without landmarks has a box around
    all its vertices. IMavatar draws half of its rays in the box.
    """
    embeddings = model.container.embeddings
    found = embeddings.get(track.convention) or next((embeddings[name] for name in sorted(embeddings)), None)
    pixels = project_vertices(track, model) if found is None else project_embedded(track, model, found)
    places = pixels / track.size * 2 - 1
    return np.concatenate([places.min(1), places.max(1)], 1)
