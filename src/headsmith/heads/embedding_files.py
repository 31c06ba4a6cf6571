"""Embeddings of landmarks on FLAME, as its authors and those of DECA, TF_FLAME, smplx and VHAP publish them.

``mediapipe_landmark_embedding.npz``: 105 of MediaPipe's points. ``landmark_embedding.npy`` (with two more points, of the
pupils, as ``landmark_embedding_with_eyes.npy``): iBUG's 68 points, as a frontal outline of 17 and 51 that stay (``full``,
``static``), and the outline at 79 yaws (``dynamic``). ``flame_static_embedding.pkl`` and ``flame_dynamic_embedding.npy`` hold
the latter two alone.
"""

import zipfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from jaxtyping import Shaped
from numpy import ndarray

from headsmith.contract.archives import check_arrays
from headsmith.contract.conventions import IBUG68, MEDIAPIPE478
from headsmith.contract.errors import UserError
from headsmith.heads.embedding_types import Contour, Embedding
from headsmith.heads.pickles_file import read_bytes, read_pickle
from headsmith.heads.pickles_tensors import as_numbers, read_saved_object
from headsmith.heads.pickles_values import Refusal

TRIANGLES: Final = 9976
"""FLAME's own, which come first in its container."""
OUTLINE: Final = len(IBUG68.outline)
STATIC: Final = IBUG68.count - OUTLINE
REACH: Final = 39
"""Degrees. Rows 0..39 of a dynamic outline are for heads turned so far to their left, rows 40..78 for 1..39 to their right."""
SLACK: Final = 1e-3
"""By which barycentric coordinates of a file may miss 0..1 and a sum of 1."""
MEDIAPIPE_KEYS: Final = ("landmark_indices", "lmk_face_idx", "lmk_b_coords")
MOST_BYTES: Final = 2**24
"""Of such a file; 105 points take some thousand."""
REMEDY: Final = "use the file as its authors published it, or take it out of heads.embeddings: landmarks are then measured"

Rows = tuple[Shaped[ndarray, "..."], Shaped[ndarray, "..."]]
"""Triangles, and barycentric coordinates in them."""


@dataclass(frozen=True)
class GivenLandmarks:
    """What files say of landmarks, by convention.

    Attributes:
        embeddings: Landmarks that stay.
        contours: Landmarks that slide.
    """

    embeddings: dict[str, Embedding] = field(default_factory=dict)
    contours: dict[str, Contour] = field(default_factory=dict)


def read_embeddings(paths: list[Path]) -> GivenLandmarks:
    """Return what files of embeddings hold; nothing in them is run. Of two files that hold the same, the later counts.

    Raises:
        UserError: A file is missing, is of no kind that is known, asks to run something, or names places that FLAME lacks.
    """
    embeddings: dict[str, Embedding] = {}
    parts: dict[str, Rows] = {}
    for path in paths:
        try:
            if path.suffix == ".npz":
                embeddings[MEDIAPIPE478.name] = read_mediapipe(path)
            else:
                parts |= read_ibug(path)
        except Refusal as refusal:
            raise UserError(f"this embedding of landmarks is refused: {refusal}", file=path, remedy=REMEDY) from refusal
    return GivenLandmarks(embeddings | ibug_embedding(parts), ibug_contour(parts))


def read_mediapipe(path: Path) -> Embedding:
    """Return the points of a ``mediapipe_landmark_embedding.npz``, in ascending order.

    Raises:
        UserError: The file is missing.
        Refusal: It does not hold such points.
    """
    if not path.is_file():
        raise UserError("the embedding of landmarks is not there", file=path, remedy=REMEDY)
    try:
        check_arrays(path, MEDIAPIPE_KEYS, MOST_BYTES)
        with np.load(path, allow_pickle=False) as archive:
            arrays = {key: archive[key] for key in MEDIAPIPE_KEYS}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise Refusal(f"it cannot be read: {error}") from error
    points = arrays["landmark_indices"]
    faces, weights = checked((arrays["lmk_face_idx"], arrays["lmk_b_coords"]), (points.size,))
    whole = points.ndim == 1 and points.dtype.kind in "iu" and len(np.unique(points)) == len(points)
    if not whole or points.min() < 0 or points.max() >= MEDIAPIPE478.count:
        raise Refusal("its landmark_indices are not points of MediaPipe's 478")
    order = np.argsort(points)
    return Embedding(points[order].astype(np.int32), faces[order], weights[order])


def read_ibug(path: Path) -> dict[str, Rows]:
    """Return the parts that a file of 68 points holds: ``full``, ``static``, ``dynamic``.

    Raises:
        UserError: The file is missing, or is a pickle that is refused.
        Refusal: It does not hold such points.
    """
    values = read_pickle(path, REMEDY).values if path.suffix == ".pkl" else read_saved_object(read_bytes(path, REMEDY))
    if not isinstance(values, dict):
        raise Refusal(f"it holds a {type(values).__name__}, not a dictionary")
    found = {}
    for part in ("full", "static", "dynamic"):
        if f"{part}_lmk_faces_idx" in values:
            found[part] = read_part(part, values, f"{part}_lmk_faces_idx", f"{part}_lmk_bary_coords")
    if not found and "lmk_face_idx" in values:
        part = "dynamic" if as_numbers(values["lmk_face_idx"]).squeeze().ndim == 2 else "static"
        found[part] = read_part(part, values, "lmk_face_idx", "lmk_b_coords")
    if not found:
        raise Refusal(f"it has none of the keys of such a file, but {', '.join(ascii(key) for key in list(values)[:8])}")
    return found


def read_part(part: str, values: dict[Any, Any], faces: str, weights: str) -> Rows:
    """Return the triangles and coordinates of a part; points beyond iBUG's, which are pupils, are left out.

    Raises:
        Refusal: They are missing or of another shape.
    """
    if weights not in values:
        raise Refusal(f"it has {faces}, but no {weights}")
    found, coordinates = as_numbers(values[faces]), as_numbers(values[weights])
    if part == "dynamic":
        return checked((found, coordinates), (2 * REACH + 1, OUTLINE))
    count = IBUG68.count if part == "full" else STATIC
    found, coordinates = found.reshape(-1), coordinates.reshape(-1, coordinates.shape[-1] if coordinates.ndim else 1)
    if len(found) not in (count, count + 2) or len(found) != len(coordinates):
        raise Refusal(f"its {part} points are {len(found)} triangles and {len(coordinates)} coordinates, not {count}")
    return checked((found[:count], coordinates[:count]), (count,))


def checked(rows: Rows, shape: tuple[int, ...]) -> Rows:
    """Return triangles as int32 and coordinates as float32 that are within 0..1 and sum to 1.

    Raises:
        Refusal: They are not places on FLAME.
    """
    faces, weights = rows
    if faces.shape != shape or weights.shape != (*shape, 3):
        raise Refusal(f"it has triangles {faces.shape} and coordinates {weights.shape}, not {shape} and {(*shape, 3)}")
    if faces.dtype.kind not in "iu" or weights.dtype.kind != "f":
        raise Refusal(f"its triangles are {faces.dtype} and its coordinates {weights.dtype}")
    if faces.size and not (faces.min() >= 0 and faces.max() < TRIANGLES):
        raise Refusal(f"it names triangles {faces.min()}..{faces.max()}, but FLAME has {TRIANGLES}")
    inside = np.isfinite(weights).all() and (weights >= -SLACK).all() and (np.abs(weights.sum(-1) - 1) <= SLACK).all()
    if not inside:
        raise Refusal("its barycentric coordinates leave their triangles")
    weights = weights.clip(0).astype(np.float64)
    return faces.astype(np.int32), (weights / weights.sum(-1, keepdims=True)).astype(np.float32)


def ibug_embedding(parts: dict[str, Rows]) -> dict[str, Embedding]:
    """Return the embedding of all 68 points, or of the 51 that stay where no part has the frontal outline."""
    if "full" in parts:
        return {IBUG68.name: Embedding(np.arange(IBUG68.count, dtype=np.int32), *parts["full"])}
    if "static" in parts:
        return {IBUG68.name: Embedding(np.arange(OUTLINE, IBUG68.count, dtype=np.int32), *parts["static"])}
    return {}


def ibug_contour(parts: dict[str, Rows]) -> dict[str, Contour]:
    """Return the outline at ascending yaws."""
    if "dynamic" not in parts:
        return {}
    order = [*range(2 * REACH, REACH, -1), *range(REACH + 1)]
    faces, weights = (part[order] for part in parts["dynamic"])
    yaws = np.deg2rad(np.arange(-REACH, REACH + 1, dtype=np.float64))
    return {IBUG68.name: Contour(np.arange(OUTLINE, dtype=np.int32), yaws, faces, weights)}
