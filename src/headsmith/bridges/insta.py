"""INSTA's folder: a mesh of each frame in the head's own axes, and the camera that moves around it.

``transforms.json`` and its parts: ``transform_matrix`` is camera to world with OpenCV's axes (x right, y down, z forward), the
lens is ``fl_x``, ``fl_y``, ``cx``, ``cy``, ``w``, ``h`` in pixels from the upper left corner. ``meshes/*.obj`` is in metres,
``canonical.obj`` the same person with an open mouth, ``flame/exp/*.txt`` the expression codes, a line each. Depth is along the
viewing direction, millimetres. So everything that moves a vertex is in the meshes, whatever the head model.

INSTA's own regions (``mesh_masks``) are of a mesh that its ``simplification.py`` makes of FLAME's; where ours has them, they
are written for the mesh as it is.
"""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Integer, UInt8
from numpy import ndarray

from headsmith.bridges.track import Track
from headsmith.contract.frame_ids import frame_name
from headsmith.contract.labels import LABELS
from headsmith.heads.container import HeadContainer
from headsmith.heads.model import HeadModel

CANONICAL_JAW = math.radians(12)
"""How far the mouth of ``canonical.obj`` is open, about +x: metrical-tracker's."""
EXPRESSIONS = 100
"""Lines of ``flame/exp/*.txt``; fewer codes are followed by zeros."""
VALIDATION = 20
"""Frames of ``transforms_val.json``, at the end; they are in the part for tests too."""
CODES: dict[str, int] = {
    **{"background": 0, "skin": 250, "left_brow": 240, "right_brow": 230, "left_eye": 210, "right_eye": 200, "glasses": 190},
    **{"left_ear": 180, "right_ear": 170, "earring": 160, "nose": 150, "mouth": 140, "upper_lip": 130, "lower_lip": 120},
    **{"neck": 110, "necklace": 100, "cloth": 90, "hair": 80, "hat": 70},
}
"""What ``seg_mask`` has for each label, in its red channel; green and blue are 0."""
REGIONS: dict[str, tuple[str, ...]] = {
    **{name: (name,) for name in ("lips", "face", "boundary", "right_ear", "left_ear")},
    "eye_region": ("left_eyelid", "right_eyelid"),
}
"""INSTA's regions, and those of ours that they are made of where the head has none of that name."""


def image_name(index: int) -> str:
    """Return the name of a frame's image, mask and depth."""
    return frame_name(index)


def code_labels(labels: UInt8[ndarray, "H W"]) -> UInt8[ndarray, "H W 3"]:
    """Return a map of label ids as INSTA's ``seg_mask``."""
    table = np.zeros((len(LABELS), 3), np.uint8)
    table[:, 0] = [CODES[name] for name in LABELS]
    return table[labels]


def write_insta(track: Track, model: HeadModel, folder: Path, held_out: int) -> bool:
    """Write everything but images, masks, depth and the meshes of the frames (``write_mesh``).

    Args:
        track: The frames of the dataset, in order.
        model: Their head.
        folder: A folder that exists.
        held_out: Frames at the end that are in the part for tests.

    Returns:
        Whether the head has all regions of INSTA, so that ``mesh_masks`` could be written.
    """
    (folder / "meshes").mkdir()
    (folder / "flame" / "exp").mkdir(parents=True)
    for index, codes in enumerate(track.expression):
        lines = [f"{code:.9g}\n" for code in np.pad(codes, (0, max(0, EXPRESSIONS - len(codes))))]
        (folder / "flame" / "exp" / f"{index:05d}.txt").write_text("".join(lines))
    (folder / "canonical.obj").write_text(obj_text(canonical_vertices(track, model), model.container.faces))
    frames = [frame_entry(track, index) for index in range(len(track.ids))]
    last = len(frames) - held_out
    for name, part in (("", frames), ("_train", frames[:last]), ("_test", frames[last:]), ("_val", frames[-VALIDATION:])):
        content = {**lens(track), "head_sha256": track.head_sha256, "frames": part}
        (folder / f"transforms{name}.json").write_text(json.dumps(content, indent=1) + "\n")
    return write_regions(model.container, folder)


def lens(track: Track) -> dict[str, float]:
    """Return what of the camera is the same in all frames, and the metres of a step of depth."""
    width, height = track.size
    cx, cy = track.principal.tolist()
    content = {"w": width, "h": height, "cx": cx, "cy": cy, "fl_x": track.focal, "fl_y": track.focal}
    for axis, side in zip("xy", track.size, strict=True):
        angle = 2 * math.atan(side / 2 / track.focal)
        content |= {f"camera_angle_{axis}": angle, f"{axis}_fov": math.degrees(angle)}
    return {name: float(value) for name, value in content.items()} | {"integer_depth_scale": 1e-3}


def frame_entry(track: Track, index: int) -> dict[str, Any]:
    """Return what ``transforms.json`` says of a frame."""
    matrix, turn = np.eye(4), track.rotation[index].T
    matrix[:3, :3], matrix[:3, 3] = turn, -turn @ track.translation[index]
    folders = {"file_path": "images", "depth_path": "depth", "seg_mask_path": "seg_mask"}
    return {
        "transform_matrix": matrix.tolist(),
        **{key: f"{place}/{image_name(index)}" for key, place in folders.items()},
        "mesh_path": f"meshes/{index:05d}.obj",
        "exp_path": f"flame/exp/{index:05d}.txt",
    }


def canonical_vertices(track: Track, model: HeadModel) -> Float[ndarray, "V 3"]:
    """Return the person without expression, the mouth open."""
    rest = model.neutral(1)
    rest.identity.copy_(torch.from_numpy(track.identity))
    rest.jaw[:, 0] = CANONICAL_JAW
    return model(rest)[0].numpy()


def write_mesh(folder: Path, index: int, vertices: Float[ndarray, "V 3"], faces: Integer[ndarray, "F 3"]) -> None:
    """Write the mesh of a frame, metres."""
    (folder / "meshes" / f"{index:05d}.obj").write_text(obj_text(vertices, faces))


def obj_text(vertices: Float[ndarray, "V columns"], faces: Integer[ndarray, "F 3"]) -> str:
    """Return an OBJ of vertices, with colours where there are six columns, and triangles; a tenth of a nanometre is kept."""
    line = "v" + " %.10f" * vertices.shape[1] + "\n"
    corners = "f %d %d %d\n" * len(faces) % tuple((faces + 1).ravel().tolist())
    return line * len(vertices) % tuple(vertices.ravel().tolist()) + corners


def write_regions(head: HeadContainer, folder: Path) -> bool:
    """Write ``mesh_masks``: the head at rest once for each region of INSTA's, whose vertices are red and all others white.

    Returns:
        Whether the head has all of them; else none is written.
    """
    own = {name: (name,) if name in head.regions else parts for name, parts in REGIONS.items()}
    if any(part not in head.regions for parts in own.values() for part in parts):
        return False
    (folder / "mesh_masks").mkdir()
    for name, parts in own.items():
        colours = np.ones((len(head.template), 3))
        colours[np.concatenate([head.regions[part] for part in parts]), 1:] = 0
        text = obj_text(np.concatenate([head.template, colours], 1), head.faces)
        (folder / "mesh_masks" / f"{name}.obj").write_text(text)
    return True
