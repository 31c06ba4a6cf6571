"""The file of the patch experts that are trained here: an ``.npz`` of arrays, nothing that runs.

``version``, ``scales (S)``, ``views (V, 3)`` in radians, ``visible (S, V, L)``, ``trust (S, V, L)``, ``support``,
``certainty (2)``, ``offsets (L, 3)`` in millimetres, ``about``, and the layers: ``weights_<scale>_<view>_<layer> (L, I, O)``
and ``biases_<scale>_<view>_<layer> (L, O)``; all but the last layer are rectified, the last one goes through the logistic
function.
"""

import zipfile
from pathlib import Path

import numpy as np
from numpy import ndarray

from headsmith.contract.archives import check_arrays
from headsmith.contract.errors import UserError
from headsmith.media.atomic import atomic_path
from headsmith.nets.patch_experts import Expertise, Layer, NetworkExperts

LARGEST_FILE = 2**28
MOST_SCALES, MOST_VIEWS, MOST_LAYERS, LARGEST_SUPPORT = 16, 64, 16, 63
VERSION = 2
"""2 added offsets."""
REMEDY = "delete the file and run snakemake again: the rule train_patch_experts makes it anew"


def write_experts(path: Path, expertise: Expertise) -> None:
    """Write experts of one support and with the same views at all scales."""
    scales: list[NetworkExperts] = list(expertise.scales)
    points = scales[0].visible.shape[1]
    arrays = {
        "version": np.array(VERSION),
        "offsets": np.zeros((points, 3)) if expertise.offsets is None else expertise.offsets,
        "scales": np.array([experts.scale for experts in scales]),
        "views": scales[0].views,
        "visible": np.stack([experts.visible for experts in scales]),
        "trust": np.stack([experts.trust for experts in scales]),
        "support": np.array(scales[0].support),
        "certainty": np.array(expertise.certainty),
        "about": np.array(expertise.about),
    }
    for scale, experts in enumerate(scales):
        for view, layers in enumerate(experts.layers):
            for rank, layer in enumerate(layers):
                arrays[f"weights_{scale}_{view}_{rank}"] = layer.weights
                arrays[f"biases_{scale}_{view}_{rank}"] = layer.biases
    with atomic_path(path) as partial, partial.open("wb") as stream:
        np.savez(stream, **arrays)


def read_experts(path: Path) -> Expertise:
    """Return the experts of a file.

    Raises:
        UserError: The file is missing, or is not such a file.
    """
    try:
        check_arrays(path, most=LARGEST_FILE)
        with np.load(path, allow_pickle=False) as archive:
            return _arrange({name: archive[name] for name in archive.files})
    except (OSError, ValueError, KeyError, IndexError, zipfile.BadZipFile) as error:
        raise UserError(f"the patch experts cannot be read: {error}", file=path, remedy=REMEDY) from error


def _arrange(arrays: dict[str, ndarray]) -> Expertise:
    version = int(arrays.get("version", 1))
    if version != VERSION:
        raise ValueError(f"they are of version {version}, and version {VERSION} is read")
    scales, views, support = arrays["scales"], arrays["views"], int(arrays["support"])
    visible, trust, certainty, offsets = (arrays[name] for name in ("visible", "trust", "certainty", "offsets"))
    sound = (
        scales.ndim == 1
        and 0 < len(scales) <= MOST_SCALES
        and views.ndim == 2
        and views.shape[1] == 3
        and 0 < len(views) <= MOST_VIEWS
        and visible.ndim == 3
        and visible.shape == trust.shape
        and visible.shape[:2] == (len(scales), len(views))
        and support % 2 == 1
        and 0 < support <= LARGEST_SUPPORT
        and certainty.shape == (2,)
        and offsets.shape == (visible.shape[2], 3)
        and (np.diff(scales) > 0).all()
        and scales[0] > 0
        and (trust > 0).all()
    )
    if not sound or not all(np.isfinite(part).all() for name, part in arrays.items() if part.dtype.kind == "f"):
        raise ValueError("its arrays do not belong together, or hold numbers that are not finite")
    experts = tuple(
        NetworkExperts(
            float(scale),
            support,
            views.astype(np.float64),
            visible[rank].astype(bool),
            trust[rank].astype(np.float64),
            tuple(_layers(arrays, rank, view, support, visible.shape[2]) for view in range(len(views))),
        )
        for rank, scale in enumerate(scales)
    )
    return Expertise(experts, (float(certainty[0]), float(certainty[1])), str(arrays["about"]), offsets.astype(np.float64))


def _layers(arrays: dict[str, ndarray], scale: int, view: int, support: int, points: int) -> tuple[Layer, ...]:
    names = [f"{scale}_{view}_{rank}" for rank in range(MOST_LAYERS) if f"weights_{scale}_{view}_{rank}" in arrays]
    layers, inputs = [], support**2
    for name in names:
        weights, biases = arrays[f"weights_{name}"].astype(np.float32), arrays[f"biases_{name}"].astype(np.float32)
        if weights.ndim != 3 or weights.shape[:2] != (points, inputs) or biases.shape != (points, weights.shape[2]):
            raise ValueError(f"the layer {name} is of shape {weights.shape}, with biases of {biases.shape}")
        layers.append(Layer(weights, biases, rectified=name != names[-1]))
        inputs = weights.shape[2]
    if not layers or inputs != 1:
        raise ValueError(f"the experts of scale {scale}, view {view} do not end in one number")
    return tuple(layers)
