"""What makes a head container sound: shapes that agree, finite numbers, ids in range, weights that sum to 1."""

from collections.abc import Callable, Iterator

import numpy as np
from numpy import ndarray

SHAPES: dict[str, str] = {
    "template": "V 3",
    "identity": "K V 3",
    "expression": "E V 3",
    "eyelids": "2 V 3",
    "correctives": "P V 3",
    "joint_regressor": "J V",
    "weights": "V J",
    "parents": "J",
    "faces": "F 3",
    "uv": "U 2",
    "uv_faces": "F 3",
    "expression_names": "E",
    "joint_names": "J",
}
LANDMARKS = ("embedding_", "contour_")
"""What the names of arrays of landmarks begin with."""

SUM_TOLERANCE = 1e-4
"""Float32 sums of barycentric coordinates stay well inside this."""

SUMS = {"weights": 1e-3, "joint_regressor": 1e-2}
"""How far rows may sum beside 1. The forward pass is what the arrays say whatever they sum to; 0.2 m away from the
origin these are 0.2 and 2 mm. They tell arrays of something else, and do not grade a model whose regressor was fitted."""

LEAST_WEIGHT = -1e-3
"""Skinning weights below this are no rounding of a fitted model's zeros."""


def find_fault(arrays: dict[str, ndarray]) -> str | None:
    """Return what is wrong with a container's arrays, or nothing.

    Checks run from the coarse to the fine; the first that fails is told.
    """
    checks: tuple[Callable[[dict[str, ndarray]], Iterator[str]], ...] = (
        shape_faults,
        finiteness_faults,
        index_faults,
        weight_faults,
        embedding_faults,
        contour_faults,
    )
    return next((fault for check in checks for fault in check(arrays)), None)


def shape_faults(arrays: dict[str, ndarray]) -> Iterator[str]:
    """Yield arrays whose shape disagrees with the letters of ``SHAPES``."""
    sizes: dict[str, int] = {}
    for key, letters in SHAPES.items():
        shape, names = arrays[key].shape, letters.split()
        wanted = tuple(int(name) if name.isdigit() else sizes.get(name, -1) for name in names)
        agrees = len(shape) == len(wanted) and all(want in (-1, have) for want, have in zip(wanted, shape, strict=True))
        if not agrees:
            yield f"{key} has shape {shape}, not ({', '.join(names)})"
            return
        sizes |= {name: size for name, size in zip(names, shape, strict=True) if not name.isdigit()}
    rows = (sizes["J"] - 1) * 9
    if sizes["P"] not in (0, rows):
        yield f"correctives have {sizes['P']} rows, not 0 or {rows}"


def finiteness_faults(arrays: dict[str, ndarray]) -> Iterator[str]:
    """Yield arrays that hold NaN or infinity."""
    for key, array in arrays.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            yield f"{key} holds {int((~np.isfinite(array)).sum())} numbers that are not finite"


def index_faults(arrays: dict[str, ndarray]) -> Iterator[str]:
    """Yield ids out of range, and parents that do not come before their children."""
    vertices, faces = len(arrays["template"]), len(arrays["faces"])
    limits = {"faces": vertices, "uv_faces": len(arrays["uv"])}
    limits |= {key: vertices for key in arrays if key.startswith("region_")}
    limits |= {key: faces for key in arrays if key.startswith(LANDMARKS) and key.endswith("_faces")}
    for key, limit in limits.items():
        ids = arrays[key]
        if ids.dtype.kind not in "iu":
            yield f"{key} holds {ids.dtype}, not whole numbers"
        elif ids.size and not (ids.min() >= 0 and ids.max() < limit):
            yield f"{key} names ids {ids.min()}..{ids.max()}, but there are {limit}"
    parents = arrays["parents"].tolist()
    if parents[:1] != [-1] or any(not 0 <= parent < joint for joint, parent in enumerate(parents) if joint):
        yield f"parents are {parents}: the root first (-1), every other joint after its parent"


def weight_faults(arrays: dict[str, ndarray]) -> Iterator[str]:
    """Yield skinning weights and joint regressors that do not sum to 1, and negative skinning weights."""
    if arrays["weights"].min(initial=0) < LEAST_WEIGHT:
        yield f"skinning weights go down to {arrays['weights'].min():.3g}"
    for key, tolerance in SUMS.items():
        sums = arrays[key].sum(1, dtype=np.float64)
        if np.abs(sums - 1).max(initial=0) > tolerance:
            yield f"rows of {key} sum to {sums.min():.6g}..{sums.max():.6g}, not 1"


def embedding_faults(arrays: dict[str, ndarray]) -> Iterator[str]:
    """Yield landmarks whose arrays differ in length, or whose barycentric coordinates leave the triangle."""
    for key in (key for key in arrays if key.startswith(LANDMARKS) and key.endswith("_barycentrics")):
        weights, base = arrays[key], key.removesuffix("_barycentrics")
        if weights.shape != (*arrays[f"{base}_faces"].shape, 3):
            yield f"{key} has shape {weights.shape} beside {arrays[f'{base}_faces'].shape} faces"
        elif len(arrays[f"{base}_points"]) != weights.shape[-2]:
            yield f"{base} has {len(arrays[f'{base}_points'])} points but {weights.shape[-2]} places"
        elif (np.diff(arrays[f"{base}_points"]) <= 0).any():
            yield f"{base}_points do not ascend"
        elif weights.size and (weights.min() < -SUM_TOLERANCE or np.abs(weights.sum(-1) - 1).max() > SUM_TOLERANCE):
            yield f"{key} leave their triangles"


def contour_faults(arrays: dict[str, ndarray]) -> Iterator[str]:
    """Yield contours without rows or not one for each yaw, whose yaws do not ascend, or of points that are not embedded."""
    for key in (key for key in arrays if key.startswith("contour_") and key.endswith("_yaws")):
        base = key.removesuffix("_yaws")
        yaws, shape = arrays[key], arrays[f"{base}_faces"].shape
        embedded = arrays.get(f"embedding_{base.removeprefix('contour_')}_points", np.zeros(0))
        if yaws.ndim != 1 or len(yaws) == 0 or len(shape) != 2 or shape[0] != len(yaws):
            yield f"{key} has shape {yaws.shape} beside {shape} faces"
        elif (np.diff(yaws) <= 0).any() or np.abs(yaws).max() > np.pi:
            yield f"{key} do not ascend from -pi to pi"
        elif not np.isin(arrays[f"{base}_points"], embedded).all():
            yield f"{base} has points that are not embedded"
