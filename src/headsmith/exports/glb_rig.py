"""What moves a head in glTF: morph targets, a skin over the head's joints, and an animation of both.

glTF blends the morph targets first and skins the result (*glTF 2.0 Specification*, sections 3.7.2.2 and 3.7.3), as the head's
own model does. So the animation gives the model's vertices, not something near them:

* expression codes and eyelids are the weights of their targets;
* pose correctives, where the head has any, are targets too: their weights are the entries of ``R_j - I``;
* the model turns each joint about its own place for the frame, so a joint's node carries rotation and translation.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray

from headsmith.exports.glb_file import VERTICES, GlbFile
from headsmith.exports.surface import Seams
from headsmith.heads.model import HeadModel, HeadParameters
from headsmith.maths.rotations import matrix_to_quaternion
from headsmith.maths.skinning import pose_features

EYELIDS: tuple[str, str] = ("eyelidLeft", "eyelidRight")
ENTRIES = tuple(f"{row}{column}" for row in "xyz" for column in "xyz")


@dataclass(frozen=True)
class Motion:
    """What a head does over time.

    Attributes:
        times: Of each key, seconds from 0, ascending.
        parameters: Of each key, float64; the identity has one row.
        pose: Where each key puts the head's own axes: rotation and translation; None leaves them where they are.
    """

    times: Float[ndarray, " T"]
    parameters: HeadParameters
    pose: Float[ndarray, "T 3 4"] | None


@dataclass(frozen=True)
class Targets:
    """Morph targets: displacements of the head's vertices at weight 1, metres."""

    names: tuple[str, ...]
    shifts: Float[ndarray, "M V 3"]
    features: tuple[int, ...]

    def weights(self, model: HeadModel, parameters: HeadParameters) -> Float[ndarray, "T M"]:
        """Return the targets' weights for parameters."""
        features = pose_features(model.rotations(parameters))[..., list(self.features)]
        return torch.cat([parameters.expression, parameters.eyelids, features], -1).numpy()


def morph_targets(model: HeadModel, correctives: bool) -> Targets:
    """Return the targets of a head: its expression codes by name, both eyelids, and the correctives that move anything.

    Args:
        model: The head.
        correctives: Whether pose correctives are wanted: they are for joints that an animation turns.
    """
    head = model.container
    moving = [row for row in range(len(head.correctives) if correctives else 0) if head.correctives[row].any()]
    labels = [f"corrective_{head.joint_names[1 + row // 9]}_{ENTRIES[row % 9]}" for row in moving]
    shifts = np.concatenate([head.expression, head.eyelids, head.correctives[moving]])
    return Targets((*head.expression_names, *EYELIDS, *labels), shifts, tuple(moving))


def add_targets(file: GlbFile, targets: Targets, seams: Seams) -> None:
    """Give the file's mesh its morph targets, at weight 0, with their names where programs look for them."""
    mesh = file.tree["meshes"][0]
    shifts = targets.shifts[:, seams.vertices].astype(np.float32)
    rows = [file.add(shift, bounds=True, target=VERTICES) for shift in shifts]
    mesh["primitives"][0]["targets"] = [{"POSITION": row} for row in rows]
    mesh["weights"] = [0.0] * len(rows)
    mesh["extras"] = mesh.get("extras", {}) | {"targetNames": list(targets.names)}


def add_skin(file: GlbFile, model: HeadModel, places: Float[ndarray, "J 3"], seams: Seams) -> None:
    """Give the file's mesh a skin, and make its nodes: the mesh first, then the joints in the head's order.

    Args:
        file: The file.
        model: The head.
        places: Of the joints at rest, metres.
        seams: The vertices of the mesh.
    """
    head, tree = model.container, file.tree
    attributes = tree["meshes"][0]["primitives"][0]["attributes"]
    for number, (joints, weights) in enumerate(influences(head.weights[seams.vertices])):
        attributes[f"JOINTS_{number}"] = file.add(joints, target=VERTICES)
        attributes[f"WEIGHTS_{number}"] = file.add(weights, target=VERTICES)
    parents = head.parents.tolist()
    offsets = places - np.where(head.parents[:, None] < 0, 0, places[head.parents])
    joints = [{"name": name, "translation": offset.tolist()} for name, offset in zip(head.joint_names, offsets, strict=True)]
    for joint, node in enumerate(joints):
        if children := [1 + child for child, parent in enumerate(parents) if parent == joint]:
            node["children"] = children
    tree["nodes"] = [{"name": "head", "mesh": 0, "skin": 0}, *joints]
    back = np.tile(np.eye(4), (len(places), 1, 1))
    back[:, :3, 3] = -places
    numbers = [1 + joint for joint in range(len(joints))]
    tree["skins"] = [{"joints": numbers, "skeleton": 1, "inverseBindMatrices": file.add(back.astype(np.float32))}]
    tree["scenes"] = [{"nodes": [0, 1]}]


def influences(weights: Float[ndarray, "W J"]) -> list[tuple[ndarray, ndarray]]:
    """Return joints and weights in sets of four, the largest first: as many sets as the fullest vertex needs."""
    order = np.argsort(-weights, 1, kind="stable")
    sorted_weights = np.take_along_axis(weights, order, 1).astype(np.float32)
    sorted_weights /= sorted_weights.sum(1, keepdims=True)
    sets = []
    for start in range(0, max(1, int((sorted_weights > 0).sum(1).max())), 4):
        chosen = sorted_weights[:, start : start + 4]
        spare = ((0, 0), (0, 4 - chosen.shape[1]))
        joints = np.where(chosen > 0, order[:, start : start + 4], 0).astype(np.uint8)
        sets.append((np.pad(joints, spare), np.pad(chosen, spare)))
    return sets


def add_animation(file: GlbFile, model: HeadModel, motion: Motion, targets: Targets, name: str) -> None:
    """Animate the mesh's weights and the joints, linear between keys.

    Args:
        file: With targets and skin.
        model: The head, float64.
        motion: What it does.
        targets: The file's targets.
        name: Of the animation.
    """
    animation = {"name": name, "samplers": [], "channels": []}
    times = file.add(motion.times.astype(np.float32), bounds=True)

    def channel(node: int, path: str, values: ndarray) -> None:
        output = file.add(np.ascontiguousarray(values, np.float32))
        animation["samplers"].append({"input": times, "interpolation": "LINEAR", "output": output})
        animation["channels"].append({"sampler": len(animation["samplers"]) - 1, "target": {"node": node, "path": path}})

    channel(0, "weights", targets.weights(model, motion.parameters).reshape(-1))
    rotations, shifts = joint_motion(model, motion)
    for joint in range(rotations.shape[1]):
        channel(1 + joint, "rotation", rotations[:, joint])
        channel(1 + joint, "translation", shifts[:, joint])
    file.tree["animations"] = [animation]


def joint_motion(model: HeadModel, motion: Motion) -> tuple[Float[ndarray, "T J 4"], Float[ndarray, "T J 3"]]:
    """Return each joint's rotation (quaternion x, y, z, w) and translation against its parent, over time.

    The skin moves a point by ``G_j B_j`` with ``B_j`` the shift by minus the joint's place at rest; the model moves it by
    ``D_j``. So ``G_j = D_j B_j^-1``, and a node is ``G_parent^-1 G_j``.
    """
    moved = model.transforms(motion.parameters).numpy()
    rest = model.places(rest_of(model, motion.parameters)).reshape(-1, 3).numpy()
    moved = np.concatenate([moved[..., :3], moved[..., 3:] + moved[..., :3] @ rest[..., None]], -1)
    if motion.pose is not None:
        turned = motion.pose[:, None, :, :3] @ moved
        turned[..., 3] += motion.pose[:, None, :, 3]
        moved = turned
    local = moved.copy()
    for joint, parent in enumerate(model.parents.tolist()):
        if parent >= 0:
            back = moved[:, parent, :, :3].transpose(0, 2, 1)
            local[:, joint, :, :3] = back @ moved[:, joint, :, :3]
            local[:, joint, :, 3] = np.einsum("tij,tj->ti", back, moved[:, joint, :, 3] - moved[:, parent, :, 3])
    turns = matrix_to_quaternion(torch.from_numpy(np.ascontiguousarray(local[..., :3]))).numpy()
    return continuous(turns)[..., [1, 2, 3, 0]], local[..., 3]


def continuous(quaternions: Float[ndarray, "T J 4"]) -> Float[ndarray, "T J 4"]:
    """Return the same rotations with signs that never take the long way from one key to the next."""
    agree = np.sign((quaternions[1:] * quaternions[:-1]).sum(-1, keepdims=True))
    signs = np.cumprod(np.concatenate([np.ones_like(agree[:1]), np.where(agree < 0, -1.0, 1.0)]), 0)
    return quaternions * signs if len(quaternions) > 1 else quaternions


def rest_of(model: HeadModel, parameters: HeadParameters) -> HeadParameters:
    """Return the person of some parameters at rest: one row."""
    neutral = model.neutral(1)
    return HeadParameters(parameters.identity[:1], *(getattr(neutral, name) for name in PARTS))


PARTS = ("expression", "jaw", "eyes", "eyelids", "neck")
