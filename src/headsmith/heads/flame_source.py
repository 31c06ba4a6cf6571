"""FLAME's own file: read without running anything in it, and checked key by key.

FLAME (Li, Bolkart, Black, Li and Romero 2017, *Learning a model of facial shape and expression from 4D scans*) comes as a
pickle in which numpy arrays may be wrapped by chumpy; neither is needed to read it.
"""

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from jaxtyping import Float, Int32
from numpy import ndarray

from headsmith.contract.errors import UserError
from headsmith.contract.flame import PAGE, missing_remedy
from headsmith.heads.flame_releases import Release, find_metadata_fault, tell_release
from headsmith.heads.pickles_arrays import as_array, as_matrix
from headsmith.heads.pickles_file import PickleFile, read_pickle
from headsmith.heads.pickles_values import Record
from headsmith.heads.validation import LEAST_WEIGHT, SUMS

VERTICES, FACES, JOINTS = 5023, 9976, 5
IDENTITY, EXPRESSION = 300, 100
"""``shapedirs`` holds the identity's directions first, then the expression's."""

PARENTS: Final = (-1, 0, 1, 1, 1)
EYEBALLS: Final[dict[str, range]] = {"left_eyeball": range(3931, 4477), "right_eyeball": range(4477, 5023)}
"""Vertices of the eyeballs, the subject's left at x > 0; the same in all releases, which share their triangles."""

SHAPES: Final[dict[str, tuple[int, ...]]] = {
    "v_template": (VERTICES, 3),
    "f": (FACES, 3),
    "shapedirs": (VERTICES, 3, IDENTITY + EXPRESSION),
    "posedirs": (VERTICES, 3, 9 * (JOINTS - 1)),
    "J": (JOINTS, 3),
    "kintree_table": (2, JOINTS),
    "weights": (VERTICES, JOINTS),
}
REGRESSOR: Final = (JOINTS, VERTICES)

DERIVED: Final = "chumpy.ch.MatVecMult"
"""The class of joints that chumpy stored as a product to be computed, of the regressor and the template."""

HEIGHTS: Final = (0.15, 0.6)
"""Metres. A head with its neck; a factor of 4 (as in GIF's family of models), or millimetres, fall outside."""

REMEDY: Final = f"use the file as it came from {PAGE}; a model with other vertices, joints or directions is not FLAME's"


@dataclass(frozen=True)
class FlameSource:
    """What a FLAME file holds, in its own precision. Metres; +x the subject's left, +y up, +z out of the face.

    Attributes:
        path: Where it was read.
        sha256: Hash of its bytes.
        release: Which FLAME it is.
        template: ``v_template``.
        directions: ``shapedirs``: identity, then expression, a unit being one standard deviation.
        correctives: ``posedirs``, over the entries of ``R_j - I`` of neck, jaw, left and right eye.
        joint_regressor: ``J_regressor``.
        joints: ``J``, the template's joints as stored.
        weights: ``weights``.
        faces: ``f``.
    """

    path: Path
    sha256: str
    release: Release
    template: Float[ndarray, "V 3"]
    directions: Float[ndarray, "V 3 D"]
    correctives: Float[ndarray, "V 3 P"]
    joint_regressor: Float[ndarray, "J V"]
    joints: Float[ndarray, "J 3"]
    weights: Float[ndarray, "V J"]
    faces: Int32[ndarray, "F 3"]

    @property
    def joint_miss(self) -> float:
        """How far the stored joints lie from those that the regressor gives, at most, metres."""
        return float(np.linalg.norm(self.joint_regressor @ self.template - self.joints, axis=1).max())


def read_flame(path: str | os.PathLike[str]) -> FlameSource:
    """Read FLAME 2020 (generic, male, female), 2023, 2023 no jaw or 2023 Open, without running anything in the file.

    Raises:
        UserError: The file is missing (the message says where to get it), asks to run something, is broken, or is not FLAME:
            the reason is told.
    """
    file = read_pickle(path, missing_remedy(path))
    return make_source(file, read_arrays(file))


def make_source(file: PickleFile, arrays: dict[str, ndarray]) -> FlameSource:
    """Return what a file holds, checked.

    Args:
        file: The file, for its hash, its metadata and its words.
        arrays: Its arrays by the names of FLAME's keys.

    Raises:
        UserError: They are not FLAME's: the reason is told.
    """
    metadata = file.values.get("supr_expression_metadata")
    fault = find_metadata_fault(metadata, EXPRESSION) or next(find_faults(arrays, styles(file)), None)
    if fault is not None:
        raise UserError(f"this is no FLAME model that can be used: {fault}", file=file.path, remedy=REMEDY)
    return FlameSource(
        path=file.path,
        sha256=file.sha256,
        release=tell_release(file.sha256, metadata, file.path),
        template=arrays["v_template"],
        directions=arrays["shapedirs"],
        correctives=arrays["posedirs"],
        joint_regressor=arrays["J_regressor"],
        joints=arrays["J"],
        weights=arrays["weights"],
        faces=arrays["f"].astype(np.int32),
    )


def read_arrays(file: PickleFile) -> dict[str, ndarray]:
    """Return the arrays of a model by the names of FLAME's keys, unchecked but for the regressor's shape.

    Joints that chumpy stored as a product to be computed (``MatVecMult``) are what it would compute.

    Raises:
        UserError: A key is missing or holds no array.
    """
    joints = file.values.get("J")
    derived = isinstance(joints, Record) and str(joints.name) == DERIVED
    arrays: dict[str, ndarray] = {key: file.read(key, as_array) for key in SHAPES if not (derived and key == "J")}
    arrays["J_regressor"] = file.read("J_regressor", lambda value: as_matrix(value, REGRESSOR))
    if derived:
        arrays["J"] = derive_joints(arrays["J_regressor"], arrays["v_template"])
    return arrays


def derive_joints(regressor: Float[ndarray, "J V"], template: ndarray) -> Float[ndarray, "J n"]:
    """Return the joints that a regressor gives, the same bits in every numpy: exact sums of products, rounded once.

    A template of another shape, which is refused later, gives no joints.
    """
    if template.shape != SHAPES["v_template"] or template.dtype.kind != "f":
        return np.zeros((JOINTS, 0))
    rows = [(row[used], template[used].astype(np.float64)) for row, used in zip(regressor, regressor != 0, strict=True)]
    return np.array([[_exact_sum(row * axis) for axis in places.T] for row, places in rows])


def _exact_sum(terms: Float[ndarray, " n"]) -> float:
    return math.fsum(terms.tolist()) if np.isfinite(terms).all() else math.nan


def styles(file: PickleFile) -> dict[str, Any]:
    """Return the file's words on how it is to be posed, as far as they are plain text."""
    words = {key: file.values.get(key) for key in ("bs_style", "bs_type")}
    return {key: word for key, word in words.items() if isinstance(word, str)}


def find_faults(arrays: dict[str, ndarray], words: dict[str, str]) -> Iterator[str]:
    """Yield what is wrong with a model's arrays, from the coarse to the fine; later checks rely on earlier ones."""
    for check in (shape_faults, number_faults, topology_faults, weight_faults, frame_faults):
        yield from check(arrays)
    wanted = {"bs_style": "lbs", "bs_type": "lrotmin"}
    yield from (f"{key} is {ascii(word)[:40]}, not {wanted[key]}" for key, word in words.items() if word != wanted[key])


def shape_faults(arrays: dict[str, ndarray]) -> Iterator[str]:
    """Yield arrays of another shape, or of another kind of number."""
    for key, shape in SHAPES.items():
        kinds = "iu" if key in ("f", "kintree_table") else "f"
        if arrays[key].shape != shape:
            yield f"{key} has shape {arrays[key].shape}, not {shape}"
        elif arrays[key].dtype.kind not in kinds:
            yield f"{key} holds {arrays[key].dtype}, not {'whole numbers' if kinds == 'iu' else 'floating point'}"


def number_faults(arrays: dict[str, ndarray]) -> Iterator[str]:
    """Yield arrays with numbers that are not finite, or that 32 bits cannot hold."""
    limit = np.finfo(np.float32).max
    for key, array in arrays.items():
        wrong = np.count_nonzero(~(np.abs(array) <= limit)) if array.dtype.kind == "f" else 0
        if wrong:
            yield f"{key} holds {wrong} numbers that are not finite"


def topology_faults(arrays: dict[str, ndarray]) -> Iterator[str]:
    """Yield triangles that name no vertices or one twice, and joints in another tree."""
    faces = arrays["f"].astype(np.int64)
    if faces.min() < 0 or faces.max() >= VERTICES:
        yield f"f names vertices {faces.min()}..{faces.max()}, but there are {VERTICES}"
    flat = np.count_nonzero((faces == np.roll(faces, 1, axis=1)).any(1))
    if flat:
        yield f"f has {flat} triangles that name a vertex twice"
    parents, joints = arrays["kintree_table"].astype(np.int64)
    parents = np.where(parents == 2**32 - 1, -1, parents)
    if tuple(parents.tolist()) != PARENTS or joints.tolist() != list(range(JOINTS)):
        yield f"kintree_table has parents {parents.tolist()} of joints {joints.tolist()}, not {list(PARENTS)}"


def weight_faults(arrays: dict[str, ndarray]) -> Iterator[str]:
    """Yield skinning weights and joint regressors whose rows do not sum to 1, and negative skinning weights."""
    if arrays["weights"].min() < LEAST_WEIGHT:
        yield f"weights go down to {arrays['weights'].min():.3g}"
    for key, tolerance in (("weights", SUMS["weights"]), ("J_regressor", SUMS["joint_regressor"])):
        sums = arrays[key].sum(1, dtype=np.float64)
        if np.abs(sums - 1).max() > tolerance:
            yield f"rows of {key} sum to {sums.min():.6g}..{sums.max():.6g}, not 1"


def frame_faults(arrays: dict[str, ndarray]) -> Iterator[str]:
    """Yield a head that is not in metres, or whose eyeballs are not where FLAME's axes have them."""
    template = arrays["v_template"]
    height = float(np.ptp(template[:, 1]))
    if not HEIGHTS[0] <= height <= HEIGHTS[1]:
        yield f"v_template is {height:.3g} high, no head in metres ({HEIGHTS[0]}..{HEIGHTS[1]})"
    left, right = (template[list(ids)].mean(0) for ids in EYEBALLS.values())
    if not left[0] > right[0]:
        yield f"the left eyeball lies at x = {left[0]:.3g} and the right one at {right[0]:.3g}: +x is the subject's left"
    if not min(left[2], right[2]) > template[:, 2].mean():
        yield "the eyeballs lie behind the middle of the head: +z is out of the face"
