"""DPoser's checkpoints and normalisers for faces, as its project publishes them, without running what is in them.

A checkpoint is Lightning's ``.ckpt`` (``state_dict`` under ``model.``, ``model_ema`` with the averaged weights as a list in the
order of the network's parameters, and settings as an object of ml_collections, which is passed over), or a ``.pth`` with
``model_state_dict`` and ``ema``. The averaged weights are what its authors use (``load_model`` in ``lib/utils/generic.py``).
A normaliser is a folder with ``axis_normalize2.pt``: ``mean_poses`` and ``std_poses``.
"""

import re
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from headsmith.contract.errors import UserError
from headsmith.maths.priors_diffusion import DiffusionPrior, SubVp
from headsmith.nets.dposer import DPoser, DPoserScore
from headsmith.nets.weights import MOST_TOLD, UNREADABLE, differences, read_tensors

NORMALISERS: Final = {
    "shape": ("betas_normalizer",),
    "pose_expression": ("jaw_normalizer", "expression_normalizer"),
    "expression": ("expression_normalizer",),
    "pose": ("jaw_normalizer",),
}
"""The folders whose codes, one after another, a kind of prior is about."""
LONG_SHAPE: Final = ("betas300_normalizer", 300)
NORMALISER_FILE: Final = "axis_normalize2.pt"
WHAT: Final = "a DPoser checkpoint"
REMEDY: Final = (
    "take the face checkpoints of github.com/moonbow721/DPoser-X (TimeFC, axis-angle, z-score) and its face_data normalisers, "
    "or set portraits.prior: l2"
)
SETTINGS_OBJECTS: Final = tuple(
    f"ml_collections.config_dict.config_dict.{name}" for name in ("ConfigDict", "FieldReference", "FrozenConfigDict")
)


class Passed:
    """Stands for an object in a file that is not wanted: made without its code, and left empty."""

    def __new__(cls, *_: object) -> "Passed":
        """Take whatever an object was made with."""
        return super().__new__(cls)

    def __setstate__(self, state: object) -> None:
        """Forget what the object held."""


def open_dposer(kind: str, checkpoint: Path, normalisers: Path, seed: int = 0) -> DiffusionPrior:
    """Return the prior of a user's checkpoint.

    Args:
        kind: ``shape``, ``pose_expression`` (three numbers of the jaw, then expression), ``expression`` or ``pose``.
        checkpoint: Of the network.
        normalisers: The folder of the normalisers' folders (``face_data``).
        seed: Of the noise.

    Raises:
        UserError: A file is missing, broken, of another network, or they do not go together.
    """
    network = read_network(checkpoint)
    codes = network.post_dense.out_features
    folders = LONG_SHAPE[:1] if kind == "shape" and codes == LONG_SHAPE[1] else NORMALISERS[kind]
    parts = [_normaliser(normalisers / folder / NORMALISER_FILE) for folder in folders]
    mean, deviation = (torch.cat(part) for part in zip(*parts, strict=True))
    if len(mean) != codes:
        what = f"the network knows {codes} codes, its normaliser {len(mean)}: they are no prior of {kind.replace('_', ' and ')}"
        raise UserError(what, file=checkpoint, remedy=REMEDY)
    schedule = SubVp()
    score = DPoserScore(network, schedule)
    return DiffusionPrior(score, mean, deviation, weighs=kind == "shape", schedule=schedule, seed=seed)


def read_network(path: Path) -> DPoser:
    """Return the network of a checkpoint, with its averaged weights where it has them, ready to run and frozen.

    Raises:
        UserError: The file cannot be read, would run code, or is another network's.
    """
    content = _read(path)
    tensors = content.get("state_dict", content.get("model_state_dict"))
    if not isinstance(tensors, dict) or not all(isinstance(tensor, Tensor) for tensor in tensors.values()):
        raise UserError(f"this is not {WHAT}: it has no state_dict", file=path, remedy=REMEDY)
    tensors = {str(name).removeprefix("model."): tensor for name, tensor in tensors.items()}
    network = _empty(tensors, path)
    if wrong := differences(tensors, network.state_dict()):
        rest = f" and {len(wrong) - MOST_TOLD} more" if len(wrong) > MOST_TOLD else ""
        raise UserError(f"this is not {WHAT} of faces: {'; '.join(wrong[:MOST_TOLD])}{rest}", file=path, remedy=REMEDY)
    network.load_state_dict(tensors)
    _average(network, content.get("model_ema", content.get("ema")), path)
    if not all(bool(tensor.isfinite().all()) for tensor in network.state_dict().values()):
        raise UserError(f"{WHAT} has weights that are not finite", file=path, remedy=REMEDY)
    return network.eval().requires_grad_(False)


def _read(path: Path) -> dict[str, Any]:
    try:
        with torch.serialization.safe_globals([(Passed, name) for name in SETTINGS_OBJECTS]):
            content = torch.load(path, map_location="cpu", weights_only=True)
    except UNREADABLE as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(f"{WHAT} cannot be read: {reason}", file=path, remedy=REMEDY) from error
    if not isinstance(content, dict):
        raise UserError(f"this is not {WHAT}: it holds a {type(content).__name__}", file=path, remedy=REMEDY)
    return content


def _empty(tensors: dict[str, Tensor], path: Path) -> DPoser:
    """Return a network of the sizes of these tensors."""
    try:
        (width, codes), (_, times) = tensors["pre_dense.weight"].shape, tensors["pre_dense_t.weight"].shape
        return DPoser(codes, width, times, _blocks(tensors), fourier="gauss_proj.W" in tensors)
    except (KeyError, ValueError) as error:
        raise UserError(f"this is not {WHAT}: {error} is not as in TimeFC", file=path, remedy=REMEDY) from error


def _blocks(tensors: dict[str, Tensor]) -> int:
    return len([name for name in tensors if re.fullmatch(r"b\d+_dense1\.weight", name)])


def _average(network: DPoser, averages: Any, path: Path) -> None:
    """Put the averaged weights in, where a checkpoint has them.

    Raises:
        UserError: They are not the network's.
    """
    if averages is None:
        return
    parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
    given = averages.get("shadow_params") if isinstance(averages, dict) else None
    fits = isinstance(given, list) and [getattr(tensor, "shape", None) for tensor in given] == [p.shape for p in parameters]
    if not fits:
        raise UserError(f"{WHAT} has averaged weights that are not its network's", file=path, remedy=REMEDY)
    with torch.no_grad():
        for parameter, tensor in zip(parameters, given, strict=True):
            parameter.copy_(tensor)


def _normaliser(path: Path) -> tuple[Tensor, Tensor]:
    tensors = read_tensors(path, "a DPoser normaliser", REMEDY)
    try:
        mean, deviation = (tensors[name].float().reshape(-1) for name in ("mean_poses", "std_poses"))
    except KeyError as error:
        raise UserError(f"this is not a DPoser normaliser: {error} is missing", file=path, remedy=REMEDY) from error
    if len(mean) != len(deviation) or not bool((deviation > 0).all() and mean.isfinite().all() and deviation.isfinite().all()):
        raise UserError("a DPoser normaliser needs finite means and deviations above 0", file=path, remedy=REMEDY)
    return mean, deviation
