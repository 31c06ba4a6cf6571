"""A trained ``basis`` avatar as plain arrays: all that is learned, and the person's head as far as its Gaussians need it.

With these arrays, avatar and head can be moved without headsmith (docs/viewer.md); the stages splats and viewer share them.
"""

from typing import Final

import numpy as np
import torch
from numpy import ndarray
from torch import Tensor, nn

from headsmith.contract.errors import UserError
from headsmith.heads.model import HeadModel
from headsmith.maths.skinning import blend_shapes
from headsmith.splat.basis import BASIS_UNITS, FARTHEST, LARGEST, BasisAvatar
from headsmith.stages.avatar_file import TrainedAvatar
from headsmith.stages.avatar_views import ClipViews

Arrays = dict[str, ndarray]

ACTIVATIONS: Final = {nn.ReLU: "relu"}
"""Names of what stands between the layers of the network that weighs the bases."""

MOTION: Final = ("expression", "jaw", "eyes", "eyelids", "neck")
"""What moves a head, by its names in ``HeadParameters``."""


def avatar_arrays(trained: TrainedAvatar, views: ClipViews, clip: str, variant: str) -> Arrays:
    """Return everything that it takes to draw an avatar, by the names that docs/viewer.md explains.

    Args:
        trained: The avatar.
        views: The clip that it was trained on.
        clip: Name of the clip.
        variant: Name of the variant.

    Raises:
        UserError: The avatar is of a kind that cannot be moved so.
    """
    if not isinstance(trained.avatar, BasisAvatar):
        kind = trained.avatar.shape.deformation
        what = f"variant {variant} has the deformation {kind}: a network is evaluated for each Gaussian, which arrays do not do"
        remedy = f"ask for a variant with `deformation: basis`; the Gaussians of one moment of {variant} can be had as .ply"
        raise UserError(what, clip=clip, remedy=remedy)
    head = views.head.container
    told = {"clip": clip, "variant": variant, "head": head.name, "head_sha256": head.sha256, "licence": head.licence}
    texts = {name: np.array(text) for name, text in told.items()}
    return texts | head_arrays(trained, views) | learned_arrays(trained.avatar) | clip_arrays(trained, views)


def head_arrays(trained: TrainedAvatar, views: ClipViews) -> Arrays:
    """Return the person's head at the vertices that carry Gaussians: rest, displacements, joints, and the binding."""
    corners = views.head.faces[trained.binding.faces]
    used, places = torch.unique(corners, return_inverse=True)
    part = views.head.at(used)
    identity = views.parameters.identity
    return {
        "vertices": plain(part.template + blend_shapes(identity, part.identity)),
        "expression": plain(part.expression),
        "expression_names": np.array(views.head.container.expression_names, np.str_),
        "eyelids": plain(part.eyelids),
        "correctives": plain(part.correctives),
        "skinning": plain(part.weights),
        **joint_arrays(part, identity),
        "corners": plain(places).astype(np.int32),
        "barycentrics": plain(trained.binding.barycentrics),
    }


def joint_arrays(model: HeadModel, identity: Tensor) -> Arrays:
    """Return the joints: names, parents, places in the person at rest, and what expression does to them."""
    return {
        "joint_names": np.array(model.container.joint_names, np.str_),
        "parents": plain(model.parents).astype(np.int32),
        "joints": plain(model.joints + blend_shapes(identity, model.joints_identity)),
        "joints_expression": plain(model.joints_expression),
    }


def learned_arrays(avatar: BasisAvatar) -> Arrays:
    """Return what training found: the Gaussians' raw numbers, the bases in their own units, and the network's layers."""
    deformation = avatar.deformation
    count = len(avatar.gaussians["opacity"])
    bases = deformation.bases.view(-1, count, len(BASIS_UNITS)) * torch.tensor(BASIS_UNITS)
    learned = {name: plain(value) for name, value in avatar.gaussians.items()}
    limits = {"farthest": np.float32(FARTHEST), "largest": np.float32(LARGEST)}
    return learned | {"bases": plain(bases)} | limits | condition_arrays(avatar) | network_arrays(deformation.weights)


def condition_arrays(avatar: BasisAvatar) -> Arrays:
    """Return how the network's input is brought to its range: limits, then middle and unit."""
    return {
        "condition_low": plain(avatar.lowest),
        "condition_high": plain(avatar.highest),
        "condition_mean": plain(avatar.mean),
        "condition_scale": plain(avatar.unit),
    }


def network_arrays(network: nn.Sequential) -> Arrays:
    """Return the layers of a network: ``weights_0``, ``biases_0`` and so on, and what stands between them."""
    layers = [layer for layer in network if isinstance(layer, nn.Linear)]
    (between,) = {ACTIVATIONS[type(layer)] for layer in network if not isinstance(layer, nn.Linear)}
    found = {"activation": np.array(between)}
    for number, layer in enumerate(layers):
        found |= {f"weights_{number}": plain(layer.weight), f"biases_{number}": plain(layer.bias)}
    return found


def clip_arrays(trained: TrainedAvatar, views: ClipViews) -> Arrays:
    """Return the clip's own motion, its camera and its background."""
    cameras = views.cameras
    return {
        "ids": np.array(list(views.rows), np.int64),
        **{f"tracked_{name}": plain(getattr(views.parameters, name)) for name in MOTION},
        "tracked_rotation": plain(cameras.rotation),
        "tracked_translation": plain(cameras.translation),
        "focal": plain(cameras.focal[0]),
        "principal": plain(cameras.principal[0]),
        "size": np.array(cameras.size, np.int64),
        "plate": (plain(trained.plate) * 255).round().astype(np.uint8),
    }


def plain(tensor: Tensor) -> ndarray:
    """Return a tensor as an array of its own."""
    return np.ascontiguousarray(tensor.detach().cpu().numpy())
