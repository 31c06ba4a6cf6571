"""Texture coordinates of FLAME's head: the user's template with them, or an unwrapping of our own.

FLAME's model file has none. Its authors' ``head_template_mesh.obj`` has 5,118; a template without any is refused.
"""

from pathlib import Path
from typing import Final

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from headsmith.contract.archives import file_size
from headsmith.contract.errors import UserError
from headsmith.heads.flame_source import EYEBALLS, VERTICES

REMEDY: Final = (
    "use head_template_mesh.obj of FLAME's own texture space, or FlashAvatar's FlameMesh.obj; or name no file: the head is "
    "then unwrapped onto a cylinder"
)

SHELF: Final = 0.15
"""Share of the texture's height, at its foot, that the eyeballs have for themselves in ``unwrap``."""

MARGIN: Final = 0.01

MOST_BYTES: Final = 2**23
"""Of a template; FLAME's has 0.6 million."""


def read_uv(path: Path, faces: Int[ndarray, "F 3"]) -> tuple[Float[ndarray, "U 2"], Int[ndarray, "F 3"]]:
    """Return the texture coordinates of an OBJ file of FLAME's mesh, for our triangles in our order.

    Triangles are told by their vertices, so the file may have them in another order, begin them at another corner, and have
    those that close the mouth.

    Raises:
        UserError: The file is missing, is no OBJ of FLAME's triangles, or has no texture coordinates.
    """
    counted, uv, corners, uv_corners = read_obj(path)
    if counted != VERTICES:
        raise UserError(f"the template has {counted} vertices, FLAME {VERTICES}", file=path, remedy=REMEDY)
    if not np.isfinite(uv).all() or uv.min(initial=0) < -MARGIN or uv.max(initial=0) > 1 + MARGIN:
        raise UserError("the template's texture coordinates leave 0..1", file=path, remedy=REMEDY)
    if uv_corners.min() < 0 or uv_corners.max() >= len(uv):
        raise UserError(f"the template has {len(uv)} texture coordinates, its triangles name others", file=path, remedy=REMEDY)
    known = {tuple(face): row for row, face in enumerate(_turned(corners)[0].tolist())}
    wanted, starts = _turned(faces)
    rows = np.array([known.get(tuple(face), -1) for face in wanted.tolist()])
    if (rows < 0).any():
        raise UserError(f"the template lacks {(rows < 0).sum()} of FLAME's triangles", file=path, remedy=REMEDY)
    _, theirs = _turned(corners)
    shift = (np.arange(3) - starts[:, None] + theirs[rows][:, None]) % 3
    return uv.clip(0, 1), np.take_along_axis(uv_corners[rows], shift, 1)


def has_triangles(path: Path, faces: Int[ndarray, "F 3"]) -> bool:
    """Tell whether an OBJ file of FLAME's mesh has all of some triangles.

    Raises:
        UserError: The file is missing, or is no OBJ of triangles with texture coordinates.
    """
    known = set(map(tuple, _turned(read_obj(path)[2])[0].tolist()))
    return all(tuple(face) in known for face in _turned(faces)[0].tolist())


def _turned(faces: Int[ndarray, "F 3"]) -> tuple[Int[ndarray, "F 3"], Int[ndarray, " F"]]:
    """Return triangles turned so that the smallest vertex is first, and at which corner that was."""
    starts = faces.argmin(1)
    return np.take_along_axis(faces, (np.arange(3) + starts[:, None]) % 3, 1), starts


def read_obj(path: Path) -> tuple[int, Float[ndarray, "U 2"], Int[ndarray, "F 3"], Int[ndarray, "F 3"]]:
    """Return an OBJ file's number of vertices, texture coordinates, and triangles as indices into both, from 0.

    Raises:
        UserError: The file is missing, cannot be understood, has other polygons than triangles, or has no texture coordinates.
    """
    vertices, uv, corners = 0, [], []
    try:
        file_size(path, MOST_BYTES)
        for line in path.read_text(encoding="latin1").splitlines():
            word, *rest = line.split() or [""]
            if word == "v":
                vertices += 1
            elif word == "vt":
                uv.append([float(number) for number in rest[:2]])
            elif word == "f":
                corners.append([[int(part) - 1 for part in corner.split("/")[:2]] for corner in rest])
        triangles = np.array(corners, np.int64).reshape(-1, 3, 2)
        if len(triangles) != len(corners) or not len(triangles):
            raise UserError("the template has other polygons than triangles", file=path, remedy=REMEDY)
        return vertices, np.array(uv, np.float64).reshape(-1, 2), triangles[..., 0], triangles[..., 1]
    except FileNotFoundError as error:
        raise UserError("the template is not there", file=path, remedy=REMEDY) from error
    except (OSError, ValueError, IndexError, OverflowError) as error:
        what = "the template is no OBJ of triangles with texture coordinates"
        raise UserError(f"{what}: {error}", file=path, remedy=REMEDY) from error


def unwrap(template: Float[ndarray, "V 3"], faces: Int[ndarray, "F 3"]) -> tuple[Float[ndarray, "U 2"], Int[ndarray, "F 3"]]:
    """Return texture coordinates of our own: the skin on a cylinder about the head's height, the eyeballs on two below it.

    The seam runs down the back. What lies behind other skin (the inside of the mouth, of the nose and of the lids, the backs of
    the ears) shares its place with it. Vertices keep their numbers; those of the seam stand once more at the end.
    """
    uv, uv_faces = np.zeros((len(template), 2)), faces.astype(np.int64)
    skin = np.setdiff1d(np.arange(len(template)), [vertex for ids in EYEBALLS.values() for vertex in ids])
    parts = [(np.array(ids), (0.5 * place, 0.0, 0.5, SHELF)) for place, ids in enumerate(EYEBALLS.values())]
    for ids, box in (*parts, (skin, (0.0, SHELF, 1.0, 1 - SHELF))):
        rows = np.flatnonzero(np.isin(faces, ids).all(1))
        across = turns_about_height(template, ids)
        seam = rows[np.ptp(across[faces[rows]], axis=1) > 0.5]
        doubled = np.unique(faces[seam][across[faces[seam]] < 0.5])
        height = (template[:, 1] - template[ids, 1].min()) / np.ptp(template[ids, 1])
        flat = np.stack([across, height], 1)
        placed = into_box(np.concatenate([flat[ids], flat[doubled] + [1, 0]]), box)
        uv[ids] = placed[: len(ids)]
        moved = np.isin(faces[seam], doubled)
        uv_faces[seam] = np.where(moved, len(uv) + np.searchsorted(doubled, faces[seam]), faces[seam])
        uv = np.concatenate([uv, placed[len(ids) :]])
    return uv, uv_faces


def turns_about_height(template: Float[ndarray, "V 3"], ids: Int[ndarray, " n"]) -> Float[ndarray, " V"]:
    """Return the share of a turn at which vertices lie about the upright axis of some of them: 0 and 1 behind, 0.5 ahead."""
    centre = (template[ids].min(0) + template[ids].max(0)) / 2
    return np.arctan2(template[:, 0] - centre[0], template[:, 2] - centre[2]) / (2 * np.pi) + 0.5


def into_box(flat: Float[ndarray, "n 2"], box: tuple[float, float, float, float]) -> Float[ndarray, "n 2"]:
    """Return points that lie from 0 on, stretched into a box (left, foot, width, height) less its margin."""
    corner, size = np.array(box[:2]) + MARGIN, np.array(box[2:]) - 2 * MARGIN
    return corner + flat / np.maximum(flat.max(0), 1) * size
